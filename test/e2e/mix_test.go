package e2e

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	apimeta "k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/yaml"

	datav1alpha1 "github.com/datasetmix/datasetmix/api/v1alpha1"
	"github.com/datasetmix/datasetmix/internal/contract"
	"github.com/datasetmix/datasetmix/internal/recipe"
	"github.com/datasetmix/datasetmix/internal/revision"
	"github.com/datasetmix/datasetmix/internal/testing/hub"
	"github.com/datasetmix/datasetmix/internal/testing/realrows"
	"github.com/datasetmix/datasetmix/internal/testing/repos"
)

const grpoSix = "data_v1alpha1_datasetmix_grpo_six.yaml"

var trainFile = revision.MixedFile(recipe.Shard{Split: "train"}, recipe.JSONL)

func decode(document []byte) (client.Object, error) {
	object := &unstructured.Unstructured{}
	return object, yaml.Unmarshal(document, object)
}

// local builds a mix in a process of its own, on this machine, from a Hub with the same rows, and gives the current
// revision's folder.
func (e *cluster) local(mix *datav1alpha1.DatasetMix, repos []hub.Repo, environment ...string) string {
	e.Helper()
	manifest, err := yaml.Marshal(map[string]any{
		"apiVersion": datav1alpha1.GroupVersion.String(), "kind": "DatasetMix", "metadata": map[string]any{"name": mix.Name}, "spec": mix.Spec,
	})
	e.must(err)
	file, data := filepath.Join(e.TempDir(), "mix.yaml"), e.TempDir()
	e.must(os.WriteFile(file, manifest, 0o600))
	command := exec.Command(thisCommand, "build", "-f", file, "--data", data)
	command.Env = append(append(os.Environ(), "HF_ENDPOINT="+hub.Start(e.T, hub.New(hub.Options{}, repos...))), environment...)
	out, err := command.CombinedOutput()
	if err != nil {
		e.Fatalf("the local build: %v\n%s", err, out)
	}
	return filepath.Join(data, mix.Name, "current")
}

func digest(t *testing.T, path string) string {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	h := sha256.New()
	if _, err := io.Copy(h, f); err != nil {
		t.Fatal(err)
	}
	return hex.EncodeToString(h.Sum(nil))
}

// strategy is every number of a KeepTotal mix of the six data sets: what 7,473 … 427 rows at 5:1 and 4:3:3 come to.
var strategy = map[string]int64{
	"gsm8k rows": 7473, "math rows": 7500, "squad2 rows": 87599, "hotpotqa rows": 88966, "humaneval rows": 164, "mbpp rows": 427,
	"train gsm8k rows": 6227, "train math rows": 6250, "train squad2 rows": 72999, "train hotpotqa rows": 74138, "train humaneval rows": 137, "train mbpp rows": 356,
	"test gsm8k rows": 1246, "test math rows": 1250, "test squad2 rows": 14600, "test hotpotqa rows": 14828, "test humaneval rows": 27, "test mbpp rows": 71,
	"train gsm8k balanced": 6250, "train math balanced": 6250, "train squad2 balanced": 74138, "train hotpotqa balanced": 74138, "train humaneval balanced": 356, "train mbpp balanced": 356,
	"train rows": 160107, "train domain math": 64043, "train domain qa": 48032, "train domain code": 48032,
	"test rows": 32022, "test domain math": 12809, "test domain qa": 9607, "test domain code": 9606,
	"train gsm8k mixed": 32021, "train math mixed": 32022, "train humaneval unique": 137, "train squad2 unique": 24016,
}

// The main job from beginning to end, and what people do next with its mix.
func TestTheSixDataSets(t *testing.T) {
	e := newCluster(t)
	mix := e.sixDataSets()
	e.must(e.Create(t.Context(), mix))
	mix = e.ready("grpo-six")
	first := *mix.Status.Published
	t.Run("the status has every number of the mix", func(t *testing.T) { present(t, numbers(mix), strategy) })
	t.Run("a training pod reads the mix and cannot write", func(t *testing.T) { e.in(t).readsTheMix(first) })
	t.Run("a local build has the same bytes", func(t *testing.T) { e.in(t).sameBytes(mix) })
	t.Run("finished pods, status and results are no loss", func(t *testing.T) { e.in(t).losesNothing(first) })
	t.Run("a new share makes a new revision and no download", func(t *testing.T) { e.in(t).newShare(first) })
	t.Run("a branch is looked at when that is asked for, and nothing is built", func(t *testing.T) { e.in(t).looksAgain() })
}

