package deploy

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	admissionv1 "k8s.io/api/admissionregistration/v1"
	appsv1 "k8s.io/api/apps/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/kustomize/api/types"
	"sigs.k8s.io/kustomize/kyaml/filesys"
	"sigs.k8s.io/yaml"
)

// setting is a value that must be the same in several places.
type setting struct {
	Manager, Policy   string // images; the workers run that of the manager
	Account, Confined string // the manager's user name, and whom the policies confine
}

var (
	quoted = regexp.MustCompile(`^'([^']*)'$`)
	user   = regexp.MustCompile(`^request\.userInfo\.username \+ ':' == '(system:serviceaccount:[^:]+:[^:]+):'$`)
)

// settingOf reads it of an installation and of the policies for it.
func settingOf(t *testing.T, installation, policies []*unstructured.Unstructured) setting {
	t.Helper()
	deployment := of[appsv1.Deployment](t, installation, "Deployment")[0]
	container := deployment.Spec.Template.Spec.Containers[0]
	got := setting{Manager: container.Image, Account: "system:serviceaccount:" + deployment.Namespace + ":" + deployment.Spec.Template.Spec.ServiceAccountName}
	variables := map[string]string{}
	for _, variable := range container.Env {
		if variable.ValueFrom != nil && variable.ValueFrom.FieldRef != nil {
			variables[variable.Name] = variable.ValueFrom.FieldRef.FieldPath
		}
		if variable.Name == "WORKER_IMAGE" {
			t.Errorf("the image of the workers is set twice: %s", variable.Value)
		}
	}
	if container.Name != "manager" || variables["POD_NAME"] != "metadata.name" || variables["POD_NAMESPACE"] != "metadata.namespace" {
		t.Errorf("container %s does not find its own pod: %v", container.Name, variables)
	}
	for _, policy := range of[admissionv1.ValidatingAdmissionPolicy](t, policies, "ValidatingAdmissionPolicy") {
		if found := user.FindStringSubmatch(policy.Spec.MatchConditions[0].Expression); found == nil || got.Confined != "" && got.Confined != found[1] {
			t.Errorf("%s is for %s", policy.Name, policy.Spec.MatchConditions[0].Expression)
		} else {
			got.Confined = found[1]
		}
		for _, variable := range policy.Spec.Variables {
			if variable.Name == "image" {
				got.Policy = quoted.FindStringSubmatch(variable.Expression)[1]
			}
		}
	}
	return got
}

