// Package view writes a mix, its plan and its rows as text for people. Its functions are pure: the text is the same for a terminal, a pipe and
// a test.
package view

import (
	"cmp"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"

	"golang.org/x/text/language"
	"golang.org/x/text/message"
	corev1 "k8s.io/api/core/v1"
	apimeta "k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/duration"

	datav1alpha1 "github.com/datasetmix/datasetmix/api/v1alpha1"
	"github.com/datasetmix/datasetmix/internal/contract"
	"github.com/datasetmix/datasetmix/internal/kube"
)

// Snapshot is a mix with its pods and its Events at one time.
type Snapshot struct {
	Mix    *datav1alpha1.DatasetMix
	Pods   []corev1.Pod
	Events []corev1.Event
	// PodsError and EventsError are why Pods or Events could not be read, mostly a right that the user lacks; nil if they were.
	PodsError, EventsError error
	Now                    time.Time
}

// mostEvents is the number of Events that a status shows, the last ones.
const mostEvents = 6

// English prints numbers with their thousands grouped.
var English = message.NewPrinter(language.English)

// Status writes the state of a mix, its stages, its counts, its pods and its Events; wide adds the sources and the finished pods.
func Status(out io.Writer, s Snapshot, wide bool) error {
	var b strings.Builder
	writeHead(&b, s)
	writeStages(&b, s)
	writeDatasets(&b, s.Mix, wide)
	writePods(&b, s, wide)
	writeEvents(&b, s)
	_, err := io.WriteString(out, strings.TrimRight(b.String(), "\n")+"\n")
	return err
}

// writeHead writes the state of a mix and its newest revision.
func writeHead(b *strings.Builder, s Snapshot) {
	mix := s.Mix
	fmt.Fprintf(b, "%s/%s, generation %d: %s\n", mix.Namespace, mix.Name, mix.Generation, State(mix))
	if message := Message(mix); message != "" {
		fmt.Fprintf(b, "  %s\n", message)
	}
	if text := Progress(mix, s.Now); text != "" {
		fmt.Fprintf(b, "  %s\n", text)
	}
	if p := mix.Status.Published; p != nil {
		size := "?"
		if p.Bytes != nil {
			size = Bytes(*p.Bytes)
		}
		fmt.Fprintf(b, "  revision %s, %s, on PersistentVolumeClaim %s at %s, published %s ago\n", p.Revision, size, p.ClaimName, p.Path, age(s.Now, p.Time))
		if h := mix.Status.History; len(h) > 0 && h[0].Revision == p.Revision && h[0].Generation != mix.Generation && !isReady(mix) {
			fmt.Fprintf(b, "  it was published for generation %d, and stays until a newer one is\n", h[0].Generation)
		}
	}
}

// Progress returns how much of a build is done and about how much time is left; empty while nothing is known, and once it is published.
func Progress(mix *datav1alpha1.DatasetMix, now time.Time) string {
	percent := percentOf(mix)
	if percent == 0 {
		return ""
	}
	text := fmt.Sprintf("%d%% done", percent)
	if end := mix.Status.Summary.EstimatedCompletionTime; end != nil && end.After(now) {
		text += ", about " + duration.HumanDuration(end.Sub(now)) + " left"
	}
	return text
}

// percentOf returns the percentage of a build that is done; 0 while nothing is known, and once it is published.
func percentOf(mix *datav1alpha1.DatasetMix) int32 {
	if mix.Status.Summary == nil || isReady(mix) {
		return 0
	}
	return mix.Status.Summary.Percent
}

// State returns the state of a mix in a few words: the condition that decides, and its reason.
func State(mix *datav1alpha1.DatasetMix) string {
	ready := apimeta.FindStatusCondition(mix.Status.Conditions, datav1alpha1.ConditionReady)
	if ready == nil {
		return "not seen by the operator yet"
	}
	if ready.ObservedGeneration != mix.Generation {
		return "the newest generation is not seen by the operator yet"
	}
	for _, kind := range []string{datav1alpha1.ConditionStalled, datav1alpha1.ConditionReconciling} {
		if condition := apimeta.FindStatusCondition(mix.Status.Conditions, kind); condition != nil && condition.Status == metav1.ConditionTrue {
			return kind + ", " + condition.Reason
		}
	}
	if ready.Status == metav1.ConditionTrue {
		return "Ready, " + ready.Reason
	}
	return "not Ready, " + ready.Reason
}

