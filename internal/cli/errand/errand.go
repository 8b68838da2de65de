// Package errand starts a pod of the worker for the user of the command, which answers a question or serves files, and removes it however the
// command ends.
package errand

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"path"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"

	datav1alpha1 "github.com/datasetmix/datasetmix/api/v1alpha1"
	"github.com/datasetmix/datasetmix/internal/cli"
	"github.com/datasetmix/datasetmix/internal/contract"
	"github.com/datasetmix/datasetmix/internal/kube"
	"github.com/datasetmix/datasetmix/internal/render"
	"github.com/datasetmix/datasetmix/internal/rows"
	"github.com/datasetmix/datasetmix/internal/transfer"
	"github.com/datasetmix/datasetmix/internal/version"
)

// The verbs that start pods. A pod's name contains its verb, by which an admission policy recognizes it.
const (
	Get  = "get"
	Put  = "put"
	Look = "look"
)

// The seconds that a pod may run: one that answers a question, and one that serves, which ends by itself soon after its command has ended.
const (
	answerSeconds = 3600
	serveSeconds  = 24 * 3600
)

// The time between two reads of a pod, the time that its deletion may take, and the time after which the user is told what is waited for.
const (
	lookEvery    = 300 * time.Millisecond
	removeWithin = 15 * time.Second
	sayAfter     = 3 * time.Second
)

// Errand has the options for starting a pod.
type Errand struct {
	Client *kube.Client
	// Image is the worker's image; empty for the manager's.
	Image string
	// Start is the time that a pod may take until it runs.
	Start time.Duration
	// Notes is the output for messages about what the command waits for.
	Notes io.Writer
}

// imageRepository is the repository of the releases' images.
const imageRepository = "ghcr.io/datasetmix/datasetmix"

// WorkerImage returns the worker's image: the one that the user named, else the manager's, else that of this command's release.
func (e Errand) WorkerImage(ctx context.Context) (string, error) {
	if e.Image != "" {
		return e.Image, nil
	}
	image, err := e.Client.WorkerImage(ctx)
	if image != "" {
		return image, nil
	}
	why := "no manager was found"
	if forbidden := (*kube.ForbiddenError)(nil); errors.As(err, &forbidden) {
		why = forbidden.Error()
	} else if err != nil {
		return "", err
	}
	release := version.Number()
	if !strings.HasPrefix(release, "v") {
		return "", contract.Failf(contract.InvalidTask, "the worker's image is not known (%s): name it with --image", why)
	}
	image = imageRepository + ":" + release
	fmt.Fprintf(e.Notes, "%s: the worker runs %s; --image names another one\n", why, image)
	return image, nil
}

// Ask starts a pod that answers a question about a published revision, and writes the answer once it is complete.
func (e Errand) Ask(ctx context.Context, mix *datav1alpha1.DatasetMix, folder string, question rows.Question, out io.Writer) error {
	encoded, err := json.Marshal(question)
	if err != nil {
		return err
	}
	pod, err := e.reader(ctx, mix, "read", "--folder="+folder, string(encoded))
	if err != nil {
		return err
	}
	return e.Answer(ctx, pod, out)
}

// Answer starts a pod that answers in its log, and writes the answer once it is complete.
func (e Errand) Answer(ctx context.Context, pod render.Errand, out io.Writer) error {
	pod.Seconds = answerSeconds
	return e.with(ctx, pod, []kube.Right{{Verb: "get", Resource: "pods/log"}}, func(ctx context.Context, name string) error {
		if err := e.until(ctx, name, ended); err != nil {
			return err
		}
		err := e.answer(ctx, name, out)
		for again := 0; again < 3 && contract.ReasonOf(err) == contract.ChecksumMismatch && ctx.Err() == nil; again++ {
			time.Sleep(lookEvery) // a node may report the end of a pod before the end of its log is written
			err = e.answer(ctx, name, out)
		}
		return err
	})
}

// answer writes the answer in the log of a pod, if it is complete.
func (e Errand) answer(ctx context.Context, pod string, out io.Writer) error {
	log, err := e.Client.Log(ctx, pod, &corev1.PodLogOptions{})
	if err != nil {
		return err
	}
	defer log.Close()
	return rows.FromLog(log, out)
}

