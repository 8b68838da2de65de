// Package supervisor brings a node up inside its namespaces, keeps it running and answers the host's commands.
package supervisor

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/datasetmix/datasetmix/hack/cluster/internal/control"
	"github.com/datasetmix/datasetmix/hack/cluster/internal/render"
	"github.com/datasetmix/datasetmix/hack/cluster/internal/spec"
	"github.com/datasetmix/datasetmix/hack/cluster/internal/supervise"
	"golang.org/x/sync/errgroup"
)

// supervisor implements control.Cluster.
type supervisor struct {
	node      spec.Node
	processes map[string]*supervise.Process
	order     []string // component names, as they are shown

	mu      sync.Mutex
	phase   string
	message string
}

// Run reads the cluster's description from in, and runs the cluster until the context ends. A cluster that does not come up stays as it is,
// with its reason in the status, until it is told to stop, so that the reason can be seen.
func Run(ctx context.Context, in io.Reader) error {
	var n spec.Node
	if err := json.NewDecoder(in).Decode(&n); err != nil {
		return fmt.Errorf("reading the cluster's description: %w", err)
	}
	s := newSupervisor(n)
	group, ctx := errgroup.WithContext(ctx)
	for _, p := range s.processes {
		group.Go(func() error { p.Run(ctx); return nil })
	}
	group.Go(func() error { return control.Serve(ctx, filepath.Join(spec.StateDir, spec.ControlSocket), s) })
	group.Go(func() error { return watchState(ctx, spec.StateDir+"/containerd.toml", stateInterval) })
	group.Go(func() error {
		if err := s.bringUp(ctx); err != nil && ctx.Err() == nil {
			s.report(control.Failed, err.Error())
			fmt.Fprintln(os.Stderr, "cluster did not come up:", err)
		}
		return nil
	})
	return group.Wait()
}

// stateInterval is how often the supervisor looks whether its state is still there.
const stateInterval = 2 * time.Second

// watchState returns an error when the file does not exist any more: the state folder of the running cluster was removed, such as by
// `git clean -fdx`, and no command could find and stop the cluster.
func watchState(ctx context.Context, file string, interval time.Duration) error {
	ticker := time.NewTicker(interval)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-ticker.C:
			if _, err := os.Stat(file); errors.Is(err, fs.ErrNotExist) {
				return fmt.Errorf("the state folder was removed: %w", err)
			}
		}
	}
}

func newSupervisor(n spec.Node) *supervisor {
	s := &supervisor{node: n, processes: map[string]*supervise.Process{}, phase: control.Starting}
	for _, component := range render.Components(n.Cluster, n.Index) {
		s.order = append(s.order, component.Name)
		s.processes[component.Name] = supervise.NewProcess(component,
			filepath.Join(spec.StateDir, spec.LogDir, component.Name+".log"))
	}
	return s
}

func (s *supervisor) report(phase, message string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.phase, s.message = phase, message
}

// Status implements control.Cluster.
func (s *supervisor) Status() control.Status {
	s.mu.Lock()
	defer s.mu.Unlock()
	status := control.Status{Phase: s.phase, Message: s.message, Node: s.node}
	for _, name := range s.order {
		status.Components = append(status.Components, s.processes[name].Status())
	}
	return status
}

// Do implements control.Cluster.
func (s *supervisor) Do(ctx context.Context, component string, action supervise.Action) error {
	p := s.processes[component]
	if p == nil {
		return fmt.Errorf("no component %q; there are %s", component, strings.Join(s.order, ", "))
	}
	if err := p.Do(ctx, action); err != nil {
		return err
	}
	if !action.Start {
		return nil
	}
	return s.waitServing(ctx, component)
}

// Load implements control.Cluster.
func (s *supervisor) Load(ctx context.Context, archive io.Reader) (string, error) {
	return importImages(ctx, archive)
}

func (s *supervisor) start(ctx context.Context, components ...string) error {
	for _, name := range components {
		if err := s.processes[name].Do(ctx, supervise.Action{Start: true}); err != nil {
			return err
		}
	}
	return nil
}
