package verify

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"maps"
	"os"
	"slices"

	"github.com/datasetmix/datasetmix/internal/revision"
)

// leftCheck reads the list of the rows that a data set's split left out: as many for each reason as the manifest says, each
// with a number of its own, in order. Together with absentees, and with the number of rows that were kept, this says that every
// row of the source is in one of the two files, and in one only.
type leftCheck struct {
	dataset *dataset
	file    string
	read    int64 // rows of the source
	want    map[string]int64

	rows   int64
	last   int64
	counts map[string]int64
}

func (c *leftCheck) row(_ int64, line []byte) error {
	n := c.rows
	c.rows++
	row, err := leftRow(line)
	switch {
	case err != nil:
		return differ("%s: %w", place(c.file, n), err)
	case row.Row <= c.last || row.Row >= c.read:
		return differ("%s: the number %d is not above the one before it, or not one of the %d rows of the source", place(c.file, n), row.Row, c.read)
	}
	c.last = row.Row
	c.counts[row.Reason]++
	return c.dataset.verifier.number(leftOutRow, c.dataset.place, 0, row.Row, nil)
}

// leftRow reads a line of the list.
func leftRow(line []byte) (row revision.DroppedSourceRow, err error) {
	decoder := json.NewDecoder(bytes.NewReader(line))
	decoder.DisallowUnknownFields()
	err = decoder.Decode(&row)
	return row, err
}

func (c *leftCheck) end() error {
	reasons := slices.Concat(slices.Collect(maps.Keys(c.want)), slices.Collect(maps.Keys(c.counts)))
	for _, reason := range slices.Sorted(slices.Values(reasons)) {
		if c.counts[reason] != c.want[reason] {
			return differ("%s lists %d rows with the reason %s, the manifest says %d", c.file, c.counts[reason], reason, c.want[reason])
		}
	}
	return nil
}

// absentees reads the same list beside the file of all rows, in which none of its rows may stand.
type absentees struct {
	list, among string
	file        *os.File
	lines       *bufio.Reader
	next        int64 // that is listed, -1 after the last
}

func (v *verifier) openAbsentees(list, among string) (*absentees, error) {
	f, err := v.open(list)
	if err != nil {
		return nil, err
	}
	a := &absentees{list: list, among: among, file: f, lines: bufio.NewReader(f)}
	return a, a.advance()
}

// advance goes to the next listed row. What is wrong with the list itself is told by leftCheck.
func (a *absentees) advance() error {
	line, err := a.lines.ReadBytes('\n')
	if errors.Is(err, io.EOF) {
		a.next = -1
		return nil
	}
	if err != nil {
		return differ("%s cannot be read: %w", a.list, err)
	}
	row, err := leftRow(line)
	a.next = row.Row
	if err != nil {
		return differ("%s cannot be read: %w", a.list, err)
	}
	return nil
}

// pass goes by a row that was kept. They come in order.
func (a *absentees) pass(id int64) error {
	for a.next >= 0 && a.next < id {
		if err := a.advance(); err != nil {
			return err
		}
	}
	if a.next == id {
		return differ("%s lists row %d as left out, and it stands in %s", a.list, id, a.among)
	}
	return nil
}

// begin opens what the rows are compared with.
func (c *rawCheck) begin() error {
	if c.file == "" {
		c.next = -1
		return nil
	}
	if left := c.dataset.left; left != nil {
		var err error
		if c.absent, err = c.dataset.verifier.openAbsentees(left.file, c.file); err != nil {
			return err
		}
	}
	return c.skip()
}

func (c *rawCheck) close() {
	if c.absent != nil {
		c.absent.file.Close() // it was only read
	}
}
