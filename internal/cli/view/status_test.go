package view

import (
	"bytes"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"

	datav1alpha1 "github.com/datasetmix/datasetmix/api/v1alpha1"
	"github.com/datasetmix/datasetmix/internal/kube"
)

var now = time.Date(2026, 5, 4, 12, 0, 0, 0, time.UTC)

func ago(d time.Duration) metav1.Time { return metav1.NewTime(now.Add(-d)) }

// sample returns a mix whose second generation is under way, with a published revision of the first.
func sample() *datav1alpha1.DatasetMix {
	return &datav1alpha1.DatasetMix{
		ObjectMeta: metav1.ObjectMeta{Namespace: "training", Name: "pair", Generation: 2},
		Spec:       datav1alpha1.DatasetMixSpec{Splits: []datav1alpha1.Split{{Name: "train"}}},
		Status: datav1alpha1.DatasetMixStatus{
			Conditions: []metav1.Condition{
				{Type: "Ready", Status: "Unknown", Reason: "Progressing", Message: "Stage mix is under way.", ObservedGeneration: 2},
				{Type: "Reconciling", Status: "True", Reason: "Progressing", Message: "Stage mix is under way.", ObservedGeneration: 2},
			},
			Stages: []datav1alpha1.StageStatus{
				{Name: "download", State: "Succeeded", Done: ptr.To[int32](2), Total: ptr.To[int32](2)},
				{Name: "mix", State: "Running", Done: ptr.To[int32](0), Total: ptr.To[int32](1), Attempt: 2, StartTime: ptr.To(ago(75 * time.Second))},
				{Name: "publish", State: "Pending"},
			},
			Domains: []datav1alpha1.DomainStatus{{Name: "math", Splits: []datav1alpha1.DomainSplitStatus{{Name: "train", Rows: ptr.To[int64](64043), AchievedMilli: ptr.To[int32](400)}}}},
			Datasets: []datav1alpha1.DatasetStatus{{
				Name: "gsm8k", Domain: "math", Rows: ptr.To[int64](7473), Dropped: []datav1alpha1.DroppedRows{{Reason: "where", Rows: ptr.To[int64](12)}},
				Source: &datav1alpha1.SourceStatus{Request: "huggingFace openai/gsm8k", Revision: "740312add88f", License: "mit", Bytes: ptr.To[int64](2306545)},
				Splits: []datav1alpha1.DatasetSplitStatus{{Name: "train", Rows: ptr.To[int64](6227), Mixed: ptr.To[int64](32021), Unique: ptr.To[int64](6227), MaxRepeats: ptr.To[int64](6)}},
			}},
			Published: &datav1alpha1.Published{Revision: "3f9c2a1b0d", ClaimName: "pair", Path: "pair/revisions/3f9c2a1b0d", Bytes: ptr.To[int64](999600), Time: ago(3 * time.Hour)},
			History:   []datav1alpha1.HistoryEntry{{Revision: "3f9c2a1b0d", Generation: 1}},
		},
	}
}