// tree returns config as a checkout has it, to be edited.
func tree(t *testing.T) filesys.FileSystem {
	t.Helper()
	files := filesys.MakeFsInMemory()
	err := filepath.WalkDir("../../config", func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() || filepath.Ext(path) != ".yaml" {
			return err
		}
		content, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		at, err := filepath.Rel("../..", path)
		if err != nil {
			return err
		}
		return files.WriteFile("/"+at, content)
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}

// edited changes a kustomization, as kustomize edit does.
func edited(t *testing.T, files filesys.FileSystem, folder string, edit func(*types.Kustomization)) {
	t.Helper()
	kustomization := &types.Kustomization{}
	file := folder + "/kustomization.yaml"
	if files.Exists(file) {
		kustomization = read(t, files, folder)
	}
	edit(kustomization)
	content, err := yaml.Marshal(kustomization)
	if err == nil {
		err = files.WriteFile(file, content)
	}
	if err != nil {
		t.Fatal(err)
	}
}

func read(t *testing.T, files filesys.FileSystem, folder string) *types.Kustomization {
	t.Helper()
	kustomization := &types.Kustomization{}
	content, err := files.ReadFile(folder + "/kustomization.yaml")
	if err == nil {
		err = yaml.UnmarshalStrict(content, kustomization)
	}
	if err != nil {
		t.Fatal(err)
	}
	return kustomization
}

// TestOneSettingEach: the image that kustomize edit sets is the manager's, which its workers run, and the one that the policies let through, and
// the policies confine the manager wherever it is put, under whatever name.
func TestOneSettingEach(t *testing.T) {
	const shipped, mine = "ghcr.io/datasetmix/datasetmix:latest", "registry.example.org/team/dm@sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"
	const account = "system:serviceaccount:"
	image := func(k *types.Kustomization) {
		k.Images = []types.Image{{Name: "ghcr.io/datasetmix/datasetmix", NewName: "registry.example.org/team/dm", Digest: mine[len(mine)-71:]}}
	}
	all := func(image, name string) setting {
		return setting{Manager: image, Policy: image, Account: account + name, Confined: account + name}
	}
	tests := []struct {
		name                   string
		edit                   func(files filesys.FileSystem)
		installation, policies string
		want                   setting
	}{
		{"as shipped", func(filesys.FileSystem) {}, "/config/default", "/config/default", all(shipped, "datasetmix-system:datasetmix-manager")},
		{"another image", func(files filesys.FileSystem) { edited(t, files, "/config/default", image) },
			"/config/default", "/config/default", all(mine, "datasetmix-system:datasetmix-manager")},
		{"another namespace", func(files filesys.FileSystem) {
			edited(t, files, "/config/default", func(k *types.Kustomization) { k.Namespace = "data" })
		}, "/config/default", "/config/default", all(shipped, "data:datasetmix-manager")},
		{"an overlay with the same replacements", func(files filesys.FileSystem) {
			edited(t, files, "/mine", func(k *types.Kustomization) {
				image(k)
				k.Resources, k.Namespace, k.NamePrefix = []string{"../config/default"}, "data", "our-"
				k.Replacements = read(t, files, "/config/default").Replacements
			})
		}, "/mine", "/mine", all(mine, "data:our-datasetmix-manager")},
		{"one namespace", func(filesys.FileSystem) {}, "/config/namespaced", "/config/namespaced-admin", all(shipped, "datasetmix:datasetmix-manager")},
		{"one namespace, another image", func(files filesys.FileSystem) {
			edited(t, files, "/config/namespaced", func(k *types.Kustomization) { image(k); k.Namespace = "team" })
		}, "/config/namespaced", "/config/namespaced-admin", all(mine, "team:datasetmix-manager")},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			files := tree(t)
			test.edit(files)
			got := settingOf(t, built(t, files, test.installation), built(t, files, test.policies))
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("settings (-want +got):\n%s", diff)
			}
		})
	}
}

// TestPoliciesAreInForce: each has a binding that denies, and an error of the policy's own denies as well.
func TestPoliciesAreInForce(t *testing.T) {
	for _, folder := range []string{"default", "namespaced-admin"} {
		all := objects(t, folder)
		bound := map[string]bool{}
		for _, binding := range of[admissionv1.ValidatingAdmissionPolicyBinding](t, all, "ValidatingAdmissionPolicyBinding") {
			if binding.Spec.MatchResources == nil && slices.Equal(binding.Spec.ValidationActions, []admissionv1.ValidationAction{admissionv1.Deny}) {
				bound[binding.Spec.PolicyName] = true
			}
		}
		policies := of[admissionv1.ValidatingAdmissionPolicy](t, all, "ValidatingAdmissionPolicy")
		for _, policy := range policies {
			if len(policy.Spec.Variables) > 0 && policy.Spec.Variables[0].Name != "closed" && policy.Spec.Variables[0].Name != "image" {
				t.Errorf("%s: the first variable is %s, which docs/operations.md has people patch", policy.Name, policy.Spec.Variables[0].Name)
			}
			if !bound[policy.Name] || *policy.Spec.FailurePolicy != admissionv1.Fail || policy.Namespace != "" {
				t.Errorf("%s: %s is bound: %v, on failure %s, in namespace %q", folder, policy.Name, bound[policy.Name], *policy.Spec.FailurePolicy, policy.Namespace)
			}
		}
		if len(policies) != 3 || len(bound) != 3 {
			t.Errorf("%s: %d policies, %d bindings", folder, len(policies), len(bound))
		}
	}
}

// TestAdministratorsApplyWhatIsClusterWide: and nothing of the namespace, which its own installation makes.
func TestAdministratorsApplyWhatIsClusterWide(t *testing.T) {
	var got []string
	for _, object := range objects(t, "namespaced-admin") {
		if !slices.Contains(got, object.GetKind()) {
			got = append(got, object.GetKind())
		}
	}
	slices.Sort(got)
	want := []string{"CustomResourceDefinition", "ValidatingAdmissionPolicy", "ValidatingAdmissionPolicyBinding"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("kinds (-want +got):\n%s", diff)
	}
}
