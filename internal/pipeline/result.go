package pipeline

// Result is what one finished unit of a stage reports: exactly one field is set. A result is a fact about its key: whoever
// builds the same key gets the same result.
type Result struct {
	Download *DownloadResult `json:"download,omitempty"`
	Split    *SplitResult    `json:"split,omitempty"`
	Balance  *BalanceResult  `json:"balance,omitempty"`
	Mix      *MixResult      `json:"mix,omitempty"`
	Publish  *PublishResult  `json:"publish,omitempty"`
}

// DownloadResult are a data set's originals on the volume.
type DownloadResult struct {
	// Revision that the source resolved to: a commit, or empty where the source has none.
	Revision string `json:"revision,omitempty"`
	// License as the source states it; empty when it states none.
	License string `json:"license,omitempty"`
	Files   int    `json:"files"`
	Bytes   int64  `json:"bytes"`
	// Digest over the files' sizes and SHA-256 in row order, not over their names.
	Digest string `json:"digest"`
	// Names is the SHA-256 over the names of the files in row order, where the source's Names is set; else empty.
	Names string `json:"names,omitempty"`
	// Listed are the first files, for people to read; of a long path, its end. Like all names of files, they are in no key and no manifest.
	Listed []OriginalFile `json:"listed,omitempty"`
}

// Content returns the result without what is only for people to read.
func (r Result) Content() Result {
	if r.Split != nil {
		done := *r.Split
		done.Groups, done.LargestGroup = 0, 0
		r.Split = &done
	}
	if r.Download != nil && r.Download.Listed != nil {
		done := *r.Download
		done.Listed = nil
		r.Download = &done
	}
	return r
}

// SplitResult is a data set in the unified format, divided into splits.
type SplitResult struct {
	// Read are the rows of the originals.
	Read int64 `json:"read"`
	// Dropped are the rows that were left out, by reason.
	Dropped map[string]int64 `json:"dropped,omitempty"`
	// Bad names the first few rows that were skipped because they were bad, each with its place and the reason.
	Bad []string `json:"bad,omitempty"`
	// Rows per split, in the order of declaration.
	Rows []int64 `json:"rows"`
	// Units are the bytes or tokens of those rows, per split; absent where shares are measured in rows.
	Units []int64 `json:"units,omitempty"`
	// Bytes of the file of all rows.
	Bytes int64 `json:"bytes"`
	// Digest over the SHA-256 of the file of all rows and of each split's file.
	Digest string `json:"digest"`
	// Groups is the number of groups of rows that stay in one split, and LargestGroup the rows of the largest, for people to read: they are in no
	// key and no manifest. 0 means not known.
	Groups       int64 `json:"groups,omitempty"`
	LargestGroup int64 `json:"largestGroup,omitempty"`
}

// DroppedRows returns those left out for any reason.
func (d SplitResult) DroppedRows() int64 {
	var rows int64
	for _, n := range d.Dropped {
		rows += n
	}
	return rows
}

// BalanceResult is what is left of every data set once no question is in two splits.
type BalanceResult struct {
	// Overlap are the rows dropped because a later split holds the same question.
	Overlap DroppedRows `json:"overlap,omitempty"`
	// Duplicates are the rows dropped because the split has another row with the same question and answer.
	Duplicates DroppedRows `json:"duplicates,omitempty"`
	// NearDuplicates are the rows dropped because a later split has nearly the same question.
	NearDuplicates DroppedRows `json:"nearDuplicates,omitempty"`
	// Variants are the rows, dropped or not, whose question is that of a row before them but for the way in which it is written;
	// nil without any. (The last split comes first, its data sets by name, their rows in order.)
	Variants DroppedRows `json:"variants,omitempty"`
	// Units are the bytes or tokens of the rows that are left, per split and data set; absent where shares are measured in rows.
	Units [][]int64 `json:"units,omitempty"`
	// Plan is the digest of the plan of the rows that are left.
	Plan string `json:"plan"`
}

