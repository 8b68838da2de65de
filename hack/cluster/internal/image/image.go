// Package image writes container images from files of the host as docker-archive tars, with no engine and no registry. The
// same files give the same bytes: entries are sorted, owned by root and dated to the epoch.
package image

import (
	"archive/tar"
	"bytes"
	"cmp"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"time"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
)

// Copy is a file or folder of the host and its absolute path in the image.
type Copy struct{ From, To string }

// Spec describes an image.
type Spec struct {
	Tag        string
	Files      []Copy // each becomes one file
	Dirs       []Copy // each becomes a folder with everything below it
	Entrypoint []string
	User       string
	Env        []string
	Labels     map[string]string
	// Architecture of the binaries; empty is that of this program.
	Architecture string
}

// ParseCopy parses HOSTPATH:/path.
func ParseCopy(s string) (Copy, error) {
	from, to, found := strings.Cut(s, ":")
	if !found || from == "" || !path.IsAbs(to) {
		return Copy{}, fmt.Errorf("%q: write HOSTPATH:/absolute/path/in/the/image", s)
	}
	return Copy{From: from, To: path.Clean(to)}, nil
}

// Write writes the image as a docker-archive.
func Write(w io.Writer, s Spec) error {
	tag, err := name.NewTag(s.Tag)
	if err != nil {
		return fmt.Errorf("image name %q: %w", s.Tag, err)
	}
	img, err := build(s)
	if err != nil {
		return fmt.Errorf("building image %s: %w", s.Tag, err)
	}
	return tarball.Write(tag, img, w)
}

// WriteFile writes the image to a file, which appears only when it is complete.
func WriteFile(file string, s Spec) error {
	tmp, err := os.CreateTemp(filepath.Dir(file), "."+filepath.Base(file)+"-*")
	if err != nil {
		return err
	}
	defer os.Remove(tmp.Name()) // fails, as it should, once it is renamed
	if err := errors.Join(Write(tmp, s), tmp.Chmod(0o644), tmp.Close()); err != nil {
		return err
	}
	return os.Rename(tmp.Name(), file)
}

func build(s Spec) (v1.Image, error) {
	entries, err := collect(s)
	if err != nil {
		return nil, err
	}
	var layer bytes.Buffer
	if err := writeTar(&layer, entries); err != nil {
		return nil, err
	}
	// Images are imported on the same machine: compressing would only cost time.
	l, err := tarball.LayerFromOpener(func() (io.ReadCloser, error) {
		return io.NopCloser(bytes.NewReader(layer.Bytes())), nil
	}, tarball.WithCompressionLevel(gzip.NoCompression))
	if err != nil {
		return nil, err
	}
	img, err := mutate.AppendLayers(empty.Image, l)
	if err != nil {
		return nil, err
	}
	config, err := img.ConfigFile()
	if err != nil {
		return nil, err
	}
	config = config.DeepCopy()
	config.OS, config.Architecture = "linux", cmp.Or(s.Architecture, runtime.GOARCH)
	config.Created = v1.Time{Time: time.Unix(0, 0).UTC()}
	config.Config = v1.Config{Entrypoint: s.Entrypoint, User: s.User, Env: append([]string{"PATH=/bin:/usr/bin:/"}, s.Env...), Labels: s.Labels}
	return mutate.ConfigFile(img, config)
}

// entry is one path of the layer; it is a folder if it has no source.
type entry struct {
	from string
	info fs.FileInfo
}

func collect(s Spec) (map[string]entry, error) {
	entries := map[string]entry{}
	for _, c := range s.Files {
		info, err := os.Stat(c.From)
		if err != nil {
			return nil, err
		}
		if !info.Mode().IsRegular() {
			return nil, fmt.Errorf("%s is not a file", c.From)
		}
		entries[c.To] = entry{c.From, info}
	}
	for _, c := range s.Dirs {
		err := filepath.WalkDir(c.From, func(p string, d fs.DirEntry, err error) error {
			if err != nil {
				return err
			}
			info, err := d.Info()
			if err != nil {
				return err
			}
			relative, err := filepath.Rel(c.From, p)
			entries[path.Join(c.To, filepath.ToSlash(relative))] = entry{p, info}
			return err
		})
		if err != nil {
			return nil, err
		}
	}
	addParents(entries)
	return entries, nil
}

// addParents adds the folders above every entry. Runtimes would create missing ones with other modes.
func addParents(entries map[string]entry) {
	for _, p := range sortedKeys(entries) {
		for dir := path.Dir(p); dir != "/"; dir = path.Dir(dir) {
			if _, found := entries[dir]; !found {
				entries[dir] = entry{}
			}
		}
	}
	delete(entries, "/")
}

func sortedKeys(entries map[string]entry) []string {
	keys := make([]string, 0, len(entries))
	for k := range entries {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}

func writeTar(w io.Writer, entries map[string]entry) error {
	out := tar.NewWriter(w)
	for _, p := range sortedKeys(entries) {
		if err := writeEntry(out, strings.TrimPrefix(p, "/"), entries[p]); err != nil {
			return fmt.Errorf("adding %s: %w", p, err)
		}
	}
	return out.Close()
}

func writeEntry(out *tar.Writer, name string, e entry) error {
	header := &tar.Header{Name: name, Mode: 0o755, ModTime: time.Unix(0, 0), Format: tar.FormatPAX}
	switch {
	case e.info == nil || e.info.IsDir():
		header.Typeflag, header.Name = tar.TypeDir, name+"/"
		return out.WriteHeader(header)
	case e.info.Mode()&fs.ModeSymlink != 0:
		target, err := os.Readlink(e.from)
		if err != nil {
			return err
		}
		header.Typeflag, header.Linkname = tar.TypeSymlink, target
		return out.WriteHeader(header)
	case !e.info.Mode().IsRegular():
		return fmt.Errorf("%s is neither file, folder nor link", e.from)
	}
	// The host's other mode bits depend on its umask; that a file can be executed is all that an image needs to keep.
	if e.info.Mode()&0o111 == 0 {
		header.Mode = 0o644
	}
	header.Typeflag, header.Size = tar.TypeReg, e.info.Size()
	if err := out.WriteHeader(header); err != nil {
		return err
	}
	file, err := os.Open(e.from)
	if err != nil {
		return err
	}
	defer file.Close()
	_, err = io.Copy(out, file)
	return err
}
