package files

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"github.com/datasetmix/datasetmix/internal/cli"
	"github.com/datasetmix/datasetmix/internal/contract"
	"github.com/datasetmix/datasetmix/internal/revision"
	"github.com/datasetmix/datasetmix/internal/rows"
	"github.com/datasetmix/datasetmix/internal/transfer"
)

// reportFiles are the files of a revision that each format of the report is.
var reportFiles = map[string]string{"html": revision.ReportFile, "text": revision.CardFile, "json": revision.StatisticsFile}

// Report fetches the report of a revision.
func Report() *cobra.Command {
	var g get
	var output, to string
	command := &cobra.Command{
		Use:   "report NAME|FOLDER [-o html|text|json]",
		Short: "Save or print the report of a published revision",
		Long: "Save or print the report of a published revision: what went in, what came out, and what the rows are like.\n\n" +
			"Without -o the page is saved as NAME-REVISION.html, to be opened in a browser. -o prints it: html the page, text the\n" +
			"card, json the statistics. It is read by a pod of the worker that mounts the claim read-only, compared with its digest, and the pod is removed afterwards.",
		Example: "  kubectl datasetmix report grpo-six -n training\n" +
			"  kubectl datasetmix report grpo-six -o text\n" +
			"  kubectl datasetmix report ./data -o json",
		Args: cobra.ExactArgs(1),
	}
	g.flags(command)
	command.Flags().StringVarP(&output, "output", "o", "", "print the report: html, text or json")
	command.Flags().StringVar(&to, "to", "", "the file that the page is saved in")
	command.MarkFlagsMutuallyExclusive("output", "to")
	command.RunE = func(command *cobra.Command, args []string) error {
		file, known := reportFiles[output]
		if output == "" {
			file = revision.ReportFile
		} else if formats := []string{"html", "text", "json"}; !known {
			return contract.Failf(contract.InvalidTask, "there is no output format %q%s; take one of %s", output, cli.DidYouMean(output, formats), strings.Join(formats, ", "))
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

// reportName is what the page is saved as: each revision's has its own name.
func (f *found) reportName() string {
	name, of := f.local.Manifest.Name, f.local.Manifest.Revision
	if f.mix != nil {
		name, of = f.mix.Name, f.folder[strings.LastIndex(f.folder, "/")+1:]
	}
	return name + "-" + of + ".html"
}
