package deploy

import (
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/labels"
	"sigs.k8s.io/kustomize/kyaml/filesys"
)

// The Job of the sample that evaluates a model is restricted: what runs the programs of a model may do nothing in the cluster.
func TestTheEvaluationIsRestricted(t *testing.T) {
	pod := of[batchv1.Job](t, evaluation(t), "Job")[0].Spec.Template.Spec
	yes, no := true, false
	if diff := cmp.Diff(&no, pod.AutomountServiceAccountToken); diff != "" {
		t.Errorf("the pod has a token (-want +got):\n%s", diff)
	}
	if pod.HostNetwork || pod.HostPID || pod.HostIPC {
		t.Error("the pod shares the node's namespaces")
	}
	if diff := cmp.Diff(&yes, pod.SecurityContext.RunAsNonRoot); diff != "" {
		t.Errorf("the pod may be root (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(&corev1.SeccompProfile{Type: corev1.SeccompProfileTypeRuntimeDefault}, pod.SecurityContext.SeccompProfile); diff != "" {
		t.Errorf("seccomp (-want +got):\n%s", diff)
	}
	want := &corev1.SecurityContext{
		AllowPrivilegeEscalation: &no, ReadOnlyRootFilesystem: &yes, Capabilities: &corev1.Capabilities{Drop: []corev1.Capability{"ALL"}},
	}
	for _, container := range pod.Containers {
		if diff := cmp.Diff(want, container.SecurityContext); diff != "" {
			t.Errorf("%s (-want +got):\n%s", container.Name, diff)
		}
		if container.Resources.Limits.Memory().IsZero() {
			t.Errorf("%s has no limit of memory", container.Name)
		}
	}
	for _, volume := range pod.Volumes {
		if claim := volume.PersistentVolumeClaim; claim == nil && volume.EmptyDir == nil || volume.Name == "data" && !claim.ReadOnly {
			t.Errorf("the pod mounts %s: %+v", volume.Name, volume)
		}
	}
}

// The options of the sample are those of the command.
func TestTheEvaluationIsUnderstood(t *testing.T) {
	command, err := os.ReadFile("../../python/datasetmix/evaluation/command.py")
	if err != nil {
		t.Fatal(err)
	}
	args := of[batchv1.Job](t, evaluation(t), "Job")[0].Spec.Template.Spec.Containers[0].Args
	for _, arg := range args {
		option, _, _ := strings.Cut(arg, "=")
		if !strings.Contains(string(command), `add_argument("`+option+`"`) {
			t.Errorf("evaluate has no %s", option)
		}
	}
	if len(args) == 0 {
		t.Error("the sample says nothing of what is evaluated")
	}
}

// The NetworkPolicy of the sample allows its pod to reach the model and the cluster's DNS, and allows no connection to it.
func TestTheEvaluationReachesTheModelAlone(t *testing.T) {
	all := evaluation(t)
	policy := of[networkingv1.NetworkPolicy](t, all, "NetworkPolicy")[0].Spec
	pod := labels.Set(of[batchv1.Job](t, all, "Job")[0].Spec.Template.Labels)
	if !labels.SelectorFromSet(policy.PodSelector.MatchLabels).Matches(pod) {
		t.Error("the NetworkPolicy selects other pods")
	}
	want := []networkingv1.PolicyType{networkingv1.PolicyTypeIngress, networkingv1.PolicyTypeEgress}
	if diff := cmp.Diff(want, policy.PolicyTypes); diff != "" || len(policy.Ingress) > 0 {
		t.Errorf("the NetworkPolicy lets others in: %+v", policy)
	}
	if len(policy.Egress) == 0 {
		t.Error("the pod reaches no model")
	}
	for _, rule := range policy.Egress {
		if len(rule.To) == 0 || len(rule.Ports) == 0 {
			t.Errorf("the NetworkPolicy lets the pod reach anything: %+v", rule)
		}
	}
}

// What the evaluation writes lies on a claim of the sample's own, not on the one of the mixes.
func TestTheEvaluationWritesToItsOwnClaim(t *testing.T) {
	all := evaluation(t)
	claims := of[corev1.PersistentVolumeClaim](t, all, "PersistentVolumeClaim")
	for _, volume := range of[batchv1.Job](t, all, "Job")[0].Spec.Template.Spec.Volumes {
		if volume.Name == "results" && (len(claims) != 1 || volume.PersistentVolumeClaim.ReadOnly || volume.PersistentVolumeClaim.ClaimName != claims[0].Name) {
			t.Errorf("results go to %+v, and the sample has %d claims", volume.PersistentVolumeClaim, len(claims))
		}
	}
}

// evaluation returns the objects of the sample.
func evaluation(t *testing.T) []*unstructured.Unstructured {
	t.Helper()
	content, err := os.ReadFile("../../config/samples/training/evaluation.yaml")
	if err != nil {
		t.Fatal(err)
	}
	files := filesys.MakeFsInMemory()
	for name, text := range map[string][]byte{"evaluation.yaml": content, "kustomization.yaml": []byte("resources: [evaluation.yaml]\n")} {
		if err := files.WriteFile(name, text); err != nil {
			t.Fatal(err)
		}
	}
	return built(t, files, ".")
}
