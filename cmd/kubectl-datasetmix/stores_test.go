package main

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/google/go-cmp/cmp"
	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/static"
	ocitypes "github.com/google/go-containerregistry/pkg/v1/types"

	"github.com/datasetmix/datasetmix/internal/contract"
	"github.com/datasetmix/datasetmix/internal/revision"
	"github.com/datasetmix/datasetmix/internal/testing/stores"
)

// Credentials of the stores.
const (
	accessKey      = "AKIDATASETMIX"
	secretKey      = "s3cr3t-s3"
	azureSignature = "s3cr3t-azure"
	registryUser   = "robot"
	registryLogin  = "s3cr3t-registry"
)

var storeServers = stores.Share(func() (*stores.Stores, error) {
	seed, err := os.MkdirTemp("", "seed")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(seed)
	folder := filepath.Join(seed, "rows")
	if err := os.Mkdir(folder, 0o755); err != nil {
		return nil, err
	}
	for name, content := range seeded {
		if err := os.WriteFile(filepath.Join(folder, name+".jsonl"), []byte(content), 0o600); err != nil {
			return nil, err
		}
	}
	return stores.Start("../../hack/stores", "-s3=127.0.0.1:0", "-gcs=127.0.0.1:0", "-azure=127.0.0.1:0", "-oci=127.0.0.1:0", "-seed="+seed,
		"-access-key="+accessKey, "-secret-key="+secretKey, "-signature="+azureSignature, "-login="+registryUser+":"+registryLogin)
})

func TestMain(m *testing.M) { os.Exit(storeServers.Main(m)) }

// store returns the address of one of the stores.
func store(t *testing.T, name string) string {
	t.Helper()
	return storeServers.URL(t, name)
}

// through passes requests on to a store, and counts those for the bytes of a file.
func through(t *testing.T, address string, files *atomic.Int64) http.Handler {
	t.Helper()
	target, err := url.Parse(address)
	if err != nil {
		t.Fatal(err)
	}
	proxy := &httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) {
		r.SetURL(target)
		r.Out.Host = r.In.Host // which is signed
	}}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodGet && (strings.HasSuffix(r.URL.Path, ".jsonl") || strings.Contains(r.URL.Path, "/blobs/")) {
			files.Add(1)
		}
		proxy.ServeHTTP(w, r)
	})
}

// place is a store with one file, as its owner writes to it and as a mix reads from it.
type place struct {
	source    string
	secret    string
	write     func(content string)
	downloads atomic.Int64
	keeps     bool // what was there before, under its digest
}

