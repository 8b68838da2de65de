// Package host manages a cluster from the host: it checks what is installed, connects the nodes, starts and ends their first processes, and removes
// their traces.
package host

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/datasetmix/datasetmix/hack/cluster/internal/supervise"
	"golang.org/x/sys/unix"
)

// cniDirs are the folders of the CNI plugins: Debian's, then that of other distributions.
var cniDirs = []string{"/usr/lib/cni", "/opt/cni/bin", "/usr/libexec/cni"}

var cniPlugins = []string{"bridge", "host-local", "loopback", "portmap"}

// programs maps each program that the node runs to its Debian package.
var programs = map[string]string{
	"containerd": "containerd",
	"ctr":        "containerd",
	"runc":       "runc",
	"iptables":   "iptables", // the CNI bridge plugin masquerades with it
	"nft":        "nftables", // kube-proxy's rules
	"conntrack":  "conntrack",
	"mount":      "mount",
}

const cniPackage = "containernetworking-plugins"

// Packages returns the Debian packages that a node needs.
func Packages() []string {
	names := []string{cniPackage}
	for _, p := range programs {
		names = append(names, p)
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// Check returns an error that lists everything that a cluster with the binaries in binDir needs and the host lacks.
func Check(binDir string) error {
	var missing []error
	if os.Geteuid() != 0 {
		missing = append(missing, errors.New("not root: namespaces, mounts and cgroups need it; run it with sudo"))
	}
	for _, name := range []string{"kubernetes", "pause", "cluster"} {
		if !exists(filepath.Join(binDir, name)) {
			missing = append(missing, fmt.Errorf("no program %q in %s: build it with `make cluster-tools`, or say with --bin where it lies",
				name, binDir))
		}
	}
	if packages := missingPackages(filepath.SplitList(supervise.Path), cniDirs); len(packages) > 0 {
		missing = append(missing, fmt.Errorf("not installed: %s; on Debian: apt-get install --no-install-recommends %s",
			strings.Join(packages, ", "), strings.Join(packages, " ")))
	}
	return errors.Join(missing...)
}

func missingPackages(path, cniDirs []string) []string {
	var packages []string
	for program, name := range programs {
		if !slices.ContainsFunc(path, func(dir string) bool { return exists(filepath.Join(dir, program)) }) {
			packages = append(packages, name)
		}
	}
	if _, err := findCNI(cniDirs); err != nil {
		packages = append(packages, cniPackage)
	}
	slices.Sort(packages)
	return slices.Compact(packages)
}

// CNIDir returns the folder that has all the CNI plugins a node uses.
func CNIDir() (string, error) { return findCNI(cniDirs) }

func findCNI(dirs []string) (string, error) {
	for _, dir := range dirs {
		if !slices.ContainsFunc(cniPlugins, func(plugin string) bool { return !exists(filepath.Join(dir, plugin)) }) {
			return dir, nil
		}
	}
	return "", fmt.Errorf("no CNI plugins (%s) in any of %s", strings.Join(cniPlugins, ", "), strings.Join(dirs, ", "))
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

// Snapshotter returns the containerd snapshotter that works in the given folder: an overlay cannot lie on an overlay.
func Snapshotter(dir string) (string, error) {
	var fs unix.Statfs_t
	if err := unix.Statfs(dir, &fs); err != nil {
		return "", fmt.Errorf("looking at the file system of %s: %w", dir, err)
	}
	if fs.Type == unix.OVERLAYFS_SUPER_MAGIC {
		return "native", nil
	}
	return "overlayfs", nil
}
