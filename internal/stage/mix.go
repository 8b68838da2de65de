package stage

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"iter"
	"slices"

	"github.com/datasetmix/datasetmix/internal/contract"
	"github.com/datasetmix/datasetmix/internal/mix"
	"github.com/datasetmix/datasetmix/internal/recipe"
	"github.com/datasetmix/datasetmix/internal/store"
)

// mixedName is the mixed file in a mix unit's folder.
const mixedName = "mixed.jsonl"

// contextEvery is how many rows pass between two looks at the context.
const contextEvery = 4096

// mix writes one mixed file: the rows that the plan gives each data set, in the order that the recipe asks for.
func (j job) mix(ctx context.Context, staging *store.Staging) (recipe.Result, error) {
	index := slices.IndexFunc(j.Recipe.Splits, func(s recipe.Split) bool { return s.Name == j.Unit.Name })
	plan, _ := j.graph.Plan.Split(j.Unit.Name)
	datasets := plan.Datasets()
	passes := make([]*passes, len(datasets))
	counts := make([]int64, len(datasets))
	for i, dataset := range datasets {
		folder, name, err := j.processed(index, dataset.Name)
		if err != nil {
			return recipe.Result{}, err
		}
		rows, err := openSplit(folder, name)
		if err != nil {
			return recipe.Result{}, err
		}
		defer rows.Close()
		if int64(len(rows.Entries)) != dataset.Available {
			return recipe.Result{}, contract.Failf(contract.VolumeInvalid, "data set %s: split %s has %d rows on the volume, the plan counted %d",
				dataset.Name, plan.Name, len(rows.Entries), dataset.Available)
		}
		passes[i], counts[i] = newPasses(rows, j.Recipe.Seed), dataset.Rows
	}
	path, err := staging.Path(mixedName)
	if err != nil {
		return recipe.Result{}, err
	}
	mixed, err := writeMix(ctx, path, passes, j.weave(plan.Name, counts))
	if err != nil {
		return recipe.Result{}, err
	}
	if mixed.Rows != plan.Rows {
		return recipe.Result{}, fmt.Errorf("split %s: %d rows written, %d planned", plan.Name, mixed.Rows, plan.Rows)
	}
	return recipe.Result{Mix: &mixed}, nil
}

func (j job) weave(split string, counts []int64) iter.Seq[int] {
	if j.Recipe.Order == recipe.Interleaved {
		return mix.Interleaved(counts)
	}
	return mix.Shuffled(counts, mix.NewKey(j.Recipe.Seed, "weave/"+split))
}

func writeMix(ctx context.Context, path string, datasets []*passes, weave iter.Seq[int]) (recipe.Mixed, error) {
	out, err := store.Create(path)
	if err != nil {
		return recipe.Mixed{}, err
	}
	defer out.Abort()
	var mixed recipe.Mixed
	for next := range weave {
		if mixed.Rows%contextEvery == 0 && ctx.Err() != nil {
			return mixed, ctx.Err()
		}
		line, err := datasets[next].next()
		if err != nil {
			return mixed, err
		}
		if _, err := out.Write(line); err != nil {
			return mixed, err
		}
		mixed.Rows++
	}
	mixed.Bytes = out.Bytes()
	mixed.Digest, err = out.Finish()
	return mixed, err
}

// passes yields a data set's rows for ever: the first pass in the order of the file, each later one in a keyed order of its
// own. So no row is used more than once more often than another, and none comes twice in a pass.
type passes struct {
	rows  *store.Rows
	seed  int64
	pass  int
	at    int
	order []int32 // of the present pass; nil for the first
}

func newPasses(rows *store.Rows, seed int64) *passes { return &passes{rows: rows, seed: seed} }

func (p *passes) next() ([]byte, error) {
	if p.at == len(p.rows.Entries) {
		p.at = 0
		p.pass++
		p.order = passOrder(p.rows.Entries, mix.NewKey(p.seed, fmt.Sprintf("pass/%d", p.pass)))
	}
	i := p.at
	if p.order != nil {
		i = int(p.order[i])
	}
	p.at++
	return p.rows.Row(i)
}

// passOrder is the keyed order of rows by content; equal contents keep the order of the file.
func passOrder(entries []store.Entry, key mix.Key) []int32 {
	type place struct {
		key uint64
		row int32
	}
	places := make([]place, len(entries))
	for i := range entries {
		places[i] = place{key.Of(entries[i].Identity[:]), int32(i)}
	}
	slices.SortFunc(places, func(a, b place) int {
		return cmp.Or(cmp.Compare(a.key, b.key), bytes.Compare(entries[a.row].Identity[:], entries[b.row].Identity[:]), cmp.Compare(a.row, b.row))
	})
	order := make([]int32, len(places))
	for i, p := range places {
		order[i] = p.row
	}
	return order
}
