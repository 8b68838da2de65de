package main

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/datasetmix/datasetmix/internal/contract"
	"github.com/datasetmix/datasetmix/internal/recipe"
	"github.com/datasetmix/datasetmix/internal/source"
)

// pod is where things lie for this process.
type pod struct {
	task, message, volume, claims, tokens string
	index                                 string
	endpoint                              string
}

// environment is the pod that the manager makes.
func environment() pod {
	return pod{
		task: contract.TaskFile, message: contract.MessageFile, volume: contract.VolumeFolder,
		claims: contract.ClaimFolder, tokens: contract.TokenFolder,
		index: os.Getenv(contract.IndexVariable), endpoint: os.Getenv("HF_ENDPOINT"),
	}
}

// sources gives each data set its source, with the credential and the claim that the pod mounts for it.
func (p pod) sources() func(recipe.Dataset) (source.Source, error) {
	return func(dataset recipe.Dataset) (source.Source, error) {
		token, err := os.ReadFile(filepath.Join(p.tokens, dataset.Name, "token"))
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return nil, contract.Failf(contract.AuthenticationFailed, "the credential of data set %s cannot be read: %w", dataset.Name, err)
		}
		environment := source.Environment{HubEndpoint: p.endpoint, Token: strings.TrimSpace(string(token)), Claims: map[string]string{}}
		if volume := dataset.Source.Volume; volume != nil {
			environment.Claims[volume.ClaimName] = filepath.Join(p.claims, volume.ClaimName)
		}
		return source.New(dataset.Source, environment)
	}
}
