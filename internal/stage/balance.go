package stage

import (
	"context"
	"path/filepath"
	"slices"

	"github.com/datasetmix/datasetmix/internal/contract"
	"github.com/datasetmix/datasetmix/internal/recipe"
	"github.com/datasetmix/datasetmix/internal/store"
)

// balance finds questions that stand in more than one split, in whatever data sets, and drops every copy but those of the
// last declared split that has it: a question that is tested is never trained on. Then it makes the plan of what is left.
func (j job) balance(ctx context.Context, staging *store.Staging) (recipe.Result, error) {
	indexes, err := j.readIndexes()
	if err != nil {
		return recipe.Result{}, err
	}
	last := lastSplits(indexes)
	names := j.Recipe.DatasetNames()
	var done recipe.Balanced
	list := digests{}
	overlap := make([][]int64, len(j.Recipe.Splits))
	for s, split := range j.Recipe.Splits {
		overlap[s] = make([]int64, len(names))
		for d, name := range names {
			if err := ctx.Err(); err != nil {
				return recipe.Result{}, err
			}
			kept := keep(indexes[s][d], s, last)
			if dropped := len(indexes[s][d]) - len(kept); dropped > 0 {
				overlap[s][d] = int64(dropped)
				done.Overlap = overlap
				if list[name+"/"+split.Name+rowSuffix], err = j.filter(staging, split.Name, name, kept); err != nil {
					return recipe.Result{}, err
				}
			}
		}
	}
	plan, err := j.Recipe.Plan(j.Recipe.Counts(j.divided(), done))
	if err != nil {
		return recipe.Result{}, contract.Failf(contract.InfeasibleMix, "%w", err)
	}
	done.Plan = j.Recipe.PlanDigest(plan)
	if err := writeJSON(staging, digestsName, list); err != nil {
		return recipe.Result{}, err
	}
	return recipe.Result{Balance: &done}, writeJSON(staging, "plan.json", plan)
}

// readIndexes reads the index of every split of every data set, data sets sorted by name.
func (j job) readIndexes() ([][][]store.Entry, error) {
	indexes := make([][][]store.Entry, len(j.Recipe.Splits))
	for s, split := range j.Recipe.Splits {
		for _, name := range j.Recipe.DatasetNames() {
			folder, err := j.input(recipe.Divide, name)
			if err != nil {
				return nil, err
			}
			entries, err := store.ReadIndex(filepath.Join(folder, split.Name+idxSuffix))
			if err != nil {
				return nil, err
			}
			indexes[s] = append(indexes[s], entries)
		}
	}
	return indexes, nil
}

// lastSplits maps each question to the last split that has it.
func lastSplits(indexes [][][]store.Entry) map[store.Short]uint8 {
	rows := 0
	for _, split := range indexes {
		for _, entries := range split {
			rows += len(entries)
		}
	}
	last := make(map[store.Short]uint8, rows)
	for s, split := range indexes {
		for _, entries := range split {
			for _, entry := range entries {
				last[entry.Question] = uint8(s)
			}
		}
	}
	return last
}

// keep lists the rows of a split whose questions no later split has.
func keep(entries []store.Entry, split int, last map[store.Short]uint8) []int {
	kept := make([]int, 0, len(entries))
	for i, entry := range entries {
		if int(last[entry.Question]) == split {
			kept = append(kept, i)
		}
	}
	return kept
}

// filter writes a data set's split without the rows that overlap.
func (j job) filter(staging *store.Staging, split, dataset string, kept []int) (written, error) {
	folder, err := j.input(recipe.Divide, dataset)
	if err != nil {
		return written{}, err
	}
	rows, err := openSplit(folder, split+rowSuffix)
	if err != nil {
		return written{}, err
	}
	defer rows.Close()
	path, err := staging.Path(filepath.Join(dataset, split+rowSuffix))
	if err != nil {
		return written{}, err
	}
	return writeRows(path, len(kept), func(i int, _ []byte) ([]byte, store.Entry, error) {
		line, err := rows.Row(kept[i])
		return line, rows.Entries[kept[i]], err
	})
}

// divided are the results of the split stage by data set.
func (j job) divided() map[string]recipe.Divided {
	out := map[string]recipe.Divided{}
	for _, name := range j.Recipe.DatasetNames() {
		out[name] = *j.result(recipe.Divide, name).Split
	}
	return out
}

// processed is where a data set's final rows of a split lie, the unit's folder and the name in it: in the balance unit's where
// that dropped any.
func (j job) processed(split int, dataset string) (folder, name string, err error) {
	name = j.Recipe.Splits[split].Name + rowSuffix
	balanced := j.result(recipe.Balancing, j.Recipe.Name).Balance
	if balanced.Dropped(split, slices.Index(j.Recipe.DatasetNames(), dataset)) > 0 {
		folder, err = j.input(recipe.Balancing, j.Recipe.Name)
		return folder, dataset + "/" + name, err
	}
	folder, err = j.input(recipe.Divide, dataset)
	return folder, name, err
}

func openSplit(folder, name string) (*store.Rows, error) {
	path := filepath.Join(folder, filepath.FromSlash(name))
	return store.OpenRows(path, indexOf(path))
}
