package open_test

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/registry"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/static"
	"github.com/google/go-containerregistry/pkg/v1/types"

	"github.com/datasetmix/datasetmix/internal/recipe"
	"github.com/datasetmix/datasetmix/internal/testing/hub"
	"github.com/datasetmix/datasetmix/internal/testing/sources"
)

// ociServer is what a registry wants.
type ociServer struct{ token, basic bool }

// Credentials of a registry.
const (
	registryUser   = "robot"
	registrySecret = "registry-secret"
)

// ociLayer is a layer of an artifact; a title is a file's name.
type ociLayer struct {
	title   string
	content []byte
	folder  bool
}

func artifactOf(t *testing.T, layers ...ociLayer) v1.Image {
	t.Helper()
	image := mutate.MediaType(mutate.ConfigMediaType(empty.Image, "application/vnd.oci.empty.v1+json"), types.OCIManifestSchema1)
	image = mutate.Annotations(image, map[string]string{"org.opencontainers.image.licenses": "Apache-2.0"}).(v1.Image)
	for _, l := range layers {
		annotations := map[string]string{}
		if l.title != "" {
			annotations["org.opencontainers.image.title"] = l.title
		}
		if l.folder {
			annotations["io.deis.oras.content.unpack"] = "true"
		}
		var err error
		image, err = mutate.Append(image, mutate.Addendum{Layer: static.NewLayer(l.content, "application/octet-stream"), Annotations: annotations})
		if err != nil {
			t.Fatal(err)
		}
	}
	return image
}

// newRegistry returns go-containerregistry's own registry, over HTTP.
func newRegistry(t *testing.T) (handler http.Handler, host string) {
	t.Helper()
	handler = registry.New(registry.Logger(log.New(io.Discard, "", 0)))
	server := httptest.NewServer(handler)
	t.Cleanup(server.Close)
	return handler, strings.TrimPrefix(server.URL, "http://")
}

func pushTo(t *testing.T, reference string, image v1.Image) {
	t.Helper()
	to, err := name.ParseReference(reference, name.Insecure)
	if err != nil {
		t.Fatal(err)
	}
	if err := remote.Write(to, image, remote.WithContext(t.Context())); err != nil {
		t.Fatal(err)
	}
}

// guard wants what the registry wants before it lets a request in. A token is had from /token for the password.
func (has ociServer) guard(address *string, next http.Handler) http.Handler {
	if !has.token && !has.basic {
		return next
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		user, password, _ := r.BasicAuth()
		known := user == registryUser && password == registrySecret
		switch {
		case r.URL.Path == "/token" && known:
			_ = json.NewEncoder(w).Encode(map[string]string{"token": "bearer-" + registrySecret})
		case r.URL.Path != "/token" && has.token && r.Header.Get("Authorization") == "Bearer bearer-"+registrySecret, has.basic && known:
			next.ServeHTTP(w, r)
		case has.basic:
			w.Header().Set("WWW-Authenticate", `Basic realm="registry"`)
			w.WriteHeader(http.StatusUnauthorized)
		default:
			w.Header().Set("WWW-Authenticate", fmt.Sprintf(`Bearer realm="%s/token",service="registry",scope="repository:acme/text:pull"`, *address))
			w.WriteHeader(http.StatusUnauthorized)
		}
	})
}

func dockerConfig(host string) string {
	login := base64.StdEncoding.EncodeToString([]byte(registryUser + ":" + registrySecret))
	return fmt.Sprintf(`{"auths":{"other.example.com":{"auth":"eDp5"},%q:{"auth":%q}}}`, host, login)
}

func ociSubject(w *wire, has ociServer) subject {
	handler, inside := newRegistry(w.t)
	write := func(content []byte) {
		pushTo(w.t, inside+"/acme/text:v1", artifactOf(w.t, ociLayer{title: "data/train.jsonl", content: content}, ociLayer{content: []byte("of no name")}))
	}
	write(sources.Text())
	kindOf := func(r *http.Request) hub.Kind {
		if strings.Contains(r.URL.Path, "/blobs/") {
			return onFile
		}
		return ""
	}
	env := w.environment()
	var address string
	address = w.serve("registry", kindOf, has.guard(&address, handler))
	scheme, host, _ := strings.Cut(address, "://")
	spec := recipe.OCI{Reference: host + "/acme/text:v1"}
	if scheme == "http" {
		spec.Scheme = "HTTP"
	}
	if has.token || has.basic {
		env.OCI.Secret = sources.Secret(w.t, map[string]string{".dockerconfigjson": dockerConfig(host)})
	}
	return subject{
		source: newSource(w.t, recipe.Source{OCI: &spec}, env), clock: w.clock, wire: w, write: write,
		pinned: true, continues: true, keeps: true, follows: true, secret: registrySecret,
	}
}
