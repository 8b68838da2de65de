package v1alpha1

// Compare defines when two questions are the same.
//
// +kubebuilder:validation:Enum=Normalized;Exact
type Compare string

// The values of compare.
const (
	// CompareNormalized ignores differences of writing, such as case and white space.
	CompareNormalized Compare = "Normalized"
	// CompareExact compares every byte.
	CompareExact Compare = "Exact"
)

// Duplicates defines the handling of rows of one split with the same question and reference answer.
//
// +kubebuilder:validation:Enum=Keep;Drop
type Duplicates string

// The values of duplicates.
const (
	// DuplicatesKeep keeps all of them.
	DuplicatesKeep Duplicates = "Keep"
	// DuplicatesDrop keeps one of them.
	DuplicatesDrop Duplicates = "Drop"
)

// NearDuplicates defines which questions are nearly the same. They are found by MinHash: a question has a signature of bands times
// rows numbers, the smallest hashes of its n-grams of words. Questions whose signatures agree in one band are compared, and are nearly
// the same if at least percent of the numbers agree.
type NearDuplicates struct {
	// words is the number of words of an n-gram. In languages without spaces between words, each character is one. At least 1, at
	// most 50. Unset is 5.
	//
	// +optional
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=50
	Words int32 `json:"words,omitempty"`

	// bands is the number of bands of a signature: with more bands, fewer near duplicates are missed, and more pairs are
	// compared. At least 1, at most 64. Unset is 20.
	//
	// +optional
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=64
	Bands int32 `json:"bands,omitempty"`

	// rows is the number of numbers in a band: with more rows, fewer pairs are compared, and more near duplicates are missed. At least
	// 1, at most 32. Unset is 5. With 5 rows and 20 bands, about 4 of 10,000 pairs at 80 percent are missed.
	//
	// +optional
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=32
	Rows int32 `json:"rows,omitempty"`

	// percent of the numbers of two signatures that have to agree, which is about the percentage of all n-grams of both
	// questions that are in both. 80 is usual. At least 1, at most 100.
	//
	// +required
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=100
	Percent int32 `json:"percent,omitempty"`
}

// Decontaminate names sources whose questions may be in no split. A row is dropped if its question is one of theirs, regardless of case,
// punctuation and spaces, or shares enough n-grams with one.
type Decontaminate struct {
	// against are the sources. At least 1, at most 16. Their order does not matter, and their rows are in no published file.
	//
	// +required
	// +listType=map
	// +listMapKey=name
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=16
	Against []Probe `json:"against,omitempty"`

	// ngrams also drops rows that share n-grams of words with the questions. Unset drops only rows with the same question.
	//
	// +optional
	NGrams *NGrams `json:"ngrams,omitempty"`
}

// Probe is a source of questions that may be in no split.
//
// +kubebuilder:validation:XValidation:rule="has(self.preset) != has(self.question)",message="A source to decontaminate against must have exactly one of preset and question."
type Probe struct {
	// name of the source, unique among the data sets and the other sources of the mix. Dropped rows are counted under it.
	//
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=40
	// +kubebuilder:validation:Pattern=`^[a-z0-9]([-a-z0-9]*[a-z0-9])?$`
	Name string `json:"name,omitempty"`

	// source defines where the files come from.
	//
	// +required
	Source Source `json:"source,omitzero"`

	// read defines how the files are read. Unset detects it from their content, and fails on a row that cannot be read.
	//
	// +optional
	Read *Read `json:"read,omitempty"`

	// preset names a mapping for a well-known data set, whose question is used; docs/presets.md has their expressions.
	// Unset if question is set.
	//
	// +optional
	Preset Preset `json:"preset,omitempty"`

	// question is the expression of the question of a row, for example row.problem. 1 to 1024 characters. Unset with a
	// preset.
	//
	// +optional
	Question Expression `json:"question,omitempty"`
}

// NGrams is an overlap of n-grams of words.
type NGrams struct {
	// words is the number of words of an n-gram. 13 is usual: shorter ones are shared by chance. At least 2, at most 50.
	//
	// +required
	// +kubebuilder:validation:Minimum=2
	// +kubebuilder:validation:Maximum=50
	Words int32 `json:"words,omitempty"`

	// percent of a row's n-grams that have to be among those of the sources' questions for the row to be dropped. At least 1,
	// at most 100.
	//
	// +required
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=100
	Percent int32 `json:"percent,omitempty"`
}
