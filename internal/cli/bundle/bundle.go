// Package bundle collects what a maintainer needs to help with a mix into one archive, as far as its user may read it: no Secret
// is read, and everything that is collected is redacted.
package bundle

import (
	"archive/zip"
	"bytes"
	"context"
	"fmt"
	"io"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/utils/ptr"
	"sigs.k8s.io/yaml"

	datav1alpha1 "github.com/datasetmix/datasetmix/api/v1alpha1"
	"github.com/datasetmix/datasetmix/internal/cli/view"
	"github.com/datasetmix/datasetmix/internal/contract"
	"github.com/datasetmix/datasetmix/internal/kube"
	"github.com/datasetmix/datasetmix/internal/plan"
	"github.com/datasetmix/datasetmix/internal/render"
)

// Part is a file of the archive, or why it is not in it.
type Part struct {
	Name    string
	Content []byte
	Problem error
}

// Mix is what a bundle is about.
type Mix struct {
	Client *kube.Client
	Object *unstructured.Unstructured
	Typed  *datav1alpha1.DatasetMix
	// Version is that of the command.
	Version string
	// Report reads the card of the published revision.
	Report func(context.Context) ([]byte, error)
}

// lastLines is how much of each log is taken.
const lastLines = 500

// Collect reads the parts. What cannot be read is a part with its problem, and ends nothing else.
func Collect(ctx context.Context, m Mix) []Part {
	pods, podsError := m.Client.Pods(ctx, m.Typed)
	events, eventsError := m.Client.Events(ctx, m.Typed)
	now := time.Now()
	parts := []Part{
		part("mix.yaml", func(out io.Writer) error { return writeObject(out, m.Object) }),
		part("status.txt", func(out io.Writer) error {
			return view.Status(out, view.Snapshot{Mix: m.Typed, Pods: pods, PodsError: podsError, Events: events, EventsError: eventsError, Now: now}, true)
		}),
		part("events.txt", func(out io.Writer) error { view.Events(out, events, now); return eventsError }),
		part("versions.txt", func(out io.Writer) error { return writeVersions(ctx, out, m) }),
		part("plan.txt", func(out io.Writer) error { return writePlan(out, m.Typed) }),
		part("report.md", func(out io.Writer) error {
			content, err := m.Report(ctx)
			_, _ = out.Write(content)
			return err
		}),
	}
	if podsError != nil {
		parts = append(parts, Part{Name: "logs", Problem: podsError})
	}
	for _, pod := range pods {
		parts = append(parts, part("logs/"+pod.Name+".txt", func(out io.Writer) error { return writeLog(ctx, out, m.Client, pod) }))
	}
	return parts
}

// part makes a part of what write writes, redacted.
func part(name string, write func(io.Writer) error) Part {
	var content bytes.Buffer
	err := write(&content)
	return Part{Name: name, Content: []byte(redact(content.String())), Problem: err}
}

// writeObject writes the object without what kubectl and the API server keep in it for themselves.
func writeObject(out io.Writer, object *unstructured.Unstructured) error {
	shown := object.DeepCopy()
	shown.SetManagedFields(nil)
	annotations := shown.GetAnnotations()
	delete(annotations, corev1.LastAppliedConfigAnnotation)
	shown.SetAnnotations(annotations)
	encoded, err := yaml.Marshal(shown.Object)
	if err != nil {
		return err
	}
	_, err = out.Write(encoded)
	return err
}

func writeVersions(ctx context.Context, out io.Writer, m Mix) error {
	fmt.Fprintf(out, "command %s\n", m.Version)
	managers, err := m.Client.Manager(ctx)
	for _, manager := range managers {
		for _, container := range manager.Spec.Template.Spec.Containers {
			fmt.Fprintf(out, "manager %s/%s, image %s\n", manager.Namespace, manager.Name, container.Image)
		}
	}
	return err
}

// writePlan writes the plan with the rows that the status counts.
func writePlan(out io.Writer, mix *datav1alpha1.DatasetMix) error {
	r, err := render.Recipe(mix)
	if err != nil {
		return err
	}
	rows := view.Rows(mix)
	counts, err := plan.SplitCounts(r, rows, rows)
	if err != nil {
		return fmt.Errorf("the status does not count all rows yet: %w", err)
	}
	planned, err := plan.New(r, counts)
	if err != nil {
		return err
	}
	return view.Plan(out, planned)
}

func writeLog(ctx context.Context, out io.Writer, client *kube.Client, pod corev1.Pod) error {
	log, err := client.Log(ctx, pod.Name, &corev1.PodLogOptions{TailLines: ptr.To[int64](lastLines)})
	if err != nil {
		return err
	}
	defer log.Close()
	_, err = io.Copy(out, log)
	return err
}

// List writes what is in the archive, and what is not and why.
func List(out io.Writer, parts []Part) {
	for _, part := range parts {
		switch {
		case part.Problem != nil:
			fmt.Fprintf(out, "  %-40s not all of it: %s\n", part.Name, contract.Clean(redact(part.Problem.Error()), 300))
		default:
			fmt.Fprintf(out, "  %-40s %d bytes\n", part.Name, len(part.Content))
		}
	}
}

// Write writes the archive. A part that is not whole has its problem behind what there is of it.
func Write(out io.Writer, parts []Part) error {
	archive := zip.NewWriter(out)
	for _, part := range parts {
		file, err := archive.Create(part.Name)
		if err != nil {
			return err
		}
		content := string(part.Content)
		if part.Problem != nil {
			content = strings.TrimLeft(content+"\n"+redact(part.Problem.Error())+"\n", "\n")
		}
		if _, err := io.WriteString(file, content); err != nil {
			return err
		}
	}
	return archive.Close()
}
