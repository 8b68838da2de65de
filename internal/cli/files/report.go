package files

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"github.com/datasetmix/datasetmix/internal/cli"
	"github.com/datasetmix/datasetmix/internal/cli/bundle"
	"github.com/datasetmix/datasetmix/internal/cli/connect"
	"github.com/datasetmix/datasetmix/internal/contract"
	"github.com/datasetmix/datasetmix/internal/revision"
	"github.com/datasetmix/datasetmix/internal/rows"
	"github.com/datasetmix/datasetmix/internal/transfer"
	"github.com/datasetmix/datasetmix/internal/version"
)

// reportFiles has the file of a revision for each format of the report.
var reportFiles = map[string]string{"html": revision.ReportFile, "text": revision.CardFile, "json": revision.StatisticsFile}

var reportFormats = []string{"html", "text", "json"}

// Report returns the verb report, which saves or prints the report of a revision.
func Report() *cobra.Command {
	var g get
	var output, to string
	var bundled bool
	command := &cobra.Command{
		Use:   "report NAME|FOLDER [-o html|text|json] [--bundle]",
		Short: "Save or print the report of a published revision",
		Long: "Save or print the report of a published revision: what went in, what came out, and what the rows are like.\n\n" +
			"Without -o the page is saved as NAME-REVISION.html, to be opened in a browser. -o prints it: html the page, text the\n" +
			"card, json the statistics. It is read by a pod of the worker that mounts the claim read-only, compared with its digest, and the pod is removed afterwards.\n\n" +
			"With --bundle, what a maintainer needs to help is saved as NAME-bundle.zip instead: the object, its conditions, its Events, the ends of the\n" +
			"workers' logs, versions, the plan and the card, as far as you may read them. What is in it is listed first. No Secret is read; tokens, keys and the\n" +
			"queries of addresses are removed. Look at it before you hand it on: names, addresses and the rows that logs quote are in it.",
		Example: "  kubectl datasetmix report grpo-six -n training\n" +
			"  kubectl datasetmix report grpo-six -o text\n" +
			"  kubectl datasetmix report ./data -o json\n" +
			"  kubectl datasetmix report grpo-six --bundle",
		Args: cobra.ExactArgs(1),
	}
	g.flags(command)
	command.Flags().StringVarP(&output, "output", "o", "", "print the report: html, text or json")
	connect.Offer(command, "output", reportFormats...)
	command.Flags().StringVar(&to, "to", "", "the file that the page, or the bundle, is saved in")
	command.Flags().BoolVar(&bundled, "bundle", false, "save what a maintainer needs to help, without credentials")
	command.MarkFlagsMutuallyExclusive("output", "to")
	command.MarkFlagsMutuallyExclusive("output", "bundle")
	command.RunE = func(command *cobra.Command, args []string) error {
		if bundled {
			return g.bundle(command, args[0], to)
		}
		file, known := reportFiles[output]
		if output == "" {
			file = revision.ReportFile
		} else if !known {
			return contract.Failf(contract.InvalidTask, "there is no output format %q%s; take one of %s", output, cli.DidYouMean(output, reportFormats), strings.Join(reportFormats, ", "))
		}
		f, err := g.find(command, args[0])
		if err != nil {
			return err
		}
		var content bytes.Buffer
		err = f.ask(command.Context(), rows.Question{Kind: rows.File, Selection: rows.Selection{File: file}}, &content)
		if err = errors.Join(err, f.close()); err != nil {
			return err
		}
		if output != "" {
			_, err := untouched(command).Write(content.Bytes())
			return err
		}
		if to == "" {
			to = f.reportName()
		}
		if err := transfer.Save(to, true, func(out io.Writer) error {
			_, err := out.Write(content.Bytes())
			return err
		}); err != nil {
			return err
		}
		fmt.Fprintln(command.OutOrStdout(), to)
		return nil
	}
	return command
}

// reportName returns the name of the file for the page, which differs for each revision.
func (f *found) reportName() string {
	name, of := f.local.Manifest.Name, f.local.Manifest.Revision
	if f.mix != nil {
		name, of = f.mix.Name, f.folder[strings.LastIndex(f.folder, "/")+1:]
	}
	return name + "-" + of + ".html"
}

// bundle saves what a maintainer needs to help, and lists it first.
func (g *get) bundle(command *cobra.Command, name, to string) error {
	if isFolder(name) {
		return contract.Failf(contract.InvalidTask, "a bundle is of a mix of the cluster; %s is a folder of this machine", name)
	}
	client, err := g.from.Client()
	if err != nil {
		return err
	}
	object, mix, err := connect.One(command.Context(), client, name)
	if err != nil {
		return err
	}
	parts := bundle.Collect(command.Context(), bundle.Mix{Client: client, Object: object, Typed: mix, Version: version.Number(), Report: func(ctx context.Context) ([]byte, error) {
		f, err := g.find(command, name)
		if err != nil {
			return nil, err
		}
		var card bytes.Buffer
		err = f.ask(ctx, rows.Question{Kind: rows.File, Selection: rows.Selection{File: revision.CardFile}}, &card)
		return card.Bytes(), err
	}})
	if err := command.Context().Err(); err != nil {
		return connect.Reading(err)
	}
	if to == "" {
		to = mix.Name + "-bundle.zip"
	}
	fmt.Fprintf(command.OutOrStdout(), "%s:\n", to)
	bundle.List(command.OutOrStdout(), parts)
	return transfer.Save(to, true, func(out io.Writer) error { return bundle.Write(out, parts) })
}
