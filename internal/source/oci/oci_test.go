package oci_test

import (
	"crypto/sha256"
	"fmt"
	"net/http"
	"net/http/httptest"
	"path"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/remote"

	"github.com/datasetmix/datasetmix/internal/contract"
	"github.com/datasetmix/datasetmix/internal/recipe"
	"github.com/datasetmix/datasetmix/internal/source"
	"github.com/datasetmix/datasetmix/internal/source/oci"
	"github.com/datasetmix/datasetmix/internal/source/transport"
	"github.com/datasetmix/datasetmix/internal/testing/artifacts"
	"github.com/datasetmix/datasetmix/internal/testing/sources"
)

// pushed returns an artifact in a registry of its own, over plain HTTP.
func pushed(t *testing.T, layers ...artifacts.Layer) (host string, digest string) {
	t.Helper()
	_, host = artifacts.NewRegistry(t)
	image := artifacts.Of(t, layers...)
	artifacts.Push(t, host+"/acme/text:v1", image)
	sum, err := image.Digest()
	if err != nil {
		t.Fatal(err)
	}
	return host, sum.String()
}

// resolve lists an artifact. Its clock never waits.
func resolve(t *testing.T, spec recipe.OCI, o oci.Options) (source.Listing, error) {
	t.Helper()
	reading := sources.Options(sources.NewClock())
	client, err := transport.NewClient(transport.Options{}, reading.Retry)
	if err != nil {
		t.Fatal(err)
	}
	kind, err := oci.New(spec, o, client)
	if err != nil {
		t.Fatal(err)
	}
	return source.Wrap(kind, reading).Resolve(t.Context())
}

// resolveHTTP lists an artifact of a registry without TLS.
func resolveHTTP(t *testing.T, spec recipe.OCI) (source.Listing, error) {
	t.Helper()
	spec.Scheme = "HTTP"
	return resolve(t, spec, oci.Options{})
}

func TestWhichLayersAreRead(t *testing.T) {
	layers := []artifacts.Layer{
		{Title: "b.jsonl", Content: []byte("bb")}, {Title: "a/a.jsonl", Content: []byte("a")},
		{Title: "docs", Content: []byte("tar"), Folder: true}, {Content: []byte("no name")},
	}
	host, digest := pushed(t, layers...)
	for name, reference := range map[string]string{
		"by tag": host + "/acme/text:v1", "by digest": host + "/acme/text@" + digest, "by both": host + "/acme/text:v1@" + digest,
	} {
		t.Run(name, func(t *testing.T) {
			l, err := resolveHTTP(t, recipe.OCI{Reference: reference, Files: []string{"*.jsonl", "a/*"}})
			want := source.Listing{Revision: digest, License: "Apache-2.0", Files: []source.File{
				{Path: "a/a.jsonl", Size: 1, SHA256: sources.Digest([]byte("a"))}, {Path: "b.jsonl", Size: 2, SHA256: sources.Digest([]byte("bb"))},
			}}
			if diff := cmp.Diff(want, l); err != nil || diff != "" {
				t.Errorf("%v (-want +got):\n%s", err, diff)
			}
		})
	}
	_, err := resolveHTTP(t, recipe.OCI{Reference: host + "/acme/text:v1"})
	wantSays(t, err, contract.InvalidData, "docs of artifact")
	_, err = resolveHTTP(t, recipe.OCI{Reference: host + "/acme/text:v1", Files: []string{"*.csv"}})
	wantSays(t, err, contract.FileNotFound, "a/a.jsonl, b.jsonl, docs")
}

func wantSays(t *testing.T, err error, reason contract.Reason, says string) {
	t.Helper()
	sources.WantReason(t, err, reason)
	if !strings.Contains(err.Error(), says) {
		t.Errorf("message %q, want %q", err, says)
	}
}

func TestArtifactsThatAreNoFiles(t *testing.T) {
	image, _ := pushed(t, artifacts.Layer{Content: []byte("a layer of an image")})
	twice, _ := pushed(t, artifacts.Layer{Title: "a", Content: []byte("1")}, artifacts.Layer{Title: "a", Content: []byte("2")})
	outside, _ := pushed(t, artifacts.Layer{Title: "../a", Content: []byte("1")})
	for host, says := range map[string]string{image: "no layer with a title", twice: "Two layers", outside: "not the name of a file"} {
		_, err := resolveHTTP(t, recipe.OCI{Reference: host + "/acme/text:v1"})
		wantSays(t, err, contract.InvalidData, says)
	}
	_, err := resolveHTTP(t, recipe.OCI{Reference: image + "/acme/text:v2"})
	sources.WantReason(t, err, contract.SourceNotFound)
	_, err = resolveHTTP(t, recipe.OCI{Reference: image + "/acme/text@sha256:" + strings.Repeat("0", 64)})
	sources.WantReason(t, err, contract.SourceNotFound)
}

