package stage

import (
	"errors"
	"io/fs"

	"github.com/datasetmix/datasetmix/internal/pipeline"
	"github.com/datasetmix/datasetmix/internal/revision"
	"github.com/datasetmix/datasetmix/internal/store"
)

// comparedName is the file of a balance unit's folder that says which comparison of rows the unit holds.
const comparedName = "compared.json"

type compared struct {
	// Comparison is the key of what was found by comparing rows.
	Comparison string `json:"comparison"`
}

// reuse copies what was dropped from an earlier unit that has compared the same rows in the same way, and reports whether there is one: after a
// change of shares or sizes, only the plan differs.
func (b *balancer) reuse(key string) (bool, error) {
	if b.job.again != "" {
		return false, nil
	}
	all, units, err := newestFirst(b.job, pipeline.StageBalance)
	if err != nil {
		return false, err
	}
	for _, unit := range units {
		folder := all.Join(unit)
		var of compared
		if err := store.ReadJSON(folder.Join(comparedName), &of); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return false, err
		}
		if of.Comparison == key {
			return true, b.take(folder)
		}
	}
	return false, nil
}

// take copies what a finished unit dropped.
func (b *balancer) take(folder store.Path) error {
	if err := store.Touch(folder); err != nil { // so that no publication removes it meanwhile
		return err
	}
	var result pipeline.Result
	err := store.ReadJSON(folder.Join(revision.ResultFile), &result)
	if err != nil {
		return store.UnreadableError(err)
	}
	b.done = *result.Balance
	if b.list, err = readDigests(folder); err != nil {
		return err
	}
	for name := range b.list {
		files := []string{name}
		if name != droppedName {
			files = append(files, indexOf(name))
			if _, err := folder.Join(statisticsOf(name)).Lstat(); err == nil { // units of earlier releases have none
				files = append(files, statisticsOf(name))
			}
		}
		for _, file := range files {
			if err := b.staging.Link(folder.Join(file), file); err != nil {
				return err
			}
		}
	}
	return nil
}
