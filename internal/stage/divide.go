package stage

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"io"

	"github.com/datasetmix/datasetmix/internal/contract"
	"github.com/datasetmix/datasetmix/internal/dedup"
	"github.com/datasetmix/datasetmix/internal/extsort"
	"github.com/datasetmix/datasetmix/internal/filewriter"
	"github.com/datasetmix/datasetmix/internal/mapping"
	"github.com/datasetmix/datasetmix/internal/mix"
	"github.com/datasetmix/datasetmix/internal/progress"
	"github.com/datasetmix/datasetmix/internal/recipe"
	"github.com/datasetmix/datasetmix/internal/rowfile"
	"github.com/datasetmix/datasetmix/internal/statistics"
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

// divider divides the rows of one data set among the splits, in bounded memory: it sorts the places of all groups to find where the splits border
// on one another, and all rows by the order in which they are in their files.
type divider struct {
	recipe   recipe.Recipe
	byForm   bool // questions are compared by their form, else by their bytes
	groupKey mix.Key
	orderKey mix.Key
	rows     *extsort.Sorter // place in the order → rowHead, line
	groups   *extsort.Sorter // place of the group, of every row
	// different is how many groups there are, largest how many rows the largest has; both are known with the borders.
	different, largest int64
}

func newDivider(folder store.Path, r recipe.Recipe) (*divider, error) {
	byForm, err := dedup.ByForm(r.Compare)
	if err != nil {
		return nil, contract.Failf(contract.InvalidTask, "compare: %w", err)
	}
	return &divider{
		recipe: r, byForm: byForm, groupKey: mix.NewKey(r.Seed, "split"), orderKey: mix.NewKey(r.Seed, "order"),
		rows: extsort.New(folder.Scratch, len(mix.Place{}), rowMemory), groups: extsort.New(folder.Scratch, len(mix.Place{}), groupMemory),
	}, nil
}

func (d *divider) close() {
	d.rows.Close() // scratch files: they are not read again
	d.groups.Close()
}

// rowHead is what the splits need to know of a row besides its line.
type rowHead struct {
	group    mix.Place
	question rowfile.Short // as it is compared
	asked    asked
	units    int64
	counts   rowCounts
}

// rowCounts is what the statistics need of a row besides its line and its units.
type rowCounts struct {
	question, answer uint32 // characters
	kind             statistics.AnswerType
}

// of returns what the statistics count of the row, but for its tokens.
func (c rowCounts) of(line []byte) statistics.Row {
	return statistics.Row{Question: int64(c.question), Answer: int64(c.answer), Type: c.kind, Bytes: int64(len(line) - 1)}
}

// countsSize is the length of encoded rowCounts.
const countsSize = 4 + 4 + 1

// asked tells rows apart whose questions are equal as they are compared.
type asked struct {
	// answer is the same for the same reference answer.
	answer rowfile.Short
	// exact is the beginning of the digest of the question's bytes; empty where the bytes are compared anyway.
	exact [exactSize]byte
}

// rowHeadSize is the length of an encoded rowHead, the others those of what is in it.
const (
	placeSize   = len(mix.Place{})
	exactSize   = 8
	rowHeadSize = placeSize + 2*shortSize + exactSize + 8 + countsSize
)

func (h *rowHead) append(dst []byte) []byte {
	dst = append(append(append(append(dst, h.group[:]...), h.question[:]...), h.asked.answer[:]...), h.asked.exact[:]...)
	dst = binary.BigEndian.AppendUint64(dst, uint64(h.units))
	dst = binary.BigEndian.AppendUint32(binary.BigEndian.AppendUint32(dst, h.counts.question), h.counts.answer)
	return append(dst, byte(h.counts.kind))
}

func readHead(encoded []byte) (h rowHead) {
	encoded = encoded[copy(h.group[:], encoded):]
	encoded = encoded[copy(h.question[:], encoded):]
	encoded = encoded[copy(h.asked.answer[:], encoded):]
	encoded = encoded[copy(h.asked.exact[:], encoded):]
	h.units = int64(binary.BigEndian.Uint64(encoded))
	encoded = encoded[8:]
	h.counts = rowCounts{binary.BigEndian.Uint32(encoded), binary.BigEndian.Uint32(encoded[4:]), statistics.AnswerType(encoded[8])}
	return h
}

// place returns the place of a row in the order of all rows, and its head. Both follow from what the row says alone. Several goroutines may call
// it, each with its own buffer.
func (d *divider) place(said *mapping.Said, units int64, buffer *[]byte) (at mix.Place, head rowHead) {
	groupID := said.Digests.Question
	head.asked.answer, head.units = rowfile.Short(said.Digests.Pair[:shortSize]), units
	head.counts = rowCounts{uint32(statistics.Characters(said.Question)), uint32(statistics.Characters(said.ReferenceAnswer)), statistics.TypeOf(said.AnswerType)}
	if d.byForm {
		*buffer = dedup.AppendQuestion((*buffer)[:0], said.Question)
		groupID = sha256.Sum256(*buffer)
		head.asked = asked{answerOf(said.ReferenceAnswer, buffer), [exactSize]byte(said.Digests.Question[:exactSize])}
	}
	head.question = rowfile.Short(groupID[:shortSize])
	if said.Group != said.Question {
		groupID = sha256.Sum256([]byte(said.Group))
	}
	head.group = d.groupKey.Place(rowfile.Short(groupID[:shortSize]))
	return d.orderKey.Place(rowfile.Short(said.Digests.Identity[:shortSize])), head
}