// TestIndexes: an index of one manifest is that manifest; one of several is a question.
func TestIndexes(t *testing.T) {
	_, host := artifacts.NewRegistry(t)
	one, other := artifacts.Of(t, artifacts.Layer{Title: "a", Content: []byte("1")}), artifacts.Of(t, artifacts.Layer{Title: "a", Content: []byte("2")})
	push := func(tag string, images ...v1.Image) {
		var index v1.ImageIndex = empty.Index
		for _, image := range images {
			index = mutate.AppendManifests(index, mutate.IndexAddendum{Add: image})
		}
		to, err := name.ParseReference(host+"/acme/text:"+tag, name.Insecure)
		if err != nil {
			t.Fatal(err)
		}
		if err := remote.WriteIndex(to, index, remote.WithContext(t.Context())); err != nil {
			t.Fatal(err)
		}
	}
	push("one", one)
	push("two", one, other)
	l, err := resolveHTTP(t, recipe.OCI{Reference: host + "/acme/text:one"})
	if err != nil || len(l.Files) != 1 || l.Files[0].SHA256 != sources.Digest([]byte("1")) {
		t.Errorf("%+v, %v", l, err)
	}
	_, err = resolveHTTP(t, recipe.OCI{Reference: host + "/acme/text:two"})
	wantSays(t, err, contract.InvalidData, "a list of 2 manifests")
}

// TestRegistriesWithoutTLS are asked only where the manifest says so, be they on this machine.
func TestRegistriesWithoutTLS(t *testing.T) {
	host, _ := pushed(t, artifacts.Layer{Title: "a", Content: []byte("1")})
	_, err := resolve(t, recipe.OCI{Reference: host + "/acme/text:v1"}, oci.Options{})
	sources.WantReason(t, err, contract.FetchFailed)
}

func TestLoginsOfRegistries(t *testing.T) {
	handler, inside := artifacts.NewRegistry(t)
	artifacts.Push(t, inside+"/acme/text:v1", artifacts.Of(t, artifacts.Layer{Title: "a", Content: []byte("1")}))
	for _, has := range []artifacts.Guard{{Basic: true}, {Token: true}} {
		var address string
		server := httptest.NewServer(has.Before(&address, handler))
		t.Cleanup(server.Close)
		address = server.URL
		host := strings.TrimPrefix(server.URL, "http://")
		login := artifacts.DockerConfig(host)
		for _, tc := range []struct{ name, config, says string }{
			{"by host", login, ""},
			{"by address", strings.ReplaceAll(login, `"`+host+`"`, `"http://`+host+`/v2/"`), ""},
			{"by repository", strings.ReplaceAll(login, `"`+host+`"`, `"`+host+`/acme"`), ""},
			{"of another host", strings.ReplaceAll(login, host, "elsewhere.example.com"), "has nothing for the registry"},
			{"wrong", strings.ReplaceAll(login, "cm9ib3Q6", "eDpzM2NyM3Q6"), "401"},
			{"damaged", `{"auths":{"` + artifacts.Password, "is not the configuration of Docker"},
			{"empty", "", "have no .dockerconfigjson"},
		} {
			t.Run(tc.name, func(t *testing.T) {
				secret := sources.Secret(t, map[string]string{".dockerconfigjson": tc.config})
				l, err := resolve(t, recipe.OCI{Reference: host + "/acme/text:v1", Scheme: "HTTP"}, oci.Options{Secret: secret})
				if tc.says == "" {
					if err != nil || len(l.Files) != 1 {
						t.Errorf("%+v, %v", l, err)
					}
					return
				}
				wantSays(t, err, contract.AuthenticationFailed, tc.says)
				if strings.Contains(err.Error(), artifacts.Password) {
					t.Errorf("%q holds the password", err)
				}
			})
		}
	}
}

func TestReferences(t *testing.T) {
	for _, reference := range []string{"", "text:v1", "acme/text:v1", "registry.example.com/text", "registry.example.com/text@sha256:12", "https://registry.example.com/text:v1"} {
		_, err := oci.New(recipe.OCI{Reference: reference}, oci.Options{}, nil)
		if contract.ReasonOf(err) != contract.InvalidTask {
			t.Errorf("%q: %v", reference, err)
		}
	}
}

// TestListsOfLists: a registry may not lead from list to list.
func TestListsOfLists(t *testing.T) {
	sum := func(body []byte) string { return fmt.Sprintf("sha256:%x", sha256.Sum256(body)) }
	list := func(of string) []byte {
		return []byte(`{"schemaVersion":2,"mediaType":"application/vnd.oci.image.index.v1+json","manifests":[{"mediaType":"x","size":1,"digest":"` + of + `"}]}`)
	}
	inner := list("sha256:" + strings.Repeat("0", 64))
	bodies := map[string][]byte{sum(inner): inner, "v1": list(sum(inner))}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = w.Write(bodies[path.Base(r.URL.Path)])
	}))
	t.Cleanup(server.Close)
	at := strings.TrimPrefix(server.URL, "http://")
	_, err := resolve(t, recipe.OCI{Reference: at + "/acme/set:v1", Scheme: "HTTP"}, oci.Options{})
	if sources.WantReason(t, err, contract.InvalidData); !strings.Contains(fmt.Sprint(err), "is a list of a list of manifests") {
		t.Error(err)
	}
}
