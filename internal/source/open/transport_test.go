package open_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/datasetmix/datasetmix/internal/contract"
	"github.com/datasetmix/datasetmix/internal/recipe"
	"github.com/datasetmix/datasetmix/internal/source"
	"github.com/datasetmix/datasetmix/internal/source/open"
	"github.com/datasetmix/datasetmix/internal/source/transport"
	"github.com/datasetmix/datasetmix/internal/testing/hub"
	"github.com/datasetmix/datasetmix/internal/testing/sources"
)

// onWeb makes a source of addresses below a handler's; a digest may follow an address after a space.
func onWeb(t *testing.T, h http.Handler, addresses ...string) source.Source {
	t.Helper()
	server := httptest.NewServer(h)
	t.Cleanup(server.Close)
	var files []recipe.HTTPFile
	for _, a := range addresses {
		path, sum, _ := strings.Cut(a, " ")
		files = append(files, recipe.HTTPFile{URL: server.URL + path, SHA256: sum})
	}
	env := environment(sources.NewClock())
	env.Hub.Token = "hf_secret" // which is for the Hub alone: TestWebRequestHeaders
	return newSource(t, recipe.Source{HTTP: &recipe.HTTP{URLs: files}}, env)
}

func TestHTTPSNeverFollowsToHTTP(t *testing.T) {
	plain := httptest.NewServer(sources.Body("content"))
	t.Cleanup(plain.Close)
	safe := httptest.NewTLSServer(http.RedirectHandler(plain.URL+"/y?sig=secret", http.StatusFound))
	t.Cleanup(safe.Close)
	env := environment(sources.NewClock())
	env.Network.Transport = safe.Client().Transport
	s := newSource(t, recipe.Source{HTTP: &recipe.HTTP{URLs: []recipe.HTTPFile{{URL: safe.URL + "/x"}}}}, env)
	_, err := s.Resolve(context.Background())
	sources.WantReason(t, err, contract.SourceNotFound)
	if !strings.Contains(err.Error(), "unprotected address "+plain.URL+"/y,") || strings.Contains(err.Error(), "secret") {
		t.Errorf("message %q", err)
	}
}

func TestUnreachable(t *testing.T) {
	server := httptest.NewServer(sources.Body("content"))
	server.Close()
	c := sources.NewClock()
	u, _ := url.Parse(server.URL)
	spec := recipe.HTTP{URLs: []recipe.HTTPFile{{URL: "http://user:secret@" + u.Host + "/x?key=secret#secret"}}}
	_, err := newSource(t, recipe.Source{HTTP: &spec}, environment(c)).Resolve(context.Background())
	sources.WantReason(t, err, contract.FetchFailed)
	if strings.Contains(err.Error(), "secret") || !strings.Contains(err.Error(), u.Host+"/x cannot be read") {
		t.Errorf("message %q", err)
	}
	if len(c.Waits()) != 5 {
		t.Errorf("waited %d times, want 5", len(c.Waits()))
	}
}

func TestNoAnswerInTime(t *testing.T) {
	h := http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() })
	server := httptest.NewServer(h)
	t.Cleanup(server.Close)
	env := environment(sources.NewClock())
	env.Network.Timeouts = transport.Timeouts{Connect: time.Second, Header: 20 * time.Millisecond}
	env.Reading.Retry.Attempts = 1
	s := newSource(t, recipe.Source{HTTP: &recipe.HTTP{URLs: []recipe.HTTPFile{{URL: server.URL}}}}, env)
	_, err := s.Resolve(context.Background())
	sources.WantReason(t, err, contract.FetchFailed)
	if !strings.Contains(err.Error(), "did not answer in time") {
		t.Errorf("message %q", err)
	}
}

func TestProgress(t *testing.T) {
	var faults hub.Faults
	faults.Add(hub.Fault{After: 1, Do: hub.CutAfter(7000)})
	server := httptest.NewServer(faults.Handler(nil, sources.Body(string(sources.Text()), "ETag", `"one"`)))
	t.Cleanup(server.Close)
	env, total := environment(sources.NewClock()), int64(0)
	env.Reading.Progress = func(n int64) { total += n }
	s := newSource(t, recipe.Source{HTTP: &recipe.HTTP{URLs: []recipe.HTTPFile{{URL: server.URL}}}}, env)
	if err := sources.ReadAll(s); err != nil || total != int64(len(sources.Text())) {
		t.Errorf("told of %d bytes, %v", total, err)
	}
}

func TestCABundle(t *testing.T) {
	address := serveAs(t, "files", true, sources.Body("content"))
	w := newWire(t, wireOptions{})
	for _, tc := range []struct {
		name   string
		bundle []byte
		host   string
		reason contract.Reason // empty is success
		says   string
	}{
		{"right", authority(t), "files", "", ""},
		{"right, among others", append([]byte("# of the office\n"), authority(t)...), "files", "", ""},
		{"none", nil, "files", contract.AuthenticationFailed, "is not trusted"},
		{"of another name", authority(t), "files.other", contract.AuthenticationFailed, "is not trusted"},
		{"no certificate", []byte("hello"), "files", contract.InvalidTask, "holds no certificate"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			env := w.environment()
			env.Network.CABundle = tc.bundle
			url := strings.Replace(address, "files", tc.host, 1) + "/x"
			s, err := open.New(recipe.Source{HTTP: &recipe.HTTP{URLs: []recipe.HTTPFile{{URL: url}}}}, env)
			if err == nil {
				err = sources.ReadAll(s)
			}
			if tc.reason == "" {
				if err != nil {
					t.Error(err)
				}
				return
			}
			sources.WantReason(t, err, tc.reason)
			if !strings.Contains(err.Error(), tc.says) {
				t.Errorf("message %q, want %q", err, tc.says)
			}
		})
	}
	if n := len(w.clock.Waits()); n > 0 {
		t.Errorf("waited %d times for what does not change", n)
	}
}
