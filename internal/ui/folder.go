package ui

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"sync"

	"github.com/datasetmix/datasetmix/internal/revision"
)

// folder reads files below a folder. No link leads out of it.
type folder struct {
	root *os.Root

	mu     sync.Mutex
	read   map[string]*opened // manifests by their paths
	recent []string           // the keys of read, the last one read last
	marks  map[string]*offsets
}

// opened is a manifest, with what is known of its file.
type opened struct {
	info     fs.FileInfo
	manifest revision.Manifest
}

// Limits of what is read into memory and kept there.
const (
	maxManifest   = 256 << 20
	maxReport     = 16 << 20
	manifestsKept = 4
	marksKept     = 64
	deepest       = 3 // folders below the one that is shown
)

func openFolder(name string) (*folder, error) {
	whole, err := filepath.EvalSymlinks(name)
	if err != nil {
		return nil, fmt.Errorf("the folder %s cannot be opened: %w", name, err)
	}
	root, err := os.OpenRoot(whole)
	if err != nil {
		return nil, fmt.Errorf("the folder %s cannot be opened: %w", name, err)
	}
	return &folder{root: root, read: map[string]*opened{}, marks: map[string]*offsets{}}, nil
}

// mixFolder is a mix on a volume.
type mixFolder struct {
	// Path of the mix's folder, "." for the folder itself.
	Path string
	// Revisions by name, the current one first.
	Revisions []rev
}

// rev is a published revision.
type rev struct {
	Mix, Name string
	Current   bool
	folder    string
}

// path returns the path of a file of the revision.
func (r rev) path(name string) string { return path.Join(r.folder, name) }

// mixes returns the mixes below the folder.
func (f *folder) mixes() ([]mixFolder, error) {
	if _, err := f.root.Stat(revision.ManifestFile); err == nil {
		return []mixFolder{{Path: ".", Revisions: []rev{{Mix: ".", Name: ".", Current: true, folder: "."}}}}, nil
	}
	var found []mixFolder
	err := fs.WalkDir(f.root.FS(), ".", func(at string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil && at != ".":
			return fs.SkipDir // a folder that may not be read is not shown
		case err != nil:
			return err
		case !entry.IsDir():
			return nil
		case at != "." && strings.HasPrefix(entry.Name(), "."), strings.Count(at, "/") >= deepest:
			return fs.SkipDir
		}
		if revisions := f.revisions(at); len(revisions) > 0 {
			found = append(found, mixFolder{at, revisions})
			return fs.SkipDir
		}
		return nil
	})
	return found, err
}

// revisions returns the revisions in a mix's folder, the current one first.
func (f *folder) revisions(mix string) []rev {
	of := revision.Folder(mix)
	entries, err := fs.ReadDir(f.root.FS(), path.Clean(of.Revisions()))
	if err != nil {
		return nil // it is not the folder of a mix
	}
	current, _ := f.root.Readlink(path.Clean(of.Current())) // without it none is current
	var all []rev
	for _, entry := range entries {
		at := path.Clean(of.Revision(entry.Name()))
		if _, err := f.root.Stat(path.Join(at, revision.ManifestFile)); err == nil {
			all = append(all, rev{Mix: mix, Name: entry.Name(), Current: current == revision.Link(entry.Name()), folder: at})
		}
	}
	slices.SortStableFunc(all, func(a, b rev) int {
		switch {
		case a.Current == b.Current:
			return strings.Compare(a.Name, b.Name)
		case a.Current:
			return -1
		}
		return 1
	})
	return all
}

// asked returns the names of the mix and the revision in a request.
func asked(r *http.Request) (mix, name string) { return r.FormValue("mix"), r.FormValue("rev") }

// manifest returns the revision that a request names, with its manifest.
func (s *Server) manifest(r *http.Request) (rev, revision.Manifest, error) {
	of, err := s.folder.named(asked(r))
	if err != nil {
		return rev{}, revision.Manifest{}, err
	}
	m, err := s.folder.manifest(of)
	return of, m, err
}

// named returns the revision with a name, or the current one if the name is empty. It looks among those that exist, so a name cannot be another path.
func (f *folder) named(mix, name string) (rev, error) {
	if f == nil {
		return rev{}, &notFoundError{"No folder with revisions was given: kubectl datasetmix ui DIR shows the rows of one."}
	}
	mixes, err := f.mixes()
	if err != nil {
		return rev{}, err
	}
	for _, m := range mixes {
		for _, one := range m.Revisions {
			if m.Path == mix && (one.Name == name || name == "" && one.Current) {
				return one, nil
			}
		}
	}
	return rev{}, &notFoundError{fmt.Sprintf("There is no revision %q of %q here; it may have been removed since.", name, mix)}
}

// manifest reads the manifest of a revision. The last few manifests are kept.
func (f *folder) manifest(of rev) (revision.Manifest, error) {
	at := of.path(revision.ManifestFile)
	info, err := f.root.Stat(at)
	if err != nil {
		return revision.Manifest{}, err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if have, ok := f.read[at]; ok && os.SameFile(have.info, info) && have.info.ModTime().Equal(info.ModTime()) {
		return have.manifest, nil
	}
	content, err := f.readFile(at, maxManifest)
	if err != nil {
		return revision.Manifest{}, err
	}
	m, err := revision.ParseManifest(content)
	if err != nil {
		return m, err
	}
	f.read[at] = &opened{info, m}
	f.recent = append(slices.DeleteFunc(f.recent, func(name string) bool { return name == at }), at)
	if len(f.recent) > manifestsKept {
		delete(f.read, f.recent[0])
		f.recent = f.recent[1:]
	}
	return m, nil
}

// readFile reads a file of at most a number of bytes.
func (f *folder) readFile(name string, most int64) ([]byte, error) {
	file, _, err := f.open(name)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	content, err := io.ReadAll(io.LimitReader(file, most+1))
	if err == nil && int64(len(content)) > most {
		return nil, fmt.Errorf("%s has more than %d bytes", name, most)
	}
	return content, err
}

// open opens a file, which must be a regular one: a read of a pipe might never return.
func (f *folder) open(name string) (*os.File, fs.FileInfo, error) {
	info, err := f.root.Stat(name)
	if err != nil {
		return nil, nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, nil, fmt.Errorf("%s is no regular file", name)
	}
	file, err := f.root.Open(name)
	if err != nil {
		return nil, nil, err
	}
	if info, err = file.Stat(); err != nil {
		return nil, nil, errors.Join(err, file.Close())
	}
	return file, info, nil
}
