package main

import (
	"context"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	datav1alpha1 "github.com/datasetmix/datasetmix/api/v1alpha1"
	"github.com/datasetmix/datasetmix/internal/cli"
	"github.com/datasetmix/datasetmix/internal/cli/connect"
	"github.com/datasetmix/datasetmix/internal/cli/places"
	"github.com/datasetmix/datasetmix/internal/cli/survey"
	"github.com/datasetmix/datasetmix/internal/cli/view"
	"github.com/datasetmix/datasetmix/internal/contract"
	"github.com/datasetmix/datasetmix/internal/plan"
	"github.com/datasetmix/datasetmix/internal/recipe"
	"github.com/datasetmix/datasetmix/internal/revision"
)

// planCommand returns the verb plan, which prints the counts of a manifest or of a mix of the cluster before there is any data.
func planCommand() *cobra.Command {
	var p planning
	command := &cobra.Command{
		Use:   "plan NAME | -f FILE [--rows DATASET=ROWS,…] [--look]",
		Short: "Print the exact rows of every mixed file before there is any data; --look shows the first rows of each source",
		Long: "Print the exact rows of every mixed file before there is any data, of a manifest or of a mix of the cluster.\n\n" +
			"The rows of each data set are those of --rows, and those that a status counts, where a mix of the cluster is named, also by\n" +
			"--rows-of. Where neither says any, the sources are asked, and no row is read: footers of Parquet files, the card of a repository.\n\n" +
			"The rows of each data set are divided by the shares of the splits. A build can differ by the rows of a group that\n" +
			"would be cut, and by rows dropped because a later split has the same question; its status counts both.\n\n" +
			"With --look it reads the first rows of each data set at its source, as build would, and shows what they come to: rows as\n" +
			"they would be published, what is left out and why, names that are likely mistyped, presets that fit. The plan follows\n" +
			"where the other counts are known, or all rows were read. The exit code is that of a build of such rows. For a mix of the\n" +
			"cluster, or with --on-cluster, pods of the worker look, with the claims and the Secrets that the sources name, and are removed afterwards.",
		Example: "  kubectl datasetmix plan -f mix.yaml\n" +
			"  kubectl datasetmix plan -f mix.yaml --rows gsm8k=7473,math=7500\n" +
			"  kubectl datasetmix plan -f mix.yaml --look\n" +
			"  kubectl datasetmix plan grpo-six -n training --look",
		Args: cobra.MaximumNArgs(1),
	}
	p.from = connect.Flags(command)
	command.RunE = p.run
	command.Flags().StringVarP(&p.file, "filename", "f", "", "the manifest; - reads it from standard input")
	command.Flags().StringToInt64Var(&p.rows, "rows", nil, "rows of each data set, such as gsm8k=7473,math=7500")
	command.Flags().StringVar(&p.rowsOf, "rows-of", "", "the mix of the cluster whose status has the rows of data sets that --rows leaves out")
	command.Flags().StringToInt64Var(&p.units, "units", nil, "bytes or tokens of each data set, where the mix measures its shares in them; unset assumes every row has the same number")
	command.Flags().StringVarP(&p.output, "output", "o", "", "json prints the plan, or what was looked at, for programs")
	p.look.flags(command)
	must(command.RegisterFlagCompletionFunc("rows-of", command.ValidArgsFunction))
	must(command.RegisterFlagCompletionFunc("rows", p.completeRows))
	return command
}

// planning has the options of plan.
type planning struct {
	file, output, rowsOf string
	rows, units          map[string]int64
	look                 looking
	from                 *connect.Connection
}

func (p *planning) run(command *cobra.Command, args []string) error {
	if p.output != "" && p.output != "json" {
		return contract.Failf(contract.InvalidTask, "there is no output format %q; leave -o out for a table, or use json", p.output)
	}
	mix, r, err := p.load(command.Context(), args, command.ErrOrStderr())
	if err != nil {
		return err
	}
	if p.look.rows > 0 {
		counted, err := p.look.all(command, p.from, mix, r, p.file, p.output)
		if err != nil || p.output == "json" {
			return err
		}
		maps.Copy(counted, p.rows)
		if p.rows = counted; len(p.rows) < len(r.DatasetNames()) {
			return nil // a plan needs --rows for the others
		}
	}
	return p.print(command, mix, r)
}

