package open_test

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/datasetmix/datasetmix/internal/contract"
	"github.com/datasetmix/datasetmix/internal/recipe"
	"github.com/datasetmix/datasetmix/internal/source/open"
	"github.com/datasetmix/datasetmix/internal/source/transport"
	"github.com/datasetmix/datasetmix/internal/testing/hub"
	"github.com/datasetmix/datasetmix/internal/testing/sources"
)

func hosts(t *testing.T, text string) transport.Hosts {
	t.Helper()
	h, err := transport.ParseHosts(text)
	if err != nil {
		t.Fatal(err)
	}
	return h
}

// TestHostsOfASecret: what the key hosts of a Secret says, and what is no host.
func TestHostsOfASecret(t *testing.T) {
	folder := t.TempDir()
	if h, err := transport.ReadHosts(folder, filepath.Join(folder, "none")); h != nil || err != nil {
		t.Errorf("a Secret without the key: %v, %v", h, err)
	}
	for text, want := range map[string]string{
		"hub.example.org\n": "hub.example.org", "A.example.org,*.B.org \tc:8443,\n[::1]:80": "*.b.org, ::1:80, a.example.org, c:8443",
		"": "names no host", " ,\n": "names no host", "https://hub.example.org": `has "https://hub.example.org", which is no host`,
		"*": `has "*", which is no host`, "a*.b": "is no host", "a/b": "is no host", "a:b": "is no host", "\x1b[2J": "is no host",
	} {
		if err := os.WriteFile(filepath.Join(folder, "hosts"), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		h, err := transport.ReadHosts(folder)
		if err == nil && h.String() != want || err != nil && (contract.ReasonOf(err) != contract.AuthenticationFailed || !strings.Contains(err.Error(), want)) {
			t.Errorf("%q: %v, %v", text, h, err)
		}
	}
}

// witness returns a server that counts the requests which show who asks.
func witness(t *testing.T, answer http.HandlerFunc) (at string, shown *atomic.Int64) {
	shown = &atomic.Int64{}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") != "" || r.ContentLength > 0 {
			shown.Add(1)
		}
		answer(w, r)
	}))
	t.Cleanup(server.Close)
	return strings.TrimPrefix(server.URL, "http://"), shown
}