func TestStatus(t *testing.T) {
	pods := []corev1.Pod{
		{ObjectMeta: metav1.ObjectMeta{Name: "pair-mix-0", CreationTimestamp: ago(time.Minute), Labels: map[string]string{datav1alpha1.LabelStage: "mix"}},
			Status: corev1.PodStatus{Phase: corev1.PodPending, ContainerStatuses: []corev1.ContainerStatus{{State: corev1.ContainerState{
				Waiting: &corev1.ContainerStateWaiting{Reason: "ImagePullBackOff", Message: "no such\x1b[2J image"}}}}}},
		{ObjectMeta: metav1.ObjectMeta{Name: "pair-download-0", CreationTimestamp: ago(time.Hour), Labels: map[string]string{datav1alpha1.LabelStage: "download"}},
			Status: corev1.PodStatus{Phase: corev1.PodSucceeded}},
	}
	events := []corev1.Event{{Type: "Normal", Reason: "StageStarted", Message: "Stage mix was started.", LastTimestamp: ago(90 * time.Second)}}
	var out bytes.Buffer
	if err := Status(&out, Snapshot{Mix: sample(), Pods: pods, Events: events, Now: now}, false); err != nil {
		t.Fatal(err)
	}
	want := `training/pair, generation 2: Reconciling, Progressing
  Stage mix is under way.
  revision 3f9c2a1b0d, 1.0 MB, on PersistentVolumeClaim pair at pair/revisions/3f9c2a1b0d, published 3h ago
  it was published for generation 1, and stays until a newer one is

STAGE     STATE      DONE  ATTEMPT  TIME
download  Succeeded  2/2   -        -
mix       Running    0/1   2        75s
publish   Pending    0/?   -        -

SPLIT  DOMAIN  DATASET  AVAILABLE  ROWS    UNIQUE  MOST REPEATED  SHARE
train  math    gsm8k    6,227      32,021  6,227   6×
train  math                        64,043                         40.0%

POD         STAGE  PHASE    AGE  NODE  WHY
pair-mix-0  mix    Pending  60s  -     ImagePullBackOff: no such` + "\ufffd" + `[2J image

LAST SEEN  TYPE    REASON        MESSAGE
90s        Normal  StageStarted  Stage mix was started.
`
	if diff := cmp.Diff(want, trimmed(out.String())); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

// trimmed returns a text without spaces at the ends of lines.
func trimmed(text string) string {
	lines := strings.Split(text, "\n")
	for i := range lines {
		lines[i] = strings.TrimRight(lines[i], " ")
	}
	return strings.Join(lines, "\n")
}

// TestStatusWide has the sources, what was left out and the pods that have ended.
func TestStatusWide(t *testing.T) {
	var out bytes.Buffer
	pods := []corev1.Pod{{ObjectMeta: metav1.ObjectMeta{Name: "ended", CreationTimestamp: ago(time.Hour)}, Status: corev1.PodStatus{Phase: corev1.PodSucceeded}}}
	denied := &kube.ForbiddenError{Verb: "list", Resource: "events", Err: errors.New("forbidden")}
	if err := Status(&out, Snapshot{Mix: sample(), Pods: pods, EventsError: denied, Now: now}, true); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"huggingFace openai/gsm8k", "740312add88f", "mit", "2.3 MB", "7,473", "12 where", "ended", "Events: not permitted: list events"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("want %q in\n%s", want, out.String())
		}
	}
}

func TestState(t *testing.T) {
	of := func(generation int64, conditions ...metav1.Condition) *datav1alpha1.DatasetMix {
		return &datav1alpha1.DatasetMix{ObjectMeta: metav1.ObjectMeta{Generation: generation}, Status: datav1alpha1.DatasetMixStatus{Conditions: conditions}}
	}
	condition := func(kind string, status metav1.ConditionStatus, reason string) metav1.Condition {
		return metav1.Condition{Type: kind, Status: status, Reason: reason, ObservedGeneration: 1}
	}
	tests := []struct {
		mix  *datav1alpha1.DatasetMix
		want string
	}{
		{of(1), "not seen by the operator yet"},
		{of(2, condition("Ready", "True", "Published")), "the newest generation is not seen by the operator yet"},
		{of(1, condition("Ready", "True", "Published")), "Ready, Published"},
		{of(1, condition("Ready", "False", "Suspended")), "not Ready, Suspended"},
		{of(1, condition("Ready", "False", "InfeasibleMix"), condition("Stalled", "True", "InfeasibleMix")), "Stalled, InfeasibleMix"},
		{of(1, condition("Ready", "Unknown", "Queued"), condition("Reconciling", "True", "Queued")), "Reconciling, Queued"},
	}
	for _, test := range tests {
		if got := State(test.mix); got != test.want {
			t.Errorf("got %q, want %q", got, test.want)
		}
	}
}

func TestLine(t *testing.T) {
	mix := sample()
	if got, want := Line(mix), "Reconciling, Progressing  mix 0/1 running  Stage mix is under way."; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	mix.Status.Conditions = []metav1.Condition{{Type: "Ready", Status: "True", Reason: "Published", ObservedGeneration: 2}}
	mix.Status.Stages = nil
	if got, want := Line(mix), "Ready, Published  revision 3f9c2a1b0d"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestBytes(t *testing.T) {
	for n, want := range map[int64]string{0: "0 B", 999: "999 B", 1000: "1.0 kB", 99_400: "99.4 kB", 99_600: "100 kB", 999_400: "999 kB", 999_600: "1.0 MB", 5_400_000_000: "5.4 GB"} {
		if got := Bytes(n); got != want {
			t.Errorf("%d: got %q, want %q", n, got, want)
		}
	}
}
