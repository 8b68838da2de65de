// Command chart writes templates of charts/datasetmix from the objects that kustomize renders from config, so that these objects are defined
// once: all templates whose values are only names, images and switches. The manager's Deployment has many values and is written by hand.
package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"sigs.k8s.io/kustomize/api/krusty"
	"sigs.k8s.io/kustomize/api/resource"
	"sigs.k8s.io/kustomize/api/types"
	"sigs.k8s.io/kustomize/kyaml/filesys"
	"sigs.k8s.io/yaml"
)

func main() {
	if err := run("config", "charts/datasetmix/templates"); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// Placeholders: names that no object has, which are replaced by values of the chart.
const (
	ownNamespace = "release-namespace"
	anyNamespace = "worker-namespace"
	imageName    = "release.example.org/image"
	imageTag     = "release"
)

// template is a file of the chart with the objects of a folder of config.
type template struct {
	file, folder string
	// guard is the condition of the whole file.
	guard string
	// takes reports whether an object is in the file; nil takes all.
	takes func(kind, name string) bool
	// around writes text before and after the objects.
	before, after string
	// suffix is a suffix of names in config, and its replacement.
	suffix, instead string
}

func kinds(names ...string) func(kind, name string) bool {
	return func(kind, _ string) bool { return slices.Contains(names, kind) }
}

const (
	ofCluster   = `eq .Values.scope "cluster"`
	ofNamespace = `eq .Values.scope "namespace"`
)

func isRole(kind, name string) bool {
	return kinds("ServiceAccount", "Role", "RoleBinding", "ClusterRole", "ClusterRoleBinding")(kind, name) && !isForPeople(kind, name) && !isForMetrics(kind, name)
}

func isForPeople(_, name string) bool {
	return slices.Contains([]string{"datasetmix-editor", "datasetmix-viewer"}, name)
}

func isForMetrics(_, name string) bool { return strings.Contains(name, "metrics") }

func templates() []template {
	admission := kinds("ValidatingAdmissionPolicy", "ValidatingAdmissionPolicyBinding")
	return []template{
		{file: "rbac-cluster.yaml", folder: wholeCluster, guard: ofCluster, takes: isRole},
		{file: "rbac-namespace.yaml", folder: "namespaced", guard: ofNamespace, takes: isRole},
		{file: "rbac-people.yaml", folder: wholeCluster, guard: "and .Values.peopleRoles (" + ofCluster + ")", takes: isForPeople},
		{file: "rbac-command.yaml", folder: "command", guard: ".Values.commandRoles"},
		{file: "metrics.yaml", folder: wholeCluster, guard: "and .Values.metrics.enabled (" + ofCluster + ")", takes: isForMetrics},
		{file: "monitoring.yaml", folder: "prometheus", guard: "and .Values.metrics.enabled .Values.metrics.prometheus.enabled (" + ofCluster + ")"},
		{file: "kueue.yaml", folder: "kueue", guard: "and .Values.kueue.enabled (" + ofCluster + ")"},
		{file: "disruption-budget.yaml", folder: wholeCluster, guard: "gt (int .Values.replicas) 1", takes: kinds("PodDisruptionBudget")},
		{file: "network-policy.yaml", folder: wholeCluster, guard: ".Values.networkPolicy.enabled", takes: kinds("NetworkPolicy")},
		{file: "network-policy-workers.yaml", folder: "network-policy/workers", guard: ".Values.networkPolicy.workerNamespaces",
			before: "{{- range $namespace := .Values.networkPolicy.workerNamespaces }}\n", after: "{{- end }}\n"},
		{file: "admission-cluster.yaml", folder: wholeCluster, guard: "and .Values.admission.enabled (" + ofCluster + ")", takes: admission},
		{file: "admission-namespace.yaml", folder: "namespaced-admin", guard: "and .Values.admission.enabled (" + ofNamespace + ")", takes: admission,
			suffix: "-namespaced", instead: "-{{ $.Release.Namespace }}"},
	}
}

// run writes every template.
func run(config, out string) error {
	files, err := tree(config)
	if err != nil {
		return err
	}
	for _, t := range templates() {
		text, err := t.text(files)
		if err != nil {
			return fmt.Errorf("%s: %w", t.file, err)
		}
		if err := write(filepath.Join(out, t.file), text); err != nil {
			return err
		}
	}
	return nil
}

func write(file, text string) error {
	out, err := os.Create(file)
	if err != nil {
		return err
	}
	_, err = out.WriteString(text)
	return errors.Join(err, out.Close())
}

// text returns the template.
func (t template) text(files filesys.FileSystem) (string, error) {
	objects, err := objectsOf(files, t.folder)
	if err != nil {
		return "", err
	}
	var b strings.Builder
	fmt.Fprintf(&b, "{{- /* Written by make generate, from config/%s. */}}\n{{- if %s }}\n%s", t.folder, t.guard, t.before)
	taken := 0
	for _, object := range objects {
		if t.takes != nil && !t.takes(object.GetKind(), object.GetName()) {
			continue
		}
		taken++
		encoded, err := object.AsYAML()
		if err != nil {
			return "", err
		}
		text := filled(string(encoded))
		if strings.HasPrefix(object.GetKind(), "ValidatingAdmissionPolicy") { // which kustomize may take for one of a namespace
			text = strings.Replace(text, "  namespace: {{ $.Release.Namespace }}\n", "", 1)
		}
		if t.suffix != "" {
			text = strings.ReplaceAll(text, t.suffix, t.instead)
		}
		fmt.Fprintf(&b, "---\n%s", text)
	}
	if taken == 0 {
		return "", errors.New("config has no such object")
	}
	fmt.Fprintf(&b, "%s{{- end }}\n", t.after)
	return b.String(), nil
}

// filled returns the text of an object, with the placeholders replaced by values of the chart.
func filled(text string) string {
	const opening = "\x00"
	text = strings.ReplaceAll(text, "{{", opening) // of alerts and dashboards
	text = strings.ReplaceAll(text, "managed-by: kustomize", "managed-by: {{ $.Release.Service }}")
	text = strings.ReplaceAll(text, ownNamespace, "{{ $.Release.Namespace }}")
	text = strings.ReplaceAll(text, "namespace: datasetmix-system", "namespace: {{ $.Release.Namespace }}") // of subjects that no account of the folder is
	text = strings.ReplaceAll(text, anyNamespace, "{{ $namespace }}")
	text = strings.ReplaceAll(text, imageName+":"+imageTag, `{{ include "datasetmix.image" $ }}`)
	text = strings.ReplaceAll(text, `expression: '[''kube-system'']'`, `expression: {{ include "datasetmix.closedNamespaces" $ | quote }}`)
	text = strings.ReplaceAll(text, `expression: '[''ghcr.io/datasetmix/datasetmix'']'`, `expression: {{ printf "['%s']" $.Values.image.repository | quote }}`)
	return strings.ReplaceAll(text, opening, `{{ "{{" }}`)
}

// objectsOf returns the objects that kustomize renders from a folder.
func objectsOf(files filesys.FileSystem, folder string) ([]*resource.Resource, error) {
	made, err := krusty.MakeKustomizer(krusty.MakeDefaultOptions()).Run(files, "/config/"+folder)
	if err != nil {
		return nil, err
	}
	return made.Resources(), nil
}

// wholeCluster is the folder of the objects for a whole cluster.
const wholeCluster = "default"

// namespaces are the namespaces of the folders of config.
var namespaces = map[string]string{
	wholeCluster: ownNamespace, "namespaced": ownNamespace, "prometheus": ownNamespace, "kueue": ownNamespace, "network-policy/workers": anyNamespace,
}

// tree returns config in memory, with placeholders as its namespaces and its image, set as by kustomize edit.
func tree(config string) (filesys.FileSystem, error) {
	files := filesys.MakeFsInMemory()
	folder := os.DirFS(config)
	err := fs.WalkDir(folder, ".", func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		content, err := fs.ReadFile(folder, path)
		if err != nil {
			return err
		}
		return files.WriteFile("/config/"+path, content)
	})
	if err != nil {
		return nil, err
	}
	for folder, namespace := range namespaces {
		if err := edit(files, "/config/"+folder+"/kustomization.yaml", namespace); err != nil {
			return nil, fmt.Errorf("%s: %w", folder, err)
		}
	}
	return files, nil
}

// edit sets the namespace and the image of a kustomization.
func edit(files filesys.FileSystem, file, namespace string) error {
	content, err := files.ReadFile(file)
	if err != nil {
		return err
	}
	kustomization := &types.Kustomization{}
	if err := yaml.UnmarshalStrict(content, kustomization); err != nil {
		return err
	}
	kustomization.Namespace = namespace
	kustomization.Images = []types.Image{{Name: "ghcr.io/datasetmix/datasetmix", NewName: imageName, NewTag: imageTag}}
	encoded, err := yaml.Marshal(kustomization)
	if err != nil {
		return err
	}
	return files.WriteFile(file, encoded)
}
