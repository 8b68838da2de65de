package revision

import (
	"fmt"
	"slices"
	"strings"

	"github.com/datasetmix/datasetmix/internal/contract"
	"github.com/datasetmix/datasetmix/internal/pipeline"
	"github.com/datasetmix/datasetmix/internal/recipe"
)

// LockVersion is the version that every lock names.
const LockVersion = "datasetmix.lock/v1"

// Lock is what was requested of every source and what the request was resolved to: enough to fetch the same bytes again, and to know that they
// are the same.
type Lock struct {
	Version string `json:"version"`
	// Sources of all data sets, and of all that is decontaminated against, sorted by name.
	Sources []LockedSource `json:"sources"`
}

// LockedSource is one source, resolved.
type LockedSource struct {
	// Name of the data set, or of what is decontaminated against.
	Name    string        `json:"name"`
	Request recipe.Source `json:"request"`
	// Revision that the request was resolved to, where the source has revisions.
	Revision string `json:"revision,omitempty"`
	License  string `json:"license,omitempty"`
	// Files in row order.
	Files []pipeline.OriginalFile `json:"files"`
	Bytes int64                   `json:"bytes"`
	// Digest over sizes and SHA-256 of the files: OriginalsDigest.
	Digest string `json:"digest"`
	// Rows of the source, before any is left out; 0 for a source to decontaminate against, whose rows are not counted.
	Rows int64 `json:"rows,omitempty"`
}

// LockOf returns the lock of a manifest: it holds nothing that the manifest does not.
func LockOf(m Manifest) Lock {
	results := m.Results()
	lock := Lock{Version: LockVersion, Sources: []LockedSource{}}
	for _, origin := range m.Sources {
		named, _ := m.Recipe.Source(origin.Dataset)
		var of pipeline.DownloadResult
		if done := results.Download(origin.Dataset); done != nil {
			of = *done
		}
		var rows int64
		if done := results.Split(origin.Dataset); done != nil {
			rows = done.Read
		}
		lock.Sources = append(lock.Sources, LockedSource{
			Name: origin.Dataset, Request: named.Source, Revision: of.Revision, License: of.License,
			Files: origin.Files, Bytes: of.Bytes, Digest: of.Digest, Rows: rows,
		})
	}
	return lock
}

// Encode returns the bytes of the lock's file.
func (l Lock) Encode() ([]byte, error) { return EncodeJSON(l) }

// ParseLock reads a lock and refuses one that contradicts itself, or that no build wrote: what it says becomes names of files and
// parts of addresses.
func ParseLock(encoded []byte) (Lock, error) {
	var lock Lock
	if err := contract.DecodeStrict(encoded, &lock); err != nil {
		return Lock{}, contract.Failf(contract.InvalidTask, "it is not a lock: %w", err)
	}
	if lock.Version != LockVersion {
		return Lock{}, contract.Failf(contract.InvalidTask, "it has version %q, this program reads %q", lock.Version, LockVersion)
	}
	named := map[string]bool{}
	for _, source := range lock.Sources {
		if err := source.check(); err != nil {
			return Lock{}, contract.Failf(contract.InvalidTask, "%w", err)
		}
		if named[source.Name] {
			return Lock{}, contract.Failf(contract.InvalidTask, "it has the source %s twice", source.Name)
		}
		named[source.Name] = true
	}
	return lock, nil
}

// check checks the entry of one source.
func (s LockedSource) check() error {
	if !recipe.IsName(s.Name) {
		return fmt.Errorf("a source is called %.100q, which none can be", s.Name)
	}
	if !isRevision(s.Revision) {
		return fmt.Errorf("source %s: the revision %.100q is neither a commit nor the digest of an artifact", s.Name, s.Revision)
	}
	if err := CheckOriginals(s.Files); err != nil {
		return fmt.Errorf("source %s: %w", s.Name, err)
	}
	if digest := OriginalsDigest(s.Files); digest != s.Digest {
		return fmt.Errorf("the files that it lists for %s have the digest %s, and it says %.100q: it was changed by hand", s.Name, digest, s.Digest)
	}
	var bytes int64
	for _, file := range s.Files {
		bytes += file.Size // which may wrap: then it is not what the lock says either
	}
	if bytes != s.Bytes || s.Rows < 0 {
		return fmt.Errorf("the files that it lists for %s have %d bytes, and it says %d, and %d rows: it was changed by hand", s.Name, bytes, s.Bytes, s.Rows)
	}
	return nil
}

// Source finds a source by name.
func (l Lock) Source(name string) (LockedSource, bool) {
	for _, source := range l.Sources {
		if source.Name == name {
			return source, true
		}
	}
	return LockedSource{}, false
}

// Pinned returns the request of a source with everything pinned that can be: the commit, the digest of an artifact, and the digest of the file at
// each address. It resolves to the same files, or fails.
func (s LockedSource) Pinned(request recipe.Source) recipe.Source {
	if hub := request.HuggingFace; hub != nil && contract.IsGitDigest(s.Revision) {
		pinned := *hub
		pinned.Revision = s.Revision
		request.HuggingFace = &pinned
	}
	if web := request.HTTP; web != nil && len(web.URLs) == len(s.Files) {
		pinned := *web
		pinned.URLs = slices.Clone(web.URLs)
		for i := range pinned.URLs {
			pinned.URLs[i].SHA256 = s.Files[i].SHA256
		}
		request.HTTP = &pinned
	}
	if artifact := request.OCI; artifact != nil && strings.HasPrefix(s.Revision, artifactDigest) && isRevision(s.Revision) && !strings.Contains(artifact.Reference, "@") {
		pinned := *artifact
		pinned.Reference += "@" + s.Revision
		request.OCI = &pinned
	}
	return request
}
