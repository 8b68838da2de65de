package main

import (
	"fmt"
	"io"
	"maps"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/text/language"
	"golang.org/x/text/message"

	datav1alpha1 "github.com/datasetmix/datasetmix/api/v1alpha1"
	"github.com/datasetmix/datasetmix/internal/cli/places"
	"github.com/datasetmix/datasetmix/internal/cli/view"
	"github.com/datasetmix/datasetmix/internal/gctune"
	"github.com/datasetmix/datasetmix/internal/pipeline"
	"github.com/datasetmix/datasetmix/internal/recipe"
	"github.com/datasetmix/datasetmix/internal/revision"
	"github.com/datasetmix/datasetmix/internal/stage"
)

// buildCommand builds a mix in this process: the stages that a cluster's Jobs run, to the same bytes.
func buildCommand() *cobra.Command {
	var file, data, lockFile string
	var refresh bool
	var here places.Places
	parallel := runtime.GOMAXPROCS(0)
	command := &cobra.Command{
		Use:   "build -f FILE [--data DIR] [--claim NAME=FOLDER]… [--secret NAME=FOLDER]… [--configmap NAME=FOLDER]…",
		Short: "Build a mix in this process, without a cluster, to the bytes that a cluster would publish",
		Long: "Build a mix in this process, without a cluster, to the bytes that a cluster would publish.\n\n" +
			"DIR, ./data unless it is named, takes the place of the volume: the mix is published in DIR/<spec.output.path>/current.\n" +
			"A claim that a source reads is the folder of the manifest, if the source's path is there, or the folder of --claim. So a\n" +
			"file of yours next to the manifest is source: {volume: {claimName: mine, path: ./rows.jsonl}}, and the same manifest is\n" +
			"for a cluster, where the claim holds the file.\n\n" +
			"A second build does only what changed; of the files of a --claim it sees that by their size, time and inode, and reads them again. --refresh looks again at sources that may have changed under the same name, --lock builds from the bytes\n" +
			"that the lock.json of a revision names, or not at all. HF_ENDPOINT names another Hub, HF_TOKEN is the credential for\n" +
			"private and gated repositories whose Secret has no --secret. HTTPS_PROXY, HTTP_PROXY and NO_PROXY take the place of\n" +
			"spec.worker.proxy.",
		Example: "  kubectl datasetmix build -f mix.yaml\n" +
			"  kubectl datasetmix build -f mix.yaml --data /mnt/mixes --claim corpora=/mnt/corpora",
		Args: cobra.NoArgs,
		RunE: func(command *cobra.Command, _ []string) error {
			gctune.SetGCPercent()
			mix, r, err := load(command.Context(), file)
			if err != nil {
				return err
			}
			here.Folder = places.FolderOf(file)
			here.Find(mix)
			for _, claim := range here.Found {
				fmt.Fprintf(command.ErrOrStderr(), "Claim %s: %s (the folder of the manifest)\n", claim, here.Folder)
			}
			if err := here.Check(mix); err != nil {
				return err
			}
			worker := stage.Worker{Volume: data, Source: here.Sources(mix), Anew: refresh, Notice: true}
			worker.Lacks = func(what string) { fmt.Fprintf(command.ErrOrStderr(), "The volume: %s.\n", what) }
			if worker.Lock, err = loadLock(lockFile, r); err != nil {
				return err
			}
			progress := newProgress(command.OutOrStdout(), r)
			results, err := worker.Build(command.Context(), r, parallel, progress)
			if err != nil {
				return err
			}
			return progress.finish(r, results, data, mix.Spec.Output.Volume == (datav1alpha1.OutputVolume{}))
		},
	}
	command.Flags().StringVarP(&file, "filename", "f", "", "the manifest; - reads it from standard input")
	command.Flags().StringVar(&data, "data", "data", "the folder that takes the place of the volume")
	here.Flags(command.Flags())
	command.Flags().StringVar(&lockFile, "lock", "", "the lock.json of a revision: build from exactly these bytes")
	command.Flags().BoolVar(&refresh, "refresh", false, "look again at branches, addresses without a digest and folders")
	command.MarkFlagsMutuallyExclusive("lock", "refresh")
	command.Flags().IntVar(&parallel, "parallel", parallel, "how many data sets or files are worked on at once")
	must(command.MarkFlagRequired("filename"))
	return command
}

