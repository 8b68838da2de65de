package stage

import (
	"context"
	"errors"
	"io/fs"

	"github.com/datasetmix/datasetmix/internal/contract"
	"github.com/datasetmix/datasetmix/internal/pipeline"
	"github.com/datasetmix/datasetmix/internal/progress"
	"github.com/datasetmix/datasetmix/internal/revision"
	"github.com/datasetmix/datasetmix/internal/store"
	"github.com/datasetmix/datasetmix/internal/verify"
)

// broken returns what is wrong with a finished unit, "" if nothing is. Of a publication, every byte of the revision is checked before it is linked
// again; of another unit, that its files are there with their lengths, since whatever is made of them is proved; of a download, that its list is
// the one it wrote.
func (i inspection) broken(ctx context.Context, final store.Path, result pipeline.Result) (string, error) {
	if i.job.stage == pipeline.StageDownload {
		if _, err := readOriginals(final, result.Download); contract.ReasonOf(err) == contract.VolumeInvalid {
			return err.Error(), nil
		}
	}
	if i.job.stage != pipeline.StagePublish {
		return lacks(final)
	}
	if own := pipeline.RevisionName(i.job.node.Key); result.Publish.Revision != own {
		return "its result names another revision than " + own, nil
	}
	progress.Of(ctx).Begin("prove", 99, 0, result.Publish.Bytes)
	list, err := readDigests(final)
	if contract.ReasonOf(err) == contract.VolumeInvalid { // the note is damaged: without it, all SHA-256 are computed
		list, err = nil, nil
	}
	if err != nil {
		return "", err
	}
	err = checkWhole(ctx, i.job.revision(result.Publish.Revision), *result.Publish, list)
	if contract.ReasonOf(err) == contract.VolumeInvalid {
		return err.Error(), nil
	}
	return "", err
}

// checkWhole checks that a revision's folder holds what was published, by the digest of its manifest.
func checkWhole(ctx context.Context, folder store.Path, published pipeline.PublishResult, list digests) error {
	checksums := map[string]string{}
	for path, as := range list {
		if as.XXH64 != "" {
			checksums[path] = as.XXH64
		}
	}
	return verify.Files(ctx, folder, verify.Options{Digest: published.Digest, Checksums: checksums})
}

// lacks returns the file that a finished unit does not have any more, "" if it has all.
func lacks(folder store.Path) (string, error) {
	list, err := readDigests(folder)
	if contract.ReasonOf(err) == contract.VolumeInvalid {
		return err.Error(), nil
	}
	if err != nil {
		return "", err
	}
	for name, as := range list {
		info, err := folder.Join(name).Lstat()
		switch {
		case errors.Is(err, fs.ErrNotExist):
			return name + " is gone", nil
		case err != nil:
			return "", store.WrapError(err)
		case !info.Mode().IsRegular() || info.Size() != as.Bytes:
			return name + " is not what it was", nil
		}
	}
	return "", nil
}

// commitRevision renames a revision's folder to its name. A revision that has the name and is whole stays; any other is replaced as a whole, so
// that a reader of the old one's files reads on.
func commitRevision(ctx context.Context, j job, staging *store.Staging, published pipeline.PublishResult, list digests) error {
	err := checkWhole(ctx, j.revision(published.Revision), published, list)
	switch {
	case err == nil:
		return staging.Commit()
	case ctx.Err() != nil || contract.ReasonOf(err) != contract.VolumeInvalid:
		return errors.Join(ctx.Err(), err)
	default:
		return staging.Replace()
	}
}

// swap points the link that training pods mount at a revision, and notes that it is the newest. Anything but a link in its place was put there by a
// user, and stays.
func (j job) swap(rev string) error {
	if own := pipeline.RevisionName(j.node.Key); rev != own {
		return contract.Failf(contract.VolumeInvalid, "the result of a finished publication names the revision %.100q, and it made %s; remove %s, and it is published again", rev, own, j.unit(pipeline.StagePublish, j.node.Key))
	}
	if err := store.Touch(j.unit(pipeline.StagePublish, j.node.Key)); err != nil {
		return err
	}
	current := j.worker.path(j.folder.Current())
	if info, err := current.Lstat(); err == nil && info.Mode().Type() != fs.ModeSymlink {
		return contract.Failf(contract.VolumeInvalid, "%s is no link, and the link to the newest revision belongs there; move it away, and build again", current)
	}
	return store.SwapLink(current, revision.Link(rev))
}
