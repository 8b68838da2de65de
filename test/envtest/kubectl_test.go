package envtest

import (
	"bytes"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

const definitionFile = "../../config/crd/data.datasetmix.io_datasetmixes.yaml"

// kubectl runs the real one as an administrator, and returns its exit code and what it printed.
func kubectl(t *testing.T, arguments ...string) (int, string) {
	t.Helper()
	path := filepath.Join(assets(), "kubectl")
	if _, err := os.Stat(path); err != nil {
		t.Skipf("no kubectl to test with: %v; make envtest builds it", err)
	}
	config := filepath.Join(t.TempDir(), "kubeconfig")
	if err := os.WriteFile(config, adminKubeconfig, 0o600); err != nil {
		t.Fatal(err)
	}
	command := exec.CommandContext(t.Context(), path, append([]string{"--kubeconfig", config}, arguments...)...)
	command.Env = append(os.Environ(), "HOME="+filepath.Dir(config), "KUBECTL_EXTERNAL_DIFF=diff -u -N")
	output := &bytes.Buffer{}
	command.Stdout, command.Stderr = output, output
	err := command.Run()
	var exit *exec.ExitError
	switch {
	case errors.As(err, &exit):
		return exit.ExitCode(), output.String()
	case err != nil:
		t.Fatal(err)
	}
	return 0, output.String()
}

// TestKubectlApply: the definition and a mix can be applied in both ways, and afterwards there is no difference to what was
// applied: not at once, and not after the controller has been at work.
func TestKubectlApply(t *testing.T) {
	needAPI(t)
	space := namespace(t)
	newDriver(t, space)
	mix := filepath.Join(samples, "data_v1alpha1_datasetmix_grpo_six.yaml")
	for _, way := range []struct {
		name string
		how  []string
	}{
		{name: "client-side"},
		{name: "server-side", how: []string{"--server-side", "--force-conflicts"}},
	} {
		t.Run(way.name, func(t *testing.T) {
			for _, file := range []string{definitionFile, mix} {
				run := func(verb string, rest ...string) {
					t.Helper()
					arguments := append(append([]string{verb, "--namespace", space, "--filename", file}, way.how...), rest...)
					if code, output := kubectl(t, arguments...); code != 0 {
						t.Errorf("kubectl %s %s ended with %d:\n%s", verb, filepath.Base(file), code, output)
					}
				}
				run("apply", "--validate=strict")
				run("diff")
				if file != mix {
					continue
				}
				object := sample(t, space)
				read(t, object)
				published(t, object)
				run("diff")
				run("apply")
				again := sample(t, space)
				read(t, again)
				if again.Generation != object.Generation {
					t.Errorf("applying the same again made generation %d of %d", again.Generation, object.Generation)
				}
			}
		})
	}
	changed := filepath.Join(t.TempDir(), "changed.yaml")
	encoded, err := os.ReadFile(mix)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(changed, bytes.Replace(encoded, []byte("seed: 42"), []byte("seed: 43"), 1), 0o600); err != nil {
		t.Fatal(err)
	}
	if code, output := kubectl(t, "diff", "--namespace", space, "--filename", changed); code != 1 || !strings.Contains(output, "+  seed: 43") {
		t.Errorf("kubectl diff of a change ended with %d:\n%s", code, output)
	}
}
