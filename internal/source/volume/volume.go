// Package volume reads files of another PersistentVolumeClaim where they are. It has no network.
package volume

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"syscall"

	"github.com/datasetmix/datasetmix/internal/contract"
	"github.com/datasetmix/datasetmix/internal/glob"
	"github.com/datasetmix/datasetmix/internal/recipe"
	"github.com/datasetmix/datasetmix/internal/source"
	"github.com/datasetmix/datasetmix/internal/source/choose"
)

// volume is a folder or file on another PersistentVolumeClaim.
//
// Everything goes through os.Root, so that neither ".." nor a symbolic link leads out of the claim. Links to files
// inside it are followed, links to folders below the path are not: they could form a circle.
type volume struct {
	spec   recipe.Volume
	folder string // where the claim is mounted
}

// Options are the mounted PersistentVolumeClaims.
type Options struct {
	// Claims maps the names of mounted PersistentVolumeClaims to their folders.
	Claims map[string]string
}

// New returns the source that a specification describes.
func New(spec recipe.Volume, o Options) (source.Source, error) {
	folder, ok := o.Claims[spec.ClaimName]
	if !ok {
		return nil, contract.Failf(contract.InvalidTask, "The claim %q is not mounted in this worker.", spec.ClaimName)
	}
	spec.Path = path.Clean(strings.Trim(spec.Path, "/"))
	if !filepath.IsLocal(spec.Path) {
		return nil, contract.Failf(contract.InvalidTask, "The path %q leads out of the claim %s.", spec.Path, spec.ClaimName)
	}
	if err := glob.Check(spec.Files); err != nil {
		return nil, err
	}
	return &volume{spec: spec, folder: folder}, nil
}

// Resolve lists the path itself where it is a file, else the files below it that match a pattern; without patterns all
// whose name and folders begin with neither a dot nor an underscore, which is how volumes and Spark keep what is no data.
func (v *volume) Resolve(ctx context.Context) (source.Listing, error) {
	root, err := os.OpenRoot(v.folder)
	if err != nil {
		return source.Listing{}, v.failure(".", err)
	}
	defer root.Close()
	info, err := root.Stat(v.spec.Path)
	if err != nil {
		return source.Listing{}, v.failure(v.spec.Path, err)
	}
	if info.Mode().IsRegular() {
		return source.Listing{Files: []source.File{listed(v.spec.Path, info)}}, nil
	}
	paths, err := v.walk(ctx, root)
	if err != nil {
		return source.Listing{}, err
	}
	chosen, err := choose.Files(ctx, v.spec.Files, paths, v.where())
	if err != nil {
		return source.Listing{}, err
	}
	return v.list(root, chosen)
}

// where names the folder in messages.
func (v *volume) where() string {
	if v.spec.Path == "." {
		return "claim " + v.spec.ClaimName
	}
	return fmt.Sprintf("folder %s of claim %s", v.spec.Path, v.spec.ClaimName)
}

// walk lists what is not a folder, relative to the path, without following links.
func (v *volume) walk(ctx context.Context, root *os.Root) ([]string, error) {
	base, err := root.OpenRoot(v.spec.Path) // the path itself may be a link, as the current revision of a mix is
	if err != nil {
		return nil, v.failure(v.spec.Path, err)
	}
	defer base.Close()
	var paths []string
	err = fs.WalkDir(base.FS(), ".", func(p string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return v.failure(path.Join(v.spec.Path, p), err)
		case ctx.Err() != nil:
			return contract.Failf(contract.FetchFailed, "Listing the %s was stopped: %w.", v.where(), context.Cause(ctx))
		case p != "." && v.ignored(p, entry):
			if choose.TableFormat(p) != "" {
				paths = append(paths, p)
			}
			if entry.IsDir() {
				return fs.SkipDir
			}
		case !entry.IsDir():
			paths = append(paths, p)
		}
		return nil
	})
	return paths, err
}

// ignored reports whether an entry is not data by its name. A pattern may ask for hidden files, and never for what a file
// system keeps for itself, which only root may read.
func (v *volume) ignored(p string, entry fs.DirEntry) bool {
	return p == "lost+found" || len(v.spec.Files) == 0 && strings.HasPrefix(entry.Name(), ".")
}

// list pins the files among the chosen paths.
func (v *volume) list(root *os.Root, chosen []string) (source.Listing, error) {
	var l source.Listing
	for _, p := range chosen {
		p = path.Join(v.spec.Path, p)
		info, err := root.Stat(p)
		if err != nil {
			return source.Listing{}, v.failure(p, err)
		}
		if info.Mode().IsRegular() { // not a link to a folder, a socket, a device
			l.Files = append(l.Files, listed(p, info))
		}
	}
	if len(l.Files) == 0 {
		return source.Listing{}, contract.Failf(contract.SourceNotFound, "The %s holds no files. Check path and files.", v.where())
	}
	slices.SortFunc(l.Files, func(a, b source.File) int { return strings.Compare(a.Path, b.Path) })
	return l, nil
}

