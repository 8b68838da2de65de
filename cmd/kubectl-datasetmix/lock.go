package main

import (
	"os"
	"slices"
	"strings"

	"github.com/datasetmix/datasetmix/internal/contract"
	"github.com/datasetmix/datasetmix/internal/recipe"
	"github.com/datasetmix/datasetmix/internal/revision"
)

// loadLock reads the lock file for a build of a recipe; without a name, it locks nothing. Each source of the recipe must be locked as the recipe
// requests it: otherwise a data set would get the rows of another request.
func loadLock(file string, r recipe.Recipe) (revision.Lock, error) {
	if file == "" {
		return revision.Lock{}, nil
	}
	encoded, err := os.ReadFile(file)
	if err != nil {
		return revision.Lock{}, contract.Failf(contract.InvalidTask, "the lock cannot be read: %w", err)
	}
	lock, err := revision.ParseLock(encoded)
	if err != nil {
		return revision.Lock{}, contract.Failf(contract.InvalidTask, "%s: %w", file, err)
	}
	for _, named := range r.Content().Sources() {
		locked, ok := lock.Source(named.Name)
		if !ok {
			return revision.Lock{}, contract.Failf(contract.InvalidTask, "%s does not lock %s; take the lock of a revision of this mix", file, named.Name)
		}
		if !sameRequest(locked.Request, named.Source) {
			return revision.Lock{}, contract.Failf(contract.InvalidTask, "%s locks %s for %q, and the mix asks for %q; take the lock of a revision of this mix, or correct the source",
				file, named.Name, locked.Request.Request(), named.Source.Request())
		}
	}
	return lock, nil
}

// sameRequest compares requests except for the queries of addresses: signatures expire and are renewed, and the lock has the digests of the bytes.
func sameRequest(a, b recipe.Source) bool {
	return revision.SameJSON(withoutQueries(a), withoutQueries(b))
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