func (e *cluster) readsTheMix(published datav1alpha1.Published) {
	out := e.read(published.ClaimName, "grpo-six/current", trainFile)
	if got := line(out, "rows:"); got != "160107" {
		e.Errorf("the mixed file has %s rows:\n%s", got, out)
	}
	if row := line(out, "first row:"); !strings.HasPrefix(row, `{"id":"`) || !json.Valid([]byte(row)) {
		e.Errorf("the first row is %s", row)
	}
	if !strings.Contains(out, "writing: refused") {
		e.Errorf("the mix can be written to:\n%s", out)
	}
}

// sameBytes builds locally with one and with two processors, and with domains and data sets in another order. The first two
// must have the same manifest, which holds the digest of every file; the last the same mixed files.
func (e *cluster) sameBytes(mix *datav1alpha1.DatasetMix) {
	var train string
	for _, processors := range []string{"GOMAXPROCS=1", "GOMAXPROCS=2"} {
		folder := e.local(mix, repos.Generated(1), processors)
		if got := digest(e.T, filepath.Join(folder, revision.ManifestFile)); got != mix.Status.Published.Digest {
			e.Errorf("%s: the local manifest is %s, the cluster's %s", processors, got, mix.Status.Published.Digest)
		}
		train = digest(e.T, filepath.Join(folder, trainFile))
	}
	other := mix.DeepCopy()
	slices.Reverse(other.Spec.Domains)
	for i := range other.Spec.Domains {
		slices.Reverse(other.Spec.Domains[i].Datasets)
	}
	folder := e.local(other, repos.Generated(1))
	if got := digest(e.T, filepath.Join(folder, trainFile)); got != train {
		e.Errorf("in another order of declaration train_mixed.jsonl is %s, else %s", got, train)
	}
	out := e.read(mix.Status.Published.ClaimName, "grpo-six/current", trainFile)
	if got := line(out, "sha256:"); got != train {
		e.Errorf("a pod reads %s, the local build wrote %s", got, train)
	}
	e.Logf("train_mixed.jsonl has SHA-256 %s on the cluster, locally with 1 and 2 processors, and in another order of declaration", train)
}

// losesNothing deletes all pods, the results and the status. The workers report again, and nothing is built.
func (e *cluster) losesNothing(before datav1alpha1.Published) {
	in := client.InNamespace(e.namespace)
	e.must(e.DeleteAllOf(e.Context(), &corev1.Pod{}, in, client.GracePeriodSeconds(0)))
	e.must(e.DeleteAllOf(e.Context(), &corev1.ConfigMap{}, in, client.HasLabels{datav1alpha1.LabelName}))
	mix := &datav1alpha1.DatasetMix{ObjectMeta: metav1.ObjectMeta{Namespace: e.namespace, Name: "grpo-six"}}
	e.must(e.Status().Patch(e.Context(), mix, client.RawPatch(types.MergePatchType, []byte(`{"status":null}`))))
	mix = e.until("grpo-six", "the mix is Ready again", isReady)
	after := *mix.Status.Published
	if after.Revision != before.Revision || after.Digest != before.Digest {
		e.Errorf("published was %+v, now is %+v", before, after)
	}
	present(e.T, numbers(mix), strategy)
}

func (e *cluster) newShare(before datav1alpha1.Published) {
	jobs := e.jobs()
	patch := []byte(`[{"op":"replace","path":"/spec/domains/0/share","value":5}]`)
	mix := &datav1alpha1.DatasetMix{ObjectMeta: metav1.ObjectMeta{Namespace: e.namespace, Name: "grpo-six"}}
	e.must(e.Patch(e.Context(), mix, client.RawPatch(types.JSONPatchType, patch)))
	mix = e.until("grpo-six", "the new share is published", func(mix *datav1alpha1.DatasetMix) bool {
		return isReady(mix) && mix.Status.Published.Revision != before.Revision
	})
	for name, stage := range e.jobs() {
		if _, old := jobs[name]; !old && (stage == "download" || stage == "split") {
			e.Errorf("the new share made Job %s", name)
		}
	}
	if got := numbers(mix)["train domain math"]; got != 72776 { // 5/11 of 160,107, rounded
		e.Errorf("math has %d rows of train", got)
	}
	old := e.read(before.ClaimName, "grpo-six/revisions/"+before.Revision, trainFile)
	if got := line(old, "rows:"); got != "160107" {
		e.Errorf("the old revision has %s rows now", got)
	}
}

// jobs returns the Jobs of the namespace with their stages.
func (e *cluster) jobs() map[string]string {
	list := &batchv1.JobList{}
	e.must(e.List(e.Context(), list, client.InNamespace(e.namespace)))
	out := map[string]string{}
	for _, job := range list.Items {
		out[job.Name] = job.Labels[datav1alpha1.LabelStage]
	}
	return out
}

