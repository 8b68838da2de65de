// Command worker is what the Jobs run: one unit of one stage, from a task file to a termination message.
package main

import (
	"context"
	"log/slog"
	"os"
	"os/signal"
	"strconv"
	"syscall"

	_ "golang.org/x/crypto/x509roots/fallback" // the authorities of the web, for an image that has none

	"github.com/datasetmix/datasetmix/internal/contract"
	"github.com/datasetmix/datasetmix/internal/gctune"
	"github.com/datasetmix/datasetmix/internal/pipeline"
	"github.com/datasetmix/datasetmix/internal/progress"
	"github.com/datasetmix/datasetmix/internal/stage"
	"github.com/datasetmix/datasetmix/internal/version"
)

func main() {
	logger := slog.New(slog.NewJSONHandler(os.Stderr, &slog.HandlerOptions{ReplaceAttr: shown}))
	if build := os.Getenv(contract.BuildVariable); build != "" {
		logger = logger.With("build", build)
	}
	slog.SetDefault(logger)
	slog.Info("worker", "version", version.Number())
	limitMemory()
	gctune.SetGCPercent()
	os.Exit(serve())
}

// shown cleans the texts of the log for a terminal: they quote servers, files and rows.
func shown(_ []string, a slog.Attr) slog.Attr {
	if a.Value.Kind() == slog.KindString {
		a.Value = slog.StringValue(contract.CleanLines(a.Value.String()))
	}
	return a
}

// limitMemory keeps the worker within its pod's memory, and logs the limit.
func limitMemory() {
	limit, err := gctune.SetMemoryLimit()
	if err != nil {
		slog.Info("the pod has no memory limit that is known", "error", err.Error())
		return
	}
	slog.Info("memory", "limit", limit)
}

// serve runs the command line until it ends or a signal interrupts it.
func serve() int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	return command(ctx, os.Args[1:], environment())
}

// run does the work of one pod and returns its exit code.
func run(ctx context.Context, pod pod) int {
	message, err := work(ctx, pod)
	if err != nil {
		reason := contract.ReasonOf(err)
		slog.Error("the unit failed", "stage", message.Stage, "unit", message.Node.Name, "reason", reason, "error", err.Error())
		note := contract.NoteOf(err)
		message.Failure, message.Result = &note, nil
	}
	encoded, encodeErr := message.Encode()
	if encodeErr == nil {
		encodeErr = os.WriteFile(pod.message, encoded, 0o644)
	}
	switch {
	case err != nil:
		return contract.ReasonOf(err).ExitCode()
	case encodeErr != nil:
		slog.Error("the result cannot be reported", "error", encodeErr.Error())
		return contract.WorkerFailed.ExitCode()
	default:
		return 0
	}
}

// work builds the pod's unit of the task.
func work(ctx context.Context, pod pod) (contract.Message, error) {
	var message contract.Message
	encoded, err := os.ReadFile(pod.task)
	if err != nil {
		return message, contract.Failf(contract.InvalidTask, "the task cannot be read: %w", err)
	}
	task, err := contract.ParseTask(encoded)
	if err != nil {
		return message, err
	}
	message.Stage = task.Stage
	index, err := strconv.Atoi(pod.index)
	if err != nil {
		return message, contract.Failf(contract.InvalidTask, "%s is %q, not a number", contract.IndexVariable, pod.index)
	}
	if message.Node, err = task.Node(index); err != nil {
		return message, err
	}
	worker := stage.Worker{Volume: pod.volume, Source: pod.sources()}
	worker.Lacks = func(what string) { slog.Warn("the volume does without", "lack", what) }
	todo := stage.Job{Recipe: task.Recipe, Results: task.Results, Stage: task.Stage, Unit: message.Node, Again: task.Again}
	if task.Keep != nil {
		todo.Keep = *task.Keep
	}
	reported := &reporter{mix: task.Recipe.Name, message: &message, progress: progress.Logger{Log: slog.Default()}}
	worker.Meter = func(stage pipeline.Stage, unit pipeline.Node) *progress.Meter {
		return reported.progress.Begin(string(stage), unit.Name)
	}
	defer reported.progress.Stop()
	if task.Chain {
		return message, worker.Chain(ctx, todo, reported)
	}
	reported.Begin(task.Stage, message.Node)
	result, err := worker.Run(ctx, todo)
	if err != nil {
		return message, err
	}
	reported.Done(task.Stage, message.Node, result)
	message.Result, message.Results = &result, nil
	return message, nil
}

// reporter writes the units that are built to the log and to the pod's message.
type reporter struct {
	mix      string
	message  *contract.Message
	progress progress.Logger
}

func (r *reporter) Begin(stage pipeline.Stage, unit pipeline.Node) {
	r.message.Stage, r.message.Node = stage, unit
	slog.Info("begin", "mix", r.mix, "stage", stage, "unit", unit.Name, "key", unit.Key)
}

func (r *reporter) Done(stage pipeline.Stage, unit pipeline.Node, result pipeline.Result) {
	r.progress.Done()
	r.message.Results = append(r.message.Results, contract.NodeResult{Node: unit, Result: result})
	slog.Info("done", "mix", r.mix, "stage", stage, "unit", unit.Name, "result", summary(result))
}

// summary returns a result for the log.
func summary(result pipeline.Result) any {
	switch {
	case result.Download != nil:
		return result.Download
	case result.Split != nil:
		return result.Split
	case result.Balance != nil:
		return result.Balance
	case result.Mix != nil:
		return result.Mix
	default:
		return result.Publish
	}
}
