package recipe

// Result is what one finished unit of a stage reports: exactly one field is set. A result is a fact about its key: whoever
// builds the same key gets the same result.
type Result struct {
	Download *Downloaded `json:"download,omitempty"`
	Split    *Divided    `json:"split,omitempty"`
	Balance  *Balanced   `json:"balance,omitempty"`
	Mix      *Mixed      `json:"mix,omitempty"`
	Publish  *Published  `json:"publish,omitempty"`
}

// Downloaded are a data set's originals on the volume.
type Downloaded struct {
	// Revision that the source resolved to: a commit, or empty where the source has none.
	Revision string `json:"revision,omitempty"`
	// License as the source states it; empty when it states none.
	License string `json:"license,omitempty"`
	Files   int    `json:"files"`
	Bytes   int64  `json:"bytes"`
	// Digest over the files' sizes and SHA-256 in row order, not over their names.
	Digest string `json:"digest"`
}

// Divided is a data set in the unified format, divided into splits.
type Divided struct {
	// Read are the rows of the originals.
	Read int64 `json:"read"`
	// Dropped are the rows that were left out, by reason.
	Dropped map[string]int64 `json:"dropped,omitempty"`
	// Rows per split, in the order of declaration.
	Rows []int64 `json:"rows"`
	// Bytes of the file of all rows.
	Bytes int64 `json:"bytes"`
	// Digest over the SHA-256 of the file of all rows and of each split's file.
	Digest string `json:"digest"`
}

// DroppedRows are those left out for any reason.
func (d Divided) DroppedRows() int64 {
	var rows int64
	for _, n := range d.Dropped {
		rows += n
	}
	return rows
}

// Balanced is what is left of every data set once equal questions lie on one side only.
type Balanced struct {
	// Overlap holds, per split in the order of declaration and per data set sorted by name, the rows dropped because a later
	// split holds the same question; nil where nothing was dropped.
	Overlap [][]int64 `json:"overlap,omitempty"`
	// Plan is the digest of the plan of the rows that are left.
	Plan string `json:"plan"`
}

// Mixed is one mixed file.
type Mixed struct {
	Rows  int64 `json:"rows"`
	Bytes int64 `json:"bytes"`
	// Digest is the file's SHA-256.
	Digest string `json:"digest"`
}

// Published is a revision on the volume.
type Published struct {
	Revision string `json:"revision"`
	// Digest is the SHA-256 of manifest.json, which lists every other file with its own.
	Digest string `json:"digest"`
	// Bytes of all files of the revision.
	Bytes int64 `json:"bytes"`
	Files int   `json:"files"`
}

// Counts are the rows that every data set has left per split, once the overlap is dropped.
func (r Recipe) Counts(divided map[string]Divided, balanced Balanced) Counts {
	counts := Counts{}
	for i, name := range r.DatasetNames() {
		rows := append([]int64(nil), divided[name].Rows...)
		for s := range rows {
			if balanced.Overlap != nil {
				rows[s] -= balanced.Overlap[s][i]
			}
		}
		counts[name] = rows
	}
	return counts
}
