package main

import (
	"fmt"
	"io"
	"path/filepath"
	"runtime"
	"strings"

	"github.com/spf13/cobra"

	datav1alpha1 "github.com/datasetmix/datasetmix/api/v1alpha1"
	"github.com/datasetmix/datasetmix/internal/cli/follow"
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
	var progress *string
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
			display, err := follow.Open(*progress, command.OutOrStdout())
			if err != nil {
				return err
			}
			local := follow.NewLocal(command.OutOrStdout(), display, r)
			worker.Meter = local.Meter
			worker.Lacks = func(what string) {
				local.Note("The volume: " + what)
				if !display.Shows() {
					fmt.Fprintf(command.ErrOrStderr(), "The volume: %s.\n", what)
				}
			}
			if worker.Lock, err = loadLock(lockFile, r); err != nil {
				return err
			}
			stop := display.Run(local.State)
			results, err := worker.Build(command.Context(), r, parallel, local)
			local.End(err)
			stop()
			if err != nil || display.IsJSON() {
				return err
			}
			return finish(command.OutOrStdout(), r, results, data, mix.Spec.Output.Volume == (datav1alpha1.OutputVolume{}))
		},
	}
	progress = follow.Flag(command)
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

// finish prints the plan that was met, what to know of it, and where the mix lies.
func finish(out io.Writer, r recipe.Recipe, results map[string]pipeline.Result, data string, noVolumeNamed bool) error {
	graph, err := pipeline.Walk(r, results)
	if err != nil {
		return err
	}
	fmt.Fprintln(out)
	if err := view.Plan(out, *graph.Plan); err != nil {
		return err
	}
	warnings := view.Warnings(r, *graph.Plan)
	if noVolumeNamed {
		warnings = append(warnings, "- "+noVolume)
	}
	if len(warnings) > 0 {
		fmt.Fprintf(out, "\n%s\n", strings.Join(warnings, "\n"))
	}
	folder := revision.Folder(r.Output.Path)
	fmt.Fprintf(out, "\n%s -> %s\n", filepath.Join(data, folder.Current()), revision.Link(graph.Published.Revision))
	return nil
}
