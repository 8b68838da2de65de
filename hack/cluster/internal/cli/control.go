package cli

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/datasetmix/datasetmix/hack/cluster/internal/control"
	"github.com/datasetmix/datasetmix/hack/cluster/internal/host"
	"github.com/datasetmix/datasetmix/hack/cluster/internal/spec"
	"github.com/datasetmix/datasetmix/hack/cluster/internal/supervise"
	"github.com/spf13/cobra"
)

func statusCommand(o *options) *cobra.Command {
	return &cobra.Command{
		Use: "status", Short: "Show the cluster and its components; exit code 3 when it is not ready", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			out := cmd.OutOrStdout()
			r, err := o.running()
			if err != nil {
				fmt.Fprintln(out, err)
				return exitDown
			}
			summarize(out, r)
			ready := true
			for i := range r.Nodes {
				status, err := client(r, i).Status(cmd.Context())
				if err != nil {
					return err
				}
				fmt.Fprintf(out, "node %s: %s %s\n", r.NodeName(i), status.Phase, status.Message)
				printComponents(out, status.Components, time.Now())
				ready = ready && status.Phase == control.Ready
			}
			if !ready {
				return exitDown
			}
			return nil
		},
	}
}

func printComponents(out io.Writer, components []supervise.Status, now time.Time) {
	table := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	defer table.Flush()
	fmt.Fprintln(table, "COMPONENT\tSTATE\tFOR\tRESTARTS\tLAST EXIT")
	for _, c := range components {
		state, since := "stopped", "-"
		if c.Running {
			state = "running"
		}
		if !c.Since.IsZero() {
			since = now.Sub(c.Since).Round(time.Second).String()
		}
		fmt.Fprintf(table, "%s\t%s\t%s\t%d\t%s\n", c.Name, state, since, c.Restarts, c.LastExit)
	}
}

// actionCommands returns the commands that stop and start single components, for tests of their failures.
func actionCommands(o *options) []*cobra.Command {
	var kill bool
	command := func(use, short string, action supervise.Action) *cobra.Command {
		cmd := &cobra.Command{
			Use: use + " COMPONENT", Short: short, Args: cobra.ExactArgs(1),
			RunE: func(cmd *cobra.Command, args []string) error {
				r, err := o.running()
				if err != nil {
					return err
				}
				action.Kill = kill
				if err := client(r, o.node).Do(cmd.Context(), args[0], action); err != nil {
					return fmt.Errorf("%s %s: %w", use, args[0], err)
				}
				return nil
			},
		}
		if action.Stop {
			cmd.Flags().BoolVar(&kill, "kill", false, "with SIGKILL, as a crash would")
		}
		return o.nodeFlag(cmd)
	}
	return []*cobra.Command{
		command("restart", "Stop a component, start it and wait until it answers", supervise.Action{Stop: true, Start: true}),
		command("stop", "Stop a component; it stays stopped", supervise.Action{Stop: true}),
		command("start", "Start a component that was stopped and wait until it answers", supervise.Action{Start: true}),
	}
}

func logsCommand(o *options) *cobra.Command {
	var follow bool
	var lines int
	cmd := &cobra.Command{
		Use: "logs COMPONENT", Short: "Print the end of a component's log (also: supervisor)", Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			r, err := o.running()
			if err != nil {
				return err
			}
			path := r.NodeDir(o.node, spec.LogDir, args[0]+".log")
			if !follow {
				return printTail(cmd.OutOrStdout(), path, lines)
			}
			tail := exec.CommandContext(cmd.Context(), "tail", "--follow=name", "--lines="+strconv.Itoa(lines), path)
			tail.Stdout, tail.Stderr = cmd.OutOrStdout(), cmd.ErrOrStderr()
			return tail.Run()
		},
	}
	cmd.Flags().BoolVarP(&follow, "follow", "f", false, "stay and print what is added")
	cmd.Flags().IntVarP(&lines, "lines", "n", 100, "how many lines")
	return o.nodeFlag(cmd)
}

// connectCommands returns the commands that disconnect a node from the network and connect it again, for tests of a lost node.
func connectCommands(o *options) []*cobra.Command {
	command := func(use, short string, connected bool) *cobra.Command {
		return &cobra.Command{
			Use: use + " NODE", Short: short, Args: cobra.ExactArgs(1),
			RunE: func(_ *cobra.Command, args []string) error {
				r, err := o.running()
				if err != nil {
					return err
				}
				return host.SetConnected(r, args[0], connected)
			},
		}
	}
	return []*cobra.Command{
		command("disconnect", "Cut a node off the network (any but the first)", false),
		command("connect", "Bring a node back onto the network", true),
	}
}

// printTail prints the last n lines of a file. It keeps no more than these in memory.
func printTail(out io.Writer, path string, n int) error {
	file, err := os.Open(path)
	if err != nil {
		return err
	}
	defer file.Close()
	var last []string
	lines := bufio.NewReader(file)
	for {
		line, err := lines.ReadString('\n')
		if line != "" {
			last = append(last, strings.TrimSuffix(line, "\n"))
			last = last[max(0, len(last)-n):]
		}
		if err == io.EOF {
			break
		}
		if err != nil {
			return fmt.Errorf("reading %s: %w", path, err)
		}
	}
	for _, line := range last {
		fmt.Fprintln(out, line)
	}
	return nil
}
