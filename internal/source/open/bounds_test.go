package open_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/datasetmix/datasetmix/internal/contract"
	"github.com/datasetmix/datasetmix/internal/recipe"
	"github.com/datasetmix/datasetmix/internal/testing/sources"
)

func TestBoundOfHeaders(t *testing.T) {
	s := onWeb(t, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("X-Long", strings.Repeat("x", 300<<10))
	}), "/x")
	_, err := s.Resolve(context.Background())
	sources.WantReason(t, err, contract.FetchFailed)
	if !strings.Contains(err.Error(), "headers exceeded") || len(err.Error()) > 1000 {
		t.Errorf("message %q", err)
	}
}

// TestBoundOfAFile: whether its size is said or not.
func TestBoundOfAFile(t *testing.T) {
	for name, head := range map[string]int{"said": http.StatusOK, "not said": http.StatusMethodNotAllowed} {
		t.Run(name, func(t *testing.T) {
			sent := 0
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if r.Method == http.MethodHead {
					w.Header().Set("Content-Length", "4000000")
					w.WriteHeader(head)
					return
				}
				for range 4000 {
					n, err := w.Write(make([]byte, 1000))
					if sent += n; err != nil {
						return
					}
				}
			}))
			t.Cleanup(server.Close)
			env := environment(sources.NewClock())
			env.Reading.MaxFile = 1_000_000
			s := newSource(t, recipe.Source{HTTP: &recipe.HTTP{URLs: []recipe.HTTPFile{{URL: server.URL}}}}, env)
			l, err := s.Resolve(context.Background())
			if err != nil {
				t.Fatal(err)
			}
			_, err = sources.FetchTo(context.Background(), s, l.Files[0], t.TempDir()+"/part")
			sources.WantReason(t, err, contract.InvalidData)
			if !strings.Contains(err.Error(), "more than 1000000 bytes") {
				t.Errorf("message %q", err)
			}
			if said := head == http.StatusOK; said && sent > 0 {
				t.Errorf("%d bytes were sent of what was too large from the beginning", sent)
			}
		})
	}
}
