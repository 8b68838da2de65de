// Package files reads the files of a published revision: its folder holds what its manifest lists, each file has its bytes, and its rows are passed
// on while it is hashed.
package files

import (
	"context"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"slices"

	"github.com/datasetmix/datasetmix/internal/contract"
	"github.com/datasetmix/datasetmix/internal/revision"
	"github.com/datasetmix/datasetmix/internal/store"
)

// Other is a file of rows outside of the revision, with its entry as a manifest would list it.
type Other struct {
	Path store.Path
	File revision.PublishedFile
}

// Set is the files of a revision.
type Set struct {
	Context context.Context // of the call that reads the files
	Folder  store.Path
	// Others are files of rows that the revision is made of and does not hold, by the names that they would have in it.
	Others map[string]Other
	// Checksums are the XXH64 of files by path, noted of the same bytes as their SHA-256. Where a file has one, that is compared.
	Checksums map[string]string

	// Read and Bytes are the files that were read, and their bytes.
	Read  int
	Bytes int64

	order  []revision.PublishedFile
	listed map[string]revision.PublishedFile
	infos  map[string]fs.FileInfo // of what is there, by path
}

// List adds the files that a manifest lists.
func (s *Set) List(listed []revision.PublishedFile) {
	s.order, s.listed = listed, make(map[string]revision.PublishedFile, len(listed))
	for _, file := range listed {
		s.listed[file.Path] = file
	}
}

// Walk fails where what is in the folder is not the listed files, with their lengths.
func (s *Set) Walk() error {
	s.infos = make(map[string]fs.FileInfo, len(s.listed))
	err := s.Folder.WalkDir(func(at store.Path, entry fs.DirEntry, err error) error {
		path := at.Rel(s.Folder)
		if err != nil {
			return Unreadable(path, err)
		}
		if entry.IsDir() || path == revision.ManifestFile {
			return s.Context.Err()
		}
		info, err := at.Lstat()
		if err != nil {
			return Unreadable(path, err)
		}
		listed, ok := s.listed[path]
		switch {
		case !ok:
			return Differ("%q is in the revision but not in the manifest", path)
		case !info.Mode().IsRegular():
			return irregular(path, info)
		case info.Size() != listed.Bytes:
			return Differ("%s has %d bytes, the manifest says %d", path, info.Size(), listed.Bytes)
		}
		s.infos[path] = info
		return nil
	})
	if err != nil {
		return err
	}
	for _, file := range s.order {
		if s.infos[file.Path] == nil {
			return Differ("%s is not there", file.Path)
		}
	}
	for name, other := range s.Others {
		if s.infos[name], err = other.Path.Lstat(); err != nil {
			return Unreadable(name, err)
		}
	}
	return nil
}

// Listed returns the manifest's entry of a file; ok is false where it lists none of that name.
func (s *Set) Listed(path string) (file revision.PublishedFile, ok bool) {
	file, ok = s.listed[path]
	return file, ok
}

// Held returns the name of a file of rows if the revision holds it or it is among Others, else "".
func (s *Set) Held(name string) string {
	_, listed := s.listed[name]
	if _, other := s.Others[name]; !listed && !other {
		return ""
	}
	return name
}

// At returns the place of a file: in the revision, or outside of it for one of Others.
func (s *Set) At(path string) store.Path {
	if other, ok := s.Others[path]; ok {
		return other.Path
	}
	return s.Folder.Join(path)
}

// All returns the files to check: those of the manifest, then Others by their names.
func (s *Set) All() []revision.PublishedFile {
	files := slices.Clone(s.order)
	for _, name := range slices.Sorted(maps.Keys(s.Others)) {
		files = append(files, s.Others[name].File)
	}
	return files
}

// Open opens a file of the revision. Only regular files in the folder itself are read: a link may lead anywhere, and a pipe may block.
func (s *Set) Open(path string) (*os.File, error) {
	info, err := s.At(path).Lstat()
	if err != nil {
		return nil, Unreadable(path, err)
	}
	if !info.Mode().IsRegular() {
		return nil, irregular(path, info)
	}
	f, err := s.At(path).Open()
	if err != nil {
		return nil, Unreadable(path, err)
	}
	return f, nil
}

func irregular(path string, info fs.FileInfo) error {
	what := "no regular file"
	if info.Mode().Type() == fs.ModeSymlink {
		what = "a symbolic link"
	}
	return Differ("%s is %s; a revision holds its files themselves: copy it with its links followed (cp -rL)", path, what)
}

// Differ returns the failure of a revision that is not what it should be. An error of the volume keeps its own reason.
func Differ(format string, args ...any) error {
	return contract.VolumeMismatch(fmt.Errorf(format, args...))
}

// Unreadable returns the failure of a file that cannot be read.
func Unreadable(path string, err error) error { return Differ("%s cannot be read: %w", path, err) }

// Place returns where a row is, for a message.
func Place(file string, row int64) string { return fmt.Sprintf("%s, row %d", file, row+1) }
