package main

import (
	"fmt"
	"os"

	"github.com/spf13/cobra"

	"github.com/datasetmix/datasetmix/config/samples"
	"github.com/datasetmix/datasetmix/internal/cli/draft"
	"github.com/datasetmix/datasetmix/internal/contract"
	"github.com/datasetmix/datasetmix/internal/source/hub"
	"github.com/datasetmix/datasetmix/internal/source/open"
)

// initCommand writes a manifest to begin with.
func initCommand() *cobra.Command {
	var file string
	var force bool
	command := &cobra.Command{
		Use:   "init [FILE | hf://OWNER/NAME]…",
		Short: "Write a commented manifest: of your files, of repositories of the Hub, or of the sample",
		Long: "Write a commented manifest: of your files, of repositories of the Hub, or, without arguments, of the sample.\n\n" +
			"It looks at the first rows of each file, takes a preset that fits them or the members that are likeliest to be question\n" +
			"and answer, tries that on all rows of the files, and says in comments what it guessed. A repository is\n" +
			"hf://OWNER/NAME, with @ and a revision behind it if need be; its card says the configuration, the split and the license,\n" +
			"and the manifest pins its commit. HF_ENDPOINT names another Hub, HF_TOKEN is the credential for private and gated\n" +
			"repositories.\n\n" +
			"What is written can be built as it is. A file that exists stays as it is without --force.",
		Example: "  kubectl datasetmix init ./chats.jsonl ./pairs.csv && kubectl datasetmix build -f mix.yaml\n" +
			"  kubectl datasetmix init hf://openai/gsm8k -f math.yaml",
		RunE: func(command *cobra.Command, arguments []string) error {
			if err := draft.MayWrite(file, force); err != nil {
				return err
			}
			text, next, err := drafted(command, file, arguments)
			if err != nil {
				return err
			}
			if file == "-" {
				_, err := fmt.Fprint(command.OutOrStdout(), text)
				return err
			}
			if err := draft.Write(file, text, force); err != nil {
				return err
			}
			fmt.Fprintf(command.OutOrStdout(), "%s is written. Read it, and then:\n\n  %s\n", file, next)
			return nil
		},
	}
	command.Flags().StringVarP(&file, "filename", "f", "mix.yaml", "the manifest to write; - is standard output")
	command.Flags().BoolVar(&force, "force", false, "overwrite the manifest that exists")
	return command
}

// drafted returns the text of the manifest, and the command that comes next.
func drafted(command *cobra.Command, file string, names []string) (text, next string, err error) {
	if len(names) == 0 {
		return string(samples.GRPOSix), "kubectl datasetmix build -f " + file, nil
	}
	options := open.Options{Hub: hub.Options{Endpoint: os.Getenv("HF_ENDPOINT"), Token: os.Getenv("HF_TOKEN")}}
	mix, err := draft.Collect(command.Context(), draft.Inputs{Names: names, File: file, Sources: options})
	if err != nil {
		return "", "", err
	}
	text, err = mix.Manifest()
	if err != nil {
		return "", "", err
	}
	if _, err := parseMix(command.Context(), []byte(text)); err != nil {
		return "", "", contract.Failf(contract.WorkerFailed, "the manifest that was drafted is not valid, which is a mistake of this program: %w\n%s", err, text)
	}
	return text, mix.Command, nil
}
