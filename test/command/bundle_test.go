package command

import (
	"archive/zip"
	"io"
	"path/filepath"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	datav1alpha1 "github.com/datasetmix/datasetmix/api/v1alpha1"
)

// TestBundle: what a maintainer needs is in one archive, and a secret that is in the spec, the status, an Event, an annotation, a Secret and a log is in no
// file of it, whatever the user may read; what they may not read is named.
func TestBundle(t *testing.T) {
	const secret = "Planted0123456789abcdef"
	space := namespace(t)
	k := newKubelet(t, space)
	of, _ := withRevision(t, k)
	create(t, &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: space, Name: "hub"}, StringData: map[string]string{"token": secret}})
	event(t, of, "Retrying", "GET https://files.example.org/rows.jsonl?sig="+secret+" was refused: Authorization: Bearer "+secret)
	told(t, of, func(mix *datav1alpha1.DatasetMix) {
		mix.Status.Conditions[0].Message = "https://user:" + secret + "@files.example.org/rows.jsonl cannot be read, token=" + secret
	})
	before := of.DeepCopy()
	of.Annotations = map[string]string{corev1.LastAppliedConfigAnnotation: `{"password":"` + secret + `"}`, "example.org/login": "api_key: " + secret}
	hub := of.Spec.Domains[0].Datasets[0].Source.HuggingFace
	hub.Endpoint = "https://mirror.example.org/hub"
	if err := api.Patch(t.Context(), of, client.MergeFrom(before)); err != nil {
		t.Fatal(err)
	}
	pod(t, of, "grpo-six-split-0", "split")
	to := filepath.Join(t.TempDir(), "bundle.zip")
	got := command(t, append([]string{"report", of.Name, "--bundle", image, "--to", to}, userWith(t, space, role(t, getMix, listPods, listEvents, createPods, getPods, deletePods, readLogs))...)...)
	if got.code != 0 || strings.Contains(got.out+got.errors, secret) || !strings.Contains(got.out, "not permitted: list deployments") {
		t.Error(got)
	}
	files := archived(t, to)
	for name, has := range map[string]string{
		"mix.yaml": "endpoint: https://mirror.example.org/hub", "status.txt": "https://files.example.org/rows.jsonl cannot be read", "events.txt": "Retrying",
		"versions.txt": "command " + released, "plan.txt": "", "report.md": "first-mix", "logs/grpo-six-split-0.txt": "",
	} {
		content, there := files[name]
		if !there || !strings.Contains(content, has) || !strings.Contains(got.out, name) {
			t.Errorf("%s lacks %q, or is not listed: %s\n%v", name, has, content, got)
		}
	}
	for name, content := range files {
		if strings.Contains(content, secret) {
			t.Errorf("the secret is in %s:\n%s", name, content)
		}
	}
	t.Run("another user", func(t *testing.T) {
		got := command(t, append([]string{"report", of.Name, "--bundle", image, "--to", to}, userWith(t, space, role(t, getMix))...)...)
		for _, missing := range []right{listPods, listEvents, createPods, managers} {
			if got.code != 0 || !strings.Contains(got.out, "not permitted: "+missing.String()) {
				t.Errorf("%s: %v", missing, got)
			}
		}
	})
	noPods(t, space)
}

// archived returns the files of an archive.
func archived(t *testing.T, name string) map[string]string {
	t.Helper()
	archive, err := zip.OpenReader(name)
	if err != nil {
		t.Fatal(err)
	}
	defer archive.Close()
	files := map[string]string{}
	for _, file := range archive.File {
		reader, err := file.Open()
		if err != nil {
			t.Fatal(err)
		}
		content, err := io.ReadAll(reader)
		if err != nil {
			t.Fatal(err)
		}
		files[file.Name] = string(content)
	}
	return files
}
