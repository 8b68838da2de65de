// Package control has the client and the server of the host's commands and a cluster's supervisor. They use HTTP over a Unix socket in the state
// folder, which is the only folder that is visible to both.
package control

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"time"

	"github.com/datasetmix/datasetmix/hack/cluster/internal/spec"
	"github.com/datasetmix/datasetmix/hack/cluster/internal/supervise"
)

// Phases of a cluster.
const (
	Starting = "Starting"
	Ready    = "Ready"
	Failed   = "Failed"
)

// Status is a cluster's state.
type Status struct {
	Phase      string             `json:"phase"`
	Message    string             `json:"message"` // what it waits for, or why it failed
	Node       spec.Node          `json:"node"`
	Components []supervise.Status `json:"components"`
}

// Cluster is the cluster that the server controls.
type Cluster interface {
	// Status returns the state at this moment.
	Status() Status
	// Do performs the action on the named component and returns when it is done.
	Do(ctx context.Context, component string, action supervise.Action) error
	// Load imports a docker-archive into the container runtime and returns the names of its images.
	Load(ctx context.Context, archive io.Reader) (string, error)
}

// Serve serves requests until the context ends.
func Serve(ctx context.Context, socket string, c Cluster) error {
	if err := os.Remove(socket); err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	var config net.ListenConfig
	listener, err := config.Listen(ctx, "unix", socket)
	if err != nil {
		return fmt.Errorf("listening for commands: %w", err)
	}
	server := &http.Server{Handler: handler(c), ReadHeaderTimeout: 10 * time.Second}
	stopped := context.AfterFunc(ctx, func() { _ = server.Close() })
	defer stopped()
	if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}

func handler(c Cluster) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /status", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		_ = json.NewEncoder(w).Encode(c.Status())
	})
	mux.HandleFunc("POST /components/{name}", func(w http.ResponseWriter, r *http.Request) {
		var action supervise.Action
		err := json.NewDecoder(r.Body).Decode(&action)
		if err == nil {
			err = c.Do(r.Context(), r.PathValue("name"), action)
		}
		answer(w, "", err)
	})
	mux.HandleFunc("POST /images", func(w http.ResponseWriter, r *http.Request) {
		names, err := c.Load(r.Context(), r.Body)
		answer(w, names, err)
	})
	return mux
}

func answer(w http.ResponseWriter, text string, err error) {
	if err != nil {
		http.Error(w, err.Error(), http.StatusUnprocessableEntity)
		return
	}
	_, _ = io.WriteString(w, text)
}
