package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/datasetmix/datasetmix/internal/cli"
	"github.com/datasetmix/datasetmix/internal/cli/compare"
	"github.com/datasetmix/datasetmix/internal/cli/connect"
	"github.com/datasetmix/datasetmix/internal/cli/view"
	"github.com/datasetmix/datasetmix/internal/contract"
	"github.com/datasetmix/datasetmix/internal/render"
	"github.com/datasetmix/datasetmix/internal/revision"
	"github.com/datasetmix/datasetmix/internal/rows"
)

// diffCommand returns the verb diff, which shows the stages that an edit runs again and the counts that it changes.
func diffCommand() *cobra.Command {
	var format string
	var rows map[string]int64
	command := &cobra.Command{
		Use:   "diff OLD NEW [--rows DATASET=ROWS,…]",
		Short: "Say which stages run and which counts change from one mix to another, before anything is built",
		Long: "Say which stages run and which counts change from one mix to another, before anything is built.\n\n" +
			"OLD and NEW are each a manifest, a revision's folder or datasetmix/NAME on the cluster. The rows of data sets are those of a\n" +
			"revision's manifest or of the cluster; --rows says those of data sets that are new.\n\n" +
			"Exit codes: 0 the mixes are the same, 1 they differ, 2 and more they cannot be compared.",
		Example: "  kubectl datasetmix diff datasetmix/grpo-six mix.yaml -n training\n" +
			"  kubectl datasetmix diff data/grpo-six/current mix.yaml\n" +
			"  kubectl datasetmix diff old.yaml new.yaml --rows gsm8k=7473,math=7500",
		Args: cobra.ExactArgs(2),
	}
	from := connect.Flags(command)
	command.Flags().StringToInt64Var(&rows, "rows", nil, "rows of data sets, such as gsm8k=7473,math=7500")
	command.Flags().StringVarP(&format, "output", "o", "", "json prints the comparison for programs")
	command.RunE = func(command *cobra.Command, args []string) error {
		differs, err := diff(command, from, args, rows, format)
		switch {
		case err != nil:
			return &cli.Exit{Code: max(cli.CodeOf(err), cli.DiffFailed), Err: err}
		case differs:
			return &cli.Exit{Code: cli.Differs}
		default:
			return nil
		}
	}
	return command
}

// diff compares two mixes and prints what it found.
func diff(command *cobra.Command, from *connect.Connection, names []string, rows map[string]int64, format string) (differs bool, err error) {
	if format != "" && format != "json" {
		return false, contract.Failf(contract.InvalidTask, "there is no output format %q; leave -o out for text, or use json", format)
	}
	var sides [2]compare.Side
	for i, name := range names {
		if sides[i], err = sideOf(command, from, name); err != nil {
			return false, err
		}
	}
	for name, n := range rows {
		if _, _, ok := sides[1].Recipe.Dataset(name); !ok {
			return false, contract.Failf(contract.InvalidTask, "--rows: there is no data set %s%s", name, cli.DidYouMean(name, sides[1].Recipe.DatasetNames()))
		}
		if sides[1].Rows == nil {
			sides[1].Rows = map[string]int64{}
		}
		sides[1].Rows[name] = n
	}
	if sides[0].Rows == nil {
		sides[0].Rows = sides[1].Rows
	}
	found, err := compare.Mixes(sides[0], sides[1])
	if err != nil {
		return false, contract.Failf(contract.InfeasibleMix, "%w", err)
	}
	if format == "json" {
		return found.Differs(), printJSON(command.OutOrStdout(), found)
	}
	return found.Differs(), printDiff(command.OutOrStdout(), found)
}

// clusterPrefix begins the name of a mix on the cluster.
const clusterPrefix = "datasetmix/"

// sideOf reads a manifest, a revision or a mix of the cluster.
func sideOf(command *cobra.Command, from *connect.Connection, name string) (compare.Side, error) {
	if strings.HasPrefix(name, clusterPrefix) {
		return sideOfCluster(command, from, name)
	}
	if info, err := os.Stat(name); err == nil && info.IsDir() {
		return sideOfRevision(name)
	}
	_, r, err := load(command.Context(), name)
	return compare.Side{Recipe: r}, err
}

