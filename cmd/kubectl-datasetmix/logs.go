package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/spf13/cobra"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/utils/ptr"

	datav1alpha1 "github.com/datasetmix/datasetmix/api/v1alpha1"
	"github.com/datasetmix/datasetmix/internal/cli"
	"github.com/datasetmix/datasetmix/internal/cli/connect"
	"github.com/datasetmix/datasetmix/internal/cli/view"
	"github.com/datasetmix/datasetmix/internal/contract"
	"github.com/datasetmix/datasetmix/internal/kube"
	"github.com/datasetmix/datasetmix/internal/pipeline"
)

// eventsCommand shows the Events of a mix.
func eventsCommand() *cobra.Command {
	command := &cobra.Command{
		Use:     "events NAME",
		Short:   "Show the Events of a mix, the oldest first",
		Example: "  kubectl datasetmix events grpo-six -n training",
		Args:    cobra.ExactArgs(1),
	}
	from := connect.Flags(command)
	command.RunE = func(command *cobra.Command, args []string) error {
		client, err := from.Client()
		if err != nil {
			return err
		}
		_, mix, err := connect.One(command.Context(), client, args[0])
		if err != nil {
			return err
		}
		events, err := client.Events(command.Context(), mix)
		if err != nil {
			return connect.Reading(err)
		}
		if len(events) == 0 {
			fmt.Fprintln(command.ErrOrStderr(), "There are no Events: the API server keeps them for an hour or so.")
			return nil
		}
		view.Events(command.OutOrStdout(), events, time.Now())
		return nil
	}
	return command
}

// logs has the options of the verb logs.
type logs struct {
	follow, failed bool
	stage          string
	tail           int64
}

// logsCommand shows the logs of the workers of a mix.
func logsCommand() *cobra.Command {
	var which logs
	command := &cobra.Command{
		Use:   "logs NAME [-f] [--stage STAGE] [--failed]",
		Short: "Show the logs of the workers of a mix, each line with its stage and pod",
		Example: "  kubectl datasetmix logs grpo-six -f\n" +
			"  kubectl datasetmix logs grpo-six --failed",
		Args: cobra.ExactArgs(1),
	}
	from := connect.Flags(command)
	command.Flags().BoolVarP(&which.follow, "follow", "f", false, "go on until the mix is ready or stalled")
	command.Flags().BoolVar(&which.failed, "failed", false, "only those of pods that failed")
	command.Flags().StringVar(&which.stage, "stage", "", "only those of one stage: download, split, balance, mix or publish")
	connect.Offer(command, "stage", stageNames()...)
	command.Flags().Int64Var(&which.tail, "tail", -1, "the last lines of each log; -1 shows all")
	command.MarkFlagsMutuallyExclusive("follow", "failed")
	command.RunE = func(command *cobra.Command, args []string) error {
		if err := which.check(); err != nil {
			return err
		}
		client, err := from.Client()
		if err != nil {
			return err
		}
		_, mix, err := connect.One(command.Context(), client, args[0])
		if err != nil {
			return err
		}
		return which.show(command.Context(), client, mix, command.OutOrStdout(), command.ErrOrStderr())
	}
	return command
}

func (l logs) check() error {
	if stages := stageNames(); l.stage != "" && !slices.Contains(stages, l.stage) {
		return contract.Failf(contract.InvalidTask, "there is no stage %q%s; take one of %s", l.stage, cli.DidYouMean(l.stage, stages), strings.Join(stages, ", "))
	}
	return nil
}

func stageNames() []string {
	var names []string
	for _, stage := range pipeline.Stages() {
		names = append(names, string(stage))
	}
	return names
}

// show writes the logs of the pods that exist and, with --follow, those of later pods.
func (l logs) show(ctx context.Context, client *kube.Client, mix *datav1alpha1.DatasetMix, out, notes io.Writer) error {
	lines := &lineWriter{out: out}
	if !l.follow {
		pods, err := client.Pods(ctx, mix)
		if err != nil {
			return connect.Reading(err)
		}
		shown := 0
		for _, pod := range pods {
			if l.wants(pod) && begun(pod) {
				shown++
				if err := l.copy(ctx, client, pod, lines); err != nil {
					fmt.Fprintf(notes, "%s: %v\n", pod.Name, err)
				}
			}
		}
		if shown == 0 {
			fmt.Fprintln(notes, "No pod has such a log: the pods of a Job are deleted with it, once the next Job has begun.")
		}
		return nil
	}
	return connect.Reading(l.followAll(ctx, client, mix, lines, notes))
}

// followAll copies the log of every pod as soon as it runs. It returns when the mix is ready or stalled, and all logs have ended.
func (l logs) followAll(ctx context.Context, client *kube.Client, mix *datav1alpha1.DatasetMix, lines *lineWriter, notes io.Writer) error {
	var copying sync.WaitGroup
	defer copying.Wait()
	seen := map[string]bool{}
	for {
		pods, err := client.Pods(ctx, mix)
		if err != nil {
			return err
		}
		for _, pod := range pods {
			if seen[pod.Name] || !l.wants(pod) || !begun(pod) {
				continue
			}
			seen[pod.Name] = true
			copying.Go(func() {
				if err := l.copy(ctx, client, pod, lines); err != nil && ctx.Err() == nil {
					fmt.Fprintf(notes, "%s: %v\n", pod.Name, err)
				}
			})
		}
		_, now, err := connect.One(ctx, client, mix.Name)
		if err != nil {
			return err
		}
		if done, err := outcome(now); done {
			return err
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(time.Second):
		}
	}
}

func (l logs) wants(pod corev1.Pod) bool {
	return (l.stage == "" || pod.Labels[datav1alpha1.LabelStage] == l.stage) && (!l.failed || pod.Status.Phase == corev1.PodFailed)
}

// begun reports whether a pod has a log.
func begun(pod corev1.Pod) bool {
	return pod.Status.Phase != corev1.PodPending && pod.Status.Phase != ""
}

// copy writes the log of a pod, each line with its stage and pod.
func (l logs) copy(ctx context.Context, client *kube.Client, pod corev1.Pod, lines *lineWriter) error {
	options := &corev1.PodLogOptions{Follow: l.follow}
	if l.tail >= 0 {
		options.TailLines = ptr.To(l.tail)
	}
	log, err := client.Log(ctx, pod.Name, options)
	if err != nil {
		return err
	}
	defer func() { _ = log.Close() }()
	prefix := pod.Labels[datav1alpha1.LabelStage] + " " + pod.Name + "  "
	reader := bufio.NewReader(log)
	for {
		line, err := reader.ReadString('\n')
		if line != "" {
			lines.write(prefix + strings.TrimSuffix(line, "\n") + "\n")
		}
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
	}
}

// lineWriter writes whole lines of several logs to one output.
type lineWriter struct {
	mutex sync.Mutex
	out   io.Writer
}

func (w *lineWriter) write(line string) {
	w.mutex.Lock()
	defer w.mutex.Unlock()
	_, _ = io.WriteString(w.out, line)
}
