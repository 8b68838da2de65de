package e2e

import (
	"context"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	apimeta "k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/utils/ptr"
	"sigs.k8s.io/controller-runtime/pkg/client"

	datav1alpha1 "github.com/datasetmix/datasetmix/api/v1alpha1"
	"github.com/datasetmix/datasetmix/internal/revision"
	"github.com/datasetmix/datasetmix/internal/testing/repos"
)

// wholeDigest is the digest of the manifest of the six data sets, built on this machine where nothing breaks. The manifest has the
// digests of all other files, so one that is equal is the same revision to the byte.
var wholeDigest struct {
	sync.Once
	value string
}

func (e *cluster) whole() string {
	wholeDigest.Do(func() {
		folder := e.local(e.sixDataSets(), repos.Generated(1))
		wholeDigest.value = digest(e.T, filepath.Join(folder, revision.ManifestFile))
	})
	return wholeDigest.value
}

// isWhole fails the test unless a mix is the very revision that nothing broke.
func (e *cluster) isWhole(mix *datav1alpha1.DatasetMix) {
	e.Helper()
	if got := mix.Status.Published.Digest; got != e.whole() {
		e.Errorf("the published manifest is %s, that of an undisturbed build is %s", got, e.whole())
	}
}

func (e *cluster) stalls(name, reason string) *metav1.Condition {
	e.Helper()
	var stalled *metav1.Condition
	e.until(name, name+" stalls", func(mix *datav1alpha1.DatasetMix) bool {
		stalled = apimeta.FindStatusCondition(mix.Status.Conditions, datav1alpha1.ConditionStalled)
		return stalled != nil && stalled.ObservedGeneration == mix.Generation
	})
	if stalled.Reason != reason {
		e.Fatalf("it stalled with %s: %s", stalled.Reason, stalled.Message)
	}
	e.Logf("%s: %s", stalled.Reason, stalled.Message)
	return stalled
}

func (e *cluster) patch(mix *datav1alpha1.DatasetMix, patch string) {
	e.Helper()
	e.must(e.Patch(e.Context(), mix, client.RawPatch(types.JSONPatchType, []byte(patch))))
}

// stage waits until a stage of the six data sets is under way, or past.
func (e *cluster) stage(stage string) {
	e.Helper()
	e.until("grpo-six", stage+" is under way", func(mix *datav1alpha1.DatasetMix) bool {
		for _, s := range mix.Status.Stages {
			if s.Name == stage {
				return s.State != datav1alpha1.StagePending
			}
		}
		return false
	})
}

// TestBroken breaks builds in every way that does not break the others. Each ends Ready with the bytes of an undisturbed build,
// or Stalled with the right reason, and goes on from there.
func TestBroken(t *testing.T) {
	newCluster(t).whole()
	for name, test := range map[string]func(*cluster){
		"workers are killed in every stage":     killedWorkers,
		"what the operator made is deleted":     deletedObjects,
		"the volume is full":                    fullVolume,
		"the memory is not enough":              littleMemory,
		"a quota leaves no room":                noQuota,
		"the managers are killed":               killedManagers,
		"the namespace is deleted in mid-build": deletedNamespace,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test(newCluster(t))
		})
	}
}

// killedWorkers kills the workers of each Job while they write, and that of the last stages twice: as it begins, and in the middle.
// Nothing that is half done is ever seen as a revision. A tenth of a processor makes the shortest stage long enough to be met on a
// busy machine.
func killedWorkers(e *cluster) {
	pid := node(e.T)
	mix := e.sixDataSets()
	tenth := ptr.To(resource.MustParse("100m"))
	mix.Spec.Worker = &datav1alpha1.Worker{Resources: &datav1alpha1.Resources{
		Requests: &datav1alpha1.ResourceAmounts{CPU: tenth}, Limits: &datav1alpha1.ResourceAmounts{CPU: tenth},
	}}
	e.must(e.Create(e.Context(), mix))
	for _, kill := range []struct {
		stage string
		after time.Duration
	}{
		{"download", 50 * time.Millisecond}, {"split", time.Second}, {"split", 8 * time.Second}, // of all that follows
	} {
		e.killWorker(kill.stage, kill.after)
	}
	folder := filepath.Join(e.folder(pid, "grpo-six-data"), "grpo-six")
	of := func(path string) string { return digest(e.T, path) }
	if problem := halfPublished(folder, e.whole(), of); problem != "" {
		e.Errorf("after the last kill: %s", problem)
	}
	e.isWhole(e.ready("grpo-six"))
	if problem := halfPublished(folder, e.whole(), of); problem != "" {
		e.Errorf("in the end: %s", problem)
	}
	killed := map[string]bool{}
	pods := &corev1.PodList{}
	e.must(e.List(e.Context(), pods, client.InNamespace(e.namespace), client.HasLabels{datav1alpha1.LabelStage}))
	for _, pod := range pods.Items {
		for _, container := range pod.Status.ContainerStatuses {
			if ended := container.State.Terminated; ended != nil && ended.ExitCode == 137 {
				killed[pod.Labels[datav1alpha1.LabelStage]] = true
			}
		}
	}
	for _, stage := range []string{"download", "split"} {
		if !killed[stage] {
			e.Errorf("no pod of stage %s was killed: %v", stage, killed)
		}
	}
}

