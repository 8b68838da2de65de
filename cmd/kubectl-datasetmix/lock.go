package main

import (
	"bytes"
	"os"
	"slices"
	"strings"

	"github.com/datasetmix/datasetmix/internal/contract"
	"github.com/datasetmix/datasetmix/internal/recipe"
	"github.com/datasetmix/datasetmix/internal/revision"
)

// loadLock reads the lock file for a build of a recipe; it returns nil without a name. Each source of the recipe must be locked as the recipe
// requests it: otherwise a data set would get the rows of another request.
func loadLock(file string, r recipe.Recipe) (*revision.Lock, error) {
	if file == "" {
		return nil, nil
	}
	encoded, err := os.ReadFile(file)
	if err != nil {
		return nil, contract.Failf(contract.InvalidTask, "the lock cannot be read: %w", err)
	}
	lock, err := revision.ParseLock(encoded)
	if err != nil {
		return nil, contract.Failf(contract.InvalidTask, "%s: %w", file, err)
	}
	for _, named := range r.Content().Sources() {
		locked, ok := lock.Source(named.Name)
		if !ok {
			return nil, contract.Failf(contract.InvalidTask, "%s does not lock %s; take the lock of a revision of this mix", file, named.Name)
		}
		if !sameRequest(locked.Request, named.Source) {
			return nil, contract.Failf(contract.InvalidTask, "%s locks %s for %q, and the mix asks for %q; take the lock of a revision of this mix, or correct the source",
				file, named.Name, locked.Request.Request(), named.Source.Request())
		}
	}
	return &lock, nil
}

// sameRequest compares requests except for the queries of addresses: signatures expire and are renewed, and the lock has the digests of the bytes.
func sameRequest(a, b recipe.Source) bool {
	encodedA, errA := revision.EncodeJSON(withoutQueries(a))
	encodedB, errB := revision.EncodeJSON(withoutQueries(b))
	return errA == nil && errB == nil && bytes.Equal(encodedA, encodedB)
}

func withoutQueries(source recipe.Source) recipe.Source {
	source.Names = false // it requests no bytes
	if source.HTTP == nil {
		return source
	}
	bare := recipe.HTTP{URLs: slices.Clone(source.HTTP.URLs)}
	for i := range bare.URLs {
		bare.URLs[i].URL, _, _ = strings.Cut(bare.URLs[i].URL, "?")
	}
	source.HTTP = &bare
	return source
}
