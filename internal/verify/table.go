package verify

import (
	"bytes"
	"hash/maphash"

	"github.com/datasetmix/datasetmix/internal/contract"
	"github.com/datasetmix/datasetmix/internal/record"
	"github.com/datasetmix/datasetmix/internal/store"
)

// table is what is known of the rows of one processed file, each of which was checked to the byte.
type table struct {
	verifier *verifier
	form     form
	split    int
	dataset  string
	domain   string
	file     string
	want     int64 // rows

	rows      map[int64]int32 // the number in the id → the row
	offsets   []int64
	questions []uint64 // hashes, to find equal ones by
	uses      []int32  // how often the mixed file has the row
}

func (v *verifier) newTable(split int, dataset, domain string, want int64) *table {
	return &table{
		verifier: v, form: newForm(dataset, domain), split: split, dataset: dataset, domain: domain, want: want,
		file: contract.ProcessedFile(dataset, v.manifest.Plan.Splits[split].Name), rows: map[int64]int32{},
	}
}

// add checks and notes a row.
func (t *table) add(offset int64, line []byte) error {
	n := int64(len(t.offsets))
	id, question, ok := t.form.row(line)
	if !ok {
		var err error
		if id, question, err = t.parse(n, line); err != nil {
			return err
		}
	}
	if _, twice := t.rows[id]; twice {
		return differ("%s: the row stands twice in split %s", place(t.file, n), t.verifier.manifest.Plan.Splits[t.split].Name)
	}
	t.rows[id] = int32(n)
	t.offsets = append(t.offsets, offset)
	t.questions = append(t.questions, maphash.Bytes(t.verifier.seed, question))
	return nil
}

// parse is the slow way, which can tell what is wrong.
func (t *table) parse(n int64, line []byte) (id int64, question []byte, err error) {
	row, err := t.verifier.record(t.file, n, line)
	if err != nil {
		return 0, nil, err
	}
	if row.Dataset != t.dataset {
		return 0, nil, differ("%s: the row is of data set %s", place(t.file, n), row.Dataset)
	}
	if id = number(row.ID, t.dataset); id < 0 {
		return 0, nil, differ("%s: the id %q is not the data set's name and a row number", place(t.file, n), row.ID)
	}
	return id, rawQuestion(row), nil
}

// rawQuestion is a row's question as it stands in JSON, without its quotes.
func rawQuestion(row record.Record) []byte {
	quoted := record.StringOf(row.Question)
	return []byte(quoted[1 : len(quoted)-1])
}

// full: the file has as many rows as planned.
func (t *table) full() error {
	if have := int64(len(t.offsets)); have != t.want {
		return differ("%s has %d rows, the plan says %d", t.file, have, t.want)
	}
	t.uses = make([]int32, len(t.offsets))
	return nil
}

// open gives the file for reading rows again.
func (t *table) open() (*store.Window, error) {
	content, err := store.OpenWindow(t.verifier.path(t.file), 0)
	if err != nil {
		return nil, differ("%s cannot be read: %w", t.file, err)
	}
	return content, nil
}

// line is a row's bytes, without its line end. They are good until the next call.
func (t *table) line(content *store.Window, row int32) ([]byte, error) {
	end := content.Size()
	if int(row)+1 < len(t.offsets) {
		end = t.offsets[row+1]
	}
	line, err := content.Part(t.offsets[row], end-1-t.offsets[row])
	if err != nil {
		return nil, differ("%s cannot be read: %w", place(t.file, int64(row)), err)
	}
	return line, nil
}

// uses notes that the mixed file has a row of this table: the very same bytes, line end included.
func (t *table) use(content *store.Window, id int64, line []byte) (bool, error) {
	row, ok := t.rows[id]
	if !ok {
		return false, nil
	}
	own, err := t.line(content, row)
	if err != nil || !bytes.Equal(own, line) {
		return false, err
	}
	t.uses[row]++
	return true, nil
}

// question is the question of a row, read again from the file.
func (t *table) question(row int32) (id string, question []byte, err error) {
	content, err := t.open()
	if err != nil {
		return "", nil, err
	}
	defer content.Close()
	line, err := t.line(content, row)
	if err != nil {
		return "", nil, err
	}
	parsed, err := t.verifier.record(t.file, int64(row), line)
	return parsed.ID, rawQuestion(parsed), err
}
