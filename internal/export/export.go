// Package export converts the rows of a mix to the tables that trainers read. It is pure: a published row and an export make the values of a
// table's columns, and nothing else is looked at.
//
// docs/exports.md has the columns. Imports: internal/recipe, internal/encode, internal/record, internal/contract.
package export

import (
	"fmt"

	"github.com/datasetmix/datasetmix/internal/contract"
	"github.com/datasetmix/datasetmix/internal/encode"
	"github.com/datasetmix/datasetmix/internal/recipe"
	"github.com/datasetmix/datasetmix/internal/record"
)

// Rows shapes the rows of one file of an export.
type Rows struct {
	recipe recipe.Recipe
	export recipe.Export
	shape  shape
	split  string
	index  int64 // of the next row in its split
	row    row
	asked  []byte
}

// shape is a format: its columns, and how a row fills them.
type shape interface {
	fields() []encode.Field
	// id is the leaf of the row's id.
	id() int
	// add fills the leaves of texts. The error names what the row lacks.
	add(x *Rows, to *encode.Table) error
	// index fills the leaf of the row's place in the split, if there is one.
	index(n int64, to *encode.Table)
}

// Of begins a file of an export. Its first row is the one at index in the split.
func Of(r recipe.Recipe, name, split string, index int64) (*Rows, error) {
	export, ok := r.Export(name)
	if !ok {
		return nil, contract.Failf(contract.InvalidTask, "the recipe has no export %q", name)
	}
	x := &Rows{recipe: r, export: export, split: split, index: index}
	switch export.Format {
	case recipe.ExportRL:
		x.shape = &rl{prompted: export.SystemPrompt != "" || export.Context, label: labels{recipe: r}}
	case recipe.ExportSFT:
		x.shape = &sft{}
	case recipe.ExportPreference:
		x.shape = preference{}
	case recipe.ExportText:
		x.shape = &text{}
	default:
		return nil, contract.Failf(contract.InvalidTask, "export %s has the format %q, which is not known", name, export.Format)
	}
	return x, nil
}

// Fields returns the columns of the file.
func (x *Rows) Fields() []encode.Field { return x.shape.fields() }

// Add adds a published row, with or without its line end, to a table of these columns. A row that the format cannot hold is an InvalidData
// failure that names it.
func (x *Rows) Add(line []byte, to *encode.Table) error {
	if id, ok := plainID(line); !ok || !to.Repeat(x.shape.id(), id) {
		if err := x.add(line, to); err != nil {
			return err
		}
	}
	x.shape.index(x.index, to)
	x.index++
	return to.EndRow()
}

// add adds the texts of a row that the row group does not have yet. An id identifies one row of the mix.
func (x *Rows) add(line []byte, to *encode.Table) error {
	if err := x.row.read(line); err != nil {
		if _, parsed := record.Parse(trimmed(line)); parsed != nil {
			err = parsed
		}
		return contract.Failf(contract.VolumeInvalid, "export %s: %w", x.export.Name, err)
	}
	if err := x.shape.add(x, to); err != nil {
		return contract.Failf(contract.InvalidData, "export %s of format %s cannot hold row %s of data set %s: %w; leave such rows out by record.where, or the export by its name",
			x.export.Name, x.export.Format, x.row.id, x.row.dataset, err)
	}
	return nil
}

// question returns the question followed by its instruction. The slice is valid until the next call.
func (x *Rows) question(scorer recipe.Scorer) []byte {
	instruction := x.instruction(scorer)
	if instruction == "" {
		return x.row.question
	}
	x.asked = append(append(append(x.asked[:0], x.row.question...), "\n\n"...), instruction...)
	return x.asked
}

// instruction returns the instruction of the export that follows a question which a scorer scores.
func (x *Rows) instruction(scorer recipe.Scorer) string {
	of := x.export.Instructions
	switch scorer {
	case recipe.NumericScorer:
		return of.Numeric
	case recipe.FormulaScorer:
		return of.Formula
	case recipe.NoAnswerTextScorer:
		return of.NoAnswer
	case recipe.CodeScorer:
		return of.Code
	default:
		return of.Text
	}
}

var turnFields = []encode.Field{{Name: "role"}, {Name: "content"}}

// errWithout returns the error that a row lacks what a format is made of.
func errWithout(what string) error { return fmt.Errorf("it has no %s", what) }
