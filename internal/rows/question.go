package rows

import (
	"bytes"
	"cmp"
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/datasetmix/datasetmix/internal/contract"
	"github.com/datasetmix/datasetmix/internal/encode"
	"github.com/datasetmix/datasetmix/internal/mix"
	"github.com/datasetmix/datasetmix/internal/record"
	"github.com/datasetmix/datasetmix/internal/revision"
)

// Kind is the kind of a question.
type Kind string

// The kinds of questions.
const (
	Head   Kind = "head"   // the first rows
	Sample Kind = "sample" // rows drawn by a seed, in their order
	Count  Kind = "count"  // how many rows there are, by data set
	File   Kind = "file"   // a file, unchanged
)

// Question is a question about a revision. A pod gets it as JSON.
type Question struct {
	Kind Kind `json:"kind"`
	Selection
	// Rows is how many to return, for head and sample.
	Rows int64 `json:"rows,omitempty"`
	Seed int64 `json:"seed,omitempty"`
}

// Counts are the rows of a selection, by data set.
type Counts struct {
	Revision string         `json:"revision"`
	Files    []string       `json:"files"`
	Rows     int64          `json:"rows"`
	Datasets []DatasetCount `json:"datasets,omitempty"`
}

// DatasetCount is the number of rows of a data set.
type DatasetCount struct {
	Domain  string `json:"domain"`
	Dataset string `json:"dataset"`
	Rows    int64  `json:"rows"`
}

// Answer writes the answer: rows as they are in their files, one a line; counts as JSON; a file byte for byte, compared with its digest.
func (r Revision) Answer(ctx context.Context, q Question, out io.Writer) error {
	files, err := q.Files(r.Manifest)
	if err != nil {
		return err
	}
	switch q.Kind {
	case File:
		if len(files) != 1 {
			return contract.Failf(contract.InvalidTask, "the mix of this split is in %d files; export them", len(files))
		}
		return r.copy(ctx, files[0], out)
	case Head:
		return r.each(ctx, files, func(n int64, line []byte) (bool, error) {
			if n >= q.Rows {
				return false, nil
			}
			_, err := out.Write(line)
			return n+1 < q.Rows, err
		})
	case Sample:
		return r.sample(ctx, files, q, out)
	case Count:
		return r.count(ctx, files, out)
	default:
		return contract.Failf(contract.InvalidTask, "the worker knows no question %q; use a command and a worker of the same release", q.Kind)
	}
}

// copy writes a file whose bytes are those of the manifest, or fails.
func (r Revision) copy(ctx context.Context, f revision.PublishedFile, out io.Writer) error {
	from, err := r.folder.Join(f.Path).Open()
	if err != nil {
		return changed(f, err.Error())
	}
	defer from.Close()
	sum := NewSum(out)
	if _, err := io.Copy(sum, &reader{ctx, from}); err != nil {
		return err
	}
	return sum.Check(f)
}

// each calls a function with the rows of files, numbered from 0, until that returns false.
func (r Revision) each(ctx context.Context, files []revision.PublishedFile, seen func(n int64, line []byte) (more bool, err error)) error {
	n := int64(0)
	for _, f := range files {
		format, ok := formatOf(r.Manifest, f)
		if !ok {
			return contract.Failf(contract.InvalidTask, "%s has no rows of a mix; export it instead", f.Path)
		}
		from, err := r.folder.Join(f.Path).Open()
		if err != nil {
			return changed(f, err.Error())
		}
		more := true
		for line, lineErr := range encode.Rows(&reader{ctx, from}, f.Bytes, format) {
			if err = lineErr; err != nil {
				err = contract.Failf(contract.VolumeInvalid, "%s: %w", f.Path, err)
				break
			}
			if more, err = seen(n, line); err != nil || !more {
				break
			}
			n++
		}
		from.Close()
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if err != nil || !more {
			return err
		}
	}
	return nil
}

// rowsOf returns the number of rows of files by the manifest.
func rowsOf(files []revision.PublishedFile) int64 {
	sum := int64(0)
	for _, f := range files {
		if f.Rows != nil {
			sum += *f.Rows
		}
	}
	return sum
}

