// Package transfer moves files between a volume and the machine of a user, over HTTP: a worker's pod serves, on its own loopback device, and
// the command asks, through the API server. Every file is compared by its SHA-256 at the end, whatever happened on the way.
package transfer

import (
	"context"
	"encoding/json"
	"errors"
	"io/fs"
	"net"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/datasetmix/datasetmix/internal/cli"
	"github.com/datasetmix/datasetmix/internal/contract"
	"github.com/datasetmix/datasetmix/internal/rows"
	"github.com/datasetmix/datasetmix/internal/store"
)

// Port is where a pod serves, on its loopback device: only who may forward ports of pods reaches it.
const Port = 7411

// The paths that are served.
const (
	filesPath  = "/v1/files/"
	checkPath  = "/v1/check"
	commitPath = "/v1/commit"
)

// Files serves the files of a revision: the manifest, and what it lists. Part of a file can be requested, so a broken connection costs only what
// was on its way.
func Files(of rows.Revision) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		name, ok := strings.CutPrefix(r.URL.Path, filesPath)
		if !ok || r.Method != http.MethodGet {
			refuse(w, contract.Failf(contract.InvalidTask, "the worker serves files alone; use a command and a worker of the same release"))
			return
		}
		at, err := of.File(name)
		if err != nil {
			refuse(w, err)
			return
		}
		f, err := at.Open()
		if err != nil {
			refuse(w, contract.VolumeMismatch(err))
			return
		}
		defer f.Close()
		w.Header().Set("Content-Type", "application/octet-stream")
		http.ServeContent(w, r, "", time.Time{}, f)
	})
}

// failure is an error in an answer.
type failure struct {
	Reason  contract.Reason `json:"reason"`
	Message string          `json:"message"`
	// Taken reports that a file is there already.
	Taken bool `json:"taken,omitempty"`
}

func refuse(w http.ResponseWriter, err error) {
	answer := failure{Reason: contract.ReasonOf(err), Message: err.Error(), Taken: errors.Is(err, fs.ErrExist)}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(http.StatusUnprocessableEntity)
	_ = json.NewEncoder(w).Encode(answer)
}

// err returns the failure as an error.
func (f failure) err() error {
	err := contract.Failf(f.Reason, "%s", f.Message)
	if f.Taken {
		return &cli.Exit{Code: cli.AlreadyThere, Err: err}
	}
	return err
}

// Serve answers requests until the context ends, or no client has asked for anything for a while: the command that started the pod is gone
// then, whatever became of it.
func Serve(ctx context.Context, listener net.Listener, handler http.Handler, patience time.Duration) error {
	idle := newIdle(patience)
	server := &http.Server{Handler: idle.watch(handler), ReadHeaderTimeout: patience}
	done := make(chan struct{})
	defer close(done)
	go func() {
		select {
		case <-ctx.Done():
		case <-idle.over:
		case <-done:
		}
		_ = server.Close() // what is on its way is given up: its client has gone as well
	}()
	if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
		return store.WrapError(err)
	}
	return nil
}

// idle notices that no client asks any more.
type idle struct {
	mutex    sync.Mutex
	active   int
	patience time.Duration
	timer    *time.Timer
	over     chan struct{}
}

func newIdle(patience time.Duration) *idle {
	i := &idle{patience: patience, over: make(chan struct{})}
	i.timer = time.AfterFunc(patience, func() {
		i.mutex.Lock()
		defer i.mutex.Unlock()
		if i.active == 0 {
			close(i.over)
		}
	})
	return i
}

func (i *idle) watch(handler http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		i.change(+1)
		defer i.change(-1)
		handler.ServeHTTP(&paced{w, i.patience}, r)
	})
}

func (i *idle) change(by int) {
	i.mutex.Lock()
	defer i.mutex.Unlock()
	i.active += by
	if i.timer.Stop(); i.active == 0 {
		i.timer.Reset(i.patience)
	}
}

// paced aborts an answer whose client reads nothing for a while.
type paced struct {
	http.ResponseWriter
	patience time.Duration
}

func (p *paced) Write(b []byte) (int, error) {
	if err := http.NewResponseController(p.ResponseWriter).SetWriteDeadline(time.Now().Add(p.patience)); err != nil {
		return 0, err
	}
	return p.ResponseWriter.Write(b)
}

func (p *paced) Unwrap() http.ResponseWriter { return p.ResponseWriter }
