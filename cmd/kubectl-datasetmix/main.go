// Command kubectl-datasetmix is for people: it builds a DatasetMix without a cluster, prints its plan before there is any
// data, and verifies what was published.
package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"

	"github.com/spf13/cobra"

	"github.com/datasetmix/datasetmix/internal/contract"
)

func main() { os.Exit(execute(os.Args[1:], os.Stdout, os.Stderr)) }

// execute runs the command line and gives its exit code.
func execute(arguments []string, out, errors io.Writer) int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	root := rootCommand()
	root.SetArgs(arguments)
	root.SetOut(terminal{out})
	root.SetErr(terminal{errors})
	if err := root.ExecuteContext(ctx); err != nil {
		fmt.Fprintf(root.ErrOrStderr(), "Error: %v\n", err)
		return contract.ReasonOf(err).ExitCode()
	}
	return 0
}

// terminal is where everything that this program says goes out: names of files, of manifests and of what servers say are text from
// outside, and no part of them is a command to a terminal.
type terminal struct{ out io.Writer }

func (t terminal) Write(p []byte) (int, error) {
	if _, err := io.WriteString(t.out, contract.CleanLines(string(p))); err != nil {
		return 0, err
	}
	return len(p), nil
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
	root.AddCommand(buildCommand(), planCommand(), verifyCommand(), exampleCommand())
	return root
}
