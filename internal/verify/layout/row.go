package layout

import (
	"bytes"

	"github.com/datasetmix/datasetmix/internal/jsonscan"
	"github.com/datasetmix/datasetmix/internal/record"
	"github.com/datasetmix/datasetmix/internal/verify/files"
)

// Read parses a row of the data set.
func (d *Dataset) Read(file string, n int64, line []byte) (record.View, error) {
	if row, ok := d.form.View(line); ok {
		return row, nil
	}
	return d.parse(file, n, line)
}

// Number returns the number of a row at the source.
func (d *Dataset) Number(file string, n int64, line []byte) (int64, error) {
	if number := d.form.Number(line); number >= 0 {
		return number, nil
	}
	row, err := d.parse(file, n, line)
	return row.Number, err
}

// parse reads a row in the slow way, which can explain what is wrong.
func (d *Dataset) parse(file string, n int64, line []byte) (record.View, error) {
	row, err := d.of.Record(file, n, line)
	if err != nil {
		return record.View{}, err
	}
	if row.Dataset != d.Name {
		return record.View{}, files.Differ("%s: the row is of data set %s", files.Place(file, n), row.Dataset)
	}
	number := record.Number(row.ID, d.Name)
	if number < 0 {
		return record.View{}, files.Differ("%s: the id %q is not the data set's name and a row number", files.Place(file, n), row.ID)
	}
	return record.View{Number: number, Question: Quoted(row.Question), Answer: Quoted(row.ReferenceAnswer), AnswerType: []byte(row.AnswerType)}, nil
}

// Record parses a row of any data set of the recipe.
func (r *Revision) Record(file string, n int64, line []byte) (record.Record, error) {
	row, err := record.Parse(line)
	if err != nil {
		return row, files.Differ("%s: %w", files.Place(file, n), err)
	}
	if _, domain, ok := r.Manifest.Recipe.Dataset(row.Dataset); !ok || domain.Name != row.Domain {
		return row, files.Differ("%s: data set %s of domain %s is not in the recipe", files.Place(file, n), row.Dataset, row.Domain)
	}
	return row, nil
}

// UnitsOf returns the bytes or tokens of a row.
func (r *Revision) UnitsOf(row record.View) int64 {
	if r.Units == nil {
		return 0
	}
	return r.Units.Of(text(row.Question), text(row.Answer))
}

// Quoted returns a text as it is in JSON, without its quotes.
func Quoted(text string) []byte {
	quoted := record.StringOf(text)
	return []byte(quoted[1 : len(quoted)-1])
}

// text returns the text that is in JSON, without quotes, in the published form.
func text(quoted []byte) string {
	if bytes.IndexByte(quoted, '\\') < 0 {
		return string(quoted)
	}
	return string(AppendText(nil, quoted))
}

// AppendText appends the text of what is in JSON, without quotes, in the published form.
func AppendText(dst, quoted []byte) []byte {
	text, ok := jsonscan.AppendUnquoted(dst, quoted)
	if !ok {
		panic("layout: a row was recognized with a text that is not in the published form") // record rules it out
	}
	return text
}
