package cli

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/datasetmix/datasetmix/hack/cluster/internal/supervise"
	"github.com/google/go-cmp/cmp"
)

// run runs the cluster command and returns what it prints.
func run(args ...string) (string, error) {
	var out bytes.Buffer
	root := New()
	root.SetOut(&out)
	root.SetErr(&out)
	root.SetArgs(args)
	err := root.Execute()
	return out.String(), err
}

func TestWithoutACluster(t *testing.T) {
	state := "--state=" + t.TempDir()
	for name, test := range map[string]struct {
		args []string
		want string
	}{
		"logs":       {[]string{"logs", "etcd"}, "does not run"},
		"restart":    {[]string{"restart", "etcd"}, "does not run"},
		"load":       {[]string{"load", "x.tar"}, "does not run"},
		"disconnect": {[]string{"disconnect", "n"}, "does not run"},
		"bad name":   {[]string{"status", "--name=A"}, "cluster name"},
		"no nodes":   {[]string{"up", "--nodes=0"}, "--nodes 0"},
		"bad copy":   {[]string{"image", "--tag=x:1", "--out=x", "--binary=x"}, "--binary"},
		"no tag":     {[]string{"image", "--out=x"}, `"tag"`},
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := run(append(test.args, state)...); err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("the error is %v, want one with %q", err, test.want)
			}
		})
	}
}

func TestStatusAndDownWithoutACluster(t *testing.T) {
	state := "--state=" + filepath.Join(t.TempDir(), "state")
	out, err := run("status", state)
	var exit ExitError
	if !errors.As(err, &exit) || exit != exitDown || !strings.Contains(out, "does not run") {
		t.Errorf("status: %v, %q", err, out)
	}
	if out, err := run("down", state); err != nil || !strings.Contains(out, "not up") {
		t.Errorf("down: %v, %q", err, out)
	}
}

func TestPackages(t *testing.T) {
	if out, err := run("packages"); err != nil || !strings.Contains(out, "containerd ") {
		t.Errorf("%q, %v", out, err)
	}
}

func TestImageEntrypointIsTheOnlyBinary(t *testing.T) {
	dir := t.TempDir()
	program, archive := filepath.Join(dir, "p"), filepath.Join(dir, "p.tar")
	if err := os.WriteFile(program, []byte("program"), 0o755); err != nil {
		t.Fatal(err)
	}
	if _, err := run("image", "--tag=x:1", "--binary="+program+":/p", "--out="+archive); err != nil {
		t.Fatal(err)
	}
	content, err := os.ReadFile(archive)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{`"Entrypoint":["/p"]`, `"User":"65532:65532"`} {
		if !strings.Contains(string(content), want) {
			t.Errorf("the image's configuration lacks %s", want)
		}
	}
}

func TestComplete(t *testing.T) {
	o := &options{name: "x", bin: "/b"}
	if err := o.complete(); err != nil {
		t.Fatal(err)
	}
	if o.stateDir() != "/b/state/x" {
		t.Errorf("the state is in %s", o.stateDir())
	}
}

func TestPrintTail(t *testing.T) {
	path := filepath.Join(t.TempDir(), "log")
	if err := os.WriteFile(path, []byte("one\ntwo\nthree"), 0o644); err != nil {
		t.Fatal(err)
	}
	for n, want := range map[int]string{0: "", 2: "two\nthree\n", 9: "one\ntwo\nthree\n"} {
		var out bytes.Buffer
		if err := printTail(&out, path, n); err != nil || out.String() != want {
			t.Errorf("the last %d lines: %q (%v), want %q", n, out.String(), err, want)
		}
	}
}

func TestPrintComponents(t *testing.T) {
	now := time.Date(2026, 1, 1, 12, 0, 0, 0, time.UTC)
	var out bytes.Buffer
	printComponents(&out, []supervise.Status{
		{Name: "etcd", Running: true, Since: now.Add(-90 * time.Second)},
		{Name: "kubelet", Since: now.Add(-time.Second), Restarts: 2, LastExit: "exit status 1"},
		{Name: "kube-proxy"},
	}, now)
	want := `COMPONENT   STATE    FOR    RESTARTS  LAST EXIT
etcd        running  1m30s  0         
kubelet     stopped  1s     2         exit status 1
kube-proxy  stopped  -      0         
`
	if diff := cmp.Diff(want, out.String()); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}