// answerOf returns an identifier of a reference answer. A short answer, as most are, is its length and its text, which costs no digest. A longer
// one is a byte that is not such a length and the beginning of its digest.
func answerOf(answer string, buffer *[]byte) (id rowfile.Short) {
	if len(answer) < len(id) {
		id[0] = byte(len(answer))
		copy(id[1:], answer)
		return id
	}
	*buffer = append((*buffer)[:0], answer...)
	digest := sha256.Sum256(*buffer)
	id[0] = 0xff
	copy(id[1:], digest[:])
	return id
}

// add adds a row in the order of the source: rows of equal contents keep that order.
func (d *divider) add(at mix.Place, head rowHead, line []byte) error {
	var encoded [rowHeadSize]byte
	return store.WrapError(errors.Join(d.groups.Add(head.group[:]), d.rows.Add(at[:], head.append(encoded[:0]), line)))
}

// borders returns, for every split but the first, the place of the first group that belongs to it or to a later one.
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
		d.different++
		d.largest = max(d.largest, size)
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

// splitOf returns the split of a group.
func splitOf(group mix.Place, borders []mix.Place) int {
	split := 0
	for split < len(borders) && bytes.Compare(group[:], borders[split][:]) >= 0 {
		split++
	}
	return split
}

// write writes the files of all splits, each with its index and its questions.
func (d *divider) write(ctx context.Context, staging *store.Staging) ([]*splitFile, error) {
	borders, err := d.borders()
	if err != nil {
		return nil, store.WrapError(err)
	}
	d.groups.Close()
	files := make([]*splitFile, len(d.recipe.Splits))
	for i, split := range d.recipe.Splits {
		if files[i], err = createSplit(staging, split.Name, d); err != nil {
			return nil, err
		}
		defer files[i].abort()
	}
	sorted, err := d.rows.Sorted()
	if err != nil {
		return nil, store.WrapError(err)
	}
	progress.Of(ctx).Begin("write", 99, d.rows.Count(), 0)
	counter := progress.Of(ctx).Counter()
	for {
		at, value, err := sorted.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, store.WrapError(err)
		}
		if err := counter.Row(ctx, len(value)-rowHeadSize); err != nil {
			return nil, err
		}
		head := readHead(value)
		if err := files[splitOf(head.group, borders)].add(rowfile.Short(at[8:]), head, value[rowHeadSize:]); err != nil {
			return nil, err
		}
	}
	counter.Flush()
	for _, file := range files {
		if err := file.finish(); err != nil {
			return nil, err
		}
	}
	return files, nil
}

// askedSize is the length of a value in a file of questions, at most.
const askedSize = shortSize + exactSize + 8

// append encodes the value of a row in a file of questions.
func (a *asked) append(dst []byte, byForm bool, row int64) []byte {
	dst = append(dst, a.answer[:]...)
	if byForm {
		dst = append(dst, a.exact[:]...)
	}
	return binary.BigEndian.AppendUint64(dst, uint64(row))
}

func readAsked(value []byte) (a asked, row int64) {
	value = value[copy(a.answer[:], value):]
	if len(value) > 8 {
		value = value[copy(a.exact[:], value):]
	}
	return a, int64(binary.BigEndian.Uint64(value))
}

// splitFile writes the file of one split's rows.
type splitFile struct {
	rows          *rowfile.Writer
	written       written // once it is finished
	units         int64
	counted       rowCounter
	byForm        bool
	questions     *extsort.Sorter // question → what was asked, row
	questionsPath store.Path
}

func createSplit(staging *store.Staging, name string, of *divider) (*splitFile, error) {
	path, err := staging.Path(name + questionSuffix)
	if err != nil {
		return nil, err
	}
	rows, err := createRows(staging, name+rowSuffix)
	if err != nil {
		return nil, err
	}
	return &splitFile{rows: rows, byForm: of.byForm, counted: newRowCounter(of.recipe), questions: extsort.New(staging.Folder().Scratch, shortSize, questionMemory), questionsPath: path}, nil
}

func (f *splitFile) add(identity rowfile.Short, head rowHead, line []byte) error {
	var value [askedSize]byte
	if err := f.questions.Add(head.question[:], head.asked.append(value[:0], f.byForm, f.rows.Rows())); err != nil {
		return store.WrapError(err)
	}
	f.units += head.units
	entry := rowfile.Entry{Identity: identity, Units: head.units}
	if err := f.counted.add(head.counts.of(line), entry, line); err != nil {
		return err
	}
	return f.rows.Add(line, entry)
}

func (f *splitFile) finish() (err error) {
	if err := f.writeQuestions(); err != nil {
		return err
	}
	f.written, err = f.rows.Finish()
	return err
}

func (f *splitFile) writeQuestions() error {
	sorted, err := f.questions.Sorted()
	if err != nil {
		return store.WrapError(err)
	}
	out, err := filewriter.CreatePlain(f.questionsPath)
	if err != nil {
		return err
	}
	defer out.Abort()
	if err := sorted.Save(out); err != nil {
		return store.WrapError(err)
	}
	_, err = out.Finish()
	return err
}

func (f *splitFile) abort() {
	f.rows.Abort()
	f.questions.Close()
}
