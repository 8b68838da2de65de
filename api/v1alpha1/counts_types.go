package v1alpha1

// SplitStatus is the size of one mixed split.
type SplitStatus struct {
	// name of the split.
	//
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=40
	Name string `json:"name,omitempty"`

	// rows of the mixed split, repeats included.
	//
	// +required
	// +kubebuilder:validation:Minimum=0
	Rows *int64 `json:"rows,omitempty"`

	// unique is how many of the rows are distinct. With spec.resample WithReplacement it is known once the mixed files are
	// made.
	//
	// +optional
	// +kubebuilder:validation:Minimum=0
	Unique *int64 `json:"unique,omitempty"`

	// units is how many bytes or tokens the rows have, where spec.unit is Bytes or Tokens, once the mixed files are made.
	//
	// +optional
	// +kubebuilder:validation:Minimum=0
	Units *int64 `json:"units,omitempty"`
}

// DomainStatus is one domain's part of the mixed splits.
type DomainStatus struct {
	// name of the domain.
	//
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=40
	Name string `json:"name,omitempty"`

	// splits has the domain's part of each mixed split.
	//
	// +optional
	// +listType=map
	// +listMapKey=name
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=8
	Splits []DomainSplitStatus `json:"splits,omitempty"`
}

// DomainSplitStatus is one domain's part of one mixed split.
type DomainSplitStatus struct {
	// name of the split.
	//
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=40
	Name string `json:"name,omitempty"`

	// rows of the domain in the mixed split, repeats included.
	//
	// +required
	// +kubebuilder:validation:Minimum=0
	Rows *int64 `json:"rows,omitempty"`

	// units is how many bytes or tokens these rows have, where spec.unit is Bytes or Tokens, once the mixed files are made.
	//
	// +optional
	// +kubebuilder:validation:Minimum=0
	Units *int64 `json:"units,omitempty"`

	// targetMilli is the share that the spec asks for, in thousandths, rounded to the nearest.
	//
	// +required
	// +kubebuilder:validation:Minimum=0
	// +kubebuilder:validation:Maximum=1000
	TargetMilli *int32 `json:"targetMilli,omitempty"`

	// achievedMilli is the share that the rows have, measured in spec.unit, in thousandths, rounded to the nearest. Where
	// spec.unit is Bytes or Tokens it is known once the mixed files are made.
	//
	// +optional
	// +kubebuilder:validation:Minimum=0
	// +kubebuilder:validation:Maximum=1000
	AchievedMilli *int32 `json:"achievedMilli,omitempty"`
}

// DatasetStatus is what became of one data set.
type DatasetStatus struct {
	// name of the data set.
	//
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=40
	Name string `json:"name,omitempty"`

	// domain of the data set.
	//
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=40
	Domain string `json:"domain,omitempty"`

	// source is what the data set's source was resolved to, once it is downloaded.
	//
	// +optional
	Source *SourceStatus `json:"source,omitempty"`

	// rows of the data set that were kept, that is, divided among the splits.
	//
	// +optional
	// +kubebuilder:validation:Minimum=0
	Rows *int64 `json:"rows,omitempty"`

	// dropped has the rows that were not kept, by reason, sorted by reason.
	//
	// +optional
	// +listType=map
	// +listMapKey=reason
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=16
	Dropped []DroppedRows `json:"dropped,omitempty"`

	// badRows names the first rows that were skipped because they could not be read or mapped, each with its place and the
	// reason, where the data set's onBadRow is Skip. At most 8; dropped has their number.
	//
	// +optional
	// +listType=atomic
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=8
	BadRows []BadRow `json:"badRows,omitempty"`

	// splits has the data set's part of each split.
	//
	// +optional
	// +listType=map
	// +listMapKey=name
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=8
	Splits []DatasetSplitStatus `json:"splits,omitempty"`
}

// SourceStatus is what a source was resolved to. The revision's lock.json has all of it for every source.
//
// +kubebuilder:validation:MinProperties=1
type SourceStatus struct {
	// request is what was asked for, in short: the kind of the source, its place and its revision.
	//
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=256
	Request string `json:"request,omitempty"`

	// revision is the commit that the source's revision was resolved to, for a source that has revisions.
	//
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=200
	Revision string `json:"revision,omitempty"`

	// license of the data set as its card says, for a source that has a card.
	//
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=200
	License string `json:"license,omitempty"`

	// files are the first files that were taken, in row order, at most 8. fileCount is the number of all of them.
	//
	// +optional
	// +listType=atomic
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=8
	Files []SourceFile `json:"files,omitempty"`

	// fileCount is how many files were taken.
	//
	// +optional
	// +kubebuilder:validation:Minimum=0
	FileCount *int32 `json:"fileCount,omitempty"`

	// bytes of all files as they came.
	//
	// +optional
	// +kubebuilder:validation:Minimum=0
	Bytes *int64 `json:"bytes,omitempty"`

	// digest over sizes and contents of all files in row order, SHA-256 in hex: what expect.sha256 is compared with.
	//
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=80
	Digest string `json:"digest,omitempty"`

	// rows of the source, before any was left out, once they are counted: what expect.rows is compared with.
	//
	// +optional
	// +kubebuilder:validation:Minimum=0
	Rows *int64 `json:"rows,omitempty"`
}

