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

	// unique is the number of distinct rows. With spec.resample WithReplacement it is known once the mixed files are built.
	//
	// +optional
	// +kubebuilder:validation:Minimum=0
	Unique *int64 `json:"unique,omitempty"`

	// units is the number of bytes or tokens of the rows, if spec.unit is Bytes or Tokens, once the mixed files are built.
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

	// units is the number of bytes or tokens of these rows, if spec.unit is Bytes or Tokens, once the mixed files are built.
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

	// achievedMilli is the share that the rows have, measured in spec.unit, in thousandths, rounded to the nearest. If
	// spec.unit is Bytes or Tokens, it is known once the mixed files are built.
	//
	// +optional
	// +kubebuilder:validation:Minimum=0
	// +kubebuilder:validation:Maximum=1000
	AchievedMilli *int32 `json:"achievedMilli,omitempty"`
}

// DatasetStatus has the source and the counts of one data set.
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

	// source is the state that the data set's source was resolved to, once it is downloaded.
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

	// badRows has the first rows that were skipped because they could not be read or mapped, each with its place and the reason,
	// if the data set's onBadRow is Skip. At most 8; dropped has the number of all.
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

// SourceStatus is the state that a source was resolved to. The revision's lock.json has it in full for every source.
//
// +kubebuilder:validation:MinProperties=1
type SourceStatus struct {
	// request is the source as the spec has it, in short: its kind, its place and its revision.
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

	// license of the data set in its card, for a source that has a card.
	//
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=200
	License string `json:"license,omitempty"`

	// files are the first files of the source, in row order, at most 8. fileCount is the number of all files.
	//
	// +optional
	// +listType=atomic
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=8
	Files []SourceFile `json:"files,omitempty"`

	// fileCount is the number of files of the source.
	//
	// +optional
	// +kubebuilder:validation:Minimum=0
	FileCount *int32 `json:"fileCount,omitempty"`

	// bytes of all files as they were downloaded.
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
	// path of the file at the source; only its end if it is long.
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

// BadRow is the place of a row that was skipped, and the reason. A longer text is cut.
//
// +kubebuilder:validation:MinLength=1
// +kubebuilder:validation:MaxLength=256
type BadRow string

// DroppedRows is the number of rows that were dropped for one reason.
type DroppedRows struct {
	// reason why the rows were dropped: where (the record's where does not keep them), contaminated or contaminated-ngrams (a source
	// to decontaminate against has the same question, or overlaps it), unmappable (an expression of the record fails for them),
	// no-answer, not-a-number (a numeric answer that is no number), or a defect: malformed, invalid-utf8, duplicate-name,
	// missing-field, wrong-shape or too-long.
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

	// balanced is the number of rows of the data set after balancing within its domain, repeats included.
	//
	// +optional
	// +kubebuilder:validation:Minimum=0
	Balanced *int64 `json:"balanced,omitempty"`

	// mixed is the number of rows of the mixed split that are from the data set, repeats included.
	//
	// +optional
	// +kubebuilder:validation:Minimum=0
	Mixed *int64 `json:"mixed,omitempty"`

	// unique is the number of distinct rows among the mixed rows. With spec.resample WithReplacement, unique and maxRepeats are
	// known once the mixed files are built.
	//
	// +optional
	// +kubebuilder:validation:Minimum=0
	Unique *int64 `json:"unique,omitempty"`

	// maxRepeats is how often the most frequent row of the data set appears in the mixed split.
	//
	// +optional
	// +kubebuilder:validation:Minimum=0
	MaxRepeats *int64 `json:"maxRepeats,omitempty"`

	// overlap is the number of rows that were left out because a later split, of this or of another data set, has the same question.
	//
	// +optional
	// +kubebuilder:validation:Minimum=0
	Overlap *int64 `json:"overlap,omitempty"`

	// variants is the number of rows, left out or not, whose question is the same as that of another row of the mix but written in
	// another way, if spec.compare is Normalized. Among rows with the same question, the first is the one in the last split and the
	// data set whose name sorts first; rows that are written differently from it are counted.
	//
	// +optional
	// +kubebuilder:validation:Minimum=0
	Variants *int64 `json:"variants,omitempty"`

	// duplicates is the number of rows that were left out because the split has a row with the same question and reference answer, if
	// spec.duplicates is Drop.
	//
	// +optional
	// +kubebuilder:validation:Minimum=0
	Duplicates *int64 `json:"duplicates,omitempty"`

	// nearDuplicates is the number of rows that were left out because a later split, of this or of another data set, has nearly the
	// same question, if spec.nearDuplicates is set.
	//
	// +optional
	// +kubebuilder:validation:Minimum=0
	NearDuplicates *int64 `json:"nearDuplicates,omitempty"`

	// units is the number of bytes or tokens of the mixed rows, if spec.unit is Bytes or Tokens, once the mixed files are built.
	//
	// +optional
	// +kubebuilder:validation:Minimum=0
	Units *int64 `json:"units,omitempty"`
}
