package sandbox

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

const (
	cgroupMount = "/sys/fs/cgroup"
	// removeTimeout is how long a killed container's cgroup may stay busy.
	removeTimeout = 10 * time.Second
	pollInterval  = 50 * time.Millisecond
)

// hierarchies returns the roots of the cgroup trees: one for version 2, one per controller for version 1.
func hierarchies() (roots []string, unified bool, err error) {
	if _, err := os.Stat(cgroupMount + "/cgroup.controllers"); err == nil {
		return []string{cgroupMount}, true, nil
	}
	entries, err := os.ReadDir(cgroupMount)
	if err != nil {
		return nil, false, fmt.Errorf("no cgroups: %w; mount them, for instance with the package cgroupfs-mount", err)
	}
	for _, e := range entries {
		if e.IsDir() { // the rest are links: cpu -> cpu,cpuacct
			roots = append(roots, filepath.Join(cgroupMount, e.Name()))
		}
	}
	return roots, false, nil
}

// MakeCgroup makes the cgroup in every hierarchy. A kubelet refuses to start when its root is missing in one of them.
func MakeCgroup(name string) error {
	roots, unified, err := hierarchies()
	if err != nil {
		return err
	}
	for _, root := range roots {
		dir := filepath.Join(root, name)
		if err := os.MkdirAll(dir, 0o755); err != nil {
			return fmt.Errorf("making cgroup: %w", err)
		}
		if unified {
			err = delegate(root)
		} else if filepath.Base(root) == "cpuset" {
			err = fillCpuset(root, dir)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// fillCpuset copies the parent's processors and memory nodes: version 1 leaves them empty, and no process can enter then.
func fillCpuset(parent, dir string) error {
	for _, name := range []string{"cpuset.cpus", "cpuset.mems"} {
		value, err := os.ReadFile(filepath.Join(parent, name))
		if err != nil {
			return fmt.Errorf("reading cpuset: %w", err)
		}
		if err := os.WriteFile(filepath.Join(dir, name), bytes.TrimSpace(value), 0o644); err != nil {
			return fmt.Errorf("filling cpuset: %w", err)
		}
	}
	return nil
}

// delegate hands all controllers of a version 2 root to its children.
func delegate(root string) error {
	controllers, err := os.ReadFile(filepath.Join(root, "cgroup.controllers"))
	if err != nil {
		return err
	}
	for _, controller := range strings.Fields(string(controllers)) {
		err := os.WriteFile(filepath.Join(root, "cgroup.subtree_control"), []byte("+"+controller), 0o644)
		if err != nil {
			return fmt.Errorf("delegating the cgroup controller %s: %w", controller, err)
		}
	}
	return nil
}

// RemoveCgroup removes the cgroup and all below it from every hierarchy. It waits for processes that are already killed.
func RemoveCgroup(name string) error {
	roots, _, err := hierarchies()
	if err != nil {
		return err
	}
	var failed error
	for _, root := range roots {
		failed = errors.Join(failed, removeTree(filepath.Join(root, name), time.Now().Add(removeTimeout)))
	}
	return failed
}

func removeTree(dir string, deadline time.Time) error {
	dirs, err := subtree(dir)
	if err != nil {
		return fmt.Errorf("listing cgroup %s: %w", dir, err)
	}
	for _, d := range slices.Backward(dirs) { // children first; the files in them are not real and cannot be removed
		for {
			err := unix.Rmdir(d)
			if err == nil || errors.Is(err, unix.ENOENT) {
				break
			}
			if !errors.Is(err, unix.EBUSY) || time.Now().After(deadline) {
				return fmt.Errorf("removing cgroup %s: %w", d, err)
			}
			time.Sleep(pollInterval) // a cgroup has nothing to watch in version 1
		}
	}
	return nil
}

// subtree lists the folder and all folders below it, parents first. A missing one has none.
func subtree(dir string) (dirs []string, err error) {
	err = filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		if err == nil && entry.IsDir() {
			dirs = append(dirs, path)
		}
		return err
	})
	return dirs, err
}
