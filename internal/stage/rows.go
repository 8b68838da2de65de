package stage

import (
	"github.com/datasetmix/datasetmix/internal/filewriter"
	"github.com/datasetmix/datasetmix/internal/rowfile"
	"github.com/datasetmix/datasetmix/internal/store"
)

// Files of rows in a unit's folder: the rows of a split, their index, and their questions, sorted, to find equal ones by.
const (
	rowSuffix      = ".jsonl"
	idxSuffix      = ".idx"
	questionSuffix = ".questions"
)

// indexOf returns the name of the index of a file of rows.
func indexOf(name string) string { return name[:len(name)-len(rowSuffix)] + idxSuffix }

// createFile begins a large file in a unit's folder.
func createFile(staging *store.Staging, name string) (*filewriter.Writer, error) {
	path, err := staging.Path(name)
	if err != nil {
		return nil, err
	}
	return filewriter.Create(path)
}

// createRows begins a file of rows in a unit's folder.
func createRows(staging *store.Staging, name string) (*rowfile.Writer, error) {
	path, err := staging.Path(name)
	if err != nil {
		return nil, err
	}
	return rowfile.Create(path, path.Dir().Join(indexOf(path.Base())))
}

// openRows opens a file of rows of a finished unit.
func openRows(folder store.Path, name string, hold int64) (*rowfile.Rows, error) {
	return rowfile.Open(folder.Join(name), folder.Join(indexOf(name)), hold)
}
