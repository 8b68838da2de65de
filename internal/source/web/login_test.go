package web_test

import (
	"context"
	"encoding/base64"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/datasetmix/datasetmix/internal/contract"
	"github.com/datasetmix/datasetmix/internal/source"
	"github.com/datasetmix/datasetmix/internal/source/transport"
	"github.com/datasetmix/datasetmix/internal/source/web"
	"github.com/datasetmix/datasetmix/internal/testing/sources"
)

// guardedServer serves a file over https to whoever sends the right Authorization, and notes what it is sent.
type guardedServer struct {
	url  string
	mu   sync.Mutex
	seen []string
}

func newGuardedServer(t *testing.T, want string, then http.Handler) *guardedServer {
	g := &guardedServer{}
	g.url = overTLS(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		got := r.Header.Get("Authorization")
		g.mu.Lock()
		g.seen = append(g.seen, r.Method+" "+got)
		g.mu.Unlock()
		if got != want {
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		then.ServeHTTP(w, r)
	}))
	return g
}

// overTLS serves a handler over https and returns its address. Two servers differ in their ports, which makes them two hosts.
func overTLS(t *testing.T, handler http.Handler) string {
	server := httptest.NewTLSServer(handler)
	t.Cleanup(server.Close)
	return server.URL
}

func (g *guardedServer) requests() []string {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.seen
}

// loggedIn returns the source of addresses, read with a login.
func loggedIn(t *testing.T, login web.Login, addresses ...string) (source.Source, error) {
	trusting := httptest.NewTLSServer(nil) // whose certificate all of its kind have
	defer trusting.Close()
	return opened(t, login, transport.Options{Transport: trusting.Client().Transport}, addresses...)
}

func TestLoginIsSentWithEveryRequest(t *testing.T) {
	basic := "Basic " + base64.StdEncoding.EncodeToString([]byte("jane:pass: word "))
	for _, tc := range []struct {
		name  string
		login web.Login
		want  string
	}{
		{"token", web.Login{Token: "abc\n"}, "Bearer abc"},
		{"name and password", web.Login{Username: "jane\n", Password: "pass: word \r\n"}, basic},
		{"name alone", web.Login{Username: "jane"}, "Basic amFuZTo="},
		{"none", web.Login{}, ""},
	} {
		t.Run(tc.name, func(t *testing.T) {
			server := newGuardedServer(t, tc.want, sources.Body("0123456789", "ETag", `"one"`))
			s, err := loggedIn(t, tc.login, server.url+"/x")
			if err != nil {
				t.Fatal(err)
			}
			l, err := s.Resolve(context.Background())
			if err != nil {
				t.Fatal(err)
			}
			if got, err := sources.Read(s, l.Files[0], 4); err != nil || string(got) != "456789" {
				t.Errorf("read %q, %v", got, err)
			}
			if diff := cmp.Diff([]string{"HEAD " + tc.want, "GET " + tc.want}, server.requests()); diff != "" {
				t.Errorf("requests (-want +got):\n%s", diff)
			}
		})
	}
}

func TestLoginThatMayNotBeSent(t *testing.T) {
	token, pair := web.Login{Token: "secret"}, web.Login{Username: "jane", Password: "secret"}
	for _, tc := range []struct {
		name      string
		login     web.Login
		addresses []string
		says      string // empty is no error
	}{
		{"one host", token, []string{"https://a.example.com/x", "https://a.example.com/y"}, ""},
		{"one host in other letters", token, []string{"https://a.example.com/x", "https://A.example.com:443/y"}, ""},
		{"no login, any host", web.Login{}, []string{"http://a.example.com/x", "https://b.example.com/y"}, ""},
		{"not https", token, []string{"http://a.example.com/x"}, "is not https"},
		{"not https, the second", pair, []string{"https://a.example.com/x", "http://a.example.com/y"}, "is not https"},
		{"two hosts", pair, []string{"https://a.example.com/x", "https://b.example.com/y"}, "credentials are for one host"},
		{"two ports", token, []string{"https://a.example.com/x", "https://a.example.com:8443/y"}, "credentials are for one host"},
		{"both kinds", web.Login{Token: "secret", Username: "jane"}, []string{"https://a.example.com/x"}, "both a token and"},
		{"a token of two lines", web.Login{Token: "secret\nX-Evil: 1"}, []string{"https://a.example.com/x"}, "characters that no token has"},
		{"a colon in the name", web.Login{Username: "ja:ne"}, []string{"https://a.example.com/x"}, "colon"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			_, err := loggedIn(t, tc.login, tc.addresses...)
			if tc.says == "" {
				if err != nil {
					t.Error(err)
				}
				return
			}
			sources.WantReason(t, err, contract.InvalidTask)
			if text := strings.ReplaceAll(err.Error(), "secretRef", ""); !strings.Contains(text, tc.says) || strings.Contains(text, "secret") {
				t.Errorf("message %q, want %q", err, tc.says)
			}
		})
	}
}

func TestLoginOfAnotherHost(t *testing.T) {
	origin := http.NewServeMux()
	here := newGuardedServer(t, "Bearer abc", origin)
	there := newGuardedServer(t, "", http.RedirectHandler(here.url+"/back", http.StatusFound))
	origin.Handle("/away", http.RedirectHandler(there.url+"/x", http.StatusFound))
	origin.Handle("/near", http.RedirectHandler("/file", http.StatusFound))
	origin.Handle("/file", sources.Body("content"))
	origin.Handle("/back", sources.Body("content"))

	s, err := loggedIn(t, web.Login{Token: "abc"}, here.url+"/near")
	if err != nil {
		t.Fatal(err)
	}
	if err := sources.ReadAll(s); err != nil {
		t.Errorf("a redirect on the same host: %v", err)
	}
	s, err = loggedIn(t, web.Login{Token: "abc"}, here.url+"/away")
	if err != nil {
		t.Fatal(err)
	}
	err = sources.ReadAll(s) // away, and back to what only the credentials open
	sources.WantReason(t, err, contract.AuthenticationFailed)
	if diff := cmp.Diff([]string{"HEAD "}, there.requests()); diff != "" {
		t.Errorf("the other host was sent (-want +got):\n%s", diff)
	}
	if last := here.requests()[len(here.requests())-1]; last != "HEAD " {
		t.Errorf("another host chose what the credentials open: %s", last)
	}
}

func TestLoginRefused(t *testing.T) {
	server := newGuardedServer(t, "Bearer right", sources.Body("content"))
	other := newGuardedServer(t, "Bearer right", sources.Body("content"))
	front := overTLS(t, http.RedirectHandler(other.url+"/x", http.StatusFound))
	for _, tc := range []struct {
		name    string
		login   web.Login
		address string
		says    string
	}{
		{"none given", web.Login{}, server.url, "no credentials are given. Name a Secret with a token, or with username and password, in secretRef."},
		{"wrong", web.Login{Token: "wrong"}, server.url, "answers 401 to the credentials that are given. Check the Secret that secretRef names"},
		{"of another host", web.Login{Token: "right"}, front, "is redirected to " + strings.TrimPrefix(other.url, "https://")},
	} {
		t.Run(tc.name, func(t *testing.T) {
			s, err := loggedIn(t, tc.login, tc.address+"/x")
			if err != nil {
				t.Fatal(err)
			}
			_, err = s.Resolve(context.Background())
			sources.WantReason(t, err, contract.AuthenticationFailed)
			if !strings.Contains(err.Error(), tc.says) {
				t.Errorf("message %q, want %q", err, tc.says)
			}
		})
	}
}
