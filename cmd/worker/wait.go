package main

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"flag"
	"fmt"
	"log/slog"
	"os"
	"slices"
	"time"

	"github.com/datasetmix/datasetmix/internal/await"
	"github.com/datasetmix/datasetmix/internal/contract"
	"github.com/datasetmix/datasetmix/internal/pipeline"
	"github.com/datasetmix/datasetmix/internal/store"
)

// addressVariable is the environment variable in which Kubeflow's Trainer hands an initializer its address.
const addressVariable = "STORAGE_URI"

// waited is the termination message of wait: the revision, the SHA-256 of its manifest, which is status.published.digest of the mix, and its
// folder in the pod.
type waited struct {
	Revision string `json:"revision"`
	Digest   string `json:"digest"`
	Folder   string `json:"folder"`
}

// command runs the command line and returns the exit code. The pods of the manager pass the stage of their task, which people see in a list of
// processes; all other pods pass the name of an errand.
func command(ctx context.Context, args []string, pod pod) int {
	if len(args) == 0 || slices.Contains(pipeline.Stages(), pipeline.Stage(args[0])) {
		return run(ctx, pod)
	}
	errand, ok := errands[args[0]]
	if !ok {
		return ended(contract.Failf(contract.InvalidTask, "there is no command %q: the worker has the commands wait, read, serve and receive, and else builds the unit of its task", args[0]), pod)
	}
	return ended(errand(ctx, args[1:], pod), pod)
}

// wait waits for a revision, verifies it, and writes the termination message.
func wait(ctx context.Context, args []string, pod pod) error {
	flags := flag.NewFlagSet("worker wait", flag.ContinueOnError)
	data := flags.String("data", pod.volume, "where the volume of the mix is mounted")
	timeout := flags.Duration("timeout", 0, "how long to wait for the revision; 0 is without end")
	every := flags.Duration("every", 2*time.Second, "the time between two looks at the volume")
	verify := flags.String("verify", "digests", "digests compares every byte with the manifest, sizes only the lengths of the files")
	flags.Usage = func() {
		fmt.Fprintf(flags.Output(), "Waits until a revision is published on a volume, verifies it, and ends.\n\n"+
			"  worker wait [flags] datasetmix://NAME[@REVISION]\n\nWithout an address, the variable %s has it. Flags:\n", addressVariable)
		flags.PrintDefaults()
	}
	if err := parse(flags, args); err != nil {
		return err
	}
	if *verify != "digests" && *verify != "sizes" {
		return contract.Failf(contract.InvalidTask, "--verify is %q: it must be digests or sizes", *verify)
	}
	address := os.Getenv(addressVariable)
	if flags.NArg() > 0 {
		address = flags.Arg(0)
	}
	reference, err := await.ParseReference(address)
	if err != nil {
		return err
	}
	volume, err := store.Open(*data)
	if err != nil {
		return err
	}
	defer volume.Close()
	w := await.Wait{Volume: volume, Of: reference, Every: *every, Say: time.Minute, Waiting: func(found string) {
		slog.Info("waiting until it is published", "for", reference.String(), "volume", *data, "found", found)
	}}
	waiting := ctx
	if *timeout > 0 {
		var cancel context.CancelFunc
		waiting, cancel = context.WithTimeout(ctx, *timeout)
		defer cancel()
	}
	manifest, err := w.Published(waiting)
	if err != nil {
		return err
	}
	slog.Info("verifying", "revision", manifest.Revision, "files", len(manifest.Files), "by", *verify)
	if err := w.Verify(ctx, manifest, *verify == "digests"); err != nil {
		return err
	}
	encoded, err := manifest.Encode() // the bytes that were read: else it would have been refused
	if err != nil {
		return err
	}
	sum := sha256.Sum256(encoded)
	done := waited{manifest.Revision, hex.EncodeToString(sum[:]), volume.Path(reference.Folder.Revision(manifest.Revision)).String()}
	slog.Info("the revision is there, and its files are those of its manifest", "revision", done.Revision, "digest", done.Digest, "folder", done.Folder)
	if encoded, err := json.Marshal(done); err == nil {
		_ = os.WriteFile(pod.message, encoded, 0o600) // the log has it as well
	}
	return nil
}
