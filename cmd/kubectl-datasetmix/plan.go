package main

import (
	"fmt"
	"io"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"
	"golang.org/x/text/language"
	"golang.org/x/text/message"

	"github.com/datasetmix/datasetmix/internal/contract"
	"github.com/datasetmix/datasetmix/internal/plan"
	"github.com/datasetmix/datasetmix/internal/recipe"
	"github.com/datasetmix/datasetmix/internal/revision"
)

// planCommand prints what a manifest comes to, with no data and no cluster.
func planCommand() *cobra.Command {
	var file, output string
	var rows, units map[string]int64
	command := &cobra.Command{
		Use:   "plan -f FILE --rows DATASET=ROWS,…",
		Short: "Print the exact rows of every mixed file before there is any data",
		Long: "Print the exact rows of every mixed file before there is any data.\n\n" +
			"The rows of each data set are divided by the shares of the splits. A build can differ by the rows of a group that\n" +
			"would be cut, and by rows dropped because a later split has the same question; its status counts both.",
		Example: "  kubectl datasetmix plan -f mix.yaml --rows gsm8k=7473,math=7500",
		Args:    cobra.NoArgs,
		RunE: func(command *cobra.Command, _ []string) error {
			if output != "" && output != "json" {
				return contract.Failf(contract.InvalidTask, "there is no output format %q; leave -o out for a table, or use json", output)
			}
			r, err := loadRecipe(command.Context(), file)
			if err != nil {
				return err
			}
			known := notes(r, units != nil)
			if r.Measured() && units == nil {
				units = rows
			}
			counts, err := plan.SplitCounts(r, rows, units)
			if err != nil {
				return contract.Failf(contract.InvalidTask, "--rows and --units: %w", err)
			}
			plan, err := plan.New(r, counts)
			if err != nil {
				return contract.Failf(contract.InfeasibleMix, "%w", err)
			}
			return printPlan(command.OutOrStdout(), plan, known, output)
		},
	}
	command.Flags().StringVarP(&file, "filename", "f", "", "the manifest; - reads it from standard input")
	command.Flags().StringToInt64Var(&rows, "rows", nil, "rows of each data set, such as gsm8k=7473,math=7500")
	command.Flags().StringToInt64Var(&units, "units", nil, "bytes or tokens of each data set, where the mix measures its shares in them; unset assumes every row has the same number")
	command.Flags().StringVarP(&output, "output", "o", "", "json prints the plan for programs")
	must(command.MarkFlagRequired("filename"))
	must(command.MarkFlagRequired("rows"))
	return command
}

func printPlan(out io.Writer, plan plan.Plan, notes []string, format string) error {
	if format != "json" {
		if err := planTable(out, plan); err != nil || len(notes) == 0 {
			return err
		}
		_, err := fmt.Fprintf(out, "\n%s\n", strings.Join(notes, "\n"))
		return err
	}
	encoded, err := revision.EncodeJSON(plan)
	if err != nil {
		return err
	}
	_, err = out.Write(encoded)
	return err
}

// notes say what a plan cannot know before there is any data, and what its table does not show.
func notes(r recipe.Recipe, measured bool) []string {
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

// planTable shows a plan to people.
func planTable(out io.Writer, plan plan.Plan) error {
	p := message.NewPrinter(language.English) // thousands are grouped
	table := tabwriter.NewWriter(out, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(table, "SPLIT\tDOMAIN\tDATASET\tAVAILABLE\tBALANCED\tROWS\tUNIQUE\tMOST REPEATED\tSHARE\t")
	for _, split := range plan.Splits {
		for _, domain := range split.Domains {
			for _, dataset := range domain.Datasets {
				unique, repeats := p.Sprintf("%d", dataset.Unique), p.Sprintf("%d×", dataset.MaxRepeats)
				if dataset.Drawn {
					unique, repeats = "drawn", "drawn" // which a build counts
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

// must holds for mistakes in this program, which its tests find.
func must(err error) {
	if err != nil {
		panic(err)
	}
}
