package main

import (
	"bytes"
	"encoding/base64"
	"encoding/pem"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/datasetmix/datasetmix/internal/contract"
	"github.com/datasetmix/datasetmix/internal/testing/hub"
)

// Credentials of every kind that a build can be given, as they must never be written.
const (
	hubToken      = "hf_s3cr3t-hub"
	bearerToken   = "s3cr3t-bearer"
	basicPassword = "s3cr3t-basic"
	proxyPassword = "s3cr3t-proxy"
)

func basic(user, password string) string {
	return "Basic " + base64.StdEncoding.EncodeToString([]byte(user+":"+password))
}

// wanting serves rows over TLS to requests with the header.
func wanting(t *testing.T, authorization string) *httptest.Server {
	rows := []byte(`{"question":"1+1?","answer":"#### 2"}` + "\n" + `{"question":"2+2?","answer":"#### 4"}` + "\n")
	server := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") != authorization {
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		w.Header().Set("ETag", `"1"`)
		_, _ = w.Write(bytes.ReplaceAll(rows, []byte("?"), []byte(r.URL.Path+"?")))
	}))
	t.Cleanup(server.Close)
	return server
}

// connecting returns a proxy that takes every host for this machine, and counts its connections.
func connecting(t *testing.T, authorization string) (address string, connections *atomic.Int64) {
	connections = &atomic.Int64{}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Proxy-Authorization") != authorization {
			w.WriteHeader(http.StatusProxyAuthRequired)
			return
		}
		connections.Add(1)
		_, port, _ := net.SplitHostPort(r.Host)
		there, err := (&net.Dialer{}).DialContext(r.Context(), "tcp", "127.0.0.1:"+port)
		if err != nil {
			w.WriteHeader(http.StatusBadGateway)
			return
		}
		here, _, err := http.NewResponseController(w).Hijack()
		if err != nil {
			panic(err)
		}
		_, _ = io.WriteString(here, "HTTP/1.1 200 OK\r\n\r\n")
		go func() { _, _ = io.Copy(there, here); there.Close() }() // until one of them hangs up
		_, _ = io.Copy(here, there)
		here.Close()
	}))
	t.Cleanup(server.Close)
	return server.Listener.Addr().String(), connections
}

// folder returns what a Secret or a ConfigMap is here: a file for each key.
func folder(t *testing.T, keys map[string]string) string {
	dir := t.TempDir()
	for key, value := range keys {
		if err := os.WriteFile(filepath.Join(dir, key), []byte(value), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

const withSecrets = `apiVersion: data.datasetmix.io/v1alpha1
kind: DatasetMix
metadata: {name: private}
spec:
  seed: 1
  splits:
  - {name: train, share: 1, size: {policy: KeepTotal}}
  domains:
  - name: math
    share: 1
    datasets:
    - name: bearer
      source: {http: {urls: [{url: "https://example.com:%s/a.jsonl"}], secretRef: {name: bearer}, caBundleRef: {name: ca, key: ca.crt}}}
      record: {preset: gsm8k}
    - name: basic
      source: {http: {urls: [{url: "%s/b.jsonl"}], secretRef: {name: basic}, caBundleRef: {kind: Secret, name: ca-too, key: tls.crt}}}
      record: {preset: gsm8k}
    - name: hub
      source: {huggingFace: {repo: acme/private, files: ["*.jsonl"], endpoint: "%s", tokenSecretRef: {name: hub, key: token}}}
      record: {preset: gsm8k}
  output:
    volume: {claimName: datasets}
`

// privateBuild is a whole local build with a credential of every kind.
type privateBuild struct {
	manifest, data   string
	bearer, basic    string // folders of Secrets
	hub, ca, caAsKey string
	connections      *atomic.Int64
}

func newPrivateBuild(t *testing.T) privateBuild {
	bearer, login := wanting(t, "Bearer "+bearerToken), wanting(t, basic("jane", basicPassword))
	standIn := hub.New(hub.Options{Tokens: map[string][]string{hubToken: {"*"}}}, hub.Repo{
		ID: "acme/private", SHA: strings.Repeat("1", 40), Private: true,
		Files: map[string]hub.File{"a.jsonl": {Content: []byte(`{"question":"3+3?","answer":"#### 6"}` + "\n"), LFS: true}},
	})
	proxy, connections := connecting(t, basic("joe", proxyPassword))
	t.Setenv("HTTPS_PROXY", "http://joe:"+proxyPassword+"@"+proxy)
	t.Setenv("HF_TOKEN", "hf_s3cr3t-environment") // which is for another Hub
	certificate := string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: bearer.Certificate().Raw}))
	_, port, _ := net.SplitHostPort(bearer.Listener.Addr().String())
	return privateBuild{
		manifest: write(t, fmt.Sprintf(withSecrets, port, login.URL, hub.Start(t, standIn))), data: t.TempDir(),
		bearer: folder(t, map[string]string{"token": bearerToken + "\n"}),
		basic:  folder(t, map[string]string{"username": "jane", "password": basicPassword}),
		hub:    folder(t, map[string]string{"token": hubToken}),
		ca:     folder(t, map[string]string{"ca.crt": certificate}), caAsKey: folder(t, map[string]string{"tls.crt": certificate}),
		connections: connections,
	}
}

