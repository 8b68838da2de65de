package control

import (
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/datasetmix/datasetmix/hack/cluster/internal/spec"
	"github.com/datasetmix/datasetmix/hack/cluster/internal/supervise"
	"github.com/google/go-cmp/cmp"
)

// fake records what it is asked.
type fake struct{ component, loaded string }

func (f *fake) Status() Status {
	return Status{Phase: Ready, Message: "m", Node: spec.Node{Cluster: spec.Cluster{Name: "x"}, Index: 1},
		Components: []supervise.Status{{Name: "etcd", Running: true}}}
}

func (f *fake) Do(_ context.Context, component string, a supervise.Action) error {
	f.component = component
	if !a.Kill {
		return errors.New("not killed")
	}
	return nil
}

func (f *fake) Load(_ context.Context, archive io.Reader) (string, error) {
	content, err := io.ReadAll(archive)
	f.loaded = string(content)
	return "imported", err
}

// serve serves a fake in a folder whose name alone is longer than a socket's path may be.
func serve(t *testing.T) (*Client, *fake) {
	t.Helper()
	dir := filepath.Join(t.TempDir(), strings.Repeat("long", 40))
	if err := os.Mkdir(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	f := &fake{}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error)
	t.Chdir(dir) // the node has the folder at a short path; here a relative one stands in for that
	go func() {
		done <- Serve(ctx, spec.ControlSocket, f)
	}()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Errorf("serve: %v", err)
		}
	})
	client := NewClient(dir)
	for deadline := time.Now().Add(10 * time.Second); ; time.Sleep(time.Millisecond) {
		if _, err := client.Status(t.Context()); err == nil {
			return client, f
		} else if time.Now().After(deadline) {
			t.Fatal(err)
		}
	}
}

func TestControl(t *testing.T) {
	client, f := serve(t)
	status, err := client.Status(t.Context())
	if diff := cmp.Diff(f.Status(), status); err != nil || diff != "" {
		t.Errorf("status (%v), -want +got:\n%s", err, diff)
	}
	if err := client.Do(t.Context(), "etcd", supervise.Action{Stop: true, Kill: true}); err != nil || f.component != "etcd" {
		t.Errorf("do: %v, asked of %q", err, f.component)
	}
	if err := client.Do(t.Context(), "etcd", supervise.Action{}); err == nil || err.Error() != "not killed" {
		t.Errorf("the error is %v, not the cluster's", err)
	}
	if names, err := client.Load(t.Context(), strings.NewReader("tar")); err != nil || names != "imported" || f.loaded != "tar" {
		t.Errorf("load: %q, %v; the cluster got %q", names, err, f.loaded)
	}
}

func TestNobodyListens(t *testing.T) {
	if _, err := NewClient(t.TempDir()).Status(t.Context()); err == nil {
		t.Error("no error without a cluster")
	}
	if _, err := NewClient("/does/not/exist").Status(t.Context()); err == nil {
		t.Error("no error without a state folder")
	}
}
