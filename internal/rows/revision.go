// Package rows answers questions about the rows of a published revision: the first ones, a sample, how many there are, or a file, unchanged. On a
// cluster a worker's pod answers, for a revision in a folder the command itself, with the same code and the same bytes.
package rows

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io/fs"
	"path"
	"slices"
	"strings"

	"github.com/datasetmix/datasetmix/internal/contract"
	"github.com/datasetmix/datasetmix/internal/recipe"
	"github.com/datasetmix/datasetmix/internal/revision"
	"github.com/datasetmix/datasetmix/internal/store"
)

// Revision is a published revision, open for reading.
type Revision struct {
	Manifest revision.Manifest
	// Digest is the SHA-256 of the manifest's bytes: status.published.digest of the revision that was published.
	Digest string
	folder store.Path
}

// Open reads the manifest of the revision in a folder. The error of a folder without one has the reason RevisionNotFound, and names the
// revisions next to it.
func Open(folder store.Path) (Revision, error) {
	encoded, err := folder.Join(revision.ManifestFile).ReadFile()
	if errors.Is(err, fs.ErrNotExist) {
		return Revision{}, missing(folder)
	}
	if err != nil {
		return Revision{}, store.WrapError(err)
	}
	manifest, err := revision.ParseManifest(encoded)
	if err != nil {
		return Revision{}, err
	}
	sum := sha256.Sum256(encoded)
	return Revision{Manifest: manifest, Digest: hex.EncodeToString(sum[:]), folder: folder}, nil
}

// OpenFolder opens the revision in a folder of this machine.
func OpenFolder(folder string) (Revision, func() error, error) {
	volume, err := store.Open(folder)
	if err != nil {
		return Revision{}, nil, contract.Failf(contract.RevisionNotFound, "there is no such revision: %w", err)
	}
	opened, err := Open(volume.Path("."))
	if err != nil {
		return opened, nil, errors.Join(err, volume.Close())
	}
	return opened, volume.Close, nil
}

func missing(folder store.Path) error {
	var others []string
	entries, err := folder.Dir().ReadDir()
	for _, entry := range entries {
		if entry.IsDir() && !strings.HasPrefix(entry.Name(), ".") {
			others = append(others, entry.Name())
		}
	}
	if err != nil || len(others) == 0 {
		return contract.Failf(contract.RevisionNotFound, "there is no revision in %s", folder)
	}
	return contract.Failf(contract.RevisionNotFound, "there is no revision %s; there are %s", folder.Base(), strings.Join(others, ", "))
}

// File opens a file of the revision: the manifest, or one that it lists.
func (r Revision) File(name string) (store.Path, error) {
	listed := slices.ContainsFunc(r.Manifest.Files, func(f revision.PublishedFile) bool { return f.Path == name })
	if !listed && name != revision.ManifestFile {
		return store.Path{}, noFile(r.Manifest, name)
	}
	return r.folder.Join(name), nil
}

// Selection selects files of a revision: one by its path, the rows of a data set in a split, or, with neither, the mixed
// files of a split. The split is the first one unless it is named.
type Selection struct {
	Split   string `json:"split,omitempty"`
	Dataset string `json:"dataset,omitempty"`
	File    string `json:"file,omitempty"`
}

// Files returns the selected files, in the order of their rows. The error for a name that does not exist has the reason FileNotFound,
// and lists those that do.
func (s Selection) Files(m revision.Manifest) ([]revision.PublishedFile, error) {
	if s.File != "" {
		for _, f := range m.Files {
			if f.Path == s.File {
				return []revision.PublishedFile{f}, nil
			}
		}
		return nil, noFile(m, s.File)
	}
	splits := SplitNames(m)
	split := s.Split
	if split == "" && len(splits) > 0 {
		split = splits[0]
	}
	if !slices.Contains(splits, split) {
		return nil, contract.Failf(contract.FileNotFound, "the revision has no split %q; it has %s", split, strings.Join(splits, ", "))
	}
	datasets := m.Recipe.DatasetNames()
	if s.Dataset != "" && !slices.Contains(datasets, s.Dataset) {
		return nil, contract.Failf(contract.FileNotFound, "the revision has no data set %q; it has %s", s.Dataset, strings.Join(datasets, ", "))
	}
	want, what := func(name string) bool { return isMixed(name, split, m.Recipe.Output.Format) }, "mixed files"
	if s.Dataset != "" {
		processed := revision.ProcessedFile(s.Dataset, split)
		want, what = func(name string) bool { return name == processed }, "files of single data sets"
	}
	var files []revision.PublishedFile
	for _, f := range m.Files {
		if want(f.Path) {
			files = append(files, f)
		}
	}
	if len(files) == 0 {
		return nil, contract.Failf(contract.FileNotFound, "the revision keeps no %s: spec.output.keep leaves them out; it has the files %s", what, names(m))
	}
	slices.SortFunc(files, func(a, b revision.PublishedFile) int { return strings.Compare(a.Path, b.Path) })
	return files, nil
}

// SplitNames returns the splits of a revision, in the order of the recipe.
func SplitNames(m revision.Manifest) []string {
	var all []string
	for _, split := range m.Recipe.Splits {
		all = append(all, split.Name)
	}
	return all
}

// isMixed reports whether a name is that of a mixed file of a split, or of one shard of it. No split's name has an underscore.
func isMixed(name, split string, format recipe.Format) bool {
	whole := revision.MixedFile(recipe.Shard{Split: split, Count: 1}, format)
	stem, extension, _ := strings.Cut(path.Base(whole), ".")
	rest, ok := strings.CutPrefix(name, path.Join(path.Dir(whole), stem))
	return ok && (rest == "."+extension || strings.HasPrefix(rest, "-") && strings.HasSuffix(rest, "."+extension))
}

// formatOf returns how the rows of a file are written; ok is false for a file without rows of a mix.
func formatOf(m revision.Manifest, f revision.PublishedFile) (format recipe.Format, ok bool) {
	switch {
	case f.Rows == nil, strings.HasPrefix(f.Path, "exports/"):
		return "", false
	case strings.HasPrefix(f.Path, "mixed/"):
		return m.Recipe.Output.Format, true
	default:
		return recipe.JSONL, true
	}
}

func noFile(m revision.Manifest, name string) error {
	return contract.Failf(contract.FileNotFound, "the revision has no file %q; it has %s", name, names(m))
}

// names returns the files of a revision, as many as a message holds.
func names(m revision.Manifest) string {
	const most = 20
	var all []string
	for _, f := range m.Files {
		all = append(all, f.Path)
	}
	if len(all) > most {
		return strings.Join(all[:most], ", ") + " and others"
	}
	return strings.Join(all, ", ")
}
