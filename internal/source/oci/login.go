package oci

import (
	"context"
	"encoding/json"
	"strings"

	"github.com/google/go-containerregistry/pkg/authn"

	"github.com/datasetmix/datasetmix/internal/contract"
	"github.com/datasetmix/datasetmix/internal/source/transport"
)

// keyDocker is the key of a Secret of the type kubernetes.io/dockerconfigjson.
const keyDocker = ".dockerconfigjson"

// login returns what the Secret has for the registry; without a Secret, what `docker login` left on this machine.
func (a *artifact) login(ctx context.Context) (authn.Authenticator, error) {
	if a.secret == "" {
		found, err := authn.Resolve(ctx, authn.DefaultKeychain, a.reference.Context())
		if err != nil {
			return nil, contract.Failf(contract.AuthenticationFailed, "What `docker login` left for %s cannot be read.", a.where())
		}
		return found, nil
	}
	written, err := transport.Secret{Folder: a.secret, Of: a.where()}.Required(keyDocker)
	if err != nil {
		return nil, err
	}
	var config struct {
		Auths map[string]authn.AuthConfig `json:"auths"`
	}
	if json.Unmarshal([]byte(written), &config) != nil { // whose error may repeat a part of it
		return nil, contract.Failf(contract.AuthenticationFailed, "The key %s of the Secret for %s is not the configuration of Docker.", keyDocker, a.where())
	}
	best, length := authn.AuthConfig{}, -1
	for of, found := range config.Auths {
		if place := registryPlace(of); covers(place, a.reference.Context().Name()) && len(place) > length {
			best, length = found, len(place)
		}
	}
	if length < 0 {
		return nil, contract.Failf(contract.AuthenticationFailed, "The Secret for %s has nothing for the registry %s.",
			a.where(), a.reference.Context().RegistryStr())
	}
	return authn.FromConfig(best), nil
}

// registryPlace returns what an entry of Docker's configuration is for: a host, or a path below it.
func registryPlace(of string) string {
	of = strings.TrimPrefix(strings.TrimPrefix(of, "https://"), "http://")
	of = strings.TrimRight(of, "/")
	for _, version := range []string{"/v1", "/v2"} {
		of = strings.TrimSuffix(of, version)
	}
	if of == "docker.io" {
		return "index.docker.io"
	}
	return of
}

func covers(place, repository string) bool {
	return place != "" && (repository == place || strings.HasPrefix(repository, place+"/"))
}
