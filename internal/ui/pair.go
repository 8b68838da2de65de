package ui

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/datasetmix/datasetmix/internal/dedup"
	"github.com/datasetmix/datasetmix/internal/recipe"
	"github.com/datasetmix/datasetmix/internal/record"
	"github.com/datasetmix/datasetmix/internal/revision"
)

// droppedPage lists the rows that a split lost.
type droppedPage struct {
	Rev    rev
	Rows   []droppedRow
	Reason string
	Next   place
	Ended  bool
}

type droppedRow struct {
	Number int64
	revision.DroppedRow
}

// dropped answers with the rows that were dropped as duplicates or near duplicates of others.
func (s *Server) dropped(r *http.Request) (string, any, error) {
	of, err := s.folder.named(asked(r))
	if err != nil {
		return "", nil, err
	}
	page := droppedPage{Rev: of, Reason: r.FormValue("reason")}
	at, err := numbers(r, "at", "row")
	if err != nil {
		return "", nil, err
	}
	f, info, err := s.folder.open(of.path(revision.DroppedFile))
	if os.IsNotExist(err) {
		page.Ended = true
		return "dropped.html.tmpl", page, nil
	}
	if err != nil {
		return "", nil, err
	}
	defer f.Close()
	rows, next, ended, err := scan(r.Context(), f, info.Size(), place{at["at"], at["row"]}, func(line []byte) bool {
		return page.Reason == "" || bytes.Contains(line, []byte(`"reason":`+string(record.StringOf(page.Reason))))
	}, 2*pageRows)
	if err != nil {
		return "", nil, err
	}
	page.Next, page.Ended = next, ended
	for _, one := range rows {
		row := droppedRow{Number: one.Row + 1}
		if err := json.Unmarshal(one.Line, &row.DroppedRow); err != nil {
			return "", nil, fmt.Errorf("%s: %w", revision.DroppedFile, err)
		}
		page.Rows = append(page.Rows, row)
	}
	return "dropped.html.tmpl", page, nil
}

// pairPage has a dropped row, and the rows that are most like it.
type pairPage struct {
	Rev     rev
	Dropped rowView
	Others  []other
	// All reports whether every row of the later splits was compared.
	All bool
}

// other is a row of a later split.
type other struct {
	rowView
	Split string
	// Alike is the percentage of the words of both rows that they have in common.
	Alike int
}

// pair answers with a dropped row, and the rows that are most like it.
func (s *Server) pair(r *http.Request) (string, any, error) {
	of, m, err := s.manifest(r)
	if err != nil {
		return "", nil, err
	}
	dataset, split, id := r.FormValue("dataset"), r.FormValue("split"), r.FormValue("id")
	_, domain, ok := m.Recipe.Dataset(dataset)
	from := slices.IndexFunc(m.Recipe.Splits, func(s recipe.Split) bool { return s.Name == split })
	number, err := strconv.ParseInt(strings.TrimPrefix(id, dataset+"_"), 10, 64)
	if !ok || from < 0 || err != nil {
		return "", nil, &notFoundError{fmt.Sprintf("The mix has no row %q of data set %q in split %q.", id, dataset, split)}
	}
	line, err := s.folder.findRow(of.path(revision.RawFile(domain.Name, dataset)), dataset, number)
	if err != nil {
		return "", nil, err
	}
	page := pairPage{Rev: of, Dropped: viewOf(found{Row: number, Line: line})}
	row, err := record.Parse(line)
	if err != nil {
		return "", nil, err
	}
	var files []string
	for _, later := range m.Recipe.Splits[from:] {
		for _, name := range m.Recipe.DatasetNames() {
			files = append(files, revision.ProcessedFile(name, later.Name))
		}
	}
	page.Others, page.All, err = s.folder.alike(r.Context(), of, files, row)
	return "pair.html.tmpl", page, err
}

// findRow finds a row by its number in a file whose rows are in ascending order of their numbers.
func (f *folder) findRow(name, dataset string, number int64) ([]byte, error) {
	file, info, err := f.open(name)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	missing := &notFoundError{fmt.Sprintf("%s has no row %s_%d.", name, dataset, number)}
	for low, high := int64(0), info.Size(); low < high; {
		middle := low + (high-low)/2
		line, start, end, err := lineAbout(file, info.Size(), middle)
		if err != nil {
			return nil, err
		}
		have, err := numberOf(line, dataset)
		switch {
		case err != nil:
			return nil, err
		case have == number:
			return line, nil
		case have < number:
			low = end
		case start <= low:
			return nil, missing
		default:
			high = start
		}
	}
	return nil, missing
}

