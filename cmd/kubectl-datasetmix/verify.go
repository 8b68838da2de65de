package main

import (
	"fmt"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"
	"golang.org/x/text/language"
	"golang.org/x/text/message"

	"github.com/datasetmix/datasetmix/internal/contract"
	"github.com/datasetmix/datasetmix/internal/recipe"
	"github.com/datasetmix/datasetmix/internal/verify"
)

// verifyCommand proves a published revision from its files.
func verifyCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "verify DIR",
		Short: "Prove a published revision from its files alone",
		Long: "Prove a published revision from its files alone: every digest, count, share, repeat and the order of the rows are\n" +
			"computed again, and no question may stand in two splits. DIR is a revision, the link \"current\" to one, or a mix's\n" +
			"folder. The exit code is 0 only if everything is true; otherwise the first difference is printed.",
		Example: "  kubectl datasetmix verify data/grpo-six/current",
		Args:    cobra.ExactArgs(1),
		RunE: func(command *cobra.Command, args []string) error {
			folder, err := revisionFolder(args[0])
			if err != nil {
				return err
			}
			proof, err := verify.Revision(command.Context(), folder, verify.Options{})
			if err != nil {
				return err
			}
			printProof(command, proof)
			return nil
		},
	}
}

// revisionFolder finds the revision behind a link, or the current one of a mix's folder.
func revisionFolder(dir string) (string, error) {
	if current, err := filepath.EvalSymlinks(filepath.Join(dir, filepath.Base(contract.Folder("").Current()))); err == nil {
		return current, nil
	}
	folder, err := filepath.EvalSymlinks(dir)
	if err != nil {
		return "", contract.Failf(contract.VolumeInvalid, "there is no revision to verify: %w", err)
	}
	return filepath.Abs(folder)
}

func printProof(command *cobra.Command, proof verify.Proof) {
	p := message.NewPrinter(language.English)
	out := command.OutOrStdout()
	m := proof.Manifest
	p.Fprintf(out, "%s, revision %s: everything is as the manifest says.\n", m.Name, m.Revision)
	p.Fprintf(out, "  %d files, %d bytes, each with its SHA-256\n", proof.Files, proof.Bytes)
	files, repeats := filesPerSplit(m.Recipe.Output), "repeats"
	if m.Recipe.Resample == recipe.WithReplacement {
		repeats = "draws"
	}
	var names []string
	questions := 0
	for i, split := range m.Plan.Splits {
		names = append(names, split.Name)
		questions += proof.Questions[i]
		p.Fprintf(out, "  %s: %d rows%s, in the ratio, the order and the %s of the recipe\n", split.Name, split.Rows, files, repeats)
	}
	p.Fprintf(out, "  %s = ∅ over %d different questions\n", strings.Join(names, " ∩ "), questions)
}

// filesPerSplit says in what a mixed split lies, where that is not one file of lines as they are.
func filesPerSplit(output recipe.Output) string {
	packed := map[recipe.Format]string{
		recipe.JSONL: "JSON Lines", recipe.JSONLZstd: "JSON Lines packed with zstd", recipe.JSONLGzip: "JSON Lines packed with gzip", recipe.Parquet: "Parquet",
	}[output.Format]
	switch {
	case output.Shards > 1:
		return fmt.Sprintf(" in %d files of %s", output.Shards, packed)
	case output.Format != recipe.JSONL:
		return " in a file of " + packed
	default:
		return ""
	}
}
