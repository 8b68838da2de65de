// Package deploy tests what kubectl apply -k installs: the objects as kustomize makes them of config.
package deploy

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	policyv1 "k8s.io/api/policy/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime"
	"sigs.k8s.io/kustomize/api/krusty"
	"sigs.k8s.io/kustomize/kyaml/filesys"
)

// objects returns what a folder of config comes to.
func objects(t *testing.T, folder string) []*unstructured.Unstructured {
	t.Helper()
	return built(t, filesys.MakeFsOnDisk(), "../../config/"+folder)
}

// built returns what kustomize makes of a folder.
func built(t *testing.T, files filesys.FileSystem, folder string) []*unstructured.Unstructured {
	t.Helper()
	made, err := krusty.MakeKustomizer(krusty.MakeDefaultOptions()).Run(files, folder)
	if err != nil {
		t.Fatal(err)
	}
	var all []*unstructured.Unstructured
	for _, resource := range made.Resources() {
		content, err := resource.Map()
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, &unstructured.Unstructured{Object: content})
	}
	return all
}

// of returns the objects of a kind.
func of[T any](t *testing.T, all []*unstructured.Unstructured, kind string) []T {
	t.Helper()
	var found []T
	for _, object := range all {
		if object.GetKind() != kind {
			continue
		}
		var typed T
		if err := runtime.DefaultUnstructuredConverter.FromUnstructuredWithValidation(object.Object, &typed, true); err != nil {
			t.Fatal(err)
		}
		found = append(found, typed)
	}
	return found
}

// rights returns those that the manager's account is bound to, each a line.
func rights(t *testing.T, all []*unstructured.Unstructured) []string {
	t.Helper()
	rules := map[string][]rbacv1.PolicyRule{}
	for _, role := range of[rbacv1.Role](t, all, "Role") {
		rules["Role "+role.Name] = role.Rules
	}
	for _, role := range of[rbacv1.ClusterRole](t, all, "ClusterRole") {
		rules["ClusterRole "+role.Name] = role.Rules
	}
	var lines []string
	grant := func(kind string, subjects []rbacv1.Subject, ref rbacv1.RoleRef) {
		for _, subject := range subjects {
			if subject.Name != "datasetmix-manager" {
				t.Errorf("%s is bound to %s", ref.Name, subject.Name)
			}
		}
		granted, ok := rules[ref.Kind+" "+ref.Name]
		if !ok {
			t.Errorf("there is no %s %s", ref.Kind, ref.Name)
		}
		for _, rule := range granted {
			for _, group := range rule.APIGroups {
				for _, resource := range rule.Resources {
					lines = append(lines, strings.TrimRight(fmt.Sprintf("%s %s/%s: %s %s", kind, group, resource, strings.Join(rule.Verbs, ","), strings.Join(rule.ResourceNames, ",")), " "))
				}
			}
		}
	}
	for _, binding := range of[rbacv1.RoleBinding](t, all, "RoleBinding") {
		grant("namespace", binding.Subjects, binding.RoleRef)
	}
	for _, binding := range of[rbacv1.ClusterRoleBinding](t, all, "ClusterRoleBinding") {
		grant("cluster", binding.Subjects, binding.RoleRef)
	}
	slices.Sort(lines)
	return lines
}

// work are the rights that the controllers need, where they work: no Secrets, no logs, no exec, no deletion of claims.
var work = []string{
	"/configmaps: create,delete,get,list,update,watch",
	"/events: list,watch",
	"/persistentvolumeclaims: create,get,list,patch,watch",
	"/pods: list,watch",
	"batch/jobs: create,delete,get,list,patch,watch",
	"data.datasetmix.io/datasetmixes/finalizers: update",
	"data.datasetmix.io/datasetmixes/status: patch",
	"data.datasetmix.io/datasetmixes: get,list,watch",
	"events.k8s.io/events: create,patch",
}

// election are the rights in the manager's own namespace.
var election = []string{
	"namespace /events: create,patch",
	"namespace /pods: get",
	"namespace coordination.k8s.io/leases: create",
	"namespace coordination.k8s.io/leases: get,patch,update manager.datasetmix.io",
	"namespace events.k8s.io/events: create,patch",
}