func listed(p string, info fs.FileInfo) source.File {
	return source.File{Path: p, Size: info.Size(), Validator: stamp(info), Inode: inode(info)}
}

// stamp returns a text that changes when a file is written to.
func stamp(info fs.FileInfo) string {
	return fmt.Sprintf("%d-%d", info.Size(), info.ModTime().UnixNano())
}

// Open reads a listed file. It fails at once if the file was changed since it was listed, and at the end if it was changed meanwhile.
func (v *volume) Open(ctx context.Context, f source.File, offset int64) (io.ReadCloser, error) {
	r, err := v.open(ctx, f)
	if err != nil {
		return nil, err
	}
	if _, err = r.Seek(offset, io.SeekStart); err != nil {
		_ = r.Close() // err is the failure to report
		return nil, v.failure(f.Path, err)
	}
	return r, nil
}

// At opens a listed file.
func (v *volume) At(ctx context.Context, f source.File) (source.LocalFile, error) {
	return v.open(ctx, f)
}

func (v *volume) open(ctx context.Context, f source.File) (*volumeFile, error) {
	root, err := os.OpenRoot(v.folder)
	if err != nil {
		return nil, v.failure(".", err)
	}
	defer root.Close()
	if info, err := root.Stat(f.Path); err != nil {
		return nil, v.failure(f.Path, err)
	} else if !info.Mode().IsRegular() {
		return nil, v.changed(f) // opening a pipe would wait for a writer
	}
	file, err := root.OpenFile(f.Path, os.O_RDONLY|syscall.O_NONBLOCK, 0) // it may be a pipe by now: that is no longer the same file
	if err != nil {
		return nil, v.failure(f.Path, err)
	}
	r := &volumeFile{File: file, ctx: ctx, volume: v, listed: f}
	if err := r.Unchanged(); err != nil {
		_ = file.Close() // err is the failure to report
		return nil, err
	}
	return r, nil
}

func (v *volume) changed(f source.File) error {
	return contract.Failf(contract.FetchFailed,
		"%s on claim %s: %w. Run the stage again once nothing writes to it.", f.Path, v.spec.ClaimName, source.ErrChanged)
}

// failure returns an error of the file system with its reason.
func (v *volume) failure(p string, err error) error {
	where := fmt.Sprintf("%s on claim %s", p, v.spec.ClaimName)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return contract.Failf(contract.SourceNotFound, "%s does not exist. Check claimName, path and files. (%w)", where, err)
	case errors.Is(err, fs.ErrPermission):
		return contract.Failf(contract.AuthenticationFailed,
			"%s may not be read by the worker's user. Make it readable for the user or group that the worker runs as. (%w)", where, err)
	case escapes(err):
		return contract.Failf(contract.SourceNotFound,
			"%s is a link that leads out of the claim, and such links are not followed. (%w)", where, err)
	default:
		return contract.Failf(contract.FetchFailed, "%s cannot be read: %w.", where, err)
	}
}

// escapes reports whether an error is that of os.Root for a path that leaves it; package os does not export it.
func escapes(err error) bool {
	var p *fs.PathError
	return errors.As(err, &p) && strings.Contains(p.Err.Error(), "escapes from parent")
}

// volumeFile reads a file as it was when it was listed.
type volumeFile struct {
	*os.File
	ctx    context.Context // of the Open; a reader ends with it
	volume *volume
	listed source.File
}

// Unchanged compares the open file with the listed one.
func (r *volumeFile) Unchanged() error {
	info, err := r.Stat()
	if err != nil {
		return r.volume.failure(r.listed.Path, err)
	}
	if r.listed.Validator != "" && stamp(info) != r.listed.Validator {
		return r.volume.changed(r.listed)
	}
	return nil
}

func (r *volumeFile) Read(p []byte) (int, error) {
	if r.ctx.Err() != nil {
		return 0, contract.Failf(contract.FetchFailed, "Reading %s was stopped: %w.", r.listed.Path, context.Cause(r.ctx))
	}
	n, err := r.File.Read(p)
	switch {
	case err == nil:
		return n, nil
	case !errors.Is(err, io.EOF):
		return n, r.volume.failure(r.listed.Path, err)
	}
	if changed := r.Unchanged(); changed != nil { // written to while it was read
		return n, changed
	}
	return n, io.EOF
}
