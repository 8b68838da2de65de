// Package artifacts pushes artifacts to a registry over HTTP for tests, and guards it.
package artifacts

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
)

// Guard is what a registry wants: nothing, a token, or a password.
type Guard struct{ Token, Basic bool }

// Credentials of a registry.
const (
	User     = "robot"
	Password = "registry-secret"
)

// Layer is a layer of an artifact.
type Layer struct {
	// Title is the name of the file; a layer without one is no file.
	Title   string
	Content []byte
	// Folder marks a packed folder.
	Folder bool
}

// Of returns an artifact of layers.
func Of(t *testing.T, layers ...Layer) v1.Image {
	t.Helper()
	image := mutate.MediaType(mutate.ConfigMediaType(empty.Image, "application/vnd.oci.empty.v1+json"), types.OCIManifestSchema1)
	image = mutate.Annotations(image, map[string]string{"org.opencontainers.image.licenses": "Apache-2.0"}).(v1.Image)
	for _, l := range layers {
		annotations := map[string]string{}
		if l.Title != "" {
			annotations["org.opencontainers.image.title"] = l.Title
		}
		if l.Folder {
			annotations["io.deis.oras.content.unpack"] = "true"
		}
		var err error
		image, err = mutate.Append(image, mutate.Addendum{Layer: static.NewLayer(l.Content, "application/octet-stream"), Annotations: annotations})
		if err != nil {
			t.Fatal(err)
		}
	}
	return image
}

// NewRegistry returns go-containerregistry's own registry, and its host over HTTP.
func NewRegistry(t *testing.T) (handler http.Handler, host string) {
	t.Helper()
	handler = registry.New(registry.Logger(log.New(io.Discard, "", 0)))
	server := httptest.NewServer(handler)
	t.Cleanup(server.Close)
	return handler, strings.TrimPrefix(server.URL, "http://")
}

// Push pushes an artifact to a reference.
func Push(t *testing.T, reference string, image v1.Image) {
	t.Helper()
	to, err := name.ParseReference(reference, name.Insecure)
	if err != nil {
		t.Fatal(err)
	}
	if err := remote.Write(to, image, remote.WithContext(t.Context())); err != nil {
		t.Fatal(err)
	}
}

// Before returns a handler that lets a request through only with the right credentials. A token is issued at /token for the password.
func (g Guard) Before(address *string, next http.Handler) http.Handler {
	if !g.Token && !g.Basic {
		return next
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		user, password, _ := r.BasicAuth()
		known := user == User && password == Password
		switch {
		case r.URL.Path == "/token" && known:
			_ = json.NewEncoder(w).Encode(map[string]string{"token": "bearer-" + Password})
		case r.URL.Path != "/token" && g.Token && r.Header.Get("Authorization") == "Bearer bearer-"+Password, g.Basic && known:
			next.ServeHTTP(w, r)
		case g.Basic:
			w.Header().Set("WWW-Authenticate", `Basic realm="registry"`)
			w.WriteHeader(http.StatusUnauthorized)
		default:
			w.Header().Set("WWW-Authenticate", fmt.Sprintf(`Bearer realm="%s/token",service="registry",scope="repository:acme/text:pull"`, *address))
			w.WriteHeader(http.StatusUnauthorized)
		}
	})
}

// DockerConfig returns the configuration of Docker with the credentials of a registry.
func DockerConfig(host string) string {
	login := base64.StdEncoding.EncodeToString([]byte(User + ":" + Password))
	return fmt.Sprintf(`{"auths":{"other.example.com":{"auth":"eDp5"},%q:{"auth":%q}}}`, host, login)
}
