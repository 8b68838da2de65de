// Command kubectl-datasetmix is for people: it builds a DatasetMix without a cluster, prints its plan before there is any
// data, verifies what was published, and shows what happens on a cluster.
package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"

	"github.com/spf13/cobra"

	"github.com/datasetmix/datasetmix/internal/cli"
	"github.com/datasetmix/datasetmix/internal/cli/files"
	"github.com/datasetmix/datasetmix/internal/contract"
)

func main() { os.Exit(execute(arguments(os.Args), os.Stdout, os.Stderr)) }

// execute runs the command line and returns its exit code.
func execute(arguments []string, out, errors io.Writer) int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	root := rootCommand()
	root.SetArgs(arguments)
	root.SetOut(terminal{out})
	root.SetErr(terminal{errors})
	if err := root.ExecuteContext(ctx); err != nil {
		if text := err.Error(); text != "" {
			fmt.Fprintf(root.ErrOrStderr(), "Error: %s\n", text)
		}
		return cli.CodeOf(err)
	}
	return 0
}

// terminal is the output of this program. Names of files, texts of manifests and answers of servers come from outside, so everything that a
// terminal would obey is removed.
type terminal struct{ out io.Writer }

// File implements follow.Terminal: a live view has to move the cursor, and cleans the texts that it draws.
func (t terminal) File() *os.File {
	file, _ := t.out.(*os.File)
	return file
}

func (t terminal) Write(p []byte) (int, error) {
	if _, err := io.WriteString(t.out, contract.CleanLines(string(p))); err != nil {
		return 0, err
	}
	return len(p), nil
}

// Untouched returns the output for the bytes of rows and files: unchanged for a file or another program, cleaned for a terminal.
func (t terminal) Untouched() io.Writer {
	if file, ok := t.out.(*os.File); ok {
		if info, err := file.Stat(); err == nil && info.Mode()&os.ModeCharDevice != 0 {
			return t
		}
	}
	return t.out
}

// rootCommand returns the command with all its verbs.
func rootCommand() *cobra.Command {
	root := &cobra.Command{
		Use:   "kubectl-datasetmix",
		Short: "Plan, build, follow and verify training-data mixes",
		Long: "Plan, build, follow and verify training-data mixes.\n\n" +
			"Exit codes: 0 success, 1 other failures, and those of docs/exit-codes.md (11 a source that is not there,\n" +
			"13 a mix that cannot be made, 17 a revision that was changed, 18 a manifest that is not valid …).",
		SilenceUsage:  true,
		SilenceErrors: true,
		Annotations:   map[string]string{cobra.CommandDisplayNameAnnotation: "kubectl datasetmix"},
	}
	root.AddGroup(&cobra.Group{ID: withoutCluster, Title: "Without a cluster:"}, &cobra.Group{ID: onCluster, Title: "On a cluster:"})
	add(root, withoutCluster, initCommand(), buildCommand(), planCommand(), verifyCommand(), diffCommand(), exampleCommand(), uiCommand())
	add(root, onCluster, statusCommand(), waitCommand(), eventsCommand(), logsCommand(), files.Get(), files.Report(), files.Put(), versionCommand())
	root.InitDefaultCompletionCmd()
	for _, command := range root.Commands() {
		if command.Name() == "completion" {
			command.AddCommand(completionInstallCommand())
		}
	}
	return root
}

// withoutCluster and onCluster are the groups of verbs.
const withoutCluster, onCluster = "without-cluster", "on-cluster"

func add(root *cobra.Command, group string, commands ...*cobra.Command) {
	for _, command := range commands {
		command.GroupID = group
		root.AddCommand(command)
	}
}