// SourceFile is one file of a source.
type SourceFile struct {
	// path at the source; of a long one, its end.
	//
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=256
	Path string `json:"path,omitempty"`

	// bytes of the file.
	//
	// +required
	// +kubebuilder:validation:Minimum=0
	Bytes *int64 `json:"bytes,omitempty"`

	// sha256 of the file in lower-case hex.
	//
	// +required
	// +kubebuilder:validation:MinLength=64
	// +kubebuilder:validation:MaxLength=64
	SHA256 string `json:"sha256,omitempty"`
}

// BadRow names a row that was skipped: its place and the reason. What is longer is cut.
//
// +kubebuilder:validation:MinLength=1
// +kubebuilder:validation:MaxLength=256
type BadRow string

// DroppedRows is how many rows were dropped for one reason.
type DroppedRows struct {
	// reason why the rows were dropped: where (the record does not keep them), contaminated or contaminated-ngrams (a source to
	// decontaminate against has the same question, or overlaps it), unmappable (the record can make nothing of them), no-answer,
	// not-a-number (of a numeric answer), or what is wrong with them: malformed, invalid-utf8, duplicate-name, missing-field, wrong-shape or too-long.
	//
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=64
	Reason string `json:"reason,omitempty"`

	// rows that were dropped.
	//
	// +required
	// +kubebuilder:validation:Minimum=0
	Rows *int64 `json:"rows,omitempty"`
}

// DatasetSplitStatus is one data set's part of one split.
type DatasetSplitStatus struct {
	// name of the split.
	//
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=40
	Name string `json:"name,omitempty"`

	// rows of the data set that are in the split.
	//
	// +required
	// +kubebuilder:validation:Minimum=0
	Rows *int64 `json:"rows,omitempty"`

	// balanced is how many rows the data set has after balancing within its domain, repeats included.
	//
	// +optional
	// +kubebuilder:validation:Minimum=0
	Balanced *int64 `json:"balanced,omitempty"`

	// mixed is how many rows of the mixed split are of the data set, repeats included.
	//
	// +optional
	// +kubebuilder:validation:Minimum=0
	Mixed *int64 `json:"mixed,omitempty"`

	// unique is how many of the mixed rows are distinct. With spec.resample WithReplacement it is known once the mixed files
	// are made, and so is maxRepeats.
	//
	// +optional
	// +kubebuilder:validation:Minimum=0
	Unique *int64 `json:"unique,omitempty"`

	// maxRepeats is how often the most frequent row of the data set appears in the mixed split.
	//
	// +optional
	// +kubebuilder:validation:Minimum=0
	MaxRepeats *int64 `json:"maxRepeats,omitempty"`

	// overlap is how many rows were left out because a later split, of this or of another data set, has the same question.
	//
	// +optional
	// +kubebuilder:validation:Minimum=0
	Overlap *int64 `json:"overlap,omitempty"`

	// variants is how many rows, left out or not, have the question of another row of the mix but for the way in which it is
	// written, where spec.compare is Normalized. Of the rows with one question, those are counted that are not written like the
	// first: of the last split, of the data set whose name sorts first.
	//
	// +optional
	// +kubebuilder:validation:Minimum=0
	Variants *int64 `json:"variants,omitempty"`

	// duplicates is how many rows were left out because the split has a row with the same question and reference answer, where
	// spec.duplicates is Drop.
	//
	// +optional
	// +kubebuilder:validation:Minimum=0
	Duplicates *int64 `json:"duplicates,omitempty"`

	// nearDuplicates is how many rows were left out because a later split, of this or of another data set, has nearly the same
	// question, where spec.nearDuplicates is set.
	//
	// +optional
	// +kubebuilder:validation:Minimum=0
	NearDuplicates *int64 `json:"nearDuplicates,omitempty"`

	// units is how many bytes or tokens the mixed rows have, where spec.unit is Bytes or Tokens, once the mixed files are made.
	//
	// +optional
	// +kubebuilder:validation:Minimum=0
	Units *int64 `json:"units,omitempty"`
}