// deletedObjects deletes, one after the other, the Job, its pods, its task, the results and the status, each in mid-build.
func deletedObjects(e *cluster) {
	mix := e.sixDataSets()
	e.must(e.Create(e.Context(), mix))
	in := client.InNamespace(e.namespace)
	background := client.PropagationPolicy(metav1.DeletePropagationBackground)
	e.stage("download")
	e.must(e.DeleteAllOf(e.Context(), &batchv1.Job{}, in, background))
	e.stage("split")
	e.must(e.DeleteAllOf(e.Context(), &corev1.Pod{}, in, client.GracePeriodSeconds(0)))
	e.must(e.DeleteAllOf(e.Context(), &corev1.ConfigMap{}, in, client.HasLabels{datav1alpha1.LabelStage}))
	e.stage("balance")
	results := &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Namespace: e.namespace, Name: "grpo-six-results"}}
	e.must(client.IgnoreNotFound(e.Delete(e.Context(), results)))
	e.stage("mix")
	e.must(e.Status().Patch(e.Context(), mix, client.RawPatch(types.MergePatchType, []byte(`{"status":null}`))))
	e.isWhole(e.ready("grpo-six"))
}

// fullVolume builds on a volume that is too small: the mix stalls at once. When the volume has grown it goes on by itself.
func fullVolume(e *cluster) {
	pid := node(e.T)
	path := "/var/lib/" + e.namespace
	inNode(e.T, pid, "mkdir", "-p", path)
	inNode(e.T, pid, "mount", "-t", "tmpfs", "-o", "size=24m,mode=0755", "tmpfs", path)
	e.Cleanup(func() { inNode(e.T, pid, "umount", "--lazy", path) })
	e.volume(path, "small")
	mix := e.sixDataSets()
	mix.Spec.Output.Volume = datav1alpha1.OutputVolume{ClaimName: "small"}
	e.must(e.Create(e.Context(), mix))
	e.stalls("grpo-six", datav1alpha1.ReasonInsufficientStorage)
	folder := filepath.Join("/proc", strconv.Itoa(pid), "root", path, "grpo-six")
	if problem := halfPublished(folder, e.whole(), func(path string) string { return digest(e.T, path) }); problem != "" {
		e.Error(problem)
	}
	inNode(e.T, pid, "mount", "-o", "remount,size=2g", path)
	claim := &corev1.PersistentVolumeClaim{ObjectMeta: metav1.ObjectMeta{Namespace: e.namespace, Name: "small"}}
	e.must(e.Status().Patch(e.Context(), claim, client.RawPatch(types.MergePatchType, []byte(`{"status":{"capacity":{"storage":"2Gi"}}}`))))
	e.isWhole(e.until("grpo-six", "it goes on by itself and is Ready", isReady))
}

// volume makes a folder of the node a volume of 24 MiB, and claims it.
func (e *cluster) volume(path, name string) {
	e.Helper()
	nodes := &corev1.NodeList{}
	e.must(e.List(e.Context(), nodes))
	size := corev1.ResourceList{corev1.ResourceStorage: resource.MustParse("24Mi")}
	modes := []corev1.PersistentVolumeAccessMode{corev1.ReadWriteOnce}
	volume := &corev1.PersistentVolume{
		ObjectMeta: metav1.ObjectMeta{Name: e.namespace},
		Spec: corev1.PersistentVolumeSpec{
			Capacity: size, AccessModes: modes, PersistentVolumeReclaimPolicy: corev1.PersistentVolumeReclaimRetain,
			PersistentVolumeSource: corev1.PersistentVolumeSource{Local: &corev1.LocalVolumeSource{Path: path}},
			NodeAffinity: &corev1.VolumeNodeAffinity{Required: &corev1.NodeSelector{NodeSelectorTerms: []corev1.NodeSelectorTerm{{
				MatchExpressions: []corev1.NodeSelectorRequirement{{Key: corev1.LabelHostname, Operator: corev1.NodeSelectorOpIn, Values: []string{nodes.Items[0].Name}}},
			}}}},
		},
	}
	e.must(e.Create(e.Context(), volume))
	e.Cleanup(func() { _ = e.Delete(context.Background(), volume) })
	e.must(e.Create(e.Context(), &corev1.PersistentVolumeClaim{
		ObjectMeta: metav1.ObjectMeta{Namespace: e.namespace, Name: name},
		Spec: corev1.PersistentVolumeClaimSpec{
			AccessModes: modes, StorageClassName: ptr.To(""), VolumeName: volume.Name, Resources: corev1.VolumeResourceRequirements{Requests: size},
		},
	}))
}

