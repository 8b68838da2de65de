package rows

import (
	"os"
	"path/filepath"
	"strings"

	"github.com/datasetmix/datasetmix/internal/contract"
	"github.com/datasetmix/datasetmix/internal/revision"
)

// CurrentFolder finds the revision behind a link, or the current one of a mix's folder.
func CurrentFolder(dir string) (string, error) {
	link := filepath.Join(dir, filepath.Base(revision.Folder("").Current()))
	current, err := filepath.EvalSymlinks(link)
	if err == nil {
		return current, nil
	}
	if to, linked := os.Readlink(link); linked == nil {
		return "", contract.Failf(contract.VolumeInvalid, "%s leads to %q, which is not there; build again, and it is repaired", link, to)
	}
	folder, err := filepath.EvalSymlinks(dir)
	if err != nil {
		return "", contract.Failf(contract.VolumeInvalid, "there is no revision to verify: %w", err)
	}
	return filepath.Abs(folder)
}

// FindFolder finds a revision by its name, or the current one: dir is a revision itself, a mix's folder, or a volume with a single mix.
func FindFolder(dir, name string) (string, error) {
	if _, err := os.Stat(filepath.Join(dir, revision.ManifestFile)); err == nil && name == "" {
		return CurrentFolder(dir)
	}
	mixes := []string{dir}
	if _, err := os.Stat(filepath.Join(dir, revision.Folder("").Revisions())); err != nil {
		if mixes, err = filepath.Glob(filepath.Join(dir, "*", revision.Folder("").Revisions())); err != nil {
			return "", err
		}
		for i := range mixes {
			mixes[i] = filepath.Dir(mixes[i])
		}
	}
	switch {
	case len(mixes) == 0:
		return "", contract.Failf(contract.RevisionNotFound, "there is no revision in %s", dir)
	case len(mixes) > 1:
		return "", contract.Failf(contract.RevisionNotFound, "there are several mixes in %s; name one of %s", dir, strings.Join(mixes, ", "))
	case name != "":
		return filepath.Join(mixes[0], filepath.FromSlash(revision.Folder("").Revision(name))), nil
	default:
		return CurrentFolder(mixes[0])
	}
}
