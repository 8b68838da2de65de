package e2e

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/datasetmix/datasetmix/hack/cluster/internal/render"
	"github.com/google/go-cmp/cmp"
	"github.com/vishvananda/netlink"
)

// snapshot is what a cluster could leave behind on its host. Others may work on the machine meanwhile, so it holds only what
// nobody else changes.
type snapshot struct {
	Mounts     []string
	Namespaces []string          // named network namespaces
	Tunables   map[string]string // kernel settings that a kubelet would write
	Folders    map[string]bool   // that components make by default: do they exist?
}

func takeSnapshot(t *testing.T) snapshot {
	t.Helper()
	mounts, err := os.ReadFile("/proc/self/mounts")
	if err != nil {
		t.Fatal(err)
	}
	s := snapshot{Mounts: strings.Split(string(mounts), "\n"), Tunables: map[string]string{}, Folders: map[string]bool{}}
	s.Namespaces, _ = filepath.Glob("/run/netns/*")
	for name := range render.Tunables() {
		value, err := os.ReadFile(filepath.Join("/proc/sys", name))
		if err != nil {
			t.Fatal(err)
		}
		s.Tunables[name] = string(value)
	}
	for _, dir := range []string{
		"/etc/cni/net.d", "/etc/kubernetes", "/opt/containerd", "/run/containerd", "/run/datasetmix", "/run/flannel", "/run/netns", "/tmp/hostpath_pv",
		"/usr/libexec/kubernetes", "/var/lib/cni", "/var/lib/kubelet", "/var/log/containers", "/var/log/pods", "/var/run/kubernetes",
	} {
		_, err := os.Stat(dir)
		s.Folders[dir] = err == nil
	}
	return s
}

// namespacesOf returns a process' namespaces other than the test's own.
func namespacesOf(t *testing.T, pid int) []string {
	t.Helper()
	var own []string
	for _, kind := range []string{"pid", "net", "mnt"} {
		theirs, err := os.Readlink(fmt.Sprintf("/proc/%d/ns/%s", pid, kind))
		if err != nil {
			t.Fatal(err)
		}
		if ours, _ := os.Readlink("/proc/self/ns/" + kind); ours == theirs {
			t.Errorf("the node shares the host's %s namespace", kind)
		}
		own = append(own, theirs)
	}
	return own
}

// isZombie reports whether the process of a link below /proc/PID/ns has exited: the machine's own process 1, whose child the node's
// first process is by then, collects it when it likes to.
func isZombie(link string) bool {
	stat, err := os.ReadFile(filepath.Join(filepath.Dir(filepath.Dir(link)), "stat"))
	return err != nil || strings.Contains(string(stat), ") Z ")
}

// compare looks for what is left of the cluster whose processes lived in the given namespaces.
func (s snapshot) compare(t *testing.T, h *harness, lived []string) {
	t.Helper()
	if diff := cmp.Diff(s, takeSnapshot(t)); diff != "" {
		t.Errorf("the host is not as it was before (-before +after):\n%s", diff)
	}
	links, _ := filepath.Glob("/proc/[0-9]*/ns/*")
	for _, link := range links {
		if target, err := os.Readlink(link); err == nil && slices.Contains(lived, target) && !isZombie(link) {
			t.Errorf("a process is left: %s", link)
		}
	}
	if _, err := netlink.LinkByName(h.record.HostLink()); err == nil {
		t.Errorf("the link %s is left", h.record.HostLink())
	}
	if cgroups, _ := filepath.Glob("/sys/fs/cgroup/*" + h.record.CgroupRoot(0)); len(cgroups) > 0 {
		t.Errorf("cgroups are left: %v", cgroups)
	}
	for _, path := range []string{h.state, h.kubeconfig} {
		if _, err := os.Stat(path); !os.IsNotExist(err) {
			t.Errorf("%s is left (%v)", path, err)
		}
	}
}
