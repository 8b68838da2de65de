package e2e

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
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

// node is the first process of the cluster's node; the test is skipped where the cluster is another one.
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

// folder is a claim's volume as this machine sees it.
func (e *cluster) folder(pid int, claim string) string {
	e.Helper()
	bound, volume := &corev1.PersistentVolumeClaim{}, &corev1.PersistentVolume{}
	e.must(e.Get(e.Context(), client.ObjectKey{Namespace: e.namespace, Name: claim}, bound))
	e.must(e.Get(e.Context(), client.ObjectKey{Name: bound.Spec.VolumeName}, volume))
	return filepath.Join("/proc", strconv.Itoa(pid), "root", volume.Spec.Local.Path)
}

// process is a worker that runs.
type process struct {
	pid   int
	stage string
}

// workers are the running workers of the mixes in the namespace: their processes, by what they were started as and by their
// pods' cgroups.
func (e *cluster) workers() []process {
	found, pods := []process{}, map[string]bool{}
	lines, err := filepath.Glob("/proc/[0-9]*/cmdline")
	e.must(err)
	for _, path := range lines {
		line, err := os.ReadFile(path)
		words := bytes.Split(line, []byte{0})
		if err != nil || len(words) < 2 || string(words[0]) != "/worker" {
			continue
		}
		if len(pods) == 0 {
			pods = e.podUIDs()
		}
		group, err := os.ReadFile(filepath.Join(filepath.Dir(path), "cgroup"))
		if err != nil {
			continue // it has just ended
		}
		for uid := range pods {
			if bytes.Contains(group, []byte(uid)) {
				pid, err := strconv.Atoi(filepath.Base(filepath.Dir(path)))
				e.must(err)
				found = append(found, process{pid, string(words[1])})
			}
		}
	}
	return found
}

func (e *cluster) podUIDs() map[string]bool {
	list := &corev1.PodList{}
	e.must(e.List(e.Context(), list, client.InNamespace(e.namespace), client.HasLabels{datav1alpha1.LabelName}))
	uids := map[string]bool{}
	for _, pod := range list.Items {
		uids[string(pod.UID)] = true
	}
	return uids
}

// killWorker waits for a worker of a stage, lets it write for a moment and kills it as the kernel would.
func (e *cluster) killWorker(stage string, after time.Duration) {
	e.Helper()
	for deadline := time.Now().Add(patience); time.Now().Before(deadline); time.Sleep(2 * time.Millisecond) {
		for _, worker := range e.workers() {
			if worker.stage != stage {
				continue
			}
			time.Sleep(after)
			if err := syscall.Kill(worker.pid, syscall.SIGKILL); err != nil {
				continue // it was faster; another one will come, or the test fails
			}
			e.Logf("killed a worker of stage %s", stage)
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