// sample writes rows drawn by a seed, in the order of their files. A larger sample has all rows of a smaller one.
func (r Revision) sample(ctx context.Context, files []revision.PublishedFile, q Question, out io.Writer) error {
	chosen := drawn(rowsOf(files), q.Rows, q.Seed)
	if len(chosen) == 0 {
		return nil
	}
	next := 0
	return r.each(ctx, files, func(n int64, line []byte) (bool, error) {
		if n != chosen[next] {
			return true, nil
		}
		next++
		_, err := out.Write(line)
		return next < len(chosen), err
	})
}

// drawn returns the numbers, in rising order, of the k rows of n that come first in the keyed order of the seed. Ties go to the lower number.
func drawn(n, k, seed int64) []int64 {
	type place struct {
		key uint64
		row int64
	}
	var kept []place
	drop := func() {
		slices.SortFunc(kept, func(a, b place) int { return cmp.Or(cmp.Compare(a.key, b.key), cmp.Compare(a.row, b.row)) })
		kept = kept[:min(k, int64(len(kept)))]
	}
	key, number := mix.NewKey(seed, "sample of rows"), [8]byte{}
	for row := range n {
		binary.LittleEndian.PutUint64(number[:], uint64(row))
		if kept = append(kept, place{key.Of(number[:]), row}); int64(len(kept)) >= 2*k+dropAfter {
			drop()
		}
	}
	drop()
	var rows []int64
	for _, at := range kept {
		rows = append(rows, at.row)
	}
	slices.Sort(rows)
	return rows
}

// dropAfter is how many rows beyond twice a sample are gathered before those that are not in it are dropped.
const dropAfter = 1 << 12

// count writes how many rows there are. They are counted in their files, and must be as many as the manifest says.
func (r Revision) count(ctx context.Context, files []revision.PublishedFile, out io.Writer) error {
	counts := Counts{Revision: r.Manifest.Revision}
	for _, f := range files {
		counts.Files = append(counts.Files, f.Path)
	}
	at := map[[2]string]int{}
	err := r.each(ctx, files, func(_ int64, line []byte) (bool, error) {
		counts.Rows++
		if row, err := record.Parse(bytes.TrimSuffix(line, []byte("\n"))); err == nil { // the rows of a list of dropped rows have no data sets
			of := [2]string{row.Domain, row.Dataset}
			if _, known := at[of]; !known {
				at[of] = len(counts.Datasets)
				counts.Datasets = append(counts.Datasets, DatasetCount{Domain: row.Domain, Dataset: row.Dataset})
			}
			counts.Datasets[at[of]].Rows++
		}
		return true, nil
	})
	if err != nil {
		return err
	}
	if want := rowsOf(files); counts.Rows != want {
		return contract.Failf(contract.VolumeInvalid, "the files have %d rows, the manifest says %d; verify the revision", counts.Rows, want)
	}
	slices.SortFunc(counts.Datasets, func(a, b DatasetCount) int {
		return cmp.Or(strings.Compare(a.Domain, b.Domain), strings.Compare(a.Dataset, b.Dataset))
	})
	return json.NewEncoder(out).Encode(counts)
}

// changed returns the error of a file that is not what the manifest says.
func changed(f revision.PublishedFile, what string) error {
	return contract.Failf(contract.VolumeInvalid, "%s is not what was published: %s; verify the revision, and build it again", f.Path, what)
}

// reader reads until its context ends.
type reader struct {
	ctx  context.Context
	from interface {
		io.Reader
		io.ReaderAt
	}
}

func (r *reader) Read(p []byte) (int, error) {
	if err := r.ctx.Err(); err != nil {
		return 0, err
	}
	return r.from.Read(p)
}

func (r *reader) ReadAt(p []byte, off int64) (int, error) {
	if err := r.ctx.Err(); err != nil {
		return 0, err
	}
	return r.from.ReadAt(p, off)
}

// ErrTooLong is the error of an answer that is too long for what carries it.
var ErrTooLong = errors.New("the answer is too long")

// Most passes on so many bytes, and then fails with ErrTooLong.
type Most struct {
	To   io.Writer
	Left int64
}

func (m *Most) Write(p []byte) (int, error) {
	if m.Left -= int64(len(p)); m.Left < 0 {
		return 0, fmt.Errorf("%w for a pod's log", ErrTooLong)
	}
	return m.To.Write(p)
}
