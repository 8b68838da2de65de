// Package bundle collects into one archive what a maintainer needs to help with a mix, as far as the user may read it. It reads no Secret, and
// redacts everything that it collects.
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

// Part is a file of the archive. Problem is why its content is missing or incomplete, nil if it is complete.
type Part struct {
	Name    string
	Content []byte
	Problem error
}

// Mix is the mix of a bundle, and how it is read.
type Mix struct {
	Client *kube.Client
	Object *unstructured.Unstructured
	Typed  *datav1alpha1.DatasetMix
	// Version is the version of the command.
	Version string
	// Report reads the card of the published revision.
	Report func(context.Context) ([]byte, error)
}

// lastLines is the number of lines that are collected of each log.
const lastLines = 500

// Collect reads the parts. A part that cannot be read has a Problem; the others are read all the same.
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

// part returns a part with the redacted output of write.
func part(name string, write func(io.Writer) error) Part {
	var content bytes.Buffer
	err := write(&content)
	return Part{Name: name, Content: []byte(redact(content.String())), Problem: err}
}

// writeObject writes the object without its managed fields and kubectl's copy of the last applied manifest.
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

// List writes the size of each part, or why it is incomplete.
func List(out io.Writer, parts []Part) {
	for _, part := range parts {
		if part.Problem != nil {
			fmt.Fprintf(out, "  %-40s incomplete: %s\n", part.Name, contract.Clean(redact(part.Problem.Error()), 300))
		} else {
			fmt.Fprintf(out, "  %-40s %d bytes\n", part.Name, len(part.Content))
		}
	}
}

// Write writes the archive. The content of an incomplete part ends with its problem.
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