// progress prints a line when a unit is finished.
type progress struct {
	out     io.Writer
	printer *message.Printer
	started time.Time
	done    map[pipeline.Stage]int
	total   map[pipeline.Stage]int
}

// newProgress knows how many data sets may be split while others are downloaded.
func newProgress(out io.Writer, r recipe.Recipe) *progress {
	return &progress{
		out: out, printer: message.NewPrinter(language.English), started: time.Now(),
		done: map[pipeline.Stage]int{}, total: map[pipeline.Stage]int{pipeline.StageSplit: len(r.DatasetNames())},
	}
}

// Begin notes the stage whose units come next.
func (p *progress) Begin(step pipeline.Step) {
	p.total[step.Stage] = p.done[step.Stage] + len(step.Missing)
}

// Done prints what a unit came to, and how.
func (p *progress) Done(name pipeline.Stage, unit pipeline.Node, result pipeline.Result, way stage.Way) {
	p.done[name]++
	text := p.describe(result)
	switch {
	case name == pipeline.StagePublish && way.How == stage.Reused:
		text += ", every byte as it was published"
	case name == pipeline.StagePublish:
		text += ", verified"
	}
	if way.Why != "" {
		text += ", since " + way.Why
	}
	fmt.Fprintf(p.out, "%7.1fs  %-8s %2d/%d  %-12s %-10s  %s\n", time.Since(p.started).Seconds(), name, p.done[name], p.total[name], unit.Name, way.How, text)
}

func (p *progress) describe(result pipeline.Result) string {
	switch {
	case result.Download != nil:
		return p.printer.Sprintf("%d files, %d bytes, revision %s", result.Download.Files, result.Download.Bytes, orNone(result.Download.Revision))
	case result.Split != nil:
		return p.printer.Sprintf("%d rows, %s → %v", result.Split.Read, p.leftOut(*result.Split), result.Split.Rows)
	case result.Balance != nil:
		return p.balanced(*result.Balance)
	case result.Mix != nil:
		return p.printer.Sprintf("%d rows, %d bytes", result.Mix.Rows, result.Mix.Bytes)
	default:
		return p.printer.Sprintf("revision %s, %d files, %d bytes", result.Publish.Revision, result.Publish.Files, result.Publish.Bytes)
	}
}

// leftOut says how many rows of a data set are in no split, and why.
func (p *progress) leftOut(result pipeline.SplitResult) string {
	text := p.printer.Sprintf("%d dropped", result.DroppedRows())
	var reasons []string
	for _, reason := range slices.Sorted(maps.Keys(result.Dropped)) {
		reasons = append(reasons, p.printer.Sprintf("%d %s", result.Dropped[reason], reason))
	}
	if len(reasons) > 0 {
		text += " (" + strings.Join(reasons, ", ") + ")"
	}
	return text
}

func (p *progress) balanced(result pipeline.BalanceResult) string {
	text := p.printer.Sprintf("%d rows dropped that another split has", result.Overlap.Total())
	if variants := result.Variants.Total(); variants > 0 {
		text += p.printer.Sprintf(", %d rows with a question that another has, written in another way", variants)
	}
	if result.Duplicates != nil {
		text += p.printer.Sprintf(", %d duplicates", result.Duplicates.Total())
	}
	if result.NearDuplicates != nil {
		text += p.printer.Sprintf(", %d near duplicates", result.NearDuplicates.Total())
	}
	return text
}

func orNone(text string) string {
	if text == "" {
		return "-"
	}
	return text
}

// finish prints the plan that was met, what to know of it, and where the mix lies.
func (p *progress) finish(r recipe.Recipe, results map[string]pipeline.Result, data string, noVolumeNamed bool) error {
	graph, err := pipeline.Walk(r, results)
	if err != nil {
		return err
	}
	fmt.Fprintln(p.out)
	if err := view.Plan(p.out, *graph.Plan); err != nil {
		return err
	}
	warnings := view.Warnings(r, *graph.Plan)
	if noVolumeNamed {
		warnings = append(warnings, "- "+noVolume)
	}
	if len(warnings) > 0 {
		fmt.Fprintf(p.out, "\n%s\n", strings.Join(warnings, "\n"))
	}
	folder := revision.Folder(r.Output.Path)
	fmt.Fprintf(p.out, "\n%s -> %s\n", filepath.Join(data, folder.Current()), revision.Link(graph.Published.Revision))
	return nil
}
