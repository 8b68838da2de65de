package main

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/datasetmix/datasetmix/internal/cli/view"
	"github.com/datasetmix/datasetmix/internal/contract"
	"github.com/datasetmix/datasetmix/internal/recipe"
	"github.com/datasetmix/datasetmix/internal/rows"
	"github.com/datasetmix/datasetmix/internal/verify"
)

// verifyCommand proves a published revision from its files.
func verifyCommand() *cobra.Command {
	var digest, output string
	command := &cobra.Command{
		Use:   "verify DIR [--digest SHA256]",
		Short: "Prove a published revision from its files alone",
		Long: "Prove a published revision from its files alone: every digest, count, share, repeat and the order of the rows are\n" +
			"computed again, what repeats the manifest is made again from it, and no question may stand in two splits, compared as\n" +
			"the recipe says. DIR is a revision under any name, the link \"current\" to one, or a mix's folder. The exit code is 0\n" +
			"only if everything is true; otherwise the first difference is printed. The last lines say what was proved, and what\n" +
			"cannot be.\n\n" +
			"A revision can only prove itself consistent. With --digest, that of status.published, it is the one that was published.",
		Example: "  kubectl datasetmix verify data/grpo-six/current\n" +
			"  kubectl datasetmix verify /mix --digest $(kubectl get dmix grpo-six -o jsonpath='{.status.published.digest}')",
		Args: cobra.ExactArgs(1),
		RunE: func(command *cobra.Command, args []string) error {
			if output != "" && output != "json" {
				return contract.Failf(contract.InvalidTask, "there is no output format %q; leave -o out for text, or use json", output)
			}
			if digest != "" && !contract.IsSHA256(digest) {
				return contract.Failf(contract.InvalidTask, "--digest is %q, which is not a SHA-256; take the one in status.published.digest", digest)
			}
			folder, err := rows.CurrentFolder(args[0])
			if err != nil {
				return err
			}
			proof, err := verify.Revision(command.Context(), folder, verify.Options{Digest: digest})
			if err != nil {
				return err
			}
			if output == "json" {
				return printProofJSON(command, proof)
			}
			printProof(command, proof)
			return nil
		},
	}
	command.Flags().StringVar(&digest, "digest", "", "the SHA-256 of the manifest that was published: status.published.digest")
	command.Flags().StringVarP(&output, "output", "o", "", "json prints the proof for programs")
	return command
}

// printProofJSON prints a proof for programs.
func printProofJSON(command *cobra.Command, proof verify.Proof) error {
	return printJSON(command.OutOrStdout(), struct {
		Mix       string `json:"mix"`
		Revision  string `json:"revision"`
		Digest    string `json:"digest"`
		Files     int    `json:"files"`
		Bytes     int64  `json:"bytes"`
		Questions []int  `json:"questions"`
		verify.Claims
	}{proof.Manifest.Name, proof.Manifest.Revision, proof.Digest, proof.Files, proof.Bytes, proof.Questions, proof.Claims()})
}

func printProof(command *cobra.Command, proof verify.Proof) {
	p := view.English
	out := command.OutOrStdout()
	m := proof.Manifest
	p.Fprintf(out, "%s, revision %s: everything is as the manifest says.\n", m.Name, m.Revision)
	p.Fprintf(out, "  %d files, %d bytes, each with its SHA-256\n", proof.Files, proof.Bytes)
	files, repeats := filesPerSplit(m.Recipe.Output), "repeats"
	if m.Recipe.Resample == recipe.WithReplacement {
		repeats = "draws"
	}
	if !m.Recipe.Output.Holds(recipe.ProcessedPart) {
		repeats = "ratio and the " + repeats
	} else {
		repeats = "ratio, the order and the " + repeats
	}
	var names []string
	questions := 0
	for i, split := range m.Plan.Splits {
		names = append(names, split.Name)
		if proof.Questions != nil {
			questions += proof.Questions[i]
		}
		p.Fprintf(out, "  %s: %d rows%s, in the %s of the recipe\n", split.Name, split.Rows, files, repeats)
	}
	if proof.Questions != nil {
		p.Fprintf(out, "  %s = ∅ over %d different questions, compared %s\n", strings.Join(names, " ∩ "), questions, proof.Compared())
	}
	p.Fprintf(out, "  the manifest's SHA-256 is %s\n", proof.Digest)
	claims := proof.Claims()
	for _, list := range []struct {
		title  string
		claims []string
	}{{"Proved:", claims.Proved}, {"Not proved:", claims.NotProved}} {
		fmt.Fprintln(out, list.title)
		for _, claim := range list.claims {
			fmt.Fprintln(out, "  - "+claim)
		}
	}
}

// filesPerSplit returns the number and format of a mixed split's files; empty for one file of plain JSON Lines.
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
