package open_test

import (
	"encoding/base64"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"github.com/datasetmix/datasetmix/internal/contract"
	"github.com/datasetmix/datasetmix/internal/recipe"
	"github.com/datasetmix/datasetmix/internal/source/open"
	"github.com/datasetmix/datasetmix/internal/source/web"
	"github.com/datasetmix/datasetmix/internal/testing/sources"
)

// forwarder is an HTTP proxy: it makes connections for CONNECT and forwards other requests. Every host it is asked for is one
// of this machine.
type forwarder struct {
	url    string
	refuse int    // a status, if it refuses
	login  string // user:password that it wants
	mu     sync.Mutex
	asked  []string
}

func newForwarder(t *testing.T) *forwarder {
	f := &forwarder{}
	server := httptest.NewServer(f)
	t.Cleanup(server.Close)
	f.url = server.URL
	return f
}

func (f *forwarder) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	f.mu.Lock()
	f.asked = append(f.asked, r.Method+" "+r.Host+" "+r.Header.Get("Authorization"))
	f.mu.Unlock()
	_, port, _ := net.SplitHostPort(r.Host)
	switch {
	case f.refuse != 0:
		w.WriteHeader(f.refuse)
	case f.login != "" && r.Header.Get("Proxy-Authorization") != "Basic "+base64.StdEncoding.EncodeToString([]byte(f.login)):
		w.WriteHeader(http.StatusProxyAuthRequired)
	case r.Method == http.MethodConnect:
		f.connect(w, r, "127.0.0.1:"+port)
	default:
		f.forward(w, r, "127.0.0.1:"+port)
	}
}

func (f *forwarder) connect(w http.ResponseWriter, r *http.Request, to string) {
	var d net.Dialer
	there, err := d.DialContext(r.Context(), "tcp", to)
	if err != nil {
		w.WriteHeader(http.StatusBadGateway)
		return
	}
	here, _, err := http.NewResponseController(w).Hijack()
	if err != nil {
		panic(err)
	}
	_, _ = io.WriteString(here, "HTTP/1.1 200 Connection established\r\n\r\n")
	go func() { _, _ = io.Copy(there, here); there.Close() }() // until one of them hangs up
	_, _ = io.Copy(here, there)
	here.Close()
}

func (f *forwarder) forward(w http.ResponseWriter, r *http.Request, to string) {
	out := r.Clone(r.Context())
	out.RequestURI, out.URL.Host = "", to
	response, err := http.DefaultTransport.RoundTrip(out)
	if err != nil {
		w.WriteHeader(http.StatusBadGateway)
		return
	}
	defer response.Body.Close()
	for name, values := range response.Header {
		w.Header()[name] = values
	}
	w.WriteHeader(response.StatusCode)
	_, _ = io.Copy(w, response.Body)
}

func (f *forwarder) requests() []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.asked
}

// throughProxy reads a file with a proxy's variables set. The name of its host is known to the proxy alone.
func throughProxy(t *testing.T, login web.Login, address string, variables ...string) error {
	for _, name := range []string{"HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "http_proxy", "https_proxy", "no_proxy"} {
		t.Setenv(name, "")
	}
	for i := 0; i < len(variables); i += 2 {
		t.Setenv(variables[i], variables[i+1])
	}
	env := newWire(t, wireOptions{}).environment()
	env.Web.Login = login
	s, err := open.New(recipe.Source{HTTP: &recipe.HTTP{URLs: []recipe.HTTPFile{{URL: address}}}}, env)
	if err != nil {
		return err
	}
	return sources.ReadAll(s)
}

// behind returns a server over https that wants a token, and one over plain http.
func behind(t *testing.T) (safe, plain string) {
	guarded := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") != "Bearer abc" {
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		sources.Body("content")(w, r)
	})
	return serveAs(t, "files", true, guarded), serveAs(t, "files", false, sources.Body("content"))
}

var token = web.Login{Token: "abc"}

