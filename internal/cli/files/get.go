// Package files has the verbs of the command that move rows and files: get, report and put.
package files

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	datav1alpha1 "github.com/datasetmix/datasetmix/api/v1alpha1"
	"github.com/datasetmix/datasetmix/internal/cli"
	"github.com/datasetmix/datasetmix/internal/cli/connect"
	"github.com/datasetmix/datasetmix/internal/cli/errand"
	"github.com/datasetmix/datasetmix/internal/contract"
	"github.com/datasetmix/datasetmix/internal/revision"
	"github.com/datasetmix/datasetmix/internal/rows"
	"github.com/datasetmix/datasetmix/internal/transfer"
)

// get has the options of the verbs that read a revision.
type get struct {
	from     *connect.Connection
	revision string
	image    string
	start    time.Duration
}

// flags adds the flags that select a revision and configure the pod that reads it.
func (g *get) flags(command *cobra.Command) {
	g.from = connect.Flags(command)
	command.Flags().StringVar(&g.revision, "revision", "", "the revision by its name; the current one unless it is named")
	PodFlags(command, &g.image, &g.start)
}

// PodFlags adds the flags that configure a pod of the worker.
func PodFlags(command *cobra.Command, image *string, start *time.Duration) {
	command.Flags().StringVar(image, "image", "", "the image of the worker; that of the manager unless it is named")
	command.Flags().DurationVar(start, "start-timeout", 2*time.Minute, "how long the worker's pod may take to start")
}

// found is a revision, on a cluster or in a folder.
type found struct {
	mix            *datav1alpha1.DatasetMix // nil for a folder
	folder, digest string
	errand         errand.Errand

	local rows.Revision
	close func() error
}

// find looks for the revision of a mix by its name, or in a folder.
func (g *get) find(command *cobra.Command, name string) (*found, error) {
	if isFolder(name) {
		return openLocal(name, g.revision)
	}
	client, err := g.from.Client()
	if err != nil {
		return nil, err
	}
	_, mix, err := connect.One(command.Context(), client, name)
	if err != nil {
		return nil, err
	}
	folder, digest, err := errand.Folder(mix, g.revision)
	if err != nil {
		return nil, err
	}
	return &found{mix: mix, folder: folder, digest: digest, close: func() error { return nil },
		errand: errand.Errand{Client: client, Image: g.image, Start: g.start, Notes: command.ErrOrStderr()}}, nil
}