// DroppedRows are numbers of rows, mostly of dropped ones, per split in the order of declaration and per data set sorted by name;
// nil where nothing was dropped.
type DroppedRows [][]int64

// Of returns the number of a split and a data set.
func (d DroppedRows) Of(split, dataset int) int64 {
	if d == nil {
		return 0
	}
	return d[split][dataset]
}

// Total returns the sum over all splits and data sets.
func (d DroppedRows) Total() int64 {
	var rows int64
	for _, split := range d {
		for _, n := range split {
			rows += n
		}
	}
	return rows
}

// DropReason is why the balance stage drops a row. Of several reasons the first counts.
type DropReason int

// The reasons, in the order of their tables.
const (
	Overlap DropReason = iota
	Duplicate
	NearDuplicate
	dropReasons
)

// DropReasons returns all reasons.
func DropReasons() []DropReason { return []DropReason{Overlap, Duplicate, NearDuplicate} }

// String returns the word in lists of dropped rows.
func (r DropReason) String() string {
	return [dropReasons]string{"overlap", "duplicate", "nearDuplicate"}[r]
}

// For returns the table of a reason.
func (b *BalanceResult) For(reason DropReason) *DroppedRows {
	return [dropReasons]*DroppedRows{&b.Overlap, &b.Duplicates, &b.NearDuplicates}[reason]
}

// NewDroppedRows returns a table of zeros.
func NewDroppedRows(splits, datasets int) DroppedRows {
	table := make(DroppedRows, splits)
	for s := range table {
		table[s] = make([]int64, datasets)
	}
	return table
}

// DroppedTotal returns the rows of all data sets and splits that were dropped for any reason.
func (b BalanceResult) DroppedTotal() int64 {
	var rows int64
	for _, reason := range DropReasons() {
		rows += b.For(reason).Total()
	}
	return rows
}

// Dropped returns a data set's rows of a split that were dropped for any reason.
func (b BalanceResult) Dropped(split, dataset int) int64 {
	var rows int64
	for _, reason := range DropReasons() {
		rows += b.For(reason).Of(split, dataset)
	}
	return rows
}

// MixResult is one mixed file.
type MixResult struct {
	Rows  int64 `json:"rows"`
	Bytes int64 `json:"bytes"`
	// Digest is the file's SHA-256.
	Digest string `json:"digest"`
	// Datasets are the numbers of each data set that only the finished rows show, sorted by name; absent where shares are measured in rows and
	// rows are used in passes, since then the plan has all numbers.
	Datasets []MixedDataset `json:"datasets,omitempty"`
}

// MixedDataset is one data set's part of a mixed file, and of its split.
type MixedDataset struct {
	// Unique are its different rows in the whole split, and MaxRepeats is how often the most frequent one appears there. Numbers of single
	// shards could not be added up. The rows that are drawn follow from the seed, so every shard of a split reports the same.
	Unique     int64 `json:"unique"`
	MaxRepeats int64 `json:"maxRepeats"`
	// Units are the bytes or tokens of its rows in this file.
	Units int64 `json:"units,omitempty"`
}

// PublishResult is a revision on the volume.
type PublishResult struct {
	Revision string `json:"revision"`
	// Digest is the SHA-256 of manifest.json, which lists every other file with its own.
	Digest string `json:"digest"`
	// Bytes of all files of the revision.
	Bytes int64 `json:"bytes"`
	Files int   `json:"files"`
}

// Only reports whether the result is one of a stage and holds nothing of another.
func (r Result) Only(stage Stage) bool {
	held := 0
	for _, there := range []bool{r.Download != nil, r.Split != nil, r.Balance != nil, r.Mix != nil, r.Publish != nil} {
		if there {
			held++
		}
	}
	return held == 1 && r.is(stage)
}

// OriginalFile is one file of a source.
type OriginalFile struct {
	Path   string `json:"path"`
	Size   int64  `json:"size"`
	SHA256 string `json:"sha256"`
}
