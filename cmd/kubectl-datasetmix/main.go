// Command kubectl-datasetmix is for people: it builds a DatasetMix without a cluster, prints its plan before there is any
// data, and verifies what was published.
package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"github.com/spf13/cobra"

	"github.com/datasetmix/datasetmix/internal/contract"
)

func main() { os.Exit(execute()) }

// execute runs the command line and gives its exit code.
func execute() int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := rootCommand().ExecuteContext(ctx); err != nil {
		fmt.Fprintf(os.Stderr, "Error: %v\n", err)
		return contract.ReasonOf(err).ExitCode()
	}
	return 0
}

// rootCommand is the whole command line.
func rootCommand() *cobra.Command {
	root := &cobra.Command{
		Use:   "kubectl-datasetmix",
		Short: "Build, plan and verify training-data mixes",
		Long: "Build, plan and verify training-data mixes.\n\n" +
			"Exit codes: 0 success, 1 other failures, and those of docs/exit-codes.md (11 a source that is not there,\n" +
			"13 a mix that cannot be made, 17 a revision that was changed, 18 a manifest that is not valid …).",
		SilenceUsage:  true,
		SilenceErrors: true,
		Annotations:   map[string]string{cobra.CommandDisplayNameAnnotation: "kubectl datasetmix"},
	}
	root.AddCommand(buildCommand(), planCommand(), verifyCommand())
	return root
}