func TestTheRealRows(t *testing.T) {
	rows := realrows.Folder(t) // without it, the generated rows are tested alone
	e := newCluster(t)
	mix := e.sixDataSets()
	endpoint := e.dataHub()
	for d := range mix.Spec.Domains {
		for s := range mix.Spec.Domains[d].Datasets {
			mix.Spec.Domains[d].Datasets[s].Source.HuggingFace.Endpoint = endpoint
		}
	}
	e.must(e.Create(t.Context(), mix))
	mix = e.ready("grpo-six")
	present(t, numbers(mix), map[string]int64{
		"gsm8k rows": 7473, "math rows": 7500, "squad2 rows": 6078, "hotpotqa rows": 7405, "humaneval rows": 164, "mbpp rows": 427,
		"train gsm8k rows": 6227, "train math rows": 6250, "train squad2 rows": 5065, "train hotpotqa rows": 6171, "train humaneval rows": 137, "train mbpp rows": 356,
		"test gsm8k rows": 1246, "test math rows": 1250, "test squad2 rows": 1013, "test hotpotqa rows": 1234, "test humaneval rows": 27, "test mbpp rows": 71,
		"train rows": 24206, "train domain math": 9682, "train domain qa": 7262, "train domain code": 7262,
		"test rows": 4841, "test domain math": 1937, "test domain qa": 1452, "test domain code": 1452,
	})
	if row := line(e.read(mix.Status.Published.ClaimName, "grpo-six/current", "raw/math/gsm8k.jsonl"), "first row:"); !strings.Contains(row, "Natalia") || !strings.Contains(row, `"reference_answer":"72"`) {
		t.Errorf("row 0 of gsm8k is %s", row)
	}
	repos, err := repos.FromData(rows)
	e.must(err)
	plain := mix.DeepCopy()
	for d := range plain.Spec.Domains {
		for s := range plain.Spec.Domains[d].Datasets {
			plain.Spec.Domains[d].Datasets[s].Source.HuggingFace.Endpoint = ""
		}
	}
	folder := e.local(plain, repos)
	train := digest(t, filepath.Join(folder, trainFile))
	if got := line(e.read(mix.Status.Published.ClaimName, "grpo-six/current", trainFile), "sha256:"); got != train {
		t.Errorf("a pod reads %s, the local build wrote %s", got, train)
	}
}

// A revision that is not there ends in Stalled, at once, with a message that says what, where and why.
func TestAWrongRevisionStalls(t *testing.T) {
	e := newCluster(t)
	const wrong = "abcdef0123456789abcdef0123456789abcdef01"
	e.must(e.Create(t.Context(), e.sixDataSets("740312add88f781978c0658806c59bc2815b9866", wrong)))
	mix := e.until("grpo-six", "the mix stalls", func(mix *datav1alpha1.DatasetMix) bool {
		return apimeta.IsStatusConditionTrue(mix.Status.Conditions, datav1alpha1.ConditionStalled)
	})
	stalled := apimeta.FindStatusCondition(mix.Status.Conditions, datav1alpha1.ConditionStalled)
	for _, part := range []string{"gsm8k", "openai/gsm8k", wrong} {
		if !strings.Contains(stalled.Message, part) {
			t.Errorf("the message %q does not name %q", stalled.Message, part)
		}
	}
	if stalled.Reason != string(contract.RevisionNotFound) || apimeta.IsStatusConditionTrue(mix.Status.Conditions, datav1alpha1.ConditionReady) {
		t.Errorf("it stalled with %s\n%s", stalled.Reason, show(mix))
	}
	t.Logf("%s: %s", stalled.Reason, stalled.Message)

	// Corrected, it goes on by itself.
	patch := []byte(`[{"op":"replace","path":"/spec/domains/0/datasets/0/source/huggingFace/revision","value":"740312add88f781978c0658806c59bc2815b9866"}]`)
	e.must(e.Patch(t.Context(), mix, client.RawPatch(types.JSONPatchType, patch)))
	e.ready("grpo-six")
}

// What people see first.
func TestKubectlGet(t *testing.T) {
	e := newCluster(t)
	mix := e.sixDataSets()
	mix.Spec.Suspend = nil
	e.must(e.Create(t.Context(), mix))
	e.ready("grpo-six")
	out, err := exec.CommandContext(context.Background(), "../../bin/kubectl", "--kubeconfig", kubeconfig, "get", "dmix", "-n", e.namespace).CombinedOutput()
	e.must(err)
	fields := strings.Fields(strings.Split(string(out), "\n")[1])
	want := []string{"grpo-six", "True", "Published", "-", "-", "160107", "32022", "math", "40.0%", "qa", "30.0%", "code", "30.0%"}
	if len(fields) < len(want) || !slices.Equal(fields[:len(want)], want) {
		t.Errorf("kubectl prints\n%s", out)
	}
	t.Logf("\n%s", out)
}