func TestProxyConnectsToHTTPS(t *testing.T) {
	safe, _ := behind(t)
	proxy := newForwarder(t)
	if err := throughProxy(t, token, safe+"/x", "HTTPS_PROXY", proxy.url); err != nil {
		t.Fatal(err)
	}
	want := "CONNECT " + strings.TrimPrefix(safe, "https://") + " " // and nothing of what is sent
	if got := proxy.requests(); len(got) == 0 || got[0] != want {
		t.Errorf("the proxy was asked %q, want %q", got, want)
	}
}

func TestProxyForwardsHTTP(t *testing.T) {
	_, plain := behind(t)
	plain = strings.Replace(plain, "example.com", "example.internal", 1) // which only the proxy knows
	proxy := newForwarder(t)
	if err := throughProxy(t, web.Login{}, plain+"/x", "HTTP_PROXY", proxy.url); err != nil {
		t.Fatal(err)
	}
	if got := proxy.requests(); len(got) != 2 || got[0] != "HEAD "+strings.TrimPrefix(plain, "http://")+" " {
		t.Errorf("the proxy was asked %q", got)
	}
}

func TestProxyWithALoginOfItsOwn(t *testing.T) {
	safe, _ := behind(t)
	proxy := newForwarder(t)
	proxy.login = "jane:secret"
	if err := throughProxy(t, token, safe+"/x", "HTTPS_PROXY", strings.Replace(proxy.url, "//", "//jane:secret@", 1)); err != nil {
		t.Error(err)
	}
}

func TestNoProxy(t *testing.T) {
	safe, _ := behind(t)
	for _, without := range []string{".example.com", "files.example.com", "*"} {
		proxy := newForwarder(t)
		if err := throughProxy(t, token, safe+"/x", "HTTPS_PROXY", proxy.url, "NO_PROXY", without); err != nil {
			t.Error(err)
		}
		if got := proxy.requests(); len(got) > 0 {
			t.Errorf("NO_PROXY=%s: the proxy was asked %q", without, got)
		}
	}
}

func TestProxyIsNotAskedForMetadata(t *testing.T) {
	proxy := newForwarder(t)
	for _, address := range []string{"http://169.254.169.254/", "http://0xa9fea9fe/", "http://metadata.google.internal/"} {
		sources.WantReason(t, throughProxy(t, web.Login{}, address, "HTTP_PROXY", proxy.url), contract.SourceNotFound)
	}
	if got := proxy.requests(); len(got) > 0 {
		t.Errorf("the proxy was asked %q", got)
	}
}

func TestProxyRefuses(t *testing.T) {
	safe, _ := behind(t)
	for _, tc := range []struct {
		name   string
		refuse int
		reason contract.Reason
		says   string
	}{
		{"that wants a login", 407, contract.AuthenticationFailed, "it wants credentials"},
		{"that refuses the host", 403, contract.AuthenticationFailed, "Let it allow the host"},
		{"that has trouble", 502, contract.FetchFailed, "its answer is 502"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			proxy := newForwarder(t)
			proxy.refuse = tc.refuse
			err := throughProxy(t, token, safe+"/x", "HTTPS_PROXY", strings.Replace(proxy.url, "//", "//jane:secret@", 1))
			sources.WantReason(t, err, tc.reason)
			if !strings.Contains(err.Error(), tc.says) || strings.Contains(err.Error(), "secret") || strings.Contains(err.Error(), "jane") {
				t.Errorf("message %q, want %q and no password", err, tc.says)
			}
		})
	}
	for _, variable := range []string{"ftp://jane:secret@127.0.0.1", "http://jane:secret@127.0.0.1:1"} {
		err := throughProxy(t, token, safe+"/x", "HTTPS_PROXY", variable)
		if err == nil || strings.Contains(err.Error(), "secret") {
			t.Errorf("HTTPS_PROXY=%s: %v", variable, err)
		}
	}
}
