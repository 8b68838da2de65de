package main

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/datasetmix/datasetmix/internal/contract"
	"github.com/datasetmix/datasetmix/internal/revision"
)

// Credentials that stores give for others, or that an address holds.
const (
	googleToken = "s3cr3t-google"
	signature   = "s3cr3t-signature"
)

// seeded are the files of the stores, each with the row of a data set of withStoreSecrets.
var seeded = map[string]string{"s3": rowOf("s3"), "gs": rowOf("gs"), "azure-sas": rowOf("azure-sas"), "azure-key": rowOf("azure-key"), "oci": rowOf("oci")}

func rowOf(place string) string {
	return fmt.Sprintf(`{"question":"Where? In %s.","answer":"#### 1"}`+"\n", place)
}

const withStoreSecrets = `apiVersion: data.datasetmix.io/v1alpha1
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
    - name: s3
      source: {objectStore: {url: "s3://datasets/rows/s3.jsonl", endpoint: "S3", secretRef: {name: s3}}}
      record: {preset: gsm8k}
    - name: gs
      source: {objectStore: {url: "gs://datasets/rows/gs.jsonl", endpoint: "GOOGLE", secretRef: {name: gs}, caBundleRef: {name: ca, key: ca.crt}}}
      record: {preset: gsm8k}
    - name: azure-sas
      source: {objectStore: {url: "azblob://datasets/rows/azure-sas.jsonl", endpoint: "AZURE/account", secretRef: {name: azure-sas}, caBundleRef: {name: ca, key: ca.crt}}}
      record: {preset: gsm8k}
    - name: azure-key
      source: {objectStore: {url: "azblob://datasets/rows/azure-key.jsonl", endpoint: "AZURE/account", secretRef: {name: azure-key}, caBundleRef: {name: ca, key: ca.crt}}}
      record: {preset: gsm8k}
    - name: oci
      source: {oci: {reference: "REGISTRY/datasets/rows:v1", files: [oci.jsonl], scheme: HTTP, secretRef: {name: oci}}}
      record: {preset: gsm8k}
    - name: signed
      source: {http: {urls: [{url: "SIGNED/rows.jsonl?X-Amz-Expires=60&X-Amz-Signature=s3cr3t-signature&sig=s3cr3t-signature"}]}}
      record: {preset: gsm8k}
  output:
    volume: {claimName: datasets}
`

// storeBuild is a whole local build with a credential of every kind of store.
type storeBuild struct {
	manifest, data string
	secrets        map[string]string // folders of Secrets
	ca             string
	refuse         *atomic.Bool // whether Google's service gives no token
}

func newStoreBuild(t *testing.T) storeBuild {
	t.Helper()
	var files atomic.Int64
	b := storeBuild{data: t.TempDir(), refuse: &atomic.Bool{}}
	google := httptest.NewTLSServer(givesTokens(b.refuse, through(t, store(t, "gcs"), &files)))
	azure := httptest.NewTLSServer(through(t, store(t, "azure"), &files))
	signs := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Query().Get("sig") != signature || r.URL.Query().Get("X-Amz-Signature") != signature {
			w.WriteHeader(http.StatusForbidden)
			return
		}
		_, _ = io.WriteString(w, rowOf("signed"))
	}))
	for _, server := range []*httptest.Server{google, azure, signs} {
		t.Cleanup(server.Close)
	}
	registry := strings.TrimPrefix(store(t, "oci"), "http://")
	b.manifest = write(t, strings.NewReplacer("S3", store(t, "s3"), "GOOGLE", google.URL, "AZURE", azure.URL, "REGISTRY", registry, "SIGNED", signs.URL).Replace(withStoreSecrets))
	b.ca = folder(t, map[string]string{"ca.crt": string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: google.Certificate().Raw}))})
	b.secrets = map[string]string{
		"s3":        folder(t, map[string]string{"AWS_ACCESS_KEY_ID": accessKey, "AWS_SECRET_ACCESS_KEY": secretKey}),
		"gs":        folder(t, map[string]string{"credentials.json": serviceAccount(t, google.URL+"/token")}),
		"azure-sas": folder(t, map[string]string{"AZURE_STORAGE_SAS_TOKEN": "?sv=2025-01-05&sp=rl&sig=" + azureSignature}),
		"azure-key": folder(t, map[string]string{"AZURE_STORAGE_KEY": "czNjcjN0LWtleQ=="}), // s3cr3t-key
		"oci":       folder(t, map[string]string{".dockerconfigjson": dockerConfig(registry, registryLogin)}),
	}
	return b
}

// givesTokens lets those in who show a token, which the holder of a service account's key is given for it.
func givesTokens(refuse *atomic.Bool, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch {
		case r.URL.Path == "/token" && refuse.Load():
			w.WriteHeader(http.StatusBadRequest)
			_, _ = io.WriteString(w, `{"error":"invalid_grant","error_description":"s3cr3t of the answer"}`)
		case r.URL.Path == "/token":
			w.Header().Set("Content-Type", "application/json")
			_ = json.NewEncoder(w).Encode(map[string]any{"access_token": googleToken, "token_type": "Bearer", "expires_in": 3600})
		case r.Header.Get("Authorization") != "Bearer "+googleToken:
			w.WriteHeader(http.StatusUnauthorized)
		default:
			next.ServeHTTP(w, r)
		}
	})
}

