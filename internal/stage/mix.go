package stage

import (
	"context"
	"encoding/binary"
	"fmt"
	"iter"
	"slices"

	"github.com/datasetmix/datasetmix/internal/contract"
	"github.com/datasetmix/datasetmix/internal/extsort"
	"github.com/datasetmix/datasetmix/internal/mix"
	"github.com/datasetmix/datasetmix/internal/recipe"
	"github.com/datasetmix/datasetmix/internal/store"
)

// mixedName is the mixed file in a mix unit's folder.
const mixedName = "mixed.jsonl"

// holdMemory is the memory, in bytes, for data sets that are small enough to be held while they repeat.
const holdMemory = 32 << 20

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
		rows, err := openRows(folder, name, holdMemory/int64(len(datasets)))
		if err != nil {
			return recipe.Result{}, err
		}
		passes[i], counts[i] = newPasses(rows, j.Recipe.Seed, staging.Folder()), dataset.Rows
		defer passes[i].close()
		if rows.Len() != dataset.Available {
			return recipe.Result{}, contract.Failf(contract.VolumeInvalid, "data set %s: split %s has %d rows on the volume, the plan counted %d",
				dataset.Name, plan.Name, rows.Len(), dataset.Available)
		}
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
	rows   *store.Rows
	seed   int64
	folder string // for scratch files
	pass   int
	at     int64
	places *extsort.Sorter // of the present pass: place in its order → place in the file; nil for the first
	sorted *extsort.Reader
}

// passMemory is the memory, in bytes, for the order of a pass; what does not fit goes through the volume.
const passMemory = 4 << 20

func newPasses(rows *store.Rows, seed int64, folder string) *passes {
	return &passes{rows: rows, seed: seed, folder: folder}
}

func (p *passes) next() ([]byte, error) {
	if p.at == p.rows.Len() {
		p.at = 0
		p.pass++
		if err := p.sort(); err != nil {
			return nil, err
		}
	}
	p.at++
	if p.pass == 0 {
		line, _, err := p.rows.Row(p.at - 1)
		return line, err
	}
	_, value, err := p.sorted.Next()
	if err != nil {
		return nil, store.Failure(err)
	}
	return p.rows.Line(store.Place{Offset: int64(binary.BigEndian.Uint64(value)), Length: int64(binary.BigEndian.Uint64(value[8:]))})
}

// sort makes the order of the present pass: by content; equal contents keep the order of the file.
func (p *passes) sort() (err error) {
	if p.places == nil {
		p.places = extsort.New(p.folder, placeSize, passMemory)
	}
	p.places.Reset()
	key := mix.NewKey(p.seed, fmt.Sprintf("pass/%d", p.pass))
	for i := range p.rows.Len() {
		entry, at, err := p.rows.Find(i)
		if err != nil {
			return err
		}
		place := placeOf(key, entry.Identity)
		var value [16]byte
		binary.BigEndian.PutUint64(value[:], uint64(at.Offset))
		binary.BigEndian.PutUint64(value[8:], uint64(at.Length))
		if err := p.places.Add(place[:], value[:]); err != nil {
			return store.Failure(err)
		}
	}
	p.sorted, err = p.places.Sorted()
	return store.Failure(err)
}

func (p *passes) close() {
	p.rows.Close() // it was only read
	if p.places != nil {
		p.places.Close()
	}
}
