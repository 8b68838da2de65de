// Package sandbox is the first process of a node. It runs as process 1 of process, mount and network namespaces of its own,
// lays out the mounts, starts the supervisor and reaps whatever containers leave behind.
//
// The namespaces are why a cluster leaves nothing behind: when process 1 ends, the kernel kills every process in them (the
// containers and their shims too, which are nobody's children), and with the last process go all mounts, links, routes and
// firewall rules. Only files and cgroups remain to be removed by hand.
package sandbox

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/datasetmix/datasetmix/hack/cluster/internal/spec"
	"golang.org/x/sys/unix"
)

// SuperviseArg is the subcommand by which the supervisor is started, InitArg that by which process 1 is.
const (
	InitArg      = "node-init"
	SuperviseArg = "node-supervise"
)

// stopTimeout is how long the supervisor may take to stop before everything is killed.
const stopTimeout = 20 * time.Second

// Namespaces are the clone flags of process 1.
const Namespaces = unix.CLONE_NEWNS | unix.CLONE_NEWPID | unix.CLONE_NEWNET | unix.CLONE_NEWIPC

// Run does the work of process 1. It reads the cluster's description from in, and waits until in is closed, which must happen only after the node's
// network was connected.
func Run(in io.Reader) error {
	if os.Getpid() != 1 {
		return fmt.Errorf("%s is started by `cluster up`, as process 1 of its own namespaces; it cannot be called by hand", InitArg)
	}
	var c spec.Node
	if err := json.NewDecoder(in).Decode(&c); err != nil {
		return fmt.Errorf("reading the cluster's description: %w", err)
	}
	if err := enter(c); err != nil {
		return err
	}
	defer removeTraces(c)
	// Registered before the child exists, so that no signal is lost.
	signals := make(chan os.Signal, 64)
	signal.Notify(signals, unix.SIGTERM, unix.SIGINT, unix.SIGCHLD)
	pid, err := startSupervisor(c)
	if err != nil {
		return fmt.Errorf("starting the supervisor: %w", err)
	}
	reapUntilExit(signals, pid)
	return nil
}

func startSupervisor(c spec.Node) (int, error) {
	description, err := json.Marshal(c)
	if err != nil {
		return 0, err
	}
	r, w, err := os.Pipe()
	if err != nil {
		return 0, err
	}
	defer r.Close()
	// Not exec.Cmd: its Wait and the reaper's wait4(-1) would race for the same exit status.
	program := spec.BinDir + "/cluster"
	process, err := os.StartProcess(program, []string{program, SuperviseArg}, &os.ProcAttr{
		Files: []*os.File{r, os.Stdout, os.Stderr},
		Sys:   &syscall.SysProcAttr{Setsid: true},
	})
	if err != nil {
		w.Close()
		return 0, err
	}
	_, err = io.Copy(w, bytes.NewReader(description)) // far less than a pipe holds: it cannot block
	return process.Pid, errors.Join(err, w.Close())
}

// reapUntilExit reaps every orphan until the supervisor has exited, which a first SIGTERM asks it to do.
func reapUntilExit(signals <-chan os.Signal, supervisor int) {
	var deadline <-chan time.Time
	for {
		select {
		case s := <-signals:
			if s != unix.SIGCHLD {
				_ = unix.Kill(supervisor, unix.SIGTERM)
				deadline = time.After(stopTimeout)
			} else if reap(supervisor) {
				return
			}
		case <-deadline:
			return
		}
	}
}

// reap collects all exited children and reports whether a given one was among them.
func reap(wanted int) (found bool) {
	for {
		pid, err := unix.Wait4(-1, nil, unix.WNOHANG, nil)
		if errors.Is(err, unix.EINTR) {
			continue
		}
		if err != nil || pid <= 0 {
			return found
		}
		found = found || pid == wanted
	}
}

// removeTraces kills the processes that still run in the namespaces, and removes files and cgroups. It prints errors: it runs last, and
// `cluster down` tries again from outside.
func removeTraces(c spec.Node) {
	_ = unix.Kill(-1, unix.SIGKILL)
	for { // returns ECHILD when nobody is left
		if _, err := unix.Wait4(-1, nil, 0, nil); err != nil && !errors.Is(err, unix.EINTR) {
			break
		}
	}
	if err := errors.Join(RemoveCgroup(c.CgroupRoot(c.Index)), leave(), removeFiles(c)); err != nil {
		fmt.Fprintln(os.Stderr, err)
	}
}

// removeFiles removes the node's files and, if it is the only node, the cluster's.
func removeFiles(n spec.Node) error {
	if n.Nodes > 1 {
		return os.RemoveAll(n.NodeDir(n.Index))
	}
	return RemoveFiles(n.Cluster)
}

// RemoveFiles removes the cluster's files from the host. Nothing may be mounted below the state folder any more, or what is
// mounted there would be emptied; the kernel refuses to remove a mount point of this namespace, so that cannot go unnoticed.
func RemoveFiles(c spec.Cluster) error {
	var failed error
	if config, err := os.ReadFile(c.Kubeconfig); err == nil && bytes.Contains(config, []byte(c.Server())) {
		failed = os.Remove(c.Kubeconfig) // only while it is still this cluster's
	}
	return errors.Join(failed, os.RemoveAll(c.StateDir))
}