// numberOf returns the number in a row's id, with which the line begins.
func numberOf(line []byte, dataset string) (int64, error) {
	rest, ok := bytes.CutPrefix(line, []byte(`{"id":"`+dataset+`_`))
	if digits, _, closed := bytes.Cut(rest, []byte(`"`)); ok && closed {
		return strconv.ParseInt(string(digits), 10, 64)
	}
	return 0, fmt.Errorf("a row of data set %s begins with %q, which is no id of it", dataset, line[:min(len(line), 60)])
}

// lineAbout returns the line around an offset, the offset at which it begins, and that of the next line.
func lineAbout(f io.ReaderAt, size, at int64) (line []byte, start, end int64, err error) {
	const step = 64 << 10
	var before, after []byte
	for start = at; start > 0; {
		from := max(start-step, 0)
		chunk := make([]byte, start-from)
		if _, err := f.ReadAt(chunk, from); err != nil {
			return nil, 0, 0, err
		}
		if n := bytes.LastIndexByte(chunk, '\n'); n >= 0 {
			before, start = append(chunk[n+1:], before...), from+int64(n)+1
			break
		}
		before, start = append(chunk, before...), from
		if len(before) > maxLine {
			return nil, 0, 0, fmt.Errorf("a row has more than %d bytes", maxLine)
		}
	}
	for end = at; end < size; {
		chunk := make([]byte, min(step, size-end))
		if _, err := f.ReadAt(chunk, end); err != nil {
			return nil, 0, 0, err
		}
		if n := bytes.IndexByte(chunk, '\n'); n >= 0 {
			after, end = append(after, chunk[:n]...), end+int64(n)+1
			break
		}
		after, end = append(after, chunk...), end+int64(len(chunk))
		if len(after) > maxLine {
			return nil, 0, 0, fmt.Errorf("a row has more than %d bytes", maxLine)
		}
	}
	return append(before, after...), start, end, nil
}

// Limits of the search for rows that are alike.
const (
	alikeShown  = 3
	alikeLooked = 3 * time.Second
)

// alike returns the rows whose questions have the most words in common with that of a row. It compares all words; the build compared sketches of them.
func (f *folder) alike(ctx context.Context, of rev, files []string, row record.Record) (best []other, all bool, err error) {
	words := wordsOf(row.Question)
	ctx, stop := context.WithTimeout(ctx, alikeLooked)
	defer stop()
	for _, name := range files {
		err := f.each(ctx, of.path(name), func(number int64, line []byte) {
			one, err := record.Parse(line)
			if err != nil || one.ID == row.ID {
				return
			}
			percent := common(words, wordsOf(one.Question))
			if percent == 0 || len(best) == alikeShown && percent <= best[alikeShown-1].Alike {
				return
			}
			best = append(best, other{viewOf(found{Row: number, Line: bytes.Clone(line)}), splitOf(name), percent})
			slices.SortStableFunc(best, func(a, b other) int { return cmp.Compare(b.Alike, a.Alike) })
			best = best[:min(len(best), alikeShown)]
		})
		switch {
		case os.IsNotExist(err): // the revision does not hold this file
		case ctx.Err() != nil:
			return best, false, nil
		case err != nil:
			return best, false, err
		}
	}
	return best, true, nil
}

// each calls row with all rows of a file.
func (f *folder) each(ctx context.Context, name string, row func(number int64, line []byte)) error {
	file, info, err := f.open(name)
	if err != nil {
		return err
	}
	defer file.Close()
	for at, ended := (place{}), false; !ended; {
		var rows []found
		if rows, at, ended, err = scan(ctx, file, info.Size(), at, func([]byte) bool { return true }, markEvery); err != nil {
			return err
		}
		for _, one := range rows {
			row(one.Row, one.Line)
		}
	}
	return ctx.Err()
}

// wordsOf returns the words of a question, normalized.
func wordsOf(question string) map[string]bool {
	words := map[string]bool{}
	for _, word := range bytes.Fields(dedup.AppendQuestion(nil, question)) {
		words[string(word)] = true
	}
	return words
}

// common returns the percentage of all words of two questions that are in both.
func common(a, b map[string]bool) int {
	both := 0
	for word := range a {
		if b[word] {
			both++
		}
	}
	return both * 100 / max(len(a)+len(b)-both, 1)
}
