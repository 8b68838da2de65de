// Package await waits until a revision is published on a volume, and compares its files with its manifest. A training runs it before it reads a mix.
package await

import (
	"context"
	"errors"
	"io/fs"
	"path"
	"regexp"
	"runtime"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/datasetmix/datasetmix/internal/contract"
	"github.com/datasetmix/datasetmix/internal/hashing"
	"github.com/datasetmix/datasetmix/internal/revision"
	"github.com/datasetmix/datasetmix/internal/store"
)

// Scheme begins the address of a revision, which Kubeflow's Trainer passes to an initializer.
const Scheme = "datasetmix://"

// Reference refers to a revision by the folder of its mix on the volume and the revision's name, which is empty for the current one.
type Reference struct {
	Folder   revision.Folder
	Revision string
}

// String returns the address of the revision, which ParseReference reads.
func (r Reference) String() string {
	if r.Revision == "" {
		return Scheme + string(r.Folder)
	}
	return Scheme + string(r.Folder) + "@" + r.Revision
}

// revisionName matches the names of published revisions.
var revisionName = regexp.MustCompile(`^[0-9a-f]{10}$`)

// ParseReference reads datasetmix://NAME[@REVISION]. NAME is the folder of the mix on its volume, by default the mix's name. The error
// has the reason InvalidTask.
func ParseReference(address string) (Reference, error) {
	rest, ok := strings.CutPrefix(address, Scheme)
	folder, rev, pinned := strings.Cut(rest, "@")
	switch {
	case !ok || !fs.ValidPath(folder) || folder == ".":
		return Reference{}, contract.Failf(contract.InvalidTask,
			"%q names no mix. Write datasetmix://NAME, or datasetmix://NAME@REVISION, where NAME is the folder of the mix on its volume, by default the mix's name", address)
	case pinned && !revisionName.MatchString(rev):
		return Reference{}, contract.Failf(contract.InvalidTask,
			"%q names no revision: one has 10 hexadecimal digits. status.published.revision of the mix has the current one", address)
	}
	return Reference{revision.Folder(folder), rev}, nil
}

// Wait has the options for waiting for a revision.
type Wait struct {
	Volume *store.Volume
	Of     Reference
	// Every is the time between two looks at the volume; Say is the time between two calls of Waiting while nothing changes.
	Every, Say time.Duration
	// Waiting is called with what is on the volume instead of the revision.
	Waiting func(found string)
}

// Published waits until the revision is on the volume, and returns its manifest. It polls, since a shared volume does not notify of changes. If the context
// ends, the error has the reason SourceNotFound and describes what was on the volume last.
func (w Wait) Published(ctx context.Context) (revision.Manifest, error) {
	var said string
	var at time.Time
	for {
		encoded, err := w.at().Join(revision.ManifestFile).ReadFile()
		if err == nil {
			return revision.ParseManifest(encoded)
		}
		if !errors.Is(err, fs.ErrNotExist) {
			return revision.Manifest{}, contract.Within(w.Of.String(), err)
		}
		found, err := w.found()
		if err != nil {
			return revision.Manifest{}, err
		}
		if found != said || time.Since(at) >= w.Say {
			said, at = found, time.Now()
			w.Waiting(found)
		}
		select {
		case <-ctx.Done():
			return revision.Manifest{}, contract.Failf(contract.SourceNotFound, "%s was not published in time: %s: %w", w.Of, found, context.Cause(ctx))
		case <-time.After(w.Every):
		}
	}
}

// at returns the folder of the revision.
func (w Wait) at() store.Path {
	if w.Of.Revision == "" {
		return w.Volume.Path(w.Of.Folder.Current())
	}
	return w.Volume.Path(w.Of.Folder.Revision(w.Of.Revision))
}

// found describes what is on the volume instead of the revision.
func (w Wait) found() (string, error) {
	entries, err := w.Volume.Path(w.Of.Folder.Revisions()).ReadDir()
	if err == nil {
		var names []string
		for _, entry := range entries {
			if revisionName.MatchString(entry.Name()) {
				names = append(names, entry.Name())
			}
		}
		if len(names) > 0 {
			return "there are the revisions " + strings.Join(names, ", "), nil
		}
		return "no revision is published yet", nil
	}
	if !errors.Is(err, fs.ErrNotExist) {
		return "", contract.Within(w.Of.String(), err)
	}
	if _, err = w.Volume.Path(string(w.Of.Folder)).ReadDir(); err == nil {
		return "the mix is being built, and none of its revisions is published yet", nil
	}
	entries, err = w.Volume.Path(path.Dir(string(w.Of.Folder))).ReadDir()
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return "", contract.Within(w.Of.String(), err)
	}
	var folders []string
	for _, entry := range entries {
		if entry.IsDir() && !strings.HasPrefix(entry.Name(), ".") {
			folders = append(folders, entry.Name())
		}
	}
	return strings.TrimSuffix("the volume has no such folder; it has "+strings.Join(folders, ", "), "; it has "), nil
}

// Verify compares the lengths of the revision's files with its manifest and, if digests is true, their digests. The error has the reason VolumeInvalid, and
// names the file.
func (w Wait) Verify(ctx context.Context, manifest revision.Manifest, digests bool) error {
	folder := w.Volume.Path(w.Of.Folder.Revision(manifest.Revision))
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(runtime.GOMAXPROCS(0))
	for _, file := range manifest.Files {
		group.Go(func() error { return verify(ctx, folder.Join(file.Path), file, digests) })
	}
	return group.Wait()
}

func verify(ctx context.Context, at store.Path, want revision.PublishedFile, digests bool) error {
	f, err := at.Open()
	if err != nil {
		return contract.Failf(contract.VolumeInvalid, "%s, which the manifest lists, cannot be read: %w. Copy or build the revision again", want.Path, err)
	}
	defer f.Close()
	if info, err := f.Stat(); err != nil {
		return store.WrapError(err)
	} else if info.Size() != want.Bytes {
		return contract.Failf(contract.VolumeInvalid, "%s has %d bytes, the manifest says %d. Copy or build the revision again", want.Path, info.Size(), want.Bytes)
	}
	if !digests {
		return nil
	}
	digest, _, err := hashing.SHA256(ctx, f)
	if err != nil {
		return store.WrapError(err)
	}
	if digest != want.SHA256 {
		return contract.Failf(contract.VolumeInvalid, "%s was changed after it was published: its digest is %s, the manifest says %s. Copy or build the revision again",
			want.Path, digest, want.SHA256)
	}
	return nil
}