// Message returns the message of the condition that decides the state.
func Message(mix *datav1alpha1.DatasetMix) string {
	for _, kind := range []string{datav1alpha1.ConditionStalled, datav1alpha1.ConditionReconciling, datav1alpha1.ConditionReady} {
		if condition := apimeta.FindStatusCondition(mix.Status.Conditions, kind); condition != nil && (condition.Status == metav1.ConditionTrue || kind == datav1alpha1.ConditionReady) {
			return condition.Message
		}
	}
	return ""
}

func isReady(mix *datav1alpha1.DatasetMix) bool {
	return apimeta.IsStatusConditionTrue(mix.Status.Conditions, datav1alpha1.ConditionReady)
}

// writeStages writes a line for each stage of the build.
func writeStages(b *strings.Builder, s Snapshot) {
	if len(s.Mix.Status.Stages) == 0 {
		return
	}
	t := newTable(b)
	t.row("STAGE", "STATE", "DONE", "ATTEMPT", "TIME")
	for _, stage := range s.Mix.Status.Stages {
		attempt, took := "-", "-"
		if stage.Attempt > 0 {
			attempt = strconv.Itoa(int(stage.Attempt))
		}
		if stage.StartTime != nil {
			end := s.Now
			if stage.CompletionTime != nil {
				end = stage.CompletionTime.Time
			}
			took = duration.HumanDuration(max(end.Sub(stage.StartTime.Time), 0))
		}
		t.row(stage.Name, string(stage.State), doneOf(stage), attempt, took)
	}
	t.end()
}

func doneOf(stage datav1alpha1.StageStatus) string {
	done, total := "0", "?"
	if stage.Done != nil {
		done = strconv.Itoa(int(*stage.Done))
	}
	if stage.Total != nil {
		total = strconv.Itoa(int(*stage.Total))
	}
	return done + "/" + total
}

// writeDatasets writes the counts of every data set in every split, and the share of each domain.
func writeDatasets(b *strings.Builder, mix *datav1alpha1.DatasetMix, wide bool) {
	if len(mix.Status.Datasets) == 0 {
		return
	}
	t := newTable(b)
	t.row("SPLIT", "DOMAIN", "DATASET", "AVAILABLE", "ROWS", "UNIQUE", "MOST REPEATED", "SHARE")
	for _, split := range splitNames(mix) {
		for _, dataset := range mix.Status.Datasets {
			i := slices.IndexFunc(dataset.Splits, func(of datav1alpha1.DatasetSplitStatus) bool { return of.Name == split })
			if i < 0 {
				continue
			}
			of, repeats := dataset.Splits[i], "-"
			if of.MaxRepeats != nil {
				repeats = English.Sprintf("%d×", *of.MaxRepeats)
			}
			t.row(split, dataset.Domain, dataset.Name, count(of.Rows), count(of.Mixed), count(of.Unique), repeats, "")
		}
		for _, domain := range mix.Status.Domains {
			i := slices.IndexFunc(domain.Splits, func(of datav1alpha1.DomainSplitStatus) bool { return of.Name == split })
			if i < 0 {
				continue
			}
			share := "-"
			if of := domain.Splits[i]; of.AchievedMilli != nil {
				share = fmt.Sprintf("%.1f%%", float64(*of.AchievedMilli)/10)
			}
			t.row(split, domain.Name, "", "", count(domain.Splits[i].Rows), "", "", share)
		}
	}
	t.end()
	if wide {
		writeSources(b, mix)
	}
}

// writeSources writes what each source was resolved to, and how many of its rows were kept and dropped.
func writeSources(b *strings.Builder, mix *datav1alpha1.DatasetMix) {
	t := newTable(b)
	t.row("DATASET", "SOURCE", "REVISION", "LICENSE", "BYTES", "KEPT", "DROPPED")
	for _, dataset := range mix.Status.Datasets {
		request, revision, license, size := "-", "-", "-", "-"
		if of := dataset.Source; of != nil {
			request, revision, license = orDash(of.Request), orDash(of.Revision), orDash(of.License)
			if of.Bytes != nil {
				size = Bytes(*of.Bytes)
			}
		}
		var dropped []string
		for _, rows := range dataset.Dropped {
			dropped = append(dropped, count(rows.Rows)+" "+rows.Reason)
		}
		t.row(dataset.Name, request, revision, license, size, count(dataset.Rows), orDash(strings.Join(dropped, ", ")))
	}
	t.end()
}

// splitNames returns the splits in the order of the spec.
func splitNames(mix *datav1alpha1.DatasetMix) []string {
	var names []string
	for _, split := range mix.Spec.Splits {
		names = append(names, split.Name)
	}
	return names
}

