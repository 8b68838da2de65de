package main

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/datasetmix/datasetmix/internal/contract"
	"github.com/datasetmix/datasetmix/internal/recipe"
	"github.com/datasetmix/datasetmix/internal/source"
)

// pod is where things lie for this process.
type pod struct {
	task, message, volume, claims string
	tokens, bundles, secrets      string
	index                         string
	endpoint                      string
}

// environment returns the pod that the manager makes.
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
		environment := source.Environment{HubEndpoint: p.endpoint, Claims: map[string]string{}}
		var err error
		if environment.Token, err = mounted(p.tokens, dataset.Name, "token"); err != nil {
			return nil, err
		}
		secret := filepath.Join(p.secrets, dataset.Name)
		if environment.Hosts, err = source.ReadHosts(filepath.Join(p.tokens, dataset.Name), secret); err != nil {
			return nil, err
		}
		if dataset.Source.HTTP != nil {
			if environment.Login, err = source.ReadLogin(secret); err != nil {
				return nil, err
			}
		} else if present(secret) {
			environment.Secret = secret
		}
		if token := filepath.Join(p.tokens, dataset.Name, contract.IdentityFile); present(token) {
			environment.Identity = token
		}
		bundle, err := mounted(p.bundles, dataset.Name, "ca.crt")
		if err != nil {
			return nil, err
		}
		environment.CABundle = []byte(bundle)
		if volume := dataset.Source.Volume; volume != nil {
			environment.Claims[volume.ClaimName] = filepath.Join(p.claims, volume.ClaimName)
		}
		return source.New(dataset.Source, environment)
	}
}

// present reports whether the pod has a file or folder.
func present(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

// mounted returns the content of a file that the pod has for a data set, empty where it has none.
func mounted(folder, dataset, name string) (string, error) {
	content, err := os.ReadFile(filepath.Join(folder, dataset, name))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return "", contract.Failf(contract.AuthenticationFailed, "the file %s of data set %s cannot be read: %w", name, dataset, err)
	}
	return string(content), nil
}
