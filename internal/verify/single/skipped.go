package single

import (
	"bufio"
	"errors"
	"io"
	"maps"
	"os"
	"slices"

	"github.com/datasetmix/datasetmix/internal/contract"
	"github.com/datasetmix/datasetmix/internal/revision"
	"github.com/datasetmix/datasetmix/internal/verify/files"
	"github.com/datasetmix/datasetmix/internal/verify/layout"
	"github.com/datasetmix/datasetmix/internal/verify/numbers"
)

// skippedCheck reads the list of the rows that a data set's split left out: as many for each reason as the manifest says, each with its own number,
// in order. Together with skippedList, and with the number of rows that were kept, this shows that every row of the source is in exactly one of the
// two files.
type skippedCheck struct {
	checks *Checks
	of     *layout.Dataset

	rows   int64
	last   int64
	counts map[string]int64
}

func (c *skippedCheck) row(_ int64, line []byte) error {
	n := c.rows
	c.rows++
	row, err := skippedRow(line)
	switch {
	case err != nil:
		return files.Differ("%s: %w", files.Place(c.of.Dropped, n), err)
	case row.Row <= c.last || row.Row >= c.of.Result.Read:
		return files.Differ("%s: the number %d is not above the one before it, or not one of the %d rows of the source", files.Place(c.of.Dropped, n), row.Row, c.of.Result.Read)
	}
	c.last = row.Row
	c.counts[row.Reason]++
	return c.checks.numbers.Add(numbers.Skipped, c.of.Place, 0, row.Row, nil, nil)
}

// skippedRow reads a line of the list.
func skippedRow(line []byte) (row revision.DroppedSourceRow, err error) {
	err = contract.DecodeStrict(line, &row)
	return row, err
}

func (c *skippedCheck) end() error {
	reasons := slices.Concat(slices.Collect(maps.Keys(c.of.Result.Dropped)), slices.Collect(maps.Keys(c.counts)))
	for _, reason := range slices.Sorted(slices.Values(reasons)) {
		if c.counts[reason] != c.of.Result.Dropped[reason] {
			return files.Differ("%s lists %d rows with the reason %s, the manifest says %d", c.of.Dropped, c.counts[reason], reason, c.of.Result.Dropped[reason])
		}
	}
	return nil
}

// skippedList reads the same list along with the file of all rows, which may have none of its rows.
type skippedList struct {
	list, among string
	file        *os.File
	lines       *bufio.Reader
	next        int64 // that is listed, -1 after the last
}

func openSkipped(from *files.Set, of *layout.Dataset) (*skippedList, error) {
	f, err := from.Open(of.Dropped)
	if err != nil {
		return nil, err
	}
	l := &skippedList{list: of.Dropped, among: of.Raw, file: f, lines: bufio.NewReader(f)}
	return l, l.advance()
}

// advance goes to the next listed row. skippedCheck reports what is wrong with the list itself.
func (l *skippedList) advance() error {
	line, err := l.lines.ReadBytes('\n')
	if errors.Is(err, io.EOF) {
		l.next = -1
		return nil
	}
	if err != nil {
		return files.Differ("%s cannot be read: %w", l.list, err)
	}
	row, err := skippedRow(line)
	l.next = row.Row
	if err != nil {
		return files.Differ("%s cannot be read: %w", l.list, err)
	}
	return nil
}

// pass fails if a row that was kept is listed. The rows come in order.
func (l *skippedList) pass(id int64) error {
	for l.next >= 0 && l.next < id {
		if err := l.advance(); err != nil {
			return err
		}
	}
	if l.next == id {
		return files.Differ("%s lists row %d as left out, and the row is in %s", l.list, id, l.among)
	}
	return nil
}

// begin opens what the rows are compared with.
func (c *rawCheck) begin() (err error) {
	if c.of.Raw == "" {
		return nil
	}
	if c.of.Dropped != "" {
		if c.skipped, err = openSkipped(c.checks.of.Files, c.of); err != nil {
			return err
		}
	}
	return c.skip()
}

func (c *rawCheck) close() {
	if c.skipped != nil {
		c.skipped.file.Close() // it was only read
	}
}