// TestRights compares every right that the manager has with the list above: one more is a decision, not an accident.
func TestRights(t *testing.T) {
	in := func(where string) []string {
		var lines []string
		for _, right := range work {
			lines = append(lines, where+" "+right)
		}
		return lines
	}
	tests := map[string][]string{
		"default": slices.Concat(in("cluster"), election, []string{
			"cluster authentication.k8s.io/tokenreviews: create", "cluster authorization.k8s.io/subjectaccessreviews: create",
		}),
		"namespaced": slices.Concat(in("namespace"), election),
		"kueue":      {"cluster kueue.x-k8s.io/workloads: list"},
	}
	for folder, want := range tests {
		t.Run(folder, func(t *testing.T) {
			slices.Sort(want)
			got := rights(t, objects(t, folder))
			for i := range got { // the order of verbs means nothing
				head, verbs, _ := strings.Cut(got[i], ": ")
				verbs, names, named := strings.Cut(verbs, " ")
				sorted := slices.Sorted(slices.Values(strings.Split(verbs, ",")))
				got[i] = head + ": " + strings.Join(sorted, ",")
				if named {
					got[i] += " " + names
				}
			}
			slices.Sort(got)
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("rights (-allowed +granted):\n%s", diff)
			}
		})
	}
}

// TestNamespacedTouchesNoCluster: nothing in it is cluster-wide, and the manager looks after its own namespace.
func TestNamespacedTouchesNoCluster(t *testing.T) {
	all := objects(t, "namespaced")
	for _, object := range all {
		if object.GetNamespace() != "datasetmix" || strings.HasPrefix(object.GetKind(), "Cluster") {
			t.Errorf("%s %s is in namespace %q", object.GetKind(), object.GetName(), object.GetNamespace())
		}
	}
	container := of[appsv1.Deployment](t, all, "Deployment")[0].Spec.Template.Spec.Containers[0]
	if !slices.ContainsFunc(container.Env, func(e corev1.EnvVar) bool {
		return e.Name == "WATCH_NAMESPACES" && e.ValueFrom != nil && e.ValueFrom.FieldRef.FieldPath == "metadata.namespace"
	}) {
		t.Errorf("environment: %+v", container.Env)
	}
	if !slices.Contains(container.Args, "--metrics-bind-address=0") {
		t.Errorf("it serves metrics, and has no right to judge who reads them: %v", container.Args)
	}
}

// TestManagersStandBy: two managers, one of which leads, and a drain takes one at a time. Metrics are served over HTTPS only.
func TestManagersStandBy(t *testing.T) {
	for _, folder := range []string{"default", "namespaced"} {
		all := objects(t, folder)
		deployment := of[appsv1.Deployment](t, all, "Deployment")[0]
		budget := of[policyv1.PodDisruptionBudget](t, all, "PodDisruptionBudget")[0]
		container := deployment.Spec.Template.Spec.Containers[0]
		if *deployment.Spec.Replicas != 2 || budget.Spec.MinAvailable.IntValue() != 1 {
			t.Errorf("%s: %d replicas, of which %s stay", folder, *deployment.Spec.Replicas, budget.Spec.MinAvailable)
		}
		if !selects(t, budget.Spec.Selector, deployment.Spec.Template.Labels) {
			t.Errorf("%s: the budget is not that of the managers", folder)
		}
		if !slices.Contains(container.Args, "--leader-elect") || slices.ContainsFunc(container.Args, func(a string) bool { return strings.Contains(a, "insecure") }) {
			t.Errorf("%s: arguments %v", folder, container.Args)
		}
	}
}

func selects(t *testing.T, selector *metav1.LabelSelector, set map[string]string) bool {
	t.Helper()
	s, err := metav1.LabelSelectorAsSelector(selector)
	if err != nil {
		t.Fatal(err)
	}
	return s.Matches(labels.Set(set))
}

// TestApplyFits: kubectl apply keeps a whole object in an annotation of at most 256 KiB; 200 KB leave room.
func TestApplyFits(t *testing.T) {
	for _, object := range objects(t, "default") {
		encoded, err := object.MarshalJSON()
		if err != nil {
			t.Fatal(err)
		}
		if len(encoded) > 200_000 {
			t.Errorf("%s %s has %d bytes", object.GetKind(), object.GetName(), len(encoded))
		}
	}
}
