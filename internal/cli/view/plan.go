package view

import (
	"fmt"
	"io"
	"strings"
	"text/tabwriter"

	"github.com/datasetmix/datasetmix/internal/plan"
	"github.com/datasetmix/datasetmix/internal/recipe"
)

// Notes returns a line for each thing that a plan cannot know before there is any data, or that its table does not show.
func Notes(r recipe.Recipe, measured bool) []string {
	var notes []string
	add := func(when bool, format string, args ...any) {
		if when {
			notes = append(notes, "- "+fmt.Sprintf(format, args...))
		}
	}
	skips := func(read recipe.Read) bool { return read.OnBadRow == recipe.SkipBadRow }
	bad := false
	for _, name := range r.DatasetNames() {
		dataset, _, _ := r.Dataset(name)
		bad = bad || skips(dataset.Read)
	}
	add(r.Measured() && !measured, "Shares are measured in %s, which only a build can count; the table assumes every row has the same number, unless --units says more.", strings.ToLower(string(r.Unit)))
	add(r.Resample == recipe.WithReplacement, "Rows are drawn with replacement: which are unique, and how often one repeats, a build counts.")
	add(bad, "Bad rows are skipped, so there may be fewer than --rows says.")
	add(r.Decontaminate != nil, "Rows with a question of the %d sources to decontaminate against are dropped.", len(r.Probes()))
	add(r.Duplicates == recipe.DropDuplicates, "Duplicates within a split are dropped, keeping one.")
	add(r.NearDuplicates != nil, "Near-duplicates of a later split's questions are dropped.")
	add(r.Output.Shards > 1, "Each mixed split is %d files, each with its part of every data set.", r.Output.Shards)
	return notes
}

// Plan writes a plan as a table.
func Plan(out io.Writer, plan plan.Plan) error {
	p := English
	table := tabwriter.NewWriter(out, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(table, "SPLIT\tDOMAIN\tDATASET\tAVAILABLE\tBALANCED\tROWS\tUNIQUE\tMOST REPEATED\tSHARE\t")
	for _, split := range plan.Splits {
		for _, domain := range split.Domains {
			for _, dataset := range domain.Datasets {
				unique, repeats := p.Sprintf("%d", dataset.Unique), p.Sprintf("%d×", dataset.MaxRepeats)
				if dataset.Drawn {
					unique, repeats = "drawn", "drawn" // a build counts them
				}
				p.Fprintf(table, "%s\t%s\t%s\t%d\t%d\t%d\t%s\t%s\t\t\n", split.Name, domain.Name, dataset.Name,
					dataset.Available, dataset.Balanced, dataset.Rows, unique, repeats)
			}
			p.Fprintf(table, "%s\t%s\t\t\t\t%d\t\t\t%.1f%%\t\n", split.Name, domain.Name, domain.Rows, 100*float64(domain.Rows)/float64(split.Rows))
		}
		p.Fprintf(table, "%s\t\t\t\t\t%d\t\t\t100.0%%\t\n", split.Name, split.Rows)
	}
	return table.Flush()
}
