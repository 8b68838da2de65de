package sandbox

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/datasetmix/datasetmix/hack/cluster/internal/spec"
	"github.com/google/go-cmp/cmp"
)

func TestRunRefusesToBeCalledByHand(t *testing.T) {
	if err := Run(strings.NewReader("{}")); err == nil || !strings.Contains(err.Error(), "cluster up") {
		t.Errorf("it says %v", err)
	}
}

func TestSubtreeListsParentsFirst(t *testing.T) {
	dir := t.TempDir()
	if err := os.MkdirAll(filepath.Join(dir, "a", "b"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "a", "file"), nil, 0o644); err != nil {
		t.Fatal(err)
	}
	got, err := subtree(dir)
	if diff := cmp.Diff([]string{dir, dir + "/a", dir + "/a/b"}, got); err != nil || diff != "" {
		t.Errorf("(%v) -want +got:\n%s", err, diff)
	}
	if got, err := subtree(filepath.Join(dir, "missing")); err != nil || len(got) != 0 {
		t.Errorf("of a missing folder: %v, %v", got, err)
	}
}

func TestRemoveTree(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "cgroup")
	if err := os.MkdirAll(filepath.Join(dir, "a", "b"), 0o755); err != nil {
		t.Fatal(err)
	}
	for range 2 { // the second time there is nothing
		if err := removeTree(dir, time.Now()); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := os.Stat(dir); !os.IsNotExist(err) {
		t.Errorf("it is left (%v)", err)
	}
}

func TestFillCpuset(t *testing.T) {
	parent := t.TempDir()
	child := filepath.Join(parent, "child")
	if err := os.Mkdir(child, 0o755); err != nil {
		t.Fatal(err)
	}
	for name, value := range map[string]string{"cpuset.cpus": "0-1\n", "cpuset.mems": "0\n"} {
		if err := os.WriteFile(filepath.Join(parent, name), []byte(value), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if err := fillCpuset(parent, child); err != nil {
		t.Fatal(err)
	}
	if got, _ := os.ReadFile(filepath.Join(child, "cpuset.cpus")); string(got) != "0-1" {
		t.Errorf("the child has the processors %q", got)
	}
}

func TestReapFindsTheWantedChild(t *testing.T) {
	cmd := exec.Command("true")
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	for deadline := time.Now().Add(10 * time.Second); !reap(cmd.Process.Pid); time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("the child is not found")
		}
	}
	if reap(cmd.Process.Pid) {
		t.Error("found twice")
	}
}

func TestRemoveFiles(t *testing.T) {
	dir := t.TempDir()
	c := spec.Cluster{Name: "x", StateDir: filepath.Join(dir, "x"), Kubeconfig: filepath.Join(dir, "kubeconfig"), Nodes: 1}
	setUp := func(server string) {
		t.Helper()
		if err := os.MkdirAll(c.NodeDir(0), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(c.Kubeconfig, []byte("server: "+server+"\n"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	left := func(path string) bool { _, err := os.Stat(path); return err == nil }

	setUp(c.Server())
	if err := RemoveFiles(c); err != nil || left(c.StateDir) || left(c.Kubeconfig) {
		t.Errorf("state left %t, kubeconfig left %t (%v)", left(c.StateDir), left(c.Kubeconfig), err)
	}
	setUp("https://elsewhere")
	if err := RemoveFiles(c); err != nil || !left(c.Kubeconfig) {
		t.Errorf("somebody else's kubeconfig left %t (%v)", left(c.Kubeconfig), err)
	}
}