// Serve starts a pod that serves a published revision, and calls use with a client of it.
func (e Errand) Serve(ctx context.Context, mix *datav1alpha1.DatasetMix, folder string, use func(context.Context, transfer.Client) error) error {
	pod, err := e.reader(ctx, mix, "serve", "--folder="+folder)
	if err != nil {
		return err
	}
	return e.forward(ctx, pod, use)
}

// Receive starts a pod that writes files to a claim, and calls use with a client of it. The pod is owned by the claim if owner is not nil.
func (e Errand) Receive(ctx context.Context, claim string, owner *corev1.PersistentVolumeClaim, use func(context.Context, transfer.Client) error) error {
	image, err := e.WorkerImage(ctx)
	if err != nil {
		return err
	}
	pod := render.Errand{Verb: Put, Image: image, Claim: claim, Writable: true, Arguments: []string{"receive"}}
	if owner != nil {
		pod.Owner = render.OwnedBy("v1", "PersistentVolumeClaim", owner)
	}
	return e.forward(ctx, pod, use)
}

// reader returns a pod that reads the claim of a mix.
func (e Errand) reader(ctx context.Context, mix *datav1alpha1.DatasetMix, arguments ...string) (render.Errand, error) {
	image, err := e.WorkerImage(ctx)
	return render.Errand{
		Verb: Get, Image: image, Claim: mix.Status.Published.ClaimName, Arguments: arguments, Worker: mix.Spec.Worker,
		Owner: render.OwnedBy(datav1alpha1.GroupVersion.String(), datav1alpha1.Kind, mix),
	}, err
}

// forward starts a pod that serves, and calls use with a client of it.
func (e Errand) forward(ctx context.Context, pod render.Errand, use func(context.Context, transfer.Client) error) error {
	pod.Seconds = serveSeconds
	return e.with(ctx, pod, []kube.Right{{Verb: "create", Resource: "pods/portforward"}}, func(ctx context.Context, name string) error {
		if err := e.until(ctx, name, running); err != nil {
			return err
		}
		to, err := e.Client.Forward(name, transfer.Port)
		if err != nil {
			return err
		}
		defer to.Close()
		err = use(ctx, transfer.Client{HTTP: to.Client(), Pause: time.Second})
		if err != nil && ctx.Err() == nil && contract.ReasonOf(err) == contract.FetchFailed {
			if ended := e.why(ctx, name); ended != nil {
				return ended // more precise than that nothing answers
			}
		}
		return err
	})
}

// with starts a pod, calls do, and removes the pod, even if do fails or the command is interrupted.
func (e Errand) with(ctx context.Context, pod render.Errand, rights []kube.Right, do func(ctx context.Context, name string) error) error {
	pod.Namespace, pod.Name = e.Client.Namespace, "datasetmix-"+pod.Verb+"-"+strings.ToLower(rand.Text()[:10])
	needed := append([]kube.Right{{Verb: "create", Resource: "pods"}, {Verb: "get", Resource: "pods"}, {Verb: "delete", Resource: "pods"}}, rights...)
	if err := e.Client.May(ctx, needed...); err != nil {
		return err
	}
	err := e.Client.CreatePod(ctx, pod.Pod())
	if err != nil && ctx.Err() == nil {
		return err
	}
	if err == nil {
		err = do(ctx, pod.Name)
	}
	removing, cancel := context.WithTimeout(context.WithoutCancel(ctx), removeWithin)
	defer cancel()
	if left := e.Client.DeletePod(removing, pod.Name); left != nil {
		fmt.Fprintf(e.Notes, "pod %s is left behind: %v; it ends by itself\n", pod.Name, left)
	}
	return errors.Join(err, ctx.Err())
}

// until polls a pod until wanted reports true. It is an error if the pod fails or does not start in time.
func (e Errand) until(ctx context.Context, name string, wanted func(*corev1.Pod) bool) error {
	begun, said := time.Now(), ""
	for {
		pod, err := e.Client.Pod(ctx, name)
		if err != nil {
			return err
		}
		if err := failed(pod); err != nil {
			return err
		}
		if wanted(pod) {
			return nil
		}
		waited := time.Since(begun)
		if !running(pod) {
			what := waits(pod)
			if waited > e.Start {
				return &cli.Exit{Code: cli.TimedOut, Err: fmt.Errorf("the worker's pod did not start in %s: %s", e.Start, what)}
			}
			if waited > sayAfter && what != said {
				said = what
				fmt.Fprintf(e.Notes, "waiting for the worker's pod: %s\n", what)
			}
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(lookEvery):
		}
	}
}