func sideOfRevision(dir string) (compare.Side, error) {
	folder, err := rows.CurrentFolder(dir)
	if err != nil {
		return compare.Side{}, err
	}
	encoded, err := os.ReadFile(filepath.Join(folder, revision.ManifestFile))
	if err != nil {
		return compare.Side{}, contract.Failf(contract.VolumeInvalid, "%s is not a revision: %w", dir, err)
	}
	manifest, err := revision.ParseManifest(encoded)
	if err != nil {
		return compare.Side{}, contract.Failf(contract.VolumeInvalid, "%s: %w", dir, err)
	}
	return compare.Side{Recipe: manifest.Recipe, Results: manifest.ByKey(), Published: true}, nil
}

// sideOfCluster reads a mix of the cluster, with the rows that its status counts and, if the user may read them, the results that the
// manager has recorded.
func sideOfCluster(command *cobra.Command, from *connect.Connection, name string) (compare.Side, error) {
	mix, r, err := loadFromCluster(command.Context(), from, name, command.ErrOrStderr())
	if err != nil {
		return compare.Side{}, err
	}
	client, err := from.Client()
	if err != nil {
		return compare.Side{}, err
	}
	side := compare.Side{Recipe: r, Rows: view.Rows(mix)}
	side.Results, err = client.Results(command.Context(), render.ResultsName(mix))
	if errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return side, err
	}
	return side, nil // without the results, the rows of the status are near enough
}

// printDiff prints a comparison for people.
func printDiff(out io.Writer, c compare.Comparison) error {
	if !c.Differs() {
		_, err := fmt.Fprintln(out, "The mixes are the same.")
		return err
	}
	fmt.Fprintln(out, "Changed:")
	for _, change := range c.Changes {
		fmt.Fprintf(out, "  %s: %s → %s\n", change.Path, short(change.Before), short(change.After))
	}
	fmt.Fprintln(out)
	table := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "STAGE\tRUNS\tWHAT\tSINCE")
	for _, stage := range c.Stages {
		since := "-"
		switch {
		case len(stage.Since) > 0:
			since = strings.Join(stage.Since, ", ")
		case len(stage.Runs) > 0:
			since = "other data"
		}
		fmt.Fprintf(table, "%s\t%d/%d\t%s\t%s\n", stage.Name, len(stage.Runs), stage.Of, some(stage.Runs), since)
	}
	if err := table.Flush(); err != nil {
		return err
	}
	return printCounts(out, c)
}

// printCounts prints the counts that differ, or the data sets whose rows are not known.
func printCounts(out io.Writer, c compare.Comparison) error {
	fmt.Fprintln(out)
	if len(c.Unknown) > 0 {
		_, err := fmt.Fprintf(out, "The counts are not known: say the rows of %s with --rows.\n", strings.Join(c.Unknown, ", "))
		return err
	}
	if len(c.Counts) == 0 {
		_, err := fmt.Fprintln(out, "No count changes.")
		return err
	}
	table := tabwriter.NewWriter(out, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(table, "SPLIT\tDOMAIN\tDATASET\tROWS\tCHANGE\tUNIQUE\tMOST REPEATED\t")
	for _, n := range c.Counts {
		fmt.Fprintf(table, "%s\t%s\t%s\t%d\t%+d\t%d\t%d×\t\n", n.Split, n.Domain, n.Dataset, n.After[0], n.After[0]-n.Before[0], n.After[1], n.After[2])
	}
	if err := table.Flush(); err != nil {
		return err
	}
	if len(c.Estimated) > 0 {
		_, err := fmt.Fprintf(out, "\nDivided anew, so a group of rows that would be cut, or a question that two splits have, can move these counts: %s.\n", some(c.Estimated))
		return err
	}
	return nil
}

// some returns the first names of a list, and how many more there are.
func some(names []string) string {
	const most = 6
	switch {
	case len(names) == 0:
		return "-"
	case len(names) > most:
		return fmt.Sprintf("%s and %d more", strings.Join(names[:most], ", "), len(names)-most)
	default:
		return strings.Join(names, ", ")
	}
}

// short returns a value of the recipe, cut to 60 characters.
func short(value string) string {
	if value == "" {
		return "unset"
	}
	return contract.Clean(value, 60)
}
