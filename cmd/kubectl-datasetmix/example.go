package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/datasetmix/datasetmix/internal/contract"
	"github.com/datasetmix/datasetmix/internal/example"
)

// exampleCommand writes a manifest and its files, which a new user builds first.
func exampleCommand() *cobra.Command {
	return &cobra.Command{
		Use:     "example [FOLDER]",
		Short:   "Write a manifest with three small files of generated rows, to try everything without a network",
		Example: "  kubectl datasetmix example try",
		Args:    cobra.MaximumNArgs(1),
		RunE: func(command *cobra.Command, arguments []string) error {
			folder := "try"
			if len(arguments) > 0 {
				folder = arguments[0]
			}
			if err := writeExample(folder); err != nil {
				return contract.Failf(contract.WorkerFailed, "%w", err)
			}
			fmt.Fprintf(command.OutOrStdout(), "%s has a manifest and three files with rows. Next:\n\n"+
				"  kubectl datasetmix build -f %s --data %s\n",
				folder, filepath.Join(folder, example.Manifest), filepath.Join(folder, "data"))
			return nil
		},
	}
}

// writeExample creates the files in a folder and overwrites none.
func writeExample(folder string) error {
	if err := os.MkdirAll(folder, 0o750); err != nil {
		return err
	}
	for _, file := range example.Files() {
		out, err := os.OpenFile(filepath.Join(folder, file.Name), os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
		if err != nil {
			return err
		}
		_, err = out.Write(file.Content)
		if err := errors.Join(err, out.Close()); err != nil {
			return err
		}
	}
	return nil
}