// writePods writes the worker pods: the unfinished ones, or all of them where wide is set.
func writePods(b *strings.Builder, s Snapshot, wide bool) {
	if s.PodsError != nil {
		fmt.Fprintf(b, "\nPods: %s\n", why(s.PodsError))
		return
	}
	pods := slices.DeleteFunc(slices.Clone(s.Pods), func(pod corev1.Pod) bool { return !wide && pod.Status.Phase == corev1.PodSucceeded })
	if len(pods) == 0 {
		return
	}
	t := newTable(b)
	t.row("POD", "STAGE", "PHASE", "AGE", "NODE", "WHY")
	for _, pod := range pods {
		t.row(pod.Name, pod.Labels[datav1alpha1.LabelStage], string(pod.Status.Phase), age(s.Now, pod.CreationTimestamp), orDash(pod.Spec.NodeName), orDash(whyNot(pod)))
	}
	t.end()
}

// whyNot returns why a pod does not run, or how it ended.
func whyNot(pod corev1.Pod) string {
	for _, status := range pod.Status.ContainerStatuses {
		if waiting := status.State.Waiting; waiting != nil && waiting.Reason != "ContainerCreating" {
			return contract.Clean(strings.TrimSuffix(waiting.Reason+": "+waiting.Message, ": "), 200)
		}
		if ended := status.State.Terminated; ended != nil && ended.ExitCode != 0 {
			return fmt.Sprintf("exit code %d", ended.ExitCode)
		}
	}
	for _, condition := range pod.Status.Conditions {
		if condition.Type == corev1.PodScheduled && condition.Status == corev1.ConditionFalse {
			return contract.Clean(condition.Message, 200)
		}
	}
	return contract.Clean(pod.Status.Reason, 200)
}

// writeEvents writes the last Events.
func writeEvents(b *strings.Builder, s Snapshot) {
	if s.EventsError != nil {
		fmt.Fprintf(b, "\nEvents: %s\n", why(s.EventsError))
		return
	}
	if len(s.Events) > 0 {
		b.WriteByte('\n')
		Events(b, s.Events[max(0, len(s.Events)-mostEvents):], s.Now)
	}
}

// Events writes a line for each Event.
func Events(out io.Writer, events []corev1.Event, now time.Time) {
	t := &table{tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)}
	t.row("LAST SEEN", "TYPE", "REASON", "MESSAGE")
	for _, event := range events {
		t.row(age(now, metav1.NewTime(kube.EventTime(event))), event.Type, event.Reason, contract.Clean(event.Message, 0))
	}
	t.end()
}

// why returns the reason that a part is not shown.
func why(err error) string { return contract.Clean(err.Error(), 300) }

func age(now time.Time, since metav1.Time) string {
	return duration.HumanDuration(max(now.Sub(since.Time), 0))
}

func count(n *int64) string {
	if n == nil {
		return "-"
	}
	return English.Sprintf("%d", *n)
}

func orDash(text string) string { return cmp.Or(text, "-") }

// Bytes returns a number of bytes in a unit that people read.
func Bytes(n int64) string {
	units := []string{"B", "kB", "MB", "GB", "TB", "PB"}
	value, unit := float64(n), 0
	for value >= 999.5 && unit < len(units)-1 {
		value, unit = value/1000, unit+1
	}
	if unit == 0 || value >= 99.5 {
		return fmt.Sprintf("%.0f %s", value, units[unit])
	}
	return fmt.Sprintf("%.1f %s", value, units[unit])
}

// table aligns columns.
type table struct{ writer *tabwriter.Writer }

// newTable begins a table after an empty line.
func newTable(b *strings.Builder) *table {
	b.WriteByte('\n')
	return &table{tabwriter.NewWriter(b, 0, 0, 2, ' ', 0)}
}

func (t *table) row(cells ...string) {
	for i, cell := range cells {
		cells[i] = contract.Clean(cell, 0)
	}
	fmt.Fprintln(t.writer, strings.Join(cells, "\t"))
}

func (t *table) end() { _ = t.writer.Flush() }

// Rows returns the rows of the data sets that the status counts, by name.
func Rows(mix *datav1alpha1.DatasetMix) map[string]int64 {
	rows := map[string]int64{}
	for _, dataset := range mix.Status.Datasets {
		if dataset.Rows != nil {
			rows[dataset.Name] = *dataset.Rows
		}
	}
	return rows
}
