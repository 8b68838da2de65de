package stage

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"io"

	"github.com/datasetmix/datasetmix/internal/extsort"
	"github.com/datasetmix/datasetmix/internal/mix"
	"github.com/datasetmix/datasetmix/internal/recipe"
	"github.com/datasetmix/datasetmix/internal/record"
	"github.com/datasetmix/datasetmix/internal/store"
)

// Memory of the sorters of one data set, in bytes; what does not fit goes through the volume.
const (
	rowMemory      = 32 << 20
	groupMemory    = 4 << 20
	questionMemory = 3 << 20
)

// shortSize is the length of a digest that tells contents apart.
const shortSize = mix.ContentSize

// divider divides the rows of one data set among the splits, in bounded memory: it sorts the places of all groups to find
// where the splits border on one another, and all rows, whole, by the order in which they stand in their files.
type divider struct {
	recipe   recipe.Recipe
	groupKey mix.Key
	orderKey mix.Key
	rows     *extsort.Sorter // place in the order → rowHead, line
	groups   *extsort.Sorter // place of the group, of every row
}

func newDivider(folder store.Path, r recipe.Recipe) *divider {
	return &divider{
		recipe: r, groupKey: mix.NewKey(r.Seed, "split"), orderKey: mix.NewKey(r.Seed, "order"),
		rows: extsort.New(folder.Scratch, len(mix.Place{}), rowMemory), groups: extsort.New(folder.Scratch, len(mix.Place{}), groupMemory),
	}
}

func (d *divider) close() {
	d.rows.Close() // scratch files: nobody reads them again
	d.groups.Close()
}

// rowHead is what a row is known by besides its line.
type rowHead struct {
	group    mix.Place
	question store.Short
	pair     store.Short
	units    int64
}

// rowHeadSize is the length of an encoded rowHead, placeSize that of the place in it.
const (
	placeSize   = len(mix.Place{})
	rowHeadSize = placeSize + 2*shortSize + 8
)

func (h *rowHead) append(dst []byte) []byte {
	dst = append(append(append(dst, h.group[:]...), h.question[:]...), h.pair[:]...)
	return binary.BigEndian.AppendUint64(dst, uint64(h.units))
}

func readHead(encoded []byte) (h rowHead) {
	copy(h.group[:], encoded)
	copy(h.question[:], encoded[placeSize:])
	copy(h.pair[:], encoded[placeSize+shortSize:])
	h.units = int64(binary.BigEndian.Uint64(encoded[placeSize+2*shortSize:]))
	return h
}

// place is where a row belongs, by what it says: the same for all rows that say it. It may be asked by several goroutines.
func (d *divider) place(r *record.Record, group string, units int64) (at mix.Place, head rowHead) {
	digests := r.Digests()
	groupID := digests.Question
	if group != r.Question {
		groupID = sha256.Sum256([]byte(group))
	}
	return d.orderKey.Place(store.Short(digests.Identity[:shortSize])), rowHead{
		group:    d.groupKey.Place(store.Short(groupID[:shortSize])),
		question: store.Short(digests.Question[:shortSize]), pair: store.Short(digests.Pair[:shortSize]), units: units,
	}
}

// add takes a row in the order of the source: of equal contents, that order is kept.
func (d *divider) add(at mix.Place, head rowHead, line []byte) error {
	var encoded [rowHeadSize]byte
	return store.Failure(errors.Join(d.groups.Add(head.group[:]), d.rows.Add(at[:], head.append(encoded[:0]), line)))
}

