package main

import (
	"fmt"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/datasetmix/datasetmix/internal/contract"
)

// completer is the name that kubectl looks for to complete the arguments of its plugin.
const completer = "kubectl_complete-datasetmix"

// arguments returns the arguments of a command line. Under the name that kubectl looks for, they ask for completions.
func arguments(line []string) []string {
	if filepath.Base(line[0]) == completer {
		return append([]string{cobra.ShellCompRequestCmd}, line[1:]...)
	}
	return line[1:]
}

// completionInstallCommand creates the link by which kubectl finds the completion: plugin managers install one file only.
func completionInstallCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "install [FOLDER]",
		Short: "Have kubectl complete \"kubectl datasetmix\": make a link to this program in a folder of your PATH",
		Long: "Have kubectl complete \"kubectl datasetmix\": make the link " + completer + " to this program, in FOLDER or next to\n" +
			"the program. The folder must be in your PATH. kubectl's own completion must be set up in your shell.",
		Args: cobra.MaximumNArgs(1),
		RunE: func(command *cobra.Command, args []string) error {
			program, err := os.Executable()
			if err != nil {
				return err
			}
			folder := filepath.Dir(program)
			if len(args) > 0 {
				folder = args[0]
			}
			link := filepath.Join(folder, completer)
			if at, err := os.Readlink(link); err == nil && at == program {
				fmt.Fprintf(command.OutOrStdout(), "%s is there already\n", link)
				return nil
			}
			if err := os.Symlink(program, link); err != nil {
				return contract.Failf(contract.InvalidTask, "the completion cannot be installed: %w; name a folder that you may write to", err)
			}
			fmt.Fprintf(command.OutOrStdout(), "%s -> %s\n", link, program)
			return nil
		},
	}
}
