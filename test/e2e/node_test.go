package e2e

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	datav1alpha1 "github.com/datasetmix/datasetmix/api/v1alpha1"
)

// program controls the cluster that hack/cluster builds. Its node is a process of this machine, so a test can do to it what
// happens to nodes.
const program = "../../bin/cluster"

// node returns the first process of the cluster's node; the test is skipped where the cluster is another one.
func node(t *testing.T) int {
	t.Helper()
	encoded, err := os.ReadFile("../../bin/state/datasetmix/cluster.json")
	if err != nil || os.Geteuid() != 0 {
		t.Skipf("breaking a node needs the cluster of hack/cluster, and root: %v", err)
	}
	var record struct {
		Processes []struct {
			PID int `json:"pid"`
		} `json:"processes"`
	}
	if err := json.Unmarshal(encoded, &record); err != nil || len(record.Processes) == 0 {
		t.Fatalf("the cluster's record: %v", err)
	}
	return record.Processes[0].PID
}

// crash ends a component as a crash would, starts it again and waits until it answers.
func crash(t *testing.T, component string) {
	t.Helper()
	if out, err := exec.Command(program, "restart", component, "--kill").CombinedOutput(); err != nil {
		t.Fatalf("restarting %s: %v\n%s", component, err, out)
	}
	t.Logf("%s was killed and started again", component)
}

// inNode runs a program among the node's mounts and processes.
func inNode(t *testing.T, pid int, command ...string) {
	t.Helper()
	arguments := append([]string{"--target", strconv.Itoa(pid), "--mount", "--pid", "--"}, command...)
	if out, err := exec.Command("nsenter", arguments...).CombinedOutput(); err != nil {
		t.Fatalf("%s: %v\n%s", strings.Join(command, " "), err, out)
	}
}

// folder returns a claim's volume as this machine sees it.
func (e *cluster) folder(pid int, claim string) string {
	e.Helper()
	bound, volume := &corev1.PersistentVolumeClaim{}, &corev1.PersistentVolume{}
	e.must(e.Get(e.Context(), client.ObjectKey{Namespace: e.namespace, Name: claim}, bound))
	e.must(e.Get(e.Context(), client.ObjectKey{Name: bound.Spec.VolumeName}, volume))
	return filepath.Join("/proc", strconv.Itoa(pid), "root", volume.Spec.Local.Path)
}

// running returns the processes of this machine that work at a stage, of whatever mix.
func running(t *testing.T, stage string) (pids []int) {
	lines, err := filepath.Glob("/proc/[0-9]*/cmdline")
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range lines {
		line, err := os.ReadFile(path)
		if err != nil || !bytes.HasPrefix(line, []byte("/worker\x00"+stage+"\x00")) {
			continue // another one, or it has just ended
		}
		pid, err := strconv.Atoi(filepath.Base(filepath.Dir(path)))
		if err != nil {
			t.Fatal(err)
		}
		pids = append(pids, pid)
	}
	return pids
}

// owns reports whether a process is of a mix of the namespace, by its pod's cgroup.
func (e *cluster) owns(pid int) bool {
	e.Helper()
	group, err := os.ReadFile(filepath.Join("/proc", strconv.Itoa(pid), "cgroup"))
	if err != nil {
		return false // it has just ended
	}
	pods := &corev1.PodList{}
	e.must(e.List(e.Context(), pods, client.InNamespace(e.namespace), client.HasLabels{datav1alpha1.LabelName}))
	return slices.ContainsFunc(pods.Items, func(pod corev1.Pod) bool { return bytes.Contains(group, []byte(pod.UID)) })
}

// stop makes a process stand still. It gives false for one that has ended.
func stop(pid int) bool {
	for syscall.Kill(pid, syscall.SIGSTOP) == nil {
		stat, err := os.ReadFile(filepath.Join("/proc", strconv.Itoa(pid), "stat"))
		_, state, ok := bytes.Cut(stat, []byte(") "))
		switch {
		case err != nil || !ok || state[0] == 'Z' || state[0] == 'X':
			return false
		case state[0] == 'T':
			return true
		}
		time.Sleep(time.Millisecond)
	}
	return false
}

// killWorker waits for a worker of a stage, lets it write for a moment and kills it as the kernel would. The worker stands still
// while the API server is asked whose it is: on a busy machine it would have ended before the answer. One that has ended before
// it could be killed leaves its turn to the next, which gets less time.
func (e *cluster) killWorker(stage string, after time.Duration) {
	e.Helper()
	others := map[int]bool{}
	for deadline := time.Now().Add(patience); time.Now().Before(deadline); time.Sleep(2 * time.Millisecond) {
		for _, pid := range running(e.T, stage) {
			if others[pid] || !stop(pid) {
				continue
			}
			ours := e.owns(pid)
			_ = syscall.Kill(pid, syscall.SIGCONT) // somebody else's may have been killed with its namespace
			if others[pid] = !ours; !ours {
				continue
			}
			time.Sleep(after)
			if !stop(pid) {
				e.Logf("a worker of stage %s ended in less than %s", stage, after)
				after /= 2
				continue
			}
			e.must(syscall.Kill(pid, syscall.SIGKILL))
			e.Logf("killed a worker of stage %s after %s", stage, after)
			return
		}
	}
	e.Fatalf("in %s no worker of stage %s was seen", patience, stage)
}

// halfPublished names what of a mix's folder looks like a revision and is none: every revision has its manifest, with the digest
// that it must have, and the link to the current one leads to one.
func halfPublished(folder, digestOfManifest string, digest func(string) string) string {
	entries, err := os.ReadDir(filepath.Join(folder, "revisions"))
	if err != nil && !os.IsNotExist(err) {
		return err.Error()
	}
	for _, entry := range entries {
		manifest := filepath.Join(folder, "revisions", entry.Name(), "manifest.json")
		if strings.HasPrefix(entry.Name(), ".") {
			continue // what is being made
		}
		if _, err := os.Stat(manifest); err != nil {
			return fmt.Sprintf("revision %s has no manifest", entry.Name())
		}
		if got := digest(manifest); got != digestOfManifest {
			return fmt.Sprintf("the manifest of revision %s is %s", entry.Name(), got)
		}
	}
	if target, err := os.Readlink(filepath.Join(folder, "current")); err == nil {
		if _, err := os.Stat(filepath.Join(folder, target, "manifest.json")); err != nil {
			return "the current revision is " + target + ", which is none"
		}
	}
	return ""
}