// borders gives, for every split but the first, the place of the first group that is its or a later one's.
func (d *divider) borders() ([]mix.Place, error) {
	shares := make([]int64, len(d.recipe.Splits))
	for i, split := range d.recipe.Splits {
		shares[i] = split.Share
	}
	cutter := mix.NewCutter(d.groups.Count(), shares)
	sorted, err := d.groups.Sorted()
	if err != nil {
		return nil, err
	}
	var borders []mix.Place
	var group mix.Place
	size := int64(0)
	end := func() {
		if size == 0 {
			return
		}
		for split := cutter.Place(size); len(borders) < split; {
			borders = append(borders, group)
		}
	}
	for {
		next, _, err := sorted.Next()
		if errors.Is(err, io.EOF) {
			end()
			return borders, nil
		}
		if err != nil {
			return nil, err
		}
		if size > 0 && bytes.Equal(next, group[:]) {
			size++
			continue
		}
		end()
		group, size = mix.Place(next), 1
	}
}

// splitOf is the split of a group.
func splitOf(group mix.Place, borders []mix.Place) int {
	split := 0
	for split < len(borders) && bytes.Compare(group[:], borders[split][:]) >= 0 {
		split++
	}
	return split
}

// part is one split's file of rows.
type part struct {
	written
	rows, units int64
}

// write writes the files of all splits, each with its index and its questions.
func (d *divider) write(ctx context.Context, staging *store.Staging) ([]part, error) {
	borders, err := d.borders()
	if err != nil {
		return nil, store.Failure(err)
	}
	d.groups.Close()
	files := make([]*splitFile, len(d.recipe.Splits))
	for i, split := range d.recipe.Splits {
		if files[i], err = createSplit(staging, split.Name); err != nil {
			return nil, err
		}
		defer files[i].abort()
	}
	sorted, err := d.rows.Sorted()
	if err != nil {
		return nil, store.Failure(err)
	}
	for n := 0; ; n++ {
		if n%contextEvery == 0 && ctx.Err() != nil {
			return nil, ctx.Err()
		}
		at, value, err := sorted.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, store.Failure(err)
		}
		head := readHead(value)
		if err := files[splitOf(head.group, borders)].add(store.Short(at[8:]), head, value[rowHeadSize:]); err != nil {
			return nil, err
		}
	}
	parts := make([]part, len(files))
	for i, file := range files {
		if parts[i], err = file.finish(); err != nil {
			return nil, err
		}
	}
	return parts, nil
}

// splitFile is one split's rows on their way to the volume.
type splitFile struct {
	rows          *store.RowsWriter
	units         int64
	questions     *extsort.Sorter // question → pair, row
	questionsPath store.Path
}

func createSplit(staging *store.Staging, name string) (*splitFile, error) {
	path, err := staging.Path(name + questionSuffix)
	if err != nil {
		return nil, err
	}
	rows, err := createRows(staging, name+rowSuffix)
	if err != nil {
		return nil, err
	}
	return &splitFile{rows: rows, questions: extsort.New(staging.Folder().Scratch, shortSize, questionMemory), questionsPath: path}, nil
}

func (f *splitFile) add(identity store.Short, head rowHead, line []byte) error {
	var row [8]byte
	binary.BigEndian.PutUint64(row[:], uint64(f.rows.Rows()))
	if err := f.questions.Add(head.question[:], head.pair[:], row[:]); err != nil {
		return store.Failure(err)
	}
	f.units += head.units
	return f.rows.Add(line, store.Entry{Identity: identity, Units: head.units})
}

func (f *splitFile) finish() (part, error) {
	if err := f.writeQuestions(); err != nil {
		return part{}, err
	}
	done, err := f.rows.Finish()
	return part{done, f.rows.Rows(), f.units}, err
}

func (f *splitFile) writeQuestions() error {
	sorted, err := f.questions.Sorted()
	if err != nil {
		return store.Failure(err)
	}
	out, err := store.CreatePlain(f.questionsPath)
	if err != nil {
		return err
	}
	defer out.Abort()
	if err := sorted.Save(out); err != nil {
		return store.Failure(err)
	}
	_, err = out.Finish()
	return err
}

func (f *splitFile) abort() {
	f.rows.Abort()
	f.questions.Close()
}
