package verify

import (
	"fmt"
	"slices"
	"strings"

	"github.com/datasetmix/datasetmix/internal/recipe"
)

// Claims are what a proof has shown and what it has not shown, in sentences without full stops.
type Claims struct {
	Proved    []string `json:"proved"`
	NotProved []string `json:"notProved"`
}

// Claims returns what the proof has shown of its revision, and what the files of a revision cannot show.
func (p Proof) Claims() Claims {
	r := p.Manifest.Recipe
	c := Claims{Proved: []string{
		fmt.Sprintf("each of the %d files has the bytes that the manifest lists, and there is no other", p.Files),
		"keys, counts, shares and the plan follow from the recipe and the results in the manifest",
		"what repeats the manifest (lock.json, info.json, meta.json, the test index, the pages) says what the manifest says",
	}}
	c = c.ofRows(r.Output)
	if p.Questions != nil {
		c.Proved = append(c.Proved, "no question is in two splits, compared "+p.Compared())
	}
	if r.Output.Layout != "" && r.Output.Holds(recipe.ProcessedPart) {
		c.Proved = append(c.Proved, "statistics.json says what the rows of every data set and split are like: all of them were counted again")
	} else if r.Output.Layout != "" {
		c.NotProved = append(c.NotProved, "what statistics.json and the report say of rows that are not there: processed is not kept")
	}
	if r.Duplicates == recipe.DropDuplicates && p.Questions != nil {
		c.Proved = append(c.Proved, "no two rows of a split say the same")
	}
	if p.anchored {
		c.Proved = append(c.Proved, "the manifest is the one with the digest that was given")
	} else {
		c.NotProved = append(c.NotProved, "who published this: it is consistent, not authentic; compare with status.published.digest by --digest "+p.Digest)
	}
	c.NotProved = append(c.NotProved, "that the rows are those of the sources: build --lock lock.json builds the same manifest from them, or says what differs",
		"what the files are called at their sources, which changes no row")
	return c.withoutEvidence(r, p.OtherPages)
}

// ofRows adds what the parts that a revision holds show of its rows, and what they do not.
func (c Claims) ofRows(output recipe.Output) Claims {
	raw, processed, mixed := output.Holds(recipe.RawPart), output.Holds(recipe.ProcessedPart), output.Holds(recipe.MixedPart)
	files := "mixed file"
	if !mixed {
		files = "export"
	}
	prove := func(claim string) { c.Proved = append(c.Proved, claim) }
	switch {
	case raw && processed:
		prove("every kept row of a data set is in one split, once, or listed as dropped, with the reasons counted")
	case processed:
		prove("every row of a data set is, by its number, in one split, once, or listed as dropped, with the reasons counted")
	default:
		prove("no row of a data set is in two splits, or in one and listed as dropped")
	}
	if processed {
		prove("every " + files + " has the planned rows of every data set, in the recipe's order and repeats")
	} else {
		prove("every " + files + " has the planned number of rows of every data set, in the order in which the recipe takes the data sets, and each row as often as planned")
		c.NotProved = append(c.NotProved, "which rows of a data set are in a split and how they follow one another: processed is not kept")
	}
	if !raw {
		c.NotProved = append(c.NotProved, "what the rows said that are in no split: raw is not kept")
	}
	if !processed && !mixed {
		c.NotProved = append(c.NotProved, "that the exports say what their rows say: neither processed nor mixed is kept")
	}
	if !processed && !mixed && !slices.ContainsFunc(output.Exports[:1], func(e recipe.Export) bool { return e.Format == recipe.ExportRL }) {
		c.NotProved = append(c.NotProved, "that no question is in two splits: the first export has no questions, and nothing else is kept")
	}
	return c
}

// Compared returns how questions were compared, for a sentence.
func (p Proof) Compared() string {
	if p.Manifest.Recipe.Compare == recipe.CompareBytes {
		return "to the byte"
	}
	return fmt.Sprintf("as normalized by %s", p.Manifest.Recipe.Compare)
}

// withoutEvidence adds what the recipe asks for and the files of a revision cannot show.
func (c Claims) withoutEvidence(r recipe.Recipe, otherPages []string) Claims {
	var grouped []string
	for _, name := range r.DatasetNames() {
		if dataset, _, _ := r.Dataset(name); dataset.Record.GroupBy != "" {
			grouped = append(grouped, name)
		}
	}
	add := func(when bool, format string, args ...any) {
		if when {
			c.NotProved = append(c.NotProved, fmt.Sprintf(format, args...))
		}
	}
	add(true, "that the seed chose which groups of rows are in which split, and the order of the rows in its files")
	add(len(grouped) > 0, "groupBy, of %s by its record: rows hold no group values; rows with one question are together", strings.Join(grouped, ", "))
	add(r.NearDuplicates != nil, "nearDuplicates: the rows that are left were not compared again")
	if r.Decontaminate != nil {
		var probes []string
		for _, probe := range r.Probes() {
			probes = append(probes, probe.Name)
		}
		add(true, "decontaminate: a revision holds no questions of %s", strings.Join(probes, ", "))
	}
	add(r.Measured() && r.Tokenizer.File != "", "the tokens of rows: the tokenizer's file is no part of a revision")
	add(len(otherPages) > 0, "%s: another release wrote it, and its bytes are those that were published", strings.Join(otherPages, ", "))
	return c
}
