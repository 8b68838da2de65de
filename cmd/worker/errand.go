package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"time"

	"github.com/datasetmix/datasetmix/internal/cli"
	"github.com/datasetmix/datasetmix/internal/contract"
	"github.com/datasetmix/datasetmix/internal/look"
	"github.com/datasetmix/datasetmix/internal/rows"
	"github.com/datasetmix/datasetmix/internal/store"
	"github.com/datasetmix/datasetmix/internal/transfer"
)

// errands are the commands of pods that kubectl datasetmix starts, and wait, which pods of trainings run; by the first argument.
var errands = map[string]func(ctx context.Context, args []string, pod pod) error{"read": read, "serve": serveFiles, "receive": receive, "look": lookAt, "wait": wait}

// ended reports how a command ended, in the log and the pod's message, and returns its exit code.
func ended(err error, pod pod) int {
	if err == nil || errors.Is(err, flag.ErrHelp) {
		return 0
	}
	reason := contract.ReasonOf(err)
	slog.Error("the command failed", "reason", reason, "error", err.Error())
	note := contract.NoteOf(err)
	_ = os.WriteFile(pod.message, []byte(note.Message), 0o600) // the log has it as well; outside of a pod there is no such file
	return reason.ExitCode()
}

// errandFlags returns the flags of a command; data is where the volume is mounted, folder the revision's folder on it.
func errandFlags(name string, pod pod) (flags *flag.FlagSet, data, folder *string) {
	flags = flag.NewFlagSet("worker "+name, flag.ContinueOnError)
	data = flags.String("data", pod.volume, "where the volume is mounted")
	folder = flags.String("folder", ".", "the folder of the revision on the volume")
	return flags, data, folder
}

func parse(flags *flag.FlagSet, args []string) error {
	if err := flags.Parse(args); err != nil {
		if errors.Is(err, flag.ErrHelp) {
			return err
		}
		return contract.Failf(contract.InvalidTask, "the command line cannot be understood: %w", err)
	}
	return nil
}

// read answers a question about a revision in the log.
func read(ctx context.Context, args []string, pod pod) error {
	flags, data, folder := errandFlags("read", pod)
	if err := parse(flags, args); err != nil {
		return err
	}
	question, err := contract.ParseQuestion[rows.Question](flags.Arg(0))
	if err != nil {
		return err
	}
	volume, of, err := openRevision(*data, *folder)
	if err != nil {
		return err
	}
	defer volume.Close()
	return inLog("export the file", func(out io.Writer) error { return of.Answer(ctx, question, out) })
}

// openRevision opens a revision in a folder of the volume.
func openRevision(data, folder string) (*store.Volume, rows.Revision, error) {
	volume, err := store.Open(data)
	if err != nil {
		return nil, rows.Revision{}, err
	}
	of, err := rows.Open(volume.Path(folder))
	if err != nil {
		return nil, of, errors.Join(err, volume.Close())
	}
	return volume, of, nil
}

// inLog writes an answer to the log. If the answer is too long, the error advises to ask for fewer rows, or to do otherwise.
func inLog(otherwise string, answer func(io.Writer) error) error {
	log := rows.NewInLog(os.Stdout)
	err := answer(&rows.Most{To: log, Left: rows.MostInLog})
	if errors.Is(err, rows.ErrTooLong) {
		return contract.Failf(contract.InvalidTask, "%w, which holds %d MiB; ask for fewer rows, or %s", rows.ErrTooLong, rows.MostInLog>>20, otherwise)
	}
	if err != nil {
		return err
	}
	return log.Close()
}

// lookAt reads the first rows of a source, with the credentials that the pod has for it, and writes what it has seen to the log.
func lookAt(ctx context.Context, args []string, pod pod) error {
	flags := flag.NewFlagSet("worker look", flag.ContinueOnError)
	flags.StringVar(&pod.claims, "claims", pod.claims, "the folder in which claims are mounted")
	flags.StringVar(&pod.tokens, "tokens", pod.tokens, "the folder with a token for each data set")
	flags.StringVar(&pod.bundles, "bundles", pod.bundles, "the folder with certificates for each data set")
	flags.StringVar(&pod.secrets, "secrets", pod.secrets, "the folder with a Secret for each data set")
	if err := parse(flags, args); err != nil {
		return err
	}
	question, err := contract.ParseQuestion[look.Question](flags.Arg(0))
	if err != nil {
		return err
	}
	from, err := pod.sources()(question.Dataset)
	if err != nil {
		return err
	}
	seen, err := look.Of(ctx, from, question.Dataset, question.Domain, look.Limits{Rows: question.Rows, Show: question.Show, Near: cli.Closest})
	if err != nil {
		return err
	}
	return inLog("show fewer of them", func(out io.Writer) error { return json.NewEncoder(out).Encode(seen) })
}

// listening adds the flags of a command that serves, and returns a function that listens as they say.
func listening(ctx context.Context, flags *flag.FlagSet) (listen func() (net.Listener, error), patience *time.Duration) {
	const patient = 90 * time.Second
	at := flags.String("listen", fmt.Sprintf("127.0.0.1:%d", transfer.Port), "the loopback address and port to listen at")
	patience = flags.Duration("patience", patient, "how long to wait for a request, and for a client that sends nothing")
	return func() (net.Listener, error) {
		listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", *at)
		if err != nil {
			return nil, contract.Failf(contract.WorkerFailed, "nothing can listen at %s: %w", *at, err)
		}
		return listener, nil
	}, patience
}

// serveFiles serves the files of a revision until no client asks any more.
func serveFiles(ctx context.Context, args []string, pod pod) error {
	flags, data, folder := errandFlags("serve", pod)
	listen, patience := listening(ctx, flags)
	if err := parse(flags, args); err != nil {
		return err
	}
	volume, of, err := openRevision(*data, *folder)
	if err != nil {
		return err
	}
	defer volume.Close()
	listener, err := listen()
	if err != nil {
		return err
	}
	slog.Info("serving", "revision", of.Manifest.Revision, "at", listener.Addr().String())
	return transfer.Serve(ctx, listener, transfer.Files(of), *patience)
}

// receive takes files onto the volume until no client sends any more.
func receive(ctx context.Context, args []string, pod pod) error {
	flags, data, _ := errandFlags("receive", pod)
	listen, patience := listening(ctx, flags)
	if err := parse(flags, args); err != nil {
		return err
	}
	volume, err := store.Open(*data)
	if err != nil {
		return err
	}
	defer volume.Close()
	inbox, err := transfer.NewInbox(volume, *patience)
	if err != nil {
		return err
	}
	listener, err := listen()
	if err != nil {
		return errors.Join(err, inbox.Close())
	}
	slog.Info("receiving", "at", listener.Addr().String())
	return errors.Join(transfer.Serve(ctx, listener, inbox, *patience), inbox.Close())
}