// isFolder reports whether a name is a folder on this machine: names of mixes have no slashes, and begin with no dot.
func isFolder(name string) bool {
	return strings.HasPrefix(name, ".") || strings.ContainsAny(name, `/\`) && !strings.HasPrefix(name, "datasetmix/")
}

// openLocal opens a revision in a folder, which is the revision's own, its mix's, or a volume's with a single mix.
func openLocal(dir, name string) (*found, error) {
	folder, err := rows.FindFolder(dir, name)
	if err != nil {
		return nil, err
	}
	local, closing, err := rows.OpenFolder(folder)
	return &found{local: local, close: closing}, err
}

// ask answers a question, wherever the revision is.
func (f *found) ask(ctx context.Context, q rows.Question, out io.Writer) error {
	var err error
	if f.mix == nil {
		err = f.local.Answer(ctx, q, out)
	} else {
		err = f.errand.Ask(ctx, f.mix, f.folder, q, out)
	}
	return f.named(err, q.Selection)
}

// named returns an error with its exit code and, for a name that does not exist, with the name that was probably meant.
func (f *found) named(err error, s rows.Selection) error {
	if contract.ReasonOf(err) != contract.FileNotFound {
		return connect.Reading(err)
	}
	splits, datasets := f.names()
	return contract.Failf(contract.FileNotFound, "%w%s%s", err, cli.DidYouMean(s.Split, splits), cli.DidYouMean(s.Dataset, datasets))
}

// complete adds completion to a flag: by names in the mix or the folder that is the first argument.
func (g *get) complete(command *cobra.Command, flag string, which func(splits, datasets []string) []string) {
	err := command.RegisterFlagCompletionFunc(flag, func(command *cobra.Command, args []string, typed string) ([]cobra.Completion, cobra.ShellCompDirective) {
		if len(args) == 0 {
			return nil, cobra.ShellCompDirectiveNoFileComp
		}
		f, err := g.find(command, args[0])
		if err != nil {
			return nil, cobra.ShellCompDirectiveNoFileComp
		}
		defer func() { _ = f.close() }()
		return cli.Beginning(typed, which(f.names())), cobra.ShellCompDirectiveNoFileComp
	})
	if err != nil {
		panic(err) // the flag does not exist, which tests find
	}
}

// names returns the names of the splits and the data sets.
func (f *found) names() (splits, datasets []string) {
	if f.mix == nil {
		splits, datasets = rows.SplitNames(f.local.Manifest), f.local.Manifest.Recipe.DatasetNames()
	} else {
		for _, split := range f.mix.Spec.Splits {
			splits = append(splits, split.Name)
		}
		for _, domain := range f.mix.Spec.Domains {
			for _, dataset := range domain.Datasets {
				datasets = append(datasets, dataset.Name)
			}
		}
	}
	return splits, datasets
}

// actions are the values of get's second argument.
var actions = []string{string(rows.Head), string(rows.Sample), string(rows.Count), export}

const export = "export"

// Get returns the verb get, which reads rows and files of a published revision.
func Get() *cobra.Command {
	var g get
	var q rows.Question
	var to, output string
	var overwrite bool
	command := &cobra.Command{
		Use:   "get NAME|FOLDER head|sample|count|export",
		Short: "Show rows of a published revision, count them, or fetch its files",
		Long: "Show rows of a published revision, count them, or fetch its files. A mix is named as in the cluster; a folder begins with a dot or\n" +
			"has a slash: a volume, a mix's folder or a revision.\n\n" +
			"  head    the first rows, as JSON Lines\n" +
			"  sample  rows drawn by --seed, in their order; a larger sample has all rows of a smaller one\n" +
			"  count   how many rows there are, by data set; they are counted, not looked up\n" +
			"  export  write files to this machine, each compared with its digest in the manifest\n\n" +
			"Rows are those of the mix of the first split; --split, --dataset and --file name others. On a cluster, a pod of the worker mounts the\n" +
			"claim read-only, and is removed afterwards. It is never entered: rows come by its log, files through a port of its own loopback device.",
		Example: "  kubectl datasetmix get grpo-six head -n training\n" +
			"  kubectl datasetmix get grpo-six sample --rows 20 --seed 7 --dataset gsm8k --split test\n" +
			"  kubectl datasetmix get grpo-six export --split train --to train.jsonl\n" +
			"  kubectl datasetmix get ./data count",
		Args: cobra.ExactArgs(2),
	}
	g.flags(command)
	names := command.ValidArgsFunction
	command.ValidArgsFunction = func(command *cobra.Command, args []string, typed string) ([]cobra.Completion, cobra.ShellCompDirective) {
		if len(args) == 1 {
			return cli.Beginning(typed, actions), cobra.ShellCompDirectiveNoFileComp
		}
		return names(command, args, typed)
	}
	command.Flags().StringVar(&q.Split, "split", "", "the split; the first one unless it is named")
	command.Flags().StringVar(&q.Dataset, "dataset", "", "rows of this data set alone, before they are mixed")
	command.Flags().StringVar(&q.File, "file", "", "a file of the revision by its path, such as raw/math/gsm8k.jsonl")
	command.Flags().Int64Var(&q.Rows, "rows", 10, "how many rows, for head and sample")
	command.Flags().Int64Var(&q.Seed, "seed", 0, "what the sample is drawn by")
	command.Flags().StringVar(&to, "to", "", "where export writes: a file, a folder, or - for one file to the standard output")
	command.Flags().BoolVar(&overwrite, "overwrite", false, "let export replace files")
	command.Flags().StringVarP(&output, "output", "o", "", "json prints counts for programs")
	g.complete(command, "split", func(splits, _ []string) []string { return splits })
	g.complete(command, "dataset", func(_, datasets []string) []string { return datasets })
	command.MarkFlagsMutuallyExclusive("file", "split")
	command.MarkFlagsMutuallyExclusive("file", "dataset")
	command.RunE = func(command *cobra.Command, args []string) error {
		if output != "" && output != "json" {
			return contract.Failf(contract.InvalidTask, "there is no output format %q; leave -o out for text, or use json", output)
		}
		q.Kind = rows.Kind(args[1])
		if !slices.Contains(actions, args[1]) || q.Rows < 0 {
			return contract.Failf(contract.InvalidTask, "there is no %q of rows%s; take one of %s", args[1], cli.DidYouMean(args[1], actions), strings.Join(actions, ", "))
		}
		f, err := g.find(command, args[0])
		if err != nil {
			return err
		}
		out := untouched(command)
		switch {
		case args[1] == export:
			err = f.export(command, q.Selection, to, overwrite, out)
		case q.Kind == rows.Count && output == "":
			err = f.count(command.Context(), q, out)
		default:
			err = f.ask(command.Context(), q, out)
		}
		return errors.Join(err, f.close())
	}
	return command
}

// untouched returns the output for rows: a file or another program gets their bytes unchanged, a terminal gets them cleaned.
func untouched(command *cobra.Command) io.Writer {
	out := command.OutOrStdout()
	if guarded, ok := out.(interface{ Untouched() io.Writer }); ok {
		return guarded.Untouched()
	}
	return out
}

// count asks for counts and prints them as a table.
func (f *found) count(ctx context.Context, q rows.Question, out io.Writer) error {
	var encoded bytes.Buffer
	if err := f.ask(ctx, q, &encoded); err != nil {
		return err
	}
	var counts rows.Counts
	if err := json.Unmarshal(encoded.Bytes(), &counts); err != nil {
		return contract.Failf(contract.InvalidTask, "the worker's counts cannot be read: %w", err)
	}
	table := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	if len(counts.Datasets) > 0 {
		fmt.Fprintln(table, "DOMAIN\tDATASET\tROWS")
	}
	for _, d := range counts.Datasets {
		fmt.Fprintf(table, "%s\t%s\t%d\n", d.Domain, d.Dataset, d.Rows)
	}
	if err := table.Flush(); err != nil {
		return err
	}
	_, err := fmt.Fprintf(out, "%d rows in %s of revision %s\n", counts.Rows, strings.Join(counts.Files, ", "), counts.Revision)
	return err
}

// export writes files of the revision to this machine.
func (f *found) export(command *cobra.Command, s rows.Selection, to string, overwrite bool, out io.Writer) error {
	if f.mix == nil {
		return contract.Failf(contract.InvalidTask, "the files are on this machine already; copy them")
	}
	return connect.Reading(f.errand.Serve(command.Context(), f.mix, f.folder, func(ctx context.Context, client transfer.Client) error {
		manifest, digest, err := client.Manifest(ctx)
		if err != nil {
			return err
		}
		if f.digest != "" && digest != f.digest {
			return contract.Failf(contract.VolumeInvalid, "the manifest on the volume has the SHA-256 %s, the status says %s: it is not the revision that was published", digest, f.digest)
		}
		files, err := s.Files(manifest)
		if err != nil {
			return f.named(err, s)
		}
		if to == "-" {
			if len(files) != 1 {
				return contract.Failf(contract.InvalidTask, "the rows are in %d files; name a folder with --to, or one of them with --file", len(files))
			}
			return client.Write(ctx, files[0], out)
		}
		for _, file := range files {
			name := exportName(to, file.Path, len(files))
			if err := download(ctx, client, file, name, overwrite); err != nil {
				return err
			}
			fmt.Fprintf(command.OutOrStdout(), "%s  %d bytes  sha256:%s\n", name, file.Bytes, file.SHA256)
		}
		return nil
	}))
}

// exportName returns the name to write a file of the revision under: to itself, unless it is a folder or there are several files.
func exportName(to, file string, files int) string {
	info, err := os.Stat(to)
	if to == "" || err == nil && info.IsDir() || files > 1 || strings.HasSuffix(to, string(filepath.Separator)) {
		return filepath.Join(to, filepath.Base(filepath.FromSlash(file)))
	}
	return to
}

// download fetches a file, unless its name is taken.
func download(ctx context.Context, client transfer.Client, file revision.PublishedFile, name string, overwrite bool) error {
	if _, err := os.Lstat(name); err == nil && !overwrite {
		return transfer.Exists(name)
	}
	if err := os.MkdirAll(filepath.Dir(name), 0o750); err != nil {
		return contract.Failf(contract.InvalidTask, "the folder cannot be made: %w", err)
	}
	return client.Download(ctx, file, name, overwrite)
}
