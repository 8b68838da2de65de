package ui

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"path"
	"slices"
	"strconv"
	"strings"

	"github.com/datasetmix/datasetmix/internal/encode"
	"github.com/datasetmix/datasetmix/internal/recipe"
	"github.com/datasetmix/datasetmix/internal/record"
	"github.com/datasetmix/datasetmix/internal/revision"
)

// filter selects rows; an empty field selects all.
type filter struct {
	Dataset, Domain, Type, Text, ID string
}

// wanted reports whether a line is a selected row. Most lines are rejected by their bytes alone; the others are parsed.
func (f filter) wanted(line []byte) bool {
	if f == (filter{}) {
		return true
	}
	for _, c := range []struct{ key, value string }{{"dataset", f.Dataset}, {"domain", f.Domain}, {"answer_type", f.Type}, {"id", f.ID}} {
		if c.value != "" && !bytes.Contains(line, []byte(`"`+c.key+`":`+string(record.StringOf(c.value)))) {
			return false
		}
	}
	if quoted := string(record.StringOf(f.Text)); f.Text != "" && !bytes.Contains(line, []byte(quoted[1:len(quoted)-1])) {
		return false
	}
	row, err := record.Parse(line)
	if err != nil {
		return true // it is shown as text
	}
	is := func(value, wanted string) bool { return wanted == "" || value == wanted }
	return is(row.Dataset, f.Dataset) && is(row.Domain, f.Domain) && is(row.AnswerType, f.Type) && is(row.ID, f.ID) &&
		(f.Text == "" || strings.Contains(row.Question, f.Text) || strings.Contains(row.ReferenceAnswer, f.Text))
}

// rowFile is a file of rows.
type rowFile struct {
	Path   string
	Rows   int64
	Format recipe.Format
}

// rowFiles returns the files of rows of a revision: the mixed files first, then those of single data sets.
func rowFiles(m revision.Manifest) []rowFile {
	var files []rowFile
	for _, folder := range []string{"mixed/", "processed/", "raw/"} {
		for _, f := range m.Files {
			if f.Rows == nil || !strings.HasPrefix(f.Path, folder) {
				continue
			}
			format := recipe.JSONL
			if folder == "mixed/" {
				format = m.Recipe.Output.Format
			}
			files = append(files, rowFile{f.Path, *f.Rows, format})
		}
	}
	return files
}

// rowsPage has the values of a page of rows.
type rowsPage struct {
	Rev    rev
	Files  []rowFile
	File   rowFile
	Filter filter
	// Datasets, Domains and Types can be chosen.
	Datasets, Domains, Types []string
	Rows                     []rowView
	From, Next               place
	// Ended reports whether there are no more rows; Looked is the number of rows that were read for this page.
	Ended  bool
	Looked int64
}

// rows answers with a page of rows.
func (s *Server) rows(r *http.Request) (string, any, error) {
	of, m, err := s.manifest(r)
	if err != nil {
		return "", nil, err
	}
	page := rowsPage{Rev: of, Files: rowFiles(m), Datasets: m.Recipe.DatasetNames(), Types: []string{record.Numeric, record.Text, record.Code}}
	for _, d := range m.Recipe.Domains {
		page.Domains = append(page.Domains, d.Name)
	}
	wanted := r.FormValue("file")
	i := slices.IndexFunc(page.Files, func(f rowFile) bool { return f.Path == wanted || wanted == "" })
	if i < 0 {
		return "", nil, &notFoundError{fmt.Sprintf("The revision has no file of rows %q.", wanted)}
	}
	page.File = page.Files[i]
	page.Filter = filter{r.FormValue("dataset"), r.FormValue("domain"), r.FormValue("type"), r.FormValue("text"), r.FormValue("id")}
	if page.From, err = s.from(r, of, page.File); err != nil {
		return "", nil, err
	}
	rows, err := s.look(r.Context(), of, &page)
	if err != nil {
		return "", nil, err
	}
	repeats := repeatsOf(m)
	for _, one := range rows {
		view := viewOf(one)
		if strings.HasPrefix(page.File.Path, "mixed/") {
			view.Repeats = repeats[view.Dataset]
		}
		page.Rows = append(page.Rows, view)
	}
	return "rows.html.tmpl", page, nil
}

// repeatsOf returns how often a row of each data set is in a mixed split at most.
func repeatsOf(m revision.Manifest) map[string]int64 {
	out := map[string]int64{}
	for _, split := range m.Plan.Splits {
		for _, d := range split.Datasets() {
			out[d.Name] = max(out[d.Name], d.MaxRepeats)
		}
	}
	return out
}

// from returns the place at which a page begins, which the request names by offset and row, or by the number of a row.
func (s *Server) from(r *http.Request, of rev, file rowFile) (place, error) {
	at, err := numbers(r, "at", "row", "number")
	if err != nil || at["at"] > 0 || at["number"] <= 1 {
		return place{at["at"], at["row"]}, err
	}
	row := at["number"] - 1 // people count from 1
	if row >= file.Rows {
		return place{}, &notFoundError{fmt.Sprintf("%s has %d rows, and no row %d.", file.Path, file.Rows, row+1)}
	}
	if file.Format != recipe.JSONL {
		return place{Row: row}, nil
	}
	f, info, err := s.folder.open(of.path(file.Path))
	if err != nil {
		return place{}, err
	}
	defer f.Close()
	return s.folder.marksOf(of.path(file.Path), info).seek(r.Context(), f, info.Size(), row)
}

// numbers returns the numbers with given names in a request; an absent one is 0.
func numbers(r *http.Request, names ...string) (map[string]int64, error) {
	out := map[string]int64{}
	for _, name := range names {
		text := r.FormValue(name)
		if text == "" {
			continue
		}
		n, err := strconv.ParseInt(text, 10, 64)
		if err != nil || n < 0 {
			return nil, &mistakeError{fmt.Errorf("%s is %q, which is no row", name, text)}
		}
		out[name] = n
	}
	return out, nil
}

// look reads the rows of a page.
func (s *Server) look(ctx context.Context, of rev, page *rowsPage) ([]found, error) {
	f, info, err := s.folder.open(of.path(page.File.Path))
	if err != nil {
		return nil, err
	}
	defer f.Close()
	if page.File.Format == recipe.JSONL {
		rows, next, ended, err := scan(ctx, f, info.Size(), page.From, page.Filter.wanted, pageRows)
		page.Next, page.Ended, page.Looked = next, ended, next.Row-page.From.Row
		return rows, err
	}
	// A compressed file cannot be read from an offset: the rows before the page are decompressed and skipped.
	var rows []found
	page.Next = page.From
	n := int64(0)
	for line, err := range encode.Rows(f, info.Size(), page.File.Format) {
		if err != nil {
			return nil, fmt.Errorf("%s: %w", page.File.Path, err)
		}
		if n++; n <= page.From.Row {
			if n%markEvery == 0 && ctx.Err() != nil {
				return nil, ctx.Err()
			}
			continue
		}
		if line = bytes.TrimSuffix(line, []byte("\n")); page.Filter.wanted(line) {
			rows = append(rows, found{n - 1, bytes.Clone(line[:min(len(line), maxLine)]), len(line) > maxLine})
		}
		page.Next.Row, page.Looked = n, n-page.From.Row
		if len(rows) == pageRows || page.Looked == packedLooked {
			return rows, nil
		}
	}
	page.Ended = true
	return rows, nil
}

// packedLooked is the number of compressed rows that are read for one page.
const packedLooked = 50_000

// splitOf returns the split of a processed file.
func splitOf(name string) string { return strings.TrimSuffix(path.Base(name), path.Ext(name)) }