func (b privateBuild) run(t *testing.T) (string, error) {
	return run(t, "build", "-f", b.manifest, "--data", b.data, "--secret", "bearer="+b.bearer, "--secret", "basic="+b.basic,
		"--secret", "hub="+b.hub, "--configmap", "ca="+b.ca, "--secret", "ca-too="+b.caAsKey)
}

// wantNoSecret looks for every credential, as it is and as it travels, in what was printed and in every file that was written.
func wantNoSecret(t *testing.T, folder string, printed ...string) {
	t.Helper()
	texts := map[string]string{"what was printed": strings.Join(printed, "\n")}
	files := 0
	err := filepath.WalkDir(folder, func(name string, entry fs.DirEntry, err error) error {
		if err != nil || !entry.Type().IsRegular() {
			return err
		}
		files++
		content, err := os.ReadFile(name)
		texts[name] = name + string(content)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	for where, text := range texts {
		for _, secret := range []string{
			"s3cr3t", "AWS4-HMAC", "SharedKey", "PRIVATE KEY", strings.TrimPrefix(basic("jane", basicPassword), "Basic "),
			strings.TrimPrefix(basic("joe", proxyPassword), "Basic "), strings.TrimPrefix(basic(registryUser, registryLogin), "Basic "),
		} {
			if strings.Contains(text, secret) {
				t.Errorf("%s holds the credential %s", where, secret)
			}
		}
	}
	t.Logf("looked through %d files", files)
}

func TestNoCredentialIsEverWritten(t *testing.T) {
	b := newPrivateBuild(t)
	out, err := b.run(t)
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	mixed, err := os.ReadFile(filepath.Join(b.data, "private", "current", "mixed", "train_mixed.jsonl"))
	if err != nil || !bytes.Contains(mixed, []byte("3+3?")) || !bytes.Contains(mixed, []byte("/a.jsonl?")) || !bytes.Contains(mixed, []byte("/b.jsonl?")) {
		t.Errorf("%v: the mix lacks rows of a data set:\n%s", err, mixed)
	}
	if b.connections.Load() == 0 {
		t.Error("nothing went through the proxy")
	}
	if err := os.WriteFile(filepath.Join(b.data, "planted"), []byte("nothing"), 0o600); err != nil {
		t.Fatal(err)
	}
	wantNoSecret(t, b.data, out)
}

// TestNoCredentialIsInAFailure: every credential wrong in turn, and every place of one missing or damaged.
func TestNoCredentialIsInAFailure(t *testing.T) {
	set := func(folder, key, value string) error {
		return os.WriteFile(filepath.Join(folder, key), []byte(value), 0o600)
	}
	for name, c := range map[string]struct {
		spoil  func(b *privateBuild) error
		reason contract.Reason
		says   string
	}{
		"wrong bearer token":          {func(b *privateBuild) error { return set(b.bearer, "token", "s3cr3t-wrong") }, contract.AuthenticationFailed, "answers 401 to the credentials"},
		"two kinds at once":           {func(b *privateBuild) error { return set(b.bearer, "password", "s3cr3t-too") }, contract.InvalidTask, "both a token and"},
		"a token in pieces":           {func(b *privateBuild) error { return set(b.bearer, "token", "s3cr3t a\ns3cr3t b") }, contract.InvalidTask, "characters that no token has"},
		"wrong password":              {func(b *privateBuild) error { return set(b.basic, "password", "s3cr3t-wrong") }, contract.AuthenticationFailed, "answers 401 to the credentials"},
		"no key of a login":           {func(b *privateBuild) error { return os.Remove(filepath.Join(b.bearer, "token")) }, contract.AuthenticationFailed, "neither the key token nor"},
		"wrong Hub token":             {func(b *privateBuild) error { return set(b.hub, "token", "hf_s3cr3t-wrong") }, contract.AuthenticationFailed, "does not accept the token"},
		"no Hub token":                {func(b *privateBuild) error { return os.Remove(filepath.Join(b.hub, "token")) }, contract.AuthenticationFailed, "cannot be read"},
		"a Hub token of another host": {func(b *privateBuild) error { return set(b.hub, "hosts", "huggingface.co") }, contract.AuthenticationFailed, "may be sent to huggingface.co alone"},
		"a login of another host":     {func(b *privateBuild) error { return set(b.bearer, "hosts", "*.example.org") }, contract.AuthenticationFailed, "may be sent to *.example.org alone"},
		"no certificates":             {func(b *privateBuild) error { return set(b.ca, "ca.crt", "s3cr3t") }, contract.InvalidTask, "no certificate in PEM form"},
		"wrong proxy password": {func(*privateBuild) error {
			return os.Setenv("HTTPS_PROXY", strings.Replace(os.Getenv("HTTPS_PROXY"), proxyPassword, "s3cr3t-wrong", 1))
		}, contract.AuthenticationFailed, "it wants credentials"},
	} {
		t.Run(name, func(t *testing.T) {
			b := newPrivateBuild(t)
			if err := c.spoil(&b); err != nil {
				t.Fatal(err)
			}
			out, err := b.run(t)
			if contract.ReasonOf(err) != c.reason || !strings.Contains(fmt.Sprint(err), c.says) {
				t.Errorf("%s: %v; want %s and %q", contract.ReasonOf(err), err, c.reason, c.says)
			}
			wantNoSecret(t, b.data, out, fmt.Sprint(err))
		})
	}
}

// TestBuildAsksForWhatItNeeds: a Secret or ConfigMap that is nowhere here is found before anything is downloaded.
func TestBuildAsksForWhatItNeeds(t *testing.T) {
	b := newPrivateBuild(t)
	all := []string{"build", "-f", b.manifest, "--data", b.data, "--secret", "bearer=" + b.bearer, "--configmap", "ca=" + b.ca, "--secret", "basic=" + b.basic, "--secret", "ca-too=" + b.caAsKey}
	for n, says := range map[int]string{
		5: "--secret bearer=FOLDER", 7: "--configmap ca=FOLDER", 9: "--secret basic=FOLDER", 11: "--secret ca-too=FOLDER",
	} {
		if _, err := run(t, all[:n]...); contract.ReasonOf(err) != contract.InvalidTask || !strings.Contains(fmt.Sprint(err), says) {
			t.Errorf("%v, want %q", err, says)
		}
	}
	// The token of the environment is for the Hub of the environment: without --secret hub nothing is sent to this one.
	_, err := run(t, all...)
	if contract.ReasonOf(err) != contract.SourceNotFound || !strings.Contains(fmt.Sprint(err), "or it is private") {
		t.Errorf("%v: the Hub was sent a token that is for another", err)
	}
}
