package host

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"time"

	"github.com/datasetmix/datasetmix/hack/cluster/internal/sandbox"
	"github.com/datasetmix/datasetmix/hack/cluster/internal/spec"
	"github.com/datasetmix/datasetmix/hack/cluster/internal/supervise"
	"golang.org/x/sys/unix"
)

// stopTimeout is the time that a node may take to stop before it is killed.
const stopTimeout = 40 * time.Second

// Start starts the nodes' first processes, each in its own namespaces, connects the nodes, and lets the processes continue. The caller must stop
// the returned processes even if there is an error.
func Start(c spec.Cluster) (Record, error) {
	r := Record{Cluster: c}
	if err := writeFiles(c); err != nil {
		return r, err
	}
	starts := make([]io.WriteCloser, 0, c.Nodes)
	defer func() { // a process whose input ends before it was told what to be ends too
		for _, s := range starts {
			_ = s.Close()
		}
	}()
	for i := range c.Nodes {
		process, stdin, err := startNode(c, i)
		if err != nil {
			return r, err
		}
		starts = append(starts, stdin)
		r.Processes = append(r.Processes, process)
		if err := r.write(); err != nil { // before anything exists that `down` would have to find
			return r, err
		}
	}
	if err := Wire(r); err != nil {
		return r, err
	}
	for i, s := range starts {
		if err := json.NewEncoder(s).Encode(spec.Node{Cluster: c, Index: i}); err != nil {
			return r, fmt.Errorf("describing the cluster to node %s: %w", c.NodeName(i), err)
		}
	}
	return r, nil
}

// startNode starts a node's first process, which then waits for its description on the returned pipe.
func startNode(c spec.Cluster, i int) (Process, io.WriteCloser, error) {
	log, err := os.OpenFile(c.NodeDir(i, spec.LogDir, "supervisor.log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
	if err != nil {
		return Process{}, nil, err
	}
	defer log.Close() // the child has its own descriptor
	cmd := exec.Command(filepath.Join(c.BinDir, "cluster"), sandbox.InitArg)
	cmd.Dir = "/"
	cmd.Env = supervise.Environment()
	cmd.Stdout, cmd.Stderr = log, log
	cmd.SysProcAttr = &syscall.SysProcAttr{Cloneflags: sandbox.Namespaces, Setsid: true}
	stdin, err := cmd.StdinPipe()
	if err != nil {
		return Process{}, nil, err
	}
	if err := cmd.Start(); err != nil {
		return Process{}, nil, fmt.Errorf("starting the node in namespaces of its own: %w (the machine must allow CAP_SYS_ADMIN)", err)
	}
	start, err := startTime(cmd.Process.Pid)
	go func() { _ = cmd.Wait() }() // it outlives this process; should it not, it must not stay as a zombie
	return Process{PID: cmd.Process.Pid, StartTime: start}, stdin, err
}

// Stop ends the cluster and removes all its traces from the host. It can be repeated.
func Stop(ctx context.Context, r Record) error {
	var failed error
	for _, p := range r.Processes {
		if p.Alive() {
			failed = errors.Join(failed, terminate(ctx, p.PID))
		}
	}
	if failed != nil {
		return failed // what still runs must keep its files
	}
	for i := range r.Nodes {
		failed = errors.Join(failed, sandbox.RemoveCgroup(r.CgroupRoot(i)))
	}
	return errors.Join(failed, Unwire(r.Cluster), sandbox.RemoveFiles(r.Cluster))
}

// terminate ends a process with SIGTERM, and after a timeout with SIGKILL. The kernel kills all processes in its namespaces with it.
func terminate(ctx context.Context, pid int) error {
	fd, err := unix.PidfdOpen(pid, 0)
	if errors.Is(err, unix.ESRCH) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("opening process %d: %w", pid, err)
	}
	defer unix.Close(fd)
	if err := unix.PidfdSendSignal(fd, unix.SIGTERM, nil, 0); err != nil && !errors.Is(err, unix.ESRCH) {
		return fmt.Errorf("ending process %d: %w", pid, err)
	}
	ctx, cancel := context.WithTimeout(ctx, stopTimeout)
	defer cancel()
	for ctx.Err() == nil {
		if exited, err := pollExit(fd, 200*time.Millisecond); exited || err != nil {
			return err
		}
	}
	if err := unix.PidfdSendSignal(fd, unix.SIGKILL, nil, 0); err != nil && !errors.Is(err, unix.ESRCH) {
		return fmt.Errorf("killing process %d: %w", pid, err)
	}
	exited, err := pollExit(fd, stopTimeout)
	if err == nil && !exited {
		err = fmt.Errorf("process %d does not end, even killed; look at its state in /proc/%d/stack", pid, pid)
	}
	return err
}

// pollExit waits for the end of the process behind a descriptor.
func pollExit(fd int, timeout time.Duration) (bool, error) {
	n, err := unix.Poll([]unix.PollFd{{Fd: int32(fd), Events: unix.POLLIN}}, int(timeout.Milliseconds()))
	if errors.Is(err, unix.EINTR) {
		return false, nil
	}
	return n > 0, err
}
