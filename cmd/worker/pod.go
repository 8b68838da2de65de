package main

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/datasetmix/datasetmix/internal/contract"
	"github.com/datasetmix/datasetmix/internal/recipe"
	"github.com/datasetmix/datasetmix/internal/source"
	"github.com/datasetmix/datasetmix/internal/source/open"
	"github.com/datasetmix/datasetmix/internal/source/transport"
	"github.com/datasetmix/datasetmix/internal/source/web"
)

// pod has the files, the folders and the variables that the pod gives to this process.
type pod struct {
	task, message, volume, claims string
	tokens, bundles, secrets      string
	index                         string
	endpoint                      string
}

// environment returns the files, folders and variables of a pod that the manager creates.
func environment() pod {
	return pod{
		task: contract.TaskFile, message: contract.MessageFile, volume: contract.VolumeFolder,
		claims: contract.ClaimFolder, tokens: contract.TokenFolder, bundles: contract.BundleFolder, secrets: contract.SecretFolder,
		index: os.Getenv(contract.IndexVariable), endpoint: os.Getenv("HF_ENDPOINT"),
	}
}

// sources returns a function that opens each data set's source, with the credentials, the certificates and the claim that the pod mounts for it.
func (p pod) sources() func(recipe.Dataset) (source.Source, error) {
	return func(dataset recipe.Dataset) (source.Source, error) {
		options, err := p.options(dataset)
		if err != nil {
			return nil, err
		}
		return open.New(dataset.Source, options)
	}
}

// options returns the options for a data set's source, with the credentials that the pod mounts for it.
func (p pod) options(dataset recipe.Dataset) (o open.Options, err error) {
	tokens, secret := filepath.Join(p.tokens, dataset.Name), filepath.Join(p.secrets, dataset.Name)
	if o.Network.Hosts, err = transport.ReadHosts(tokens, secret); err != nil {
		return o, err
	}
	if o.Network.CABundle, err = mounted(p.bundles, dataset.Name, "ca.crt"); err != nil {
		return o, err
	}
	switch from := dataset.Source; {
	case from.HuggingFace != nil:
		var token []byte
		token, err = mounted(p.tokens, dataset.Name, "token")
		o.Hub.Endpoint, o.Hub.Token = p.endpoint, string(token)
	case from.HTTP != nil:
		o.Web.Login, err = web.ReadLogin(secret)
	case from.ObjectStore != nil:
		o.ObjectStore.Secret, o.ObjectStore.Identity = present(secret), present(filepath.Join(tokens, contract.IdentityFile))
	case from.OCI != nil:
		o.OCI.Secret = present(secret)
	case from.Volume != nil:
		o.Volume.Claims = map[string]string{from.Volume.ClaimName: filepath.Join(p.claims, from.Volume.ClaimName)}
	}
	return o, err
}

// present returns a path if it exists, else an empty one.
func present(path string) string {
	if _, err := os.Stat(path); err != nil {
		return ""
	}
	return path
}

// mounted returns the content of a file that the pod mounts for a data set; nil without one.
func mounted(folder, dataset, name string) ([]byte, error) {
	content, err := os.ReadFile(filepath.Join(folder, dataset, name))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, contract.Failf(contract.AuthenticationFailed, "the file %s of data set %s cannot be read: %w", name, dataset, err)
	}
	return content, nil
}
