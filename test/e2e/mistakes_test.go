package e2e

import (
	"fmt"
	"strings"
	"testing"
	"time"

	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	apimeta "k8s.io/apimachinery/pkg/api/meta"

	datav1alpha1 "github.com/datasetmix/datasetmix/api/v1alpha1"
)

const (
	// mistakeLimit is how soon after it was applied a mix says that it has a mistake which needs no data.
	mistakeLimit = 5 * time.Second
	// startLimit is how soon a mix says why a pod of it cannot start.
	startLimit = 15 * time.Second
)

// small returns a mix of one data set, on a claim of its own.
func (e *cluster) small(name, source, record, more string) *datav1alpha1.DatasetMix {
	e.Helper()
	return e.parse(fmt.Sprintf(`
apiVersion: data.datasetmix.io/v1alpha1
kind: DatasetMix
metadata: {name: %s}
spec:
  seed: 42
  splits:
  - {name: train, share: 5, size: {policy: KeepTotal}}
  - {name: test, share: 1, size: {policy: KeepTotal}}
  domains:
  - name: math
    share: 1
    datasets:
    - name: gsm8k
      source: %s
      record: %s
  output: {volume: {claimTemplate: {accessModes: [ReadWriteOnce], size: 64Mi}}}
%s`, name, source, record, more))
}

const (
	goodSource = `{huggingFace: {repo: openai/gsm8k, config: main, split: train, revision: 740312add88f781978c0658806c59bc2815b9866}}`
	goodRecord = `{preset: gsm8k}`
)

// written returns a record of expressions, with one of them replaced.
func written(question, answerType, where string) string {
	return fmt.Sprintf(`{question: %q, referenceAnswer: row.answer, answerType: %q, where: %q}`, question, answerType, where)
}

// filesOf returns a source with one pattern.
func filesOf(pattern string) string {
	return fmt.Sprintf(`{huggingFace: {repo: openai/gsm8k, revision: 740312add88f781978c0658806c59bc2815b9866, files: [%q]}}`, pattern)
}

// Of mistakes that need no data, each is told within seconds, with what is wrong and what to do; nothing was downloaded for it.
func TestMistakesThatNeedNoData(t *testing.T) {
	e := newCluster(t)
	expected := strings.Replace(goodSource, "{huggingFace", "{expect: {rows: 10}, huggingFace", 1)
	tests := []struct {
		name, source, record, more string
		reason                     string
		says                       []string
	}{
		{"syntax", goodSource, written("row.question +", "text", "true"), "", datav1alpha1.ReasonInvalidSpec, []string{"expression of question", "Syntax error", "correct it"}},
		{"unknown-name", goodSource, written("row.question", "text", "rows.level == 1"), "", datav1alpha1.ReasonInvalidSpec, []string{"expression of where", "undeclared reference to 'rows'", "correct it"}},
		{"unknown-function", goodSource, written("row.question.upper()", "text", "true"), "", datav1alpha1.ReasonInvalidSpec, []string{"expression of question", "upper", "correct it"}},
		{"wrong-type", goodSource, written("row.question", "text", "size(row.question)"), "", datav1alpha1.ReasonInvalidSpec, []string{"it gives int and must give a bool"}},
		{"whole-row", goodSource, written(`row["quest" + "ion"]`, "text", "true"), "", datav1alpha1.ReasonInvalidSpec, []string{"row can only be used by the name of a field"}},
		{"regular-expression", goodSource, written("row.question", "text", `row.question.matches("(")`), "", datav1alpha1.ReasonInvalidSpec, []string{"expression of where", "correct it"}},
		{"answer-type", goodSource, written("row.question", `"essay"`, "true"), "", datav1alpha1.ReasonInvalidSpec, []string{`must be "numeric", "text" or "code"`}},
		{"pattern", filesOf("train-[0.parquet"), goodRecord, "", datav1alpha1.ReasonInvalidSpec, []string{`The pattern "train-[0.parquet" in files is not a valid pattern`}},
		{"stars", filesOf("**.parquet"), goodRecord, "", datav1alpha1.ReasonInvalidSpec, []string{"write **/ for any folder"}},
		{"alternatives", filesOf(strings.Repeat("{a,b}", 11) + ".csv"), goodRecord, "", datav1alpha1.ReasonInvalidSpec, []string{"expands to more than 1024 patterns", "fewer alternatives"}},
		{"probe", goodSource, goodRecord, "  decontaminate: {against: [{name: bench, source: " + goodSource + ", question: \"row.question[\"}]}\n", datav1alpha1.ReasonInvalidSpec, []string{"Decontaminate against bench", "Syntax error"}},
		{"plan", expected, goodRecord, "  limits: {maxRepeats: 2}\n", datav1alpha1.ReasonInfeasibleMix, []string{"at least 100 times", "raise the limit"}},
	}
	applied := map[string]time.Time{}
	for _, test := range tests {
		mix := e.small(test.name, test.source, test.record, test.more)
		if test.name == "plan" {
			mix.Spec.Splits[0].Size = datav1alpha1.Size{Policy: datav1alpha1.SizeRows, Rows: 1000}
		}
		e.must(e.Create(t.Context(), mix))
		applied[test.name] = time.Now()
	}
	for _, test := range tests {
		mix := e.until(test.name, "it stalls", func(mix *datav1alpha1.DatasetMix) bool {
			return apimeta.IsStatusConditionTrue(mix.Status.Conditions, datav1alpha1.ConditionStalled)
		})
		took := time.Since(applied[test.name])
		stalled := apimeta.FindStatusCondition(mix.Status.Conditions, datav1alpha1.ConditionStalled)
		t.Logf("%s after %s at the most: %s: %s", test.name, took.Round(time.Millisecond), stalled.Reason, stalled.Message)
		if took > mistakeLimit || stalled.Reason != test.reason {
			t.Errorf("%s: %s after %s, want %s within %s", test.name, stalled.Reason, took, test.reason, mistakeLimit)
		}
		for _, part := range test.says {
			if !strings.Contains(stalled.Message, part) {
				t.Errorf("%s: %q does not say %q", test.name, stalled.Message, part)
			}
		}
	}
	for _, list := range []client.ObjectList{&batchv1.JobList{}, &corev1.PersistentVolumeClaimList{}} {
		e.must(e.List(t.Context(), list, client.InNamespace(e.namespace)))
		if n := apimeta.LenList(list); n != 0 {
			t.Errorf("%d objects were made: %+v", n, list)
		}
	}
}

