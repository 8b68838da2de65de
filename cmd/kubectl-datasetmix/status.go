package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"
	"time"

	"github.com/spf13/cobra"
	apimeta "k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/cli-runtime/pkg/genericclioptions"

	datav1alpha1 "github.com/datasetmix/datasetmix/api/v1alpha1"
	"github.com/datasetmix/datasetmix/internal/cli"
	"github.com/datasetmix/datasetmix/internal/cli/connect"
	"github.com/datasetmix/datasetmix/internal/cli/follow"
	"github.com/datasetmix/datasetmix/internal/cli/view"
	"github.com/datasetmix/datasetmix/internal/contract"
	"github.com/datasetmix/datasetmix/internal/kube"
)

// output is the flag -o: a table for people, or a format of kubectl.
type output struct {
	flags *genericclioptions.PrintFlags
}

func outputFlag(command *cobra.Command) *output {
	o := &output{flags: genericclioptions.NewPrintFlags("")}
	o.flags.OutputFlagSpecified = func() bool { return true }
	o.flags.AddFlags(command)
	command.Flags().Lookup("output").Usage = "Output format. One of: (table, wide, " + strings.Join(o.flags.AllowedFormats(), ", ") + ")."
	return o
}

// format returns the requested format: table, wide or a format of kubectl.
func (o *output) format() string {
	if *o.flags.OutputFormat == "" {
		return "table"
	}
	return *o.flags.OutputFormat
}

// forPeople reports whether the format is text.
func (o *output) forPeople() bool { return o.format() == "table" || o.format() == "wide" }

// print writes an object in a format of kubectl.
func (o *output) print(out io.Writer, object *unstructured.Unstructured) error {
	printer, err := o.flags.ToPrinter()
	if genericclioptions.IsNoCompatiblePrinterError(err) {
		formats := append([]string{"table", "wide"}, o.flags.AllowedFormats()...)
		return contract.Failf(contract.InvalidTask, "there is no output format %q%s; take one of %s", o.format(), cli.DidYouMean(o.format(), formats), strings.Join(formats, ", "))
	}
	if err != nil {
		return contract.Failf(contract.InvalidTask, "%w", err)
	}
	return printer.PrintObj(object, out)
}

// statusCommand shows a mix, once or until it is ready or stalled.
func statusCommand() *cobra.Command {
	var watching bool
	var timeout time.Duration
	command := &cobra.Command{
		Use:   "status NAME [-w]",
		Short: "Show the stages, the counts, the pods and the Events of a mix",
		Long: "Show the stages, the counts, the pods and the Events of a mix.\n\n" +
			"What you may not read is named in its place. With --watch a line is printed for each change until the mix is ready or\n" +
			"stalled, and the exit code is that of its outcome, as with wait.",
		Example: "  kubectl datasetmix status grpo-six -n training\n" +
			"  kubectl datasetmix status grpo-six -w --timeout 1h",
		Args: cobra.ExactArgs(1),
	}
	from, format, progress := connect.Flags(command), outputFlag(command), follow.Flag(command)
	command.Flags().BoolVarP(&watching, "watch", "w", false, "print every change until the mix is ready or stalled")
	command.Flags().DurationVar(&timeout, "timeout", 0, "how long to watch; 0 is without end")
	command.RunE = func(command *cobra.Command, args []string) error {
		client, err := from.Client()
		if err != nil {
			return err
		}
		if watching {
			return watch(command, client, args[0], timeout, *progress)
		}
		object, mix, err := connect.One(command.Context(), client, args[0])
		if err != nil {
			return err
		}
		if !format.forPeople() {
			return format.print(command.OutOrStdout(), object)
		}
		return view.Status(command.OutOrStdout(), snapshot(command.Context(), client, mix), format.format() == "wide")
	}
	return command
}

// snapshot reads what the user may read of a mix.
func snapshot(ctx context.Context, client *kube.Client, mix *datav1alpha1.DatasetMix) view.Snapshot {
	s := view.Snapshot{Mix: mix, Now: time.Now()}
	s.Pods, s.PodsError = client.Pods(ctx, mix)
	s.Events, s.EventsError = client.Events(ctx, mix)
	return s
}