// littleMemory limits the workers to so little memory that the kernel kills them. The mix stalls and says what to raise; raised, it is
// built.
func littleMemory(e *cluster) {
	mix := e.sixDataSets()
	mix.Spec.Worker = &datav1alpha1.Worker{Resources: &datav1alpha1.Resources{Limits: &datav1alpha1.ResourceAmounts{Memory: ptr.To(resource.MustParse("18Mi"))}}}
	e.must(e.Create(e.Context(), mix))
	stalled := e.stalls("grpo-six", datav1alpha1.ReasonOutOfMemory)
	for _, part := range []string{"memory limit of 18Mi", "spec.worker.resources.limits.memory", "The log is in pod "} {
		if !strings.Contains(stalled.Message, part) {
			e.Errorf("the message does not say %q", part)
		}
	}
	_, name, _ := strings.Cut(stalled.Message, "The log is in pod ")
	e.must(e.Get(e.Context(), client.ObjectKey{Namespace: e.namespace, Name: strings.TrimSuffix(name, ".")}, &corev1.Pod{}))
	e.patch(mix, `[{"op":"remove","path":"/spec/worker"}]`)
	e.isWhole(e.ready("grpo-six"))
}

// noQuota has a namespace whose quota no worker fits in: that is told, and is no failure.
func noQuota(e *cluster) {
	quota := &corev1.ResourceQuota{
		ObjectMeta: metav1.ObjectMeta{Namespace: e.namespace, Name: "small"},
		Spec:       corev1.ResourceQuotaSpec{Hard: corev1.ResourceList{corev1.ResourceRequestsMemory: resource.MustParse("100Mi")}},
	}
	e.must(e.Create(e.Context(), quota))
	e.must(e.Create(e.Context(), e.sixDataSets()))
	mix := e.until("grpo-six", "the quota is told", func(mix *datav1alpha1.DatasetMix) bool {
		reconciling := apimeta.FindStatusCondition(mix.Status.Conditions, datav1alpha1.ConditionReconciling)
		return reconciling != nil && reconciling.Reason == datav1alpha1.ReasonWaitingForPods
	})
	message := apimeta.FindStatusCondition(mix.Status.Conditions, datav1alpha1.ConditionReconciling).Message
	if !strings.Contains(message, "exceeded quota: small") {
		e.Errorf("the message is %q", message)
	}
	e.Log(message)
	e.must(e.Delete(e.Context(), quota))
	e.isWhole(e.ready("grpo-six"))
}

// killedManagers deletes the pods of both managers at every stage: the build goes on where it was.
func killedManagers(e *cluster) {
	e.must(e.Create(e.Context(), e.sixDataSets()))
	managers := []client.DeleteAllOfOption{
		client.InNamespace("datasetmix-system"), client.GracePeriodSeconds(0),
		client.MatchingLabels{"app.kubernetes.io/name": "datasetmix-operator"},
	}
	for _, stage := range []string{"download", "split"} {
		e.stage(stage)
		e.must(e.DeleteAllOf(e.Context(), &corev1.Pod{}, managers...))
	}
	e.isWhole(e.ready("grpo-six"))
	seen := map[string]int{}
	for name, stage := range e.jobs() {
		if seen[stage]++; seen[stage] > 1 {
			e.Errorf("stage %s has a second Job, %s", stage, name)
		}
	}
}

// deletedNamespace checks that nothing of a mix keeps its namespace from going.
func deletedNamespace(e *cluster) {
	e.must(e.Create(e.Context(), e.sixDataSets()))
	e.stage("download")
	namespace := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: e.namespace}}
	e.must(e.Delete(e.Context(), namespace))
	begin := time.Now()
	e.eventually("the namespace is gone", func() bool {
		return apierrors.IsNotFound(e.Get(e.Context(), client.ObjectKeyFromObject(namespace), namespace))
	})
	e.Logf("gone after %s", time.Since(begin).Round(time.Second))
}

// TestCrashedComponents kills the cluster's components, one after another, in one build. It runs alone.
func TestCrashedComponents(t *testing.T) {
	node(t)
	e := newCluster(t)
	want := e.whole()
	e.must(e.Create(t.Context(), e.sixDataSets()))
	for _, part := range []struct{ stage, component string }{
		{"download", "kubelet"}, {"split", "containerd"}, {"split", "kube-apiserver"}, {"split", "etcd"},
	} {
		e.stage(part.stage)
		crash(t, part.component)
	}
	if mix := e.ready("grpo-six"); mix.Status.Published.Digest != want {
		t.Errorf("the published manifest is %s, that of an undisturbed build is %s", mix.Status.Published.Digest, want)
	}
}
