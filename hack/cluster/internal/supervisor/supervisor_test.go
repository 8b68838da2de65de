package supervisor

import (
	"context"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/datasetmix/datasetmix/hack/cluster/internal/control"
	"github.com/datasetmix/datasetmix/hack/cluster/internal/spec"
	"github.com/datasetmix/datasetmix/hack/cluster/internal/supervise"
	"github.com/google/go-cmp/cmp"
)

func names(s control.Status) (names []string) {
	for _, c := range s.Components {
		names = append(names, c.Name)
	}
	return names
}

func TestOnlyTheFirstNodeHasTheControlPlane(t *testing.T) {
	node := []string{"containerd", "kubelet", "kube-proxy"}
	first := append([]string{"etcd", "kube-apiserver", "kube-controller-manager", "kube-scheduler"}, node...)
	for i, want := range [][]string{first, node} {
		s := newSupervisor(spec.Node{Cluster: spec.Cluster{Name: "x", Nodes: 2}, Index: i})
		if diff := cmp.Diff(want, names(s.Status())); diff != "" {
			t.Errorf("node %d, -want +got:\n%s", i, diff)
		}
		if got := s.Status().Phase; got != control.Starting {
			t.Errorf("node %d begins as %s", i, got)
		}
	}
}

func TestReport(t *testing.T) {
	s := newSupervisor(spec.Node{})
	s.report(control.Failed, "because")
	if got := s.Status(); got.Phase != control.Failed || got.Message != "because" {
		t.Errorf("the status is %+v", got)
	}
}

func TestUnknownComponent(t *testing.T) {
	err := newSupervisor(spec.Node{}).Do(t.Context(), "kube-dns", supervise.Action{})
	if err == nil || !strings.Contains(err.Error(), "kube-scheduler") {
		t.Errorf("it says %v, not what components there are", err)
	}
}

func TestPollSaysWhatItSawLast(t *testing.T) {
	tries := 0
	err := poll(t.Context(), 3*interval, func(context.Context) (bool, string) {
		tries++
		return false, strings.Repeat("x", tries)
	})
	if err == nil || !strings.HasSuffix(err.Error(), strings.Repeat("x", tries)) {
		t.Errorf("after %d tries it says %v", tries, err)
	}
	if err := poll(t.Context(), time.Minute, func(context.Context) (bool, string) { return true, "" }); err != nil {
		t.Error(err)
	}
}

func TestWatchStateEndsWithTheState(t *testing.T) {
	file := filepath.Join(t.TempDir(), "f")
	if err := os.WriteFile(file, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	done := make(chan error)
	go func() { done <- watchState(t.Context(), file, time.Millisecond) }()
	select {
	case err := <-done:
		t.Fatalf("it ends although the file is there: %v", err)
	case <-time.After(20 * time.Millisecond): // that nothing happens cannot be watched for
	}
	if err := os.Remove(file); err != nil {
		t.Fatal(err)
	}
	if err := <-done; err == nil {
		t.Error("it ends without an error")
	}
}

func TestGetWantsOK(t *testing.T) {
	answer := http.StatusOK
	server := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(answer) }))
	defer server.Close()
	if err := get(server.URL)(t.Context()); err != nil {
		t.Error(err)
	}
	answer = http.StatusInternalServerError
	if err := get(server.URL)(t.Context()); err == nil || !strings.Contains(err.Error(), "500") {
		t.Errorf("it says %v", err)
	}
}