// waitCommand waits for the outcome of a mix.
func waitCommand() *cobra.Command {
	var timeout time.Duration
	command := &cobra.Command{
		Use:   "wait NAME [--timeout DURATION]",
		Short: "Wait until a mix is ready or stalled; the exit code tells which, and why",
		Long: "Wait until the newest generation of a mix is published, or needs a person; the exit code tells which, and why:\n" +
			"0 is ready, 41 a timeout, 44 suspended, and a stalled mix ends with the code of its reason in docs/exit-codes.md.",
		Example: "  kubectl datasetmix wait grpo-six -n training --timeout 2h && kubectl apply -f train.yaml",
		Args:    cobra.ExactArgs(1),
	}
	from, progress := connect.Flags(command), follow.Flag(command)
	command.Flags().DurationVar(&timeout, "timeout", 0, "how long to wait; 0 is without end")
	command.RunE = func(command *cobra.Command, args []string) error {
		client, err := from.Client()
		if err != nil {
			return err
		}
		return watch(command, client, args[0], timeout, *progress)
	}
	return command
}

// watch shows a mix until its outcome, which it returns as the error: as a live view, or by a line for each change.
func watch(command *cobra.Command, client *kube.Client, name string, timeout time.Duration, mode string) error {
	display, err := follow.Open(mode, command.OutOrStdout())
	if err != nil {
		return err
	}
	if !display.Shows() {
		return until(command.Context(), client, name, timeout, func(mix *datav1alpha1.DatasetMix) {
			fmt.Fprintf(command.OutOrStdout(), "%s  %s\n", time.Now().Format(time.TimeOnly), view.Line(mix))
		})
	}
	cluster := follow.NewCluster(client)
	reading, stopReading := context.WithCancel(command.Context())
	var logs sync.WaitGroup
	logs.Go(func() { cluster.ReadLogs(reading) })
	stop := display.Run(cluster.State)
	defer stop()
	defer logs.Wait()
	defer stopReading()
	err = until(command.Context(), client, name, timeout, cluster.See)
	if exit := (*cli.Exit)(nil); errors.As(err, &exit) && exit.Code != cli.TimedOut && exit.Code != cli.Interrupted {
		cluster.Fail()
	}
	return err
}

// until follows a mix until its outcome, which it returns as the error. It calls changed with each version of the mix whose line differs from
// that of the version before.
func until(ctx context.Context, client *kube.Client, name string, timeout time.Duration, changed func(*datav1alpha1.DatasetMix)) error {
	if timeout > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, timeout)
		defer cancel()
	}
	var last, state string
	err := client.Follow(ctx, strings.TrimPrefix(name, "datasetmix/"), func(object *unstructured.Unstructured) (bool, error) {
		mix, err := kube.Typed(object)
		if err != nil {
			return false, err
		}
		state = view.State(mix)
		if line := view.Line(mix); line != last {
			last = line
			changed(mix)
		}
		done, err := outcome(mix)
		return done, err
	})
	if errors.Is(err, context.DeadlineExceeded) {
		return &cli.Exit{Code: cli.TimedOut, Err: fmt.Errorf("%s is not ready after %s: %s", name, timeout, state)}
	}
	return connect.Reading(err)
}

// outcome reports whether a mix is ready, stalled or suspended. The error is nil for a mix that is ready.
func outcome(mix *datav1alpha1.DatasetMix) (done bool, err error) {
	ready := apimeta.FindStatusCondition(mix.Status.Conditions, datav1alpha1.ConditionReady)
	if ready == nil || ready.ObservedGeneration != mix.Generation {
		return false, nil
	}
	if stalled := apimeta.FindStatusCondition(mix.Status.Conditions, datav1alpha1.ConditionStalled); stalled != nil && stalled.Status == metav1.ConditionTrue {
		return true, &cli.Exit{Code: cli.CodeOfStall(stalled.Reason), Err: fmt.Errorf("%s is stalled, %s: %s", mix.Name, stalled.Reason, stalled.Message)}
	}
	switch {
	case ready.Status == metav1.ConditionTrue:
		return true, nil
	case ready.Reason == datav1alpha1.ReasonSuspended:
		return true, &cli.Exit{Code: cli.AtRest, Err: fmt.Errorf("%s is suspended: %s", mix.Name, ready.Message)}
	default:
		return false, nil
	}
}
