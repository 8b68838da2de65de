// Package layout lists the files of rows that a revision has for each data set and split, and parses their rows.
package layout

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/datasetmix/datasetmix/internal/pipeline"
	"github.com/datasetmix/datasetmix/internal/plan"
	"github.com/datasetmix/datasetmix/internal/recipe"
	"github.com/datasetmix/datasetmix/internal/record"
	"github.com/datasetmix/datasetmix/internal/revision"
	"github.com/datasetmix/datasetmix/internal/schema"
	"github.com/datasetmix/datasetmix/internal/store"
	"github.com/datasetmix/datasetmix/internal/tokens"
	"github.com/datasetmix/datasetmix/internal/verify/files"
)

// Revision is what all checks of rows know of a revision.
type Revision struct {
	Files    *files.Set
	Manifest *revision.Manifest
	Results  pipeline.Results // of the manifest
	// Notes is the folder for what is noted on the way.
	Notes    store.Path
	Datasets []*Dataset // sorted by name
	// Units counts rows in the unit of the shares; nil where that is rows, or not known here: a tokenizer's file is not part of a revision, and the
	// manifest's counts are trusted.
	Units *tokens.Units
	// Partial reports that the rows of a split are in no file of their own.
	Partial bool
}

// Dataset is the files of one data set.
type Dataset struct {
	Name  string
	Place int // among the data sets sorted by name
	// Raw is the file of all rows, "" if the revision does not hold it. Dropped is the list of the rows that the split stage left out, "" if it
	// left none out.
	Raw, Dropped string
	Result       pipeline.SplitResult
	Splits       []Split
	// Fields are the types of the rows' members, as the manifest has them; nil where it has none.
	Fields *schema.Type

	form record.Form
	of   *Revision
}

// Split is the rows of a data set in a split.
type Split struct {
	Place int // of the split
	Plan  plan.Dataset
	// File is "" where the rows have none of their own; Index is the name of the index that is made on the way.
	File, Index string
	// Repeats reports that rows are repeated in the mix: the orders of its later passes need identities.
	Repeats bool
}

// New returns the layout of a revision, whose files are listed.
func New(listed *files.Set, manifest *revision.Manifest, notes store.Path) (*Revision, error) {
	r := &Revision{Files: listed, Manifest: manifest, Results: manifest.Results(), Notes: notes}
	for place, name := range manifest.Recipe.DatasetNames() {
		r.Datasets = append(r.Datasets, r.newDataset(place, name))
	}
	if manifest.Recipe.Tokenizer.File != "" {
		return r, nil
	}
	var err error
	if r.Units, err = tokens.UnitsOf(manifest.Recipe, nil); err != nil {
		return nil, files.Differ("the manifest's tokenizer: %w", err)
	}
	return r, nil
}

func (r *Revision) newDataset(place int, name string) *Dataset {
	_, domain, _ := r.Manifest.Recipe.Dataset(name)
	d := &Dataset{Name: name, Place: place, Raw: r.Files.Held(revision.RawFile(domain.Name, name)), Result: *r.Results.Split(name), form: record.NewForm(name, domain.Name), of: r}
	if fields, ok := r.Manifest.Fields[name]; ok {
		d.Fields = &fields
	}
	if d.Result.DroppedRows() > 0 {
		d.Dropped = revision.DroppedSourceFile(domain.Name, name)
	}
	for i, split := range r.Manifest.Plan.Splits {
		plan := split.Datasets()[place]
		file := cmp.Or(r.Files.Held(revision.ProcessedFile(name, split.Name)), r.Files.Held(revision.TestFile(name, split.Name)))
		d.Splits = append(d.Splits, Split{Place: i, Plan: plan, File: file, Index: fmt.Sprintf("%s.%s.idx", name, split.Name), Repeats: plan.Rows > plan.Available && !plan.Drawn})
		r.Partial = r.Partial || file == ""
	}
	return d
}

// HasRowsOf reports whether the rows of a split are there, of all data sets.
func (r *Revision) HasRowsOf(split int) bool {
	return !slices.ContainsFunc(r.Datasets, func(d *Dataset) bool { return d.Splits[split].File == "" })
}

// HasAllRows reports whether the rows of every split are there, and those of all rows.
func (r *Revision) HasAllRows() bool {
	return !r.Partial && r.Manifest.Recipe.Output.Holds(recipe.RawPart)
}

// SplitName returns the name of a split.
func (r *Revision) SplitName(split int) string { return r.Manifest.Plan.Splits[split].Name }
