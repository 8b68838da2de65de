// Package supervise keeps the components of a node running.
package supervise

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"sync"
	"syscall"
	"time"

	"github.com/datasetmix/datasetmix/hack/cluster/internal/render"
)

const (
	// graceful is the time that a component may take to exit after SIGTERM.
	graceful = 10 * time.Second
	// minDelay is how long a component that exits waits for its restart, then twice as long each time, up to maxDelay; one that ran for longer than
	// maxDelay begins anew.
	minDelay = 250 * time.Millisecond
	maxDelay = 10 * time.Second
)

// Status is the state of a component.
type Status struct {
	Name     string    `json:"name"`
	Running  bool      `json:"running"`
	Since    time.Time `json:"since"`
	Restarts int       `json:"restarts"` // exits that nobody asked for
	LastExit string    `json:"lastExit,omitempty"`
}

// Action is an action on a component.
type Action struct {
	Stop  bool // stop it if it runs
	Start bool // start it, once it is stopped
	Kill  bool // stop by SIGKILL, as a crash would
}

type request struct {
	Action
	done chan error
}

// Process runs one component, again and again.
type Process struct {
	component render.Component
	logPath   string
	requests  chan request

	mu     sync.Mutex
	status Status
}

// NewProcess returns a process that does not run yet. Its output is appended to logPath.
func NewProcess(c render.Component, logPath string) *Process {
	return &Process{component: c, logPath: logPath, requests: make(chan request), status: Status{Name: c.Name}}
}

// Status returns a snapshot.
func (p *Process) Status() Status {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.status
}

// Do performs the action and returns when it is done: the old process has exited, the new one has started.
func (p *Process) Do(ctx context.Context, a Action) error {
	r := request{Action: a, done: make(chan error, 1)}
	select {
	case p.requests <- r:
	case <-ctx.Done():
		return fmt.Errorf("%s: %w", p.component.Name, ctx.Err())
	}
	select {
	case err := <-r.done:
		return err
	case <-ctx.Done():
		return fmt.Errorf("%s: %w", p.component.Name, ctx.Err())
	}
}

// Run handles requests until the context ends, and then stops the component.
func (p *Process) Run(ctx context.Context) {
	delay := minDelay
	var pending *request
	for {
		if pending == nil {
			if pending = p.next(ctx, nil); pending == nil {
				return
			}
		}
		if !pending.Start {
			pending.done <- nil
			pending = nil
			continue
		}
		pending, delay = p.runOnce(ctx, pending, delay)
		if ctx.Err() != nil {
			return
		}
	}
}

// next waits for a request, or until the timer fires, which asks for a start. It returns nil when the context ends.
func (p *Process) next(ctx context.Context, timer <-chan time.Time) *request {
	select {
	case r := <-p.requests:
		return &r
	case <-timer:
		return &request{Action: Action{Start: true}, done: make(chan error, 1)}
	case <-ctx.Done():
		return nil
	}
}

// runOnce starts the component for the request r, and returns the request to handle after it has exited.
func (p *Process) runOnce(ctx context.Context, r *request, delay time.Duration) (*request, time.Duration) {
	cmd, exited, err := p.start()
	r.done <- err
	if err != nil {
		p.exited(err, true)
		return p.next(ctx, time.After(delay)), min(2*delay, maxDelay)
	}
	started := time.Now()
	for {
		select {
		case err := <-exited:
			p.exited(err, true)
			if time.Since(started) > maxDelay {
				delay = minDelay
			}
			return p.next(ctx, time.After(delay)), min(2*delay, maxDelay)
		case r := <-p.requests:
			if !r.Stop {
				r.done <- nil // it runs already
				continue
			}
			p.exited(stop(cmd, exited, r.Kill), false)
			return &r, minDelay
		case <-ctx.Done():
			// The whole cluster ends and its state with it: there is nothing to be saved by ending slowly.
			p.exited(stop(cmd, exited, true), false)
			return nil, delay
		}
	}
}

func (p *Process) start() (*exec.Cmd, <-chan error, error) {
	log, err := os.OpenFile(p.logPath, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
	if err != nil {
		return nil, nil, err
	}
	defer log.Close() // the child has its own descriptor
	cmd := exec.Command(p.component.Args[0], p.component.Args[1:]...)
	cmd.Stdout, cmd.Stderr = log, log
	cmd.Env = Environment()
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := cmd.Start(); err != nil {
		return nil, nil, fmt.Errorf("starting %s: %w", p.component.Name, err)
	}
	p.mu.Lock()
	p.status.Running, p.status.Since = true, time.Now()
	p.mu.Unlock()
	exited := make(chan error, 1)
	go func() { exited <- cmd.Wait() }()
	return cmd, exited, nil
}

// Path is the PATH of components.
const Path = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

// Environment returns the environment of components, which has nothing of the caller's, such as its proxies.
func Environment() []string {
	return []string{"HOME=/root", "PATH=" + Path}
}

func (p *Process) exited(err error, unasked bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.status.Running, p.status.Since = false, time.Now()
	p.status.LastExit = "exit status 0"
	if err != nil {
		p.status.LastExit = err.Error()
	}
	if unasked {
		p.status.Restarts++
	}
}

// stop ends the process and returns how it exited.
func stop(cmd *exec.Cmd, exited <-chan error, kill bool) error {
	if !kill {
		if err := cmd.Process.Signal(syscall.SIGTERM); err != nil && !errors.Is(err, os.ErrProcessDone) {
			return err
		}
		select {
		case err := <-exited:
			return err
		case <-time.After(graceful):
		}
	}
	if err := cmd.Process.Kill(); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return err
	}
	return <-exited
}