// TestCredentialsGoWhereTheirSecretSays: no kind of source shows them to another host, wherever a mix, a redirect or a registry leads.
func TestCredentialsGoWhereTheirSecretSays(t *testing.T) {
	notHere := func(w http.ResponseWriter, _ *http.Request) { http.Error(w, "{}", http.StatusNotFound) }
	standIn := func(at string, env open.Options) (recipe.Source, open.Options) {
		env.Hub.Token = "hf_secret"
		return recipe.Source{HuggingFace: &recipe.HuggingFace{Repo: "acme/set", Endpoint: "http://" + at}}, env
	}
	bucket := func(at string, env open.Options) (recipe.Source, open.Options) {
		env.ObjectStore.Secret = sources.Secret(t, map[string]string{"AWS_ACCESS_KEY_ID": "id", "AWS_SECRET_ACCESS_KEY": "key", "AWS_SESSION_TOKEN": "session"})
		return recipe.Source{ObjectStore: &recipe.ObjectStore{URL: "s3://corpora/math", Endpoint: "http://" + at, Access: recipe.AccessSecret}}, env
	}
	registry := func(at string, env open.Options) (recipe.Source, open.Options) {
		env.OCI.Secret = sources.Secret(t, map[string]string{".dockerconfigjson": dockerLogin(t, at)})
		return recipe.Source{OCI: &recipe.OCI{Reference: at + "/corpora/math:v2", Scheme: "HTTP"}}, env
	}
	for name, of := range map[string]func(string, open.Options) (recipe.Source, open.Options){"hub": standIn, "bucket": bucket, "registry": registry} {
		t.Run(name, func(t *testing.T) {
			basic := func(w http.ResponseWriter, r *http.Request) {
				if name == "registry" {
					w.Header().Set("WWW-Authenticate", `Basic realm="here"`)
					w.WriteHeader(http.StatusUnauthorized)
					return
				}
				notHere(w, r)
			}
			at, shown := witness(t, basic)
			for _, tc := range []struct {
				hosts   string
				allowed bool
			}{{at, true}, {"127.0.0.1", true}, {"other.example.org", false}, {"127.0.0.1:1", false}, {"*.0.0.1", true}} {
				shown.Store(0)
				env := environment(sources.NewClock())
				env.Network.Hosts = hosts(t, tc.hosts)
				spec, env := of(at, env)
				s, err := open.New(spec, env)
				if err == nil {
					_, err = s.Resolve(t.Context())
				}
				if refused := strings.Contains(fmt.Sprint(err), "as the key hosts of their Secret says"); refused == tc.allowed || refused && contract.ReasonOf(err) != contract.AuthenticationFailed {
					t.Errorf("%s: %s: %v", tc.hosts, contract.ReasonOf(err), err)
				}
				if (shown.Load() > 0) != tc.allowed {
					t.Errorf("%s: credentials were shown %d times", tc.hosts, shown.Load())
				}
			}
		})
	}
	t.Run("the server that gives out a registry's tokens", func(t *testing.T) {
		tokens, shown := witness(t, func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte(`{"token":"t"}`)) })
		at, _ := witness(t, func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("WWW-Authenticate", `Bearer realm="http://`+strings.Replace(tokens, "127.0.0.1", "localhost", 1)+`/token",service="x"`)
			w.WriteHeader(http.StatusUnauthorized)
		})
		env := environment(sources.NewClock())
		env.Network.Hosts = hosts(t, at)
		spec, env := registry(at, env)
		_, err := newSource(t, spec, env).Resolve(t.Context())
		sources.WantReason(t, err, contract.AuthenticationFailed)
		if shown.Load() > 0 || !strings.Contains(err.Error(), "is none of these") {
			t.Errorf("shown %d times: %v", shown.Load(), err)
		}
	})
	t.Run("a Hub whose files lie elsewhere", func(t *testing.T) {
		h, c := hub.New(hub.Options{Tokens: map[string][]string{"hf_secret": {"*"}}}, hub.Repo{ID: "acme/set", SHA: someCommit, Files: map[string]hub.File{"train.parquet": {Content: []byte("rows"), LFS: true}}}), sources.NewClock()
		env := environment(c)
		env.Hub.Endpoint, env.Hub.Token = hub.Start(t, h), "hf_secret"
		env.Network.Hosts = hosts(t, "127.0.0.1")
		if err := sources.ReadAll(newSource(t, recipe.Source{HuggingFace: &recipe.HuggingFace{Repo: "acme/set"}}, env)); err != nil {
			t.Error(err)
		}
	})
}

// TestSignaturesGoWhereTheirSecretSays: a signature of Azure stands in the address itself.
func TestSignaturesGoWhereTheirSecretSays(t *testing.T) {
	env := environment(sources.NewClock())
	env.Network.Hosts = hosts(t, "*.blob.core.windows.net")
	env.ObjectStore.Secret = sources.Secret(t, map[string]string{"AZURE_STORAGE_SAS_TOKEN": "sig=abc"})
	for endpoint, allowed := range map[string]bool{"https://me.blob.core.windows.net": true, "https://blob.core.windows.net.example.org": false} {
		_, err := open.New(recipe.Source{ObjectStore: &recipe.ObjectStore{URL: "azblob://corpora", Endpoint: endpoint, Access: recipe.AccessSecret}}, env)
		if (err == nil) != allowed || err != nil && contract.ReasonOf(err) != contract.AuthenticationFailed {
			t.Errorf("%s: %v", endpoint, err)
		}
	}
}

func dockerLogin(t *testing.T, registry string) string {
	t.Helper()
	login := map[string]string{"auth": base64.StdEncoding.EncodeToString([]byte("jane:secret"))}
	encoded, err := json.Marshal(map[string]any{"auths": map[string]any{registry: login}})
	if err != nil {
		t.Fatal(err)
	}
	return string(encoded)
}
