package sandbox

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/datasetmix/datasetmix/hack/cluster/internal/render"
	"github.com/datasetmix/datasetmix/hack/cluster/internal/spec"
	"golang.org/x/sys/unix"
)

// enter lays out the mount namespace: the state folder takes the place of every host folder that a component writes to by
// default, so that no component needs to be told and none can forget.
func enter(n spec.Node) error {
	// Away from the host first: nothing that is mounted from here on may show up there.
	if err := unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, ""); err != nil {
		return fmt.Errorf("making the mounts private: %w", err)
	}
	// The host's /proc shows the host's process numbers. /sys stays the host's: mounted anew, it would show no cgroups.
	if err := unix.Mount("proc", "/proc", "proc", unix.MS_NOSUID|unix.MS_NODEV|unix.MS_NOEXEC, ""); err != nil {
		return fmt.Errorf("mounting /proc: %w", err)
	}
	if err := mountFolders(n); err != nil {
		return err
	}
	if err := shadowTunables(); err != nil {
		return err
	}
	// Shared within, as kubelets want it. Only now: bind mounts of a shared mount would be its peers, and every volume
	// would be mounted in three places at once.
	if err := unix.Mount("", "/", "", unix.MS_REC|unix.MS_SHARED, ""); err != nil {
		return fmt.Errorf("sharing the mounts inside the node: %w", err)
	}
	return os.WriteFile("/proc/sys/net/ipv4/ip_forward", []byte("1"), 0o644) // of this network namespace only
}

// leave removes the cluster's mounts, so that the state folder is an ordinary folder again.
func leave() error {
	var failed error
	for _, dir := range []string{"/var/lib", "/var/log", "/run"} {
		if err := unix.Unmount(dir, unix.MNT_DETACH); err != nil {
			failed = errors.Join(failed, fmt.Errorf("unmounting %s: %w", dir, err))
		}
	}
	return failed
}

func mountFolders(n spec.Node) error {
	for _, dir := range []string{"lib", "log", "tunables"} {
		if err := os.MkdirAll(n.NodeDir(n.Index, dir), 0o755); err != nil {
			return err
		}
	}
	// Opened before /run is covered, since either folder may lie below it.
	state, err := os.Open(n.NodeDir(n.Index))
	if err != nil {
		return err
	}
	defer state.Close()
	bin, err := os.Open(n.BinDir)
	if err != nil {
		return err
	}
	defer bin.Close()
	if err := unix.Mount("tmpfs", "/run", "tmpfs", unix.MS_NOSUID|unix.MS_NODEV, "mode=755"); err != nil {
		return fmt.Errorf("mounting /run: %w", err)
	}
	binds := []struct{ from, to string }{
		{fmt.Sprintf("/proc/self/fd/%d", state.Fd()), spec.StateDir},
		{fmt.Sprintf("/proc/self/fd/%d", bin.Fd()), spec.BinDir},
		{spec.StateDir + "/lib", "/var/lib"},
		{spec.StateDir + "/log", "/var/log"},
	}
	for _, b := range binds {
		if err := os.MkdirAll(b.to, 0o755); err != nil {
			return err
		}
		if err := unix.Mount(b.from, b.to, "", unix.MS_BIND, ""); err != nil {
			return fmt.Errorf("mounting %s on %s: %w", b.from, b.to, err)
		}
	}
	return nil
}

// shadowTunables covers the kernel settings that a kubelet writes with files that already hold what it wants. It has no flag
// to leave them alone without also refusing to start, and they are the whole machine's: a test cluster must not decide
// whether its host reboots on a panic.
func shadowTunables() error {
	for name, value := range render.Tunables() {
		target := filepath.Join("/proc/sys", name)
		file := filepath.Join(spec.StateDir, "tunables", filepath.Base(name))
		if err := os.WriteFile(file, []byte(value+"\n"), 0o644); err != nil {
			return err
		}
		if err := unix.Mount(file, target, "", unix.MS_BIND, ""); err != nil {
			return fmt.Errorf("covering %s: %w", target, err)
		}
	}
	return nil
}
