package main

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	datav1alpha1 "github.com/datasetmix/datasetmix/api/v1alpha1"
	"github.com/datasetmix/datasetmix/internal/cli/view"
	"github.com/datasetmix/datasetmix/internal/contract"
	"github.com/datasetmix/datasetmix/internal/plan"
	"github.com/datasetmix/datasetmix/internal/revision"
)

// planCommand prints what a manifest comes to, with no data and no cluster.
func planCommand() *cobra.Command {
	var p planning
	command := &cobra.Command{
		Use:   "plan -f FILE [--rows DATASET=ROWS,…] [--look]",
		Short: "Print the exact rows of every mixed file before there is any data; --look shows the first rows of each source",
		Long: "Print the exact rows of every mixed file before there is any data.\n\n" +
			"The rows of each data set are divided by the shares of the splits. A build can differ by the rows of a group that\n" +
			"would be cut, and by rows dropped because a later split has the same question; its status counts both.\n\n" +
			"With --look it reads the first rows of each data set at its source, as build would, and shows what they come to: rows as\n" +
			"they would be published, what is left out and why, names that are likely mistyped, presets that fit. The plan follows\n" +
			"where --rows has the other counts, or all rows were read. The exit code is that of a build of such rows.",
		Example: "  kubectl datasetmix plan -f mix.yaml --rows gsm8k=7473,math=7500\n" +
			"  kubectl datasetmix plan -f mix.yaml --look",
		Args: cobra.NoArgs,
		RunE: func(command *cobra.Command, _ []string) error { return p.run(command) },
	}
	command.Flags().StringVarP(&p.file, "filename", "f", "", "the manifest; - reads it from standard input")
	command.Flags().StringToInt64Var(&p.rows, "rows", nil, "rows of each data set, such as gsm8k=7473,math=7500")
	command.Flags().StringToInt64Var(&p.units, "units", nil, "bytes or tokens of each data set, where the mix measures its shares in them; unset assumes every row has the same number")
	command.Flags().StringVarP(&p.output, "output", "o", "", "json prints the plan, or what was looked at, for programs")
	must(command.MarkFlagRequired("filename"))
	p.look.flags(command)
	command.MarkFlagsOneRequired("rows", "look")
	return command
}

// planning is what plan was asked for.
type planning struct {
	file, output string
	rows, units  map[string]int64
	look         looking
}

func (p *planning) run(command *cobra.Command) error {
	if p.output != "" && p.output != "json" {
		return contract.Failf(contract.InvalidTask, "there is no output format %q; leave -o out for a table, or use json", p.output)
	}
	mix, r, err := load(command.Context(), p.file)
	if err != nil {
		return err
	}
	if p.look.rows > 0 {
		counted, err := p.look.all(command, mix, r, p.file, p.output)
		if err != nil || p.output == "json" {
			return err
		}
		maps.Copy(counted, p.rows)
		if p.rows = counted; len(p.rows) < len(r.DatasetNames()) {
			return nil // --rows would say the others
		}
	}
	known := view.Notes(r, p.units != nil)
	if mix.Spec.Output.Volume == (datav1alpha1.OutputVolume{}) {
		known = append(known, "- "+noVolume)
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

func printPlan(out io.Writer, plan plan.Plan, notes []string, format string) error {
	if format != "json" {
		if err := view.Plan(out, plan); err != nil || len(notes) == 0 {
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

// must holds for mistakes in this program, which its tests find.
func must(err error) {
	if err != nil {
		panic(err)
	}
}