// why returns the error of a pod that has ended, nil if it runs.
func (e Errand) why(ctx context.Context, name string) error {
	pod, err := e.Client.Pod(ctx, name)
	if err != nil {
		return err
	}
	if ended(pod) {
		return contract.Failf(contract.WorkerFailed, "the worker's pod ended while it was needed; run the command again")
	}
	return failed(pod)
}

func ended(pod *corev1.Pod) bool { return pod.Status.Phase == corev1.PodSucceeded }

func running(pod *corev1.Pod) bool { return pod.Status.Phase == corev1.PodRunning || ended(pod) }

// unknownCommand is the exit code of a worker that does not know the command that it was started with.
var unknownCommand = contract.InvalidTask.ExitCode()

// failed returns the error of a pod that failed, by the exit code and the message of its worker; nil if the pod has not failed.
func failed(pod *corev1.Pod) error {
	if pod.Status.Phase != corev1.PodFailed {
		return nil
	}
	for _, container := range pod.Status.ContainerStatuses {
		end := container.State.Terminated
		if end == nil || end.ExitCode == 0 {
			continue
		}
		message := strings.TrimSpace(end.Message)
		switch {
		case int(end.ExitCode) == unknownCommand && (message == "" || strings.Contains(message, "there is no command")):
			return contract.Failf(contract.InvalidTask, "the worker %s is older than this command and does not know what it is asked: %s; use the command of its release, or name a newer image with --image", container.Image, message)
		case message == "":
			message = fmt.Sprintf("the worker ended with code %d (%s)", end.ExitCode, end.Reason)
		}
		return contract.Failf(reasonOf(int(end.ExitCode)), "%s", message)
	}
	return contract.Failf(contract.WorkerFailed, "the worker's pod failed: %s", strings.TrimSpace(pod.Status.Reason+" "+pod.Status.Message))
}

// reasonOf returns the reason that has an exit code, WorkerFailed if none has.
func reasonOf(code int) contract.Reason {
	for reason, its := range contract.Reasons() {
		if its == code {
			return reason
		}
	}
	return contract.WorkerFailed
}

// waits returns why a pod does not run yet.
func waits(pod *corev1.Pod) string {
	for _, container := range pod.Status.ContainerStatuses {
		if waiting := container.State.Waiting; waiting != nil && waiting.Reason != "" && waiting.Reason != "ContainerCreating" {
			return strings.TrimSuffix(waiting.Reason+": "+waiting.Message, ": ")
		}
	}
	for _, condition := range pod.Status.Conditions {
		if condition.Type == corev1.PodScheduled && condition.Status == corev1.ConditionFalse {
			return condition.Reason + ": " + condition.Message
		}
	}
	if pod.Spec.NodeName == "" {
		return "it has no node yet"
	}
	return "node " + pod.Spec.NodeName + " starts it, and mounts its volume"
}

// Folder returns the folder of a mix's revision on the claim, and the digest of its manifest if the status has it. An empty name is the current
// revision.
func Folder(mix *datav1alpha1.DatasetMix, revision string) (folder, digest string, err error) {
	published := mix.Status.Published
	if published == nil {
		return "", "", contract.Failf(contract.RevisionNotFound, "%s has published nothing yet; kubectl datasetmix status %s says how far it is", mix.Name, mix.Name)
	}
	if revision == "" || revision == published.Revision {
		return published.Path, published.Digest, nil
	}
	if strings.ContainsAny(revision, "/.") {
		return "", "", contract.Failf(contract.RevisionNotFound, "%q is not the name of a revision", revision)
	}
	for _, entry := range mix.Status.History {
		if entry.Revision == revision {
			digest = entry.Digest
		}
	}
	return path.Join(path.Dir(published.Path), revision), digest, nil
}