func serviceAccount(t *testing.T, tokens string) string {
	t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	encoded, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	account, err := json.Marshal(map[string]string{
		"type": "service_account", "client_email": "reader@example.com", "private_key_id": "s3cr3t-id", "token_uri": tokens,
		"private_key": string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: encoded})),
	})
	if err != nil {
		t.Fatal(err)
	}
	return string(account)
}

// dockerConfig returns what `docker login` writes, and a Secret for a registry holds.
func dockerConfig(host, password string) string {
	return fmt.Sprintf(`{"auths":{%q:{"auth":%q}}}`, host, strings.TrimPrefix(basic(registryUser, password), "Basic "))
}

func (b storeBuild) run(t *testing.T, more ...string) (string, error) {
	arguments := append([]string{"build", "-f", b.manifest, "--data", b.data, "--configmap", "ca=" + b.ca}, more...)
	for name, folder := range b.secrets {
		arguments = append(arguments, "--secret", name+"="+folder)
	}
	return run(t, arguments...)
}

func TestNoCredentialOfAStoreIsEverWritten(t *testing.T) {
	b := newStoreBuild(t)
	out, err := b.run(t)
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	current := filepath.Join(b.data, "private", "current")
	mixed, err := os.ReadFile(filepath.Join(current, "mixed", "train_mixed.jsonl"))
	for _, place := range []string{"s3", "gs", "azure-sas", "azure-key", "oci", "signed"} {
		if !strings.Contains(string(mixed), "Where? In "+place+".") {
			t.Errorf("%v: the mix lacks the row of %s", err, place)
		}
	}
	if verified, err := run(t, "verify", current); err != nil {
		t.Errorf("the revision is not what it says: %v\n%s", err, verified)
	}
	if again, err := b.run(t); err != nil || revisionOf(t, again, err) != revisionOf(t, out, nil) {
		t.Errorf("built again: %v\n%s", err, again)
	}
	wantNoSecret(t, b.data, out)
}

// TestALockOfASignedAddress: the lock does not hold the signature, and is good for a newer one of the same address.
func TestALockOfASignedAddress(t *testing.T) {
	b := newStoreBuild(t)
	if out, err := b.run(t); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	lock := filepath.Join(b.data, "private", "current", revision.LockFile)
	content, err := os.ReadFile(b.manifest)
	if err != nil {
		t.Fatal(err)
	}
	b.data = t.TempDir()
	b.manifest = write(t, strings.Replace(string(content), "X-Amz-Expires=60", "X-Amz-Expires=61", 1))
	if out, err := b.run(t, "--lock", lock); err != nil {
		t.Errorf("by the lock, with a newer signature: %v\n%s", err, out)
	}
	b.manifest = write(t, strings.Replace(string(content), "/rows.jsonl?", "/other.jsonl?", 1))
	if _, err := b.run(t, "--lock", lock); contract.ReasonOf(err) != contract.InvalidTask || !strings.Contains(fmt.Sprint(err), "locks signed for") {
		t.Errorf("by the lock of another address: %v", err)
	}
}

// TestNoCredentialOfAStoreIsInAFailure: every credential wrong in turn.
func TestNoCredentialOfAStoreIsInAFailure(t *testing.T) {
	set := func(secret, key, value string) func(*storeBuild) error {
		return func(b *storeBuild) error {
			return os.WriteFile(filepath.Join(b.secrets[secret], key), []byte(value), 0o600)
		}
	}
	for name, c := range map[string]struct {
		spoil func(b *storeBuild) error
		says  string
	}{
		"a wrong key of S3":              {set("s3", "AWS_SECRET_ACCESS_KEY", "s3cr3t-wrong"), "SignatureDoesNotMatch"},
		"a damaged key of Google":        {set("gs", "credentials.json", `{"private_key":"s3cr3t`), "credentials.json"},
		"a key that Google refuses":      {func(b *storeBuild) error { b.refuse.Store(true); return nil }, "are given no token"},
		"a wrong signature of Azure":     {set("azure-sas", "AZURE_STORAGE_SAS_TOKEN", "sig=s3cr3t-wrong"), "AuthenticationFailed"},
		"a damaged key of Azure":         {set("azure-key", "AZURE_STORAGE_KEY", "s3cr3t!"), "is not base64"},
		"a wrong password of a registry": {set("oci", ".dockerconfigjson", dockerConfig(strings.TrimPrefix(store(t, "oci"), "http://"), "s3cr3t-wrong")), "data set oci"},
		"no configuration of Docker":     {set("oci", ".dockerconfigjson", `{"auths":"s3cr3t`), "is not the configuration of Docker"},
		"a signature that has ended": {func(b *storeBuild) error {
			content, err := os.ReadFile(b.manifest)
			if err == nil {
				err = os.WriteFile(b.manifest, []byte(strings.Replace(string(content), "&sig=", "&sig=s3cr3t-ended", 1)), 0o600)
			}
			return err
		}, "data set signed"},
	} {
		t.Run(name, func(t *testing.T) {
			b := newStoreBuild(t)
			if err := c.spoil(&b); err != nil {
				t.Fatal(err)
			}
			out, err := b.run(t)
			if contract.ReasonOf(err) != contract.AuthenticationFailed || !strings.Contains(fmt.Sprint(err), c.says) {
				t.Errorf("%s: %v; want AuthenticationFailed and %q", contract.ReasonOf(err), err, c.says)
			}
			wantNoSecret(t, b.data, out, fmt.Sprint(err))
		})
	}
}
