package command

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/yaml"

	datav1alpha1 "github.com/datasetmix/datasetmix/api/v1alpha1"
	"github.com/datasetmix/datasetmix/internal/testing/hub"
)

// examples puts the files of the example on a claim, and returns them and the manifest, whose text may be edited.
func examples(t *testing.T, k *kubelet, edit ...string) (folder, manifest string) {
	t.Helper()
	folder = k.claim("examples")
	if _, err := os.Stat(filepath.Join(folder, "mix.yaml")); err != nil {
		if got := command(t, "example", folder); got.code != 0 {
			t.Fatal(got)
		}
	}
	content, err := os.ReadFile(filepath.Join(folder, "mix.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	return folder, manifestOf(t, strings.NewReplacer(edit...).Replace(string(content)))
}

func manifestOf(t *testing.T, text string) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "mix.yaml")
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

// TestLookOnCluster: what pods see in a claim, with the rights of the role of plan and of whoever may create a mix, is what this machine sees in a
// folder; the plan follows.
func TestLookOnCluster(t *testing.T) {
	space := namespace(t)
	k := newKubelet(t, space)
	policies(t)
	user := userWith(t, space, "datasetmix-command-plan")
	folder, file := examples(t, k, "row.solution", "row.solutoin")
	line := []string{"plan", "-f", file, "--look=20", "--show", "2"}
	here := command(t, append(line, "--claim", "examples="+folder)...)
	image := "--image=ghcr.io/datasetmix/datasetmix:test"
	refused(t, "your role leaves you", func() error { return failed(command(t, append(append(line, "--on-cluster", image), user...)...)) })
	bind(t, space, user[1], role(t, right{"create", "data.datasetmix.io", "datasetmixes"}))
	there := command(t, append(append(line, "--on-cluster", image), user...)...)
	for deadline := time.Now().Add(15 * time.Second); there.code == 43 && time.Now().Before(deadline); time.Sleep(100 * time.Millisecond) { // the policy learns of the right a little later
		there = command(t, append(append(line, "--on-cluster", image), user...)...)
	}
	if here != there || here.code == 0 || !strings.Contains(here.out, "did you mean solution?") || !strings.Contains(here.out, "reasoning/arithmetic") {
		t.Errorf("here: %v\nthe cluster: %v", here, there)
	}
	noPods(t, space)

	content, err := os.ReadFile(filepath.Join(folder, "mix.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	made := &datav1alpha1.DatasetMix{}
	if err := yaml.UnmarshalStrict(content, made); err != nil {
		t.Fatal(err)
	}
	made.Namespace = space
	create(t, made)
	here = command(t, "plan", "-f", filepath.Join(folder, "mix.yaml"), "--look", "--claim", "examples="+folder)
	there = command(t, append([]string{"plan", made.Name, "--look", image}, user...)...)
	if here != there || here.code != 0 || !strings.Contains(here.out, "MOST REPEATED") {
		t.Errorf("here: %v\nthe cluster: %v", here, there)
	}
	noPods(t, space)
}

// failed returns the error of a command that ended with one.
func failed(got result) error {
	if got.code == 0 {
		return nil
	}
	return errors.New(got.String())
}

// TestLookWithASecret: a repository that a laptop may not read is looked at with the Secret of the cluster, which stays there; one that cannot be read
// keeps no other from being looked at.
func TestLookWithASecret(t *testing.T) {
	const secret = "hf_planted0123456789"
	space := namespace(t)
	k := newKubelet(t, space)
	folder, _ := examples(t, k)
	rows, err := os.ReadFile(filepath.Join(folder, "arithmetic.jsonl"))
	if err != nil {
		t.Fatal(err)
	}
	endpoint := hub.Start(t, hub.New(hub.Options{Tokens: map[string][]string{secret: {"*"}}},
		hub.Repo{ID: "acme/private", SHA: strings.Repeat("1", 40), Private: true, Files: map[string]hub.File{"arithmetic.jsonl": {Content: rows}}}))
	create(t, &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: space, Name: "hub"}, StringData: map[string]string{"token": secret}})
	from := "{huggingFace: {endpoint: '" + endpoint + "', repo: acme/private, files: [arithmetic.jsonl], tokenSecretRef: {name: hub, key: token}}}"
	_, file := examples(t, k, "{volume: {claimName: examples, path: arithmetic.jsonl}}", from)
	line := []string{"plan", "-f", file, "--look", "--on-cluster", "-n", space, image}
	got := command(t, line...)
	if got.code != 0 || !strings.Contains(got.out, "reasoning/arithmetic: huggingFace acme/private") || !strings.Contains(got.out, "MOST REPEATED") || strings.Contains(got.out+got.errors, secret) {
		t.Error(got)
	}
	_, file = examples(t, k, "{volume: {claimName: examples, path: arithmetic.jsonl}}", strings.Replace(from, "name: hub", "name: other", 1))
	line[2] = file
	got = command(t, line...)
	if got.code == 0 || !strings.Contains(got.out, "cannot be looked at: ") || !strings.Contains(got.out, "knowledge/capitals") || strings.Contains(got.out+got.errors, secret) {
		t.Error(got)
	}
	noPods(t, space)
}