// What keeps a pod from starting is named within seconds, also where only the Events of the pod or of its claim tell.
func TestPodsThatCannotStart(t *testing.T) {
	e := newCluster(t)
	hub := `{huggingFace: {repo: openai/gsm8k, config: main, split: train, revision: 740312add88f781978c0658806c59bc2815b9866, tokenSecretRef: {name: %s, key: token}}}`
	bundle := `{http: {urls: [{url: "https://files.example.org/a.jsonl"}], caBundleRef: {name: company-ca, key: ca.crt}}}`
	e.must(e.Create(t.Context(), &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: e.namespace, Name: "other-key"}, StringData: map[string]string{"key": "x"}}))
	label := "e2e-" + e.namespace
	nowhere := fmt.Sprintf("  worker: {nodeSelector: {%s: here}}\n", label)
	tests := []struct {
		name, source, more string
		says               []string
	}{
		{"secret", fmt.Sprintf(hub, "missing"), "", []string{"FailedMount", "missing"}},
		{"key", fmt.Sprintf(hub, "other-key"), "", []string{"FailedMount", "secret key", "token"}},
		{"configmap", bundle, "", []string{"FailedMount", "company-ca"}},
		{"claim", goodSource, "", []string{"PersistentVolumeClaim claim-data is not bound", "storage class none-such"}},
		{"node", goodSource, nowhere, []string{"cannot be scheduled", "node"}},
		{"image", goodSource, nowhere, []string{"cannot be scheduled"}},
	}
	applied := map[string]time.Time{}
	for _, test := range tests {
		mix := e.small(test.name, test.source, goodRecord, test.more)
		if test.name == "claim" {
			mix.Spec.Output.Volume.ClaimTemplate.StorageClassName = "none-such"
		}
		if test.name == "image" {
			mix.Spec.Worker.NodeSelector = map[string]string{label: "image"}
		}
		e.must(e.Create(t.Context(), mix))
		applied[test.name] = time.Now()
	}
	for _, test := range tests {
		e.named(test.name, applied[test.name], test.says)
	}
	// The image of a waiting pod is replaced by one that does not exist; then a node is made available for the pod.
	pods := &corev1.PodList{}
	e.must(e.List(t.Context(), pods, client.InNamespace(e.namespace), client.MatchingLabels{datav1alpha1.LabelName: "image"}))
	for i := range pods.Items {
		pod := &pods.Items[i]
		before := pod.DeepCopy()
		pod.Spec.Containers[0].Image = "127.0.0.1:1/none-such:v1"
		e.must(e.Patch(t.Context(), pod, client.MergeFrom(before)))
	}
	nodes := &corev1.NodeList{}
	e.must(e.List(t.Context(), nodes))
	mark := func(value any) {
		patch := fmt.Sprintf(`{"metadata":{"labels":{%q:%s}}}`, label, value)
		e.must(e.Patch(e.Context(), &nodes.Items[0], client.RawPatch("application/merge-patch+json", []byte(patch))))
	}
	mark(`"image"`)
	defer mark("null")
	e.named("image", time.Now(), []string{"127.0.0.1:1/none-such:v1", "Pull"})

	// Each starts by itself when what is missing is there.
	e.must(e.Create(t.Context(), &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: e.namespace, Name: "missing"}, StringData: map[string]string{"token": "hf_test"}}))
	e.until("secret", "the pod starts", func(mix *datav1alpha1.DatasetMix) bool {
		return !strings.Contains(readyMessage(mix), "FailedMount")
	})
}

// named waits until a mix says what keeps its pods from starting, and not for longer than it may.
func (e *cluster) named(name string, since time.Time, says []string) {
	e.Helper()
	mix := e.until(name, "the mix says why its pods do not start: "+strings.Join(says, ", "), func(mix *datav1alpha1.DatasetMix) bool {
		for _, part := range says {
			if !strings.Contains(readyMessage(mix), part) {
				return false
			}
		}
		return true
	})
	ready := apimeta.FindStatusCondition(mix.Status.Conditions, datav1alpha1.ConditionReady)
	took := time.Since(since)
	e.Logf("%s after %s at the most: %s: %s", name, took.Round(time.Millisecond), ready.Reason, ready.Message)
	if took > startLimit || ready.Reason != datav1alpha1.ReasonWaitingForPods {
		e.Errorf("%s: %s after %s, want it within %s", name, ready.Reason, took, startLimit)
	}
}

func readyMessage(mix *datav1alpha1.DatasetMix) string {
	if ready := apimeta.FindStatusCondition(mix.Status.Conditions, datav1alpha1.ConditionReady); ready != nil {
		return ready.Message
	}
	return ""
}