func inS3(t *testing.T) *place {
	client := s3.New(s3.Options{
		Region: "us-east-1", BaseEndpoint: aws.String(store(t, "s3")), UsePathStyle: true,
		Credentials: credentials.NewStaticCredentialsProvider(accessKey, secretKey, ""),
	})
	bucket := aws.String("lock")
	if _, err := client.CreateBucket(t.Context(), &s3.CreateBucketInput{Bucket: bucket}); err != nil {
		t.Fatal(err)
	}
	p := &place{}
	server := httptest.NewServer(through(t, store(t, "s3"), &p.downloads))
	t.Cleanup(server.Close)
	p.source = fmt.Sprintf(`objectStore: {url: "s3://lock/sums", endpoint: %q, secretRef: {name: reader}}`, server.URL)
	p.secret = folder(t, map[string]string{"AWS_ACCESS_KEY_ID": accessKey + "\n", "AWS_SECRET_ACCESS_KEY": secretKey + "\n"})
	p.write = func(content string) {
		_, err := client.PutObject(context.Background(), &s3.PutObjectInput{
			Bucket: bucket, Key: aws.String("sums/train.jsonl"), Body: strings.NewReader(content), ChecksumAlgorithm: types.ChecksumAlgorithmSha256,
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	return p
}

func inRegistry(t *testing.T) *place {
	p := &place{keeps: true}
	server := httptest.NewServer(through(t, store(t, "oci"), &p.downloads))
	t.Cleanup(server.Close)
	host := strings.TrimPrefix(server.URL, "http://")
	p.source = fmt.Sprintf(`oci: {reference: "%s/acme/sums:v1", scheme: HTTP, secretRef: {name: reader}}`, host)
	p.secret = folder(t, map[string]string{".dockerconfigjson": dockerConfig(host, registryLogin)})
	to, err := name.ParseReference(strings.TrimPrefix(store(t, "oci"), "http://")+"/acme/sums:v1", name.Insecure)
	if err != nil {
		t.Fatal(err)
	}
	p.write = func(content string) {
		artifact := mutate.MediaType(mutate.ConfigMediaType(empty.Image, "application/vnd.oci.empty.v1+json"), ocitypes.OCIManifestSchema1)
		artifact, err := mutate.Append(artifact, mutate.Addendum{
			Layer:       static.NewLayer([]byte(content), "application/octet-stream"),
			Annotations: map[string]string{"org.opencontainers.image.title": "train.jsonl"},
		})
		if err != nil {
			t.Fatal(err)
		}
		if err := remote.Write(to, artifact, remote.WithAuth(&authn.Basic{Username: registryUser, Password: registryLogin})); err != nil {
			t.Fatal(err)
		}
	}
	return p
}

// units returns the folders of finished units, but those of downloads.
func units(t *testing.T, data string) []string {
	t.Helper()
	var out []string
	for _, stage := range []string{"split", "balance", "mix", "publish"} {
		found, err := filepath.Glob(filepath.Join(data, "*", ".stages", stage, "*"))
		if err != nil || len(found) == 0 {
			t.Fatalf("no units of stage %s: %v", stage, err)
		}
		out = append(out, found...)
	}
	return out
}

// TestBuildFromStores: with credentials, a look again that finds nothing new, another mix of the same rows, a store that changed,
// and the lock of what was there before.
func TestBuildFromStores(t *testing.T) {
	for kind, at := range map[string]func(*testing.T) *place{"S3": inS3, "OCI": inRegistry} {
		t.Run(kind, func(t *testing.T) {
			const one, other = `{"question":"1+1?","answer":"#### 2"}` + "\n", `{"question":"2+2?","answer":"#### 4"}` + "\n"
			p, data := at(t), t.TempDir()
			text := strings.Replace(fromBranch, "huggingFace: {repo: acme/sums, revision: main}", p.source, 1)
			manifest, lock := write(t, text), filepath.Join(t.TempDir(), "lock.json")
			arguments := func(manifest string, more ...string) []string {
				return append([]string{"build", "-f", manifest, "--data", data, "--secret", "reader=" + p.secret}, more...)
			}
			build := func(manifest string, more ...string) string {
				t.Helper()
				p.downloads.Store(0)
				out, err := run(t, arguments(manifest, more...)...)
				return revisionOf(t, out, err)
			}
			downloads := func(what string, want int64) {
				t.Helper()
				if got := p.downloads.Load(); got != want {
					t.Errorf("%s: %d files were read from the store, want %d", what, got, want)
				}
			}

			p.write(one)
			first := build(manifest)
			downloads("the first build", 1)
			encoded, err := os.ReadFile(filepath.Join(data, "local", "current", revision.LockFile))
			if err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(lock, encoded, 0o600); err != nil {
				t.Fatal(err)
			}
			before := units(t, data)
			if got := build(manifest, "--refresh"); got != first {
				t.Errorf("nothing changed, and the revision is %s instead of %s", got, first)
			}
			downloads("a look at what is the same", 0)
			if diff := cmp.Diff(before, units(t, data)); diff != "" {
				t.Errorf("a look at what is the same built again (-before +after):\n%s", diff)
			}
			build(write(t, strings.Replace(text, "name: local", "name: second", 1)))
			downloads("another mix of the same rows", 0)

			p.write(one + other)
			if got := build(manifest); got != first {
				t.Errorf("nobody asked, and the revision is %s instead of %s", got, first)
			}
			if second := build(manifest, "--refresh"); second == first {
				t.Error("--refresh did not see that the store has other rows")
			}
			downloads("a look at other rows", 1)
			if p.keeps {
				if got := build(manifest, "--lock", lock); got != first {
					t.Errorf("by the lock the revision is %s, want %s", got, first)
				}
			} else if _, err := run(t, arguments(manifest, "--lock", lock)...); contract.ReasonOf(err) != contract.SourceDrifted {
				t.Errorf("the locked object is gone: %v", err)
			}
		})
	}
}
