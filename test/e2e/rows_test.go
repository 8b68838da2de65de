package e2e

import (
	"bytes"
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// thisCommand is the command of this commit.
const thisCommand = "../../bin/kubectl-datasetmix"

// people is the command as its user runs it.
type people struct {
	*cluster
	environment []string
	program     string
}

// run runs the command and returns what it printed.
func (p people) run(arguments ...string) string {
	p.Helper()
	line := exec.CommandContext(p.Context(), p.program, arguments...)
	line.Env = p.environment
	var errs bytes.Buffer
	line.Stderr = &errs
	out, err := line.Output()
	if err != nil {
		p.Fatalf("%q: %v\n%s%s", arguments, err, out, errs.String())
	}
	return string(out)
}

// noErrands wants no pod of the command, and nothing that one of them left on a claim.
func (e *cluster) noErrands() {
	e.Helper()
	e.eventually("the command's pods are gone", func() bool {
		var left corev1.PodList
		e.must(e.List(e.Context(), &left, client.InNamespace(e.namespace), client.MatchingLabels{"app.kubernetes.io/managed-by": "kubectl-datasetmix"}))
		return len(left.Items) == 0
	})
}

// TestRowsAndFiles: from own files to rows in a terminal and files on a laptop: a claim is filled, a mix is built of it, and what get, report
// and put move are the bytes of a build on this machine, in a namespace that enforces the restricted Pod Security Standard.
func TestRowsAndFiles(t *testing.T) {
	e := newCluster(t)
	folder := t.TempDir()
	p := people{e, append(os.Environ(), "KUBECONFIG="+e.kubeconfig(folder)), thisCommand}
	try := filepath.Join(folder, "try")
	p.run("example", try)
	var files []string
	for _, name := range []string{"arithmetic.jsonl", "functions.jsonl", "capitals.jsonl"} {
		files = append(files, filepath.Join(try, name))
	}
	p.run(append([]string{"put", "examples", "--create", "--size", "64Mi"}, files...)...)
	e.noErrands()

	manifest, err := os.ReadFile(filepath.Join(try, "mix.yaml"))
	e.must(err)
	text := strings.Replace(string(manifest), "volume: {claimName: datasets}", "volume: {claimTemplate: {accessModes: [ReadWriteOnce], size: 256Mi}}", 1)
	e.must(e.Create(e.Context(), e.parse(text)))
	e.ready("first-mix")

	here := p.run("plan", "-f", filepath.Join(try, "mix.yaml"), "--claim", "examples="+try, "--look", "--show", "2")
	if there := p.run("plan", "first-mix", "--look", "--show", "2"); here != there || !strings.Contains(here, "MOST REPEATED") {
		t.Errorf("plan --look: this machine has\n%sthe cluster\n%s", here, there)
	}
	e.noErrands()

	local := filepath.Join(folder, "data")
	p.run("build", "-f", filepath.Join(try, "mix.yaml"), "--claim", "examples="+try, "--data", local)
	for _, question := range [][]string{{"head"}, {"head", "--rows", "2", "--split", "test"}, {"sample", "--rows", "7", "--seed", "3"}, {"count", "-o", "json"}} {
		here, there := p.run(append([]string{"get", local}, question...)...), p.run(append([]string{"get", "first-mix"}, question...)...)
		if here != there || here == "" {
			t.Errorf("%q: a folder has\n%sthe cluster\n%s", question, here, there)
		}
	}
	to := filepath.Join(folder, "train.jsonl")
	p.run("get", "first-mix", "export", "--to", to)
	if a, b := digest(t, to), digest(t, filepath.Join(local, "first-mix/current", trainFile)); a != b {
		t.Errorf("the export has the SHA-256 %s, the local build %s", a, b)
	}
	page := filepath.Join(folder, "report.html")
	p.run("report", "first-mix", "--to", page)
	if a, b := digest(t, page), digest(t, filepath.Join(local, "first-mix/current/report.html")); a != b {
		t.Errorf("the report has the SHA-256 %s, the local build's %s", a, b)
	}
	e.noErrands()
	t.Run("large files", func(t *testing.T) { p.testing(t).large(folder) })
	t.Run("Ctrl-C", func(t *testing.T) { p.testing(t).interrupted(folder) })
}

// large puts a file of more than a log holds, and reads it back in a pod of another kind.
func (p people) large(folder string) {
	big := filepath.Join(folder, "big.jsonl")
	p.must(os.WriteFile(big, bytes.Repeat([]byte("{\"question\":\"0123456789abcdef\"}\n"), 1<<20), 0o600))
	begun := time.Now()
	p.run("put", "examples", big, "--to", "more")
	out := p.read("examples", "more", "big.jsonl")
	if got, want := line(out, "sha256:"), digest(p.T, big); got != want {
		p.Errorf("the claim has %s, this machine %s", got, want)
	}
	p.Logf("32 MiB were put in %s", time.Since(begun).Round(time.Second))
}

// interrupted ends a put while it sends, and looks for what is left.
func (p people) interrupted(folder string) {
	huge := filepath.Join(folder, "huge")
	p.must(os.WriteFile(huge, nil, 0o600))
	p.must(os.Truncate(huge, 40<<20))
	line := exec.CommandContext(context.WithoutCancel(p.Context()), p.program, "put", "examples", huge)
	line.Env = p.environment
	p.must(line.Start())
	p.eventually("a pod receives", func() bool {
		var pods corev1.PodList
		p.must(p.List(p.Context(), &pods, client.InNamespace(p.namespace), client.MatchingLabels{"app.kubernetes.io/component": "put"}))
		return len(pods.Items) == 1 && pods.Items[0].Status.Phase == corev1.PodRunning
	})
	p.must(line.Process.Signal(syscall.SIGINT))
	_ = line.Wait()
	if code := line.ProcessState.ExitCode(); code != 130 {
		p.Errorf("the command ended with %d", code)
	}
	p.noErrands()
	lister := restricted("lister-", 65532, map[string]corev1.VolumeMount{"examples": {MountPath: "/mix", ReadOnly: true}}, "/reader", "/mix", "arithmetic.jsonl")
	p.finish(lister) // the files that were there are
}
