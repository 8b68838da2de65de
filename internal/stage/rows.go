package stage

import (
	"path/filepath"

	"github.com/datasetmix/datasetmix/internal/store"
)

// Files of rows in a unit's folder: the rows of a split, their index, and their questions, sorted, to find equal ones by.
const (
	rowSuffix      = ".jsonl"
	idxSuffix      = ".idx"
	questionSuffix = ".questions"
)

// indexOf is the name of the index of a file of rows.
func indexOf(path string) string { return path[:len(path)-len(rowSuffix)] + idxSuffix }

// createRows begins a file of rows in a unit's folder.
func createRows(staging *store.Staging, name string) (*store.RowsWriter, error) {
	path, err := staging.Path(name)
	if err != nil {
		return nil, err
	}
	return store.CreateRows(path, indexOf(path))
}

// openRows opens a file of rows of a finished unit.
func openRows(folder, name string, hold int64) (*store.Rows, error) {
	path := filepath.Join(folder, filepath.FromSlash(name))
	return store.OpenRows(path, indexOf(path), hold)
}