// print prints the plan by the known numbers of rows, or else by those that the sources report.
func (p *planning) print(command *cobra.Command, mix *datav1alpha1.DatasetMix, r recipe.Recipe) error {
	known := view.Notes(r, p.units != nil)
	if mix.Spec.Output.Volume == (datav1alpha1.OutputVolume{}) {
		known = append(known, "- "+noVolume)
	}
	if len(p.rows) == 0 {
		asked, err := p.ask(command.Context(), mix, r)
		if err != nil {
			return err
		}
		known = append(known, asked)
	}
	if r.Measured() && p.units == nil {
		p.units = p.rows
	}
	counts, err := plan.SplitCounts(r, p.rows, p.units)
	if err != nil {
		return contract.Failf(contract.InvalidTask, "--rows and --units: %w", err)
	}
	planned, err := plan.New(r, counts)
	if err != nil {
		return contract.Failf(contract.InfeasibleMix, "%w", err)
	}
	return printPlan(command.OutOrStdout(), planned, slices.Concat(view.Warnings(r, planned), known), p.output)
}

// completeRows completes the name of a data set of the manifest, or of the mix of the cluster, after the last comma.
func (p *planning) completeRows(command *cobra.Command, args []string, typed string) ([]cobra.Completion, cobra.ShellCompDirective) {
	_, r, err := p.load(command.Context(), args, io.Discard)
	if err != nil {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	before := typed[:strings.LastIndex(typed, ",")+1]
	var words []string
	for _, name := range r.DatasetNames() {
		words = append(words, before+name+"=")
	}
	return cli.Beginning(typed, words), cobra.ShellCompDirectiveNoSpace | cobra.ShellCompDirectiveNoFileComp
}

// load reads the manifest or the mix of the cluster, and adds the rows that a status counts.
func (p *planning) load(ctx context.Context, args []string, warnings io.Writer) (*datav1alpha1.DatasetMix, recipe.Recipe, error) {
	if (len(args) > 0) == (p.file != "") {
		return nil, recipe.Recipe{}, contract.Failf(contract.InvalidTask, "name a mix of the cluster, or a manifest with -f")
	}
	var mix, counted *datav1alpha1.DatasetMix
	var r recipe.Recipe
	var err error
	if p.file != "" {
		mix, r, err = load(ctx, p.file)
	} else {
		p.look.onCluster = true
		mix, r, err = loadFromCluster(ctx, p.from, args[0], warnings)
		counted = mix
	}
	if err == nil && p.rowsOf != "" {
		counted, _, err = loadFromCluster(ctx, p.from, p.rowsOf, io.Discard) // only its status is used
	}
	if err == nil && counted != nil {
		p.takeRows(counted, r)
	}
	return mix, r, err
}

// takeRows adds the rows that a status counts, for the data sets of the recipe that --rows leaves out.
func (p *planning) takeRows(counted *datav1alpha1.DatasetMix, r recipe.Recipe) {
	rows := view.Rows(counted)
	maps.DeleteFunc(rows, func(name string, _ int64) bool {
		_, _, known := r.Dataset(name)
		return !known
	})
	maps.Copy(rows, p.rows)
	p.rows = rows
}

// ask asks the sources for their numbers of rows, and returns the note about them.
func (p *planning) ask(ctx context.Context, mix *datav1alpha1.DatasetMix, r recipe.Recipe) (note string, err error) {
	p.look.here.Folder = places.FolderOf(p.file)
	p.look.here.Find(mix)
	p.rows, err = survey.Count(ctx, r, p.look.here.Sources(mix))
	return "- The rows are those that the sources say without one being read; a record's where, and bad rows, may leave some of them out.", err
}

func printPlan(out io.Writer, plan plan.Plan, notes []string, format string) error {
	if format != "json" {
		if err := view.Plan(out, plan); err != nil || len(notes) == 0 {
			return err
		}
		_, err := fmt.Fprintf(out, "\n%s\n", strings.Join(notes, "\n"))
		return err
	}
	return printJSON(out, plan)
}

// printJSON prints a value for programs.
func printJSON(out io.Writer, value any) error {
	encoded, err := revision.EncodeJSON(value)
	if err != nil {
		return err
	}
	_, err = out.Write(encoded)
	return err
}

// must panics for an error that only a mistake in this program causes; its tests find those.
func must(err error) {
	if err != nil {
		panic(err)
	}
}
