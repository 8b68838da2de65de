package main

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/datasetmix/datasetmix/internal/render"
)

func TestFlags(t *testing.T) {
	t.Setenv("WORKER_IMAGE", "from-environment")
	t.Setenv("HF_ENDPOINT", "")
	t.Setenv("WATCH_NAMESPACES", "")
	tests := []struct {
		name       string
		arguments  []string
		want       render.Settings
		namespaces []string
	}{
		{name: "none", want: render.Settings{WorkerImage: "from-environment"}},
		{name: "the flag wins", arguments: []string{"--worker-image=w", "--hub-endpoint=http://hub"}, want: render.Settings{WorkerImage: "w", HubEndpoint: "http://hub"}},
		{name: "namespaces", arguments: []string{"--namespaces=a, b"}, want: render.Settings{WorkerImage: "from-environment"}, namespaces: []string{"a", "b"}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			f := parse(test.arguments)
			if diff := cmp.Diff(test.want, f.settings); diff != "" {
				t.Errorf("settings (-want +got):\n%s", diff)
			}
			options := f.manager()
			for _, name := range test.namespaces {
				if _, ok := options.Cache.DefaultNamespaces[name]; !ok {
					t.Errorf("namespace %s is not looked after: %v", name, options.Cache.DefaultNamespaces)
				}
			}
			if len(options.Cache.DefaultNamespaces) != len(test.namespaces) || options.Metrics.BindAddress != "0" || !options.Metrics.SecureServing {
				t.Errorf("options: %+v", options)
			}
		})
	}
}

// TestNamespacesOfTheEnvironment: a namespaced installation names its own namespace there; the flag wins.
func TestNamespacesOfTheEnvironment(t *testing.T) {
	t.Setenv("WATCH_NAMESPACES", "own")
	for want, arguments := range map[string][]string{"own": nil, "other": {"--namespaces=other"}} {
		namespaces := parse(arguments).manager().Cache.DefaultNamespaces
		if _, ok := namespaces[want]; !ok || len(namespaces) != 1 {
			t.Errorf("%v: looks after %v, want %s", arguments, namespaces, want)
		}
	}
}

// TestHighAvailability: a leader that ends finishes what it does and gives its lease up at once.
func TestHighAvailability(t *testing.T) {
	options := parse([]string{"--leader-elect"}).manager()
	if !options.LeaderElection || !options.LeaderElectionReleaseOnCancel || options.LeaderElectionID != "manager.datasetmix.io" {
		t.Errorf("leader election: %v, released %v, lease %s", options.LeaderElection, options.LeaderElectionReleaseOnCancel, options.LeaderElectionID)
	}
	if limit := options.Controller.ReconciliationTimeout; limit <= 0 || *options.GracefulShutdownTimeout < limit {
		t.Errorf("a pass may take %s, and its end is waited for %s", limit, *options.GracefulShutdownTimeout)
	}
	if parse(nil).manager().LeaderElection {
		t.Error("a manager that was not told to elects a leader")
	}
}
