package verify

import (
	"crypto/sha256"
	"encoding/hex"
	"slices"

	"github.com/datasetmix/datasetmix/internal/report"
	"github.com/datasetmix/datasetmix/internal/report/page"
	"github.com/datasetmix/datasetmix/internal/revision"
)

// told: the files that repeat what the manifest says are made again from it, and their digests are those that the manifest lists.
// So what loaders, catalogs and people read of a revision is what was proved of it.
//
// A page for people and catalogs may be worded otherwise by another release. It is taken where the digest of the manifest is
// known from elsewhere, since the manifest has the digest of the page as it was published.
func (v *verifier) told() error {
	if err := v.scorers(); err != nil {
		return err
	}
	lock, err := revision.LockOf(v.manifest).Encode()
	if err != nil {
		return err
	}
	if listed, ok := v.files[revision.LockFile]; ok && !is(listed, lock) {
		return differ("%s does not say what the manifest says of the sources", revision.LockFile)
	}
	beside, err := report.Beside(v.manifest)
	if err != nil {
		return differ("the manifest contradicts itself: %w", err)
	}
	pages, err := report.Pages(v.manifest)
	if err != nil {
		return differ("the manifest contradicts itself: %w", err)
	}
	if v.hasStatistics() {
		content, err := page.HTML(v.manifest, v.stated)
		if err != nil {
			return differ("the manifest contradicts itself: %w", err)
		}
		pages = append(pages, report.Page{Path: revision.ReportFile, Content: content})
	}
	for _, page := range slices.Concat(beside, pages) {
		switch {
		case is(v.files[page.Path], page.Content):
		case !report.IsPage(page.Path):
			return differ("%s does not say what the manifest says", page.Path)
		case v.options.Digest == "":
			return differ("%s is not what this release writes of the manifest: it was changed, or another release published it; "+
				"with --digest and the digest in status.published, verify can tell", page.Path)
		default:
			v.proof.OtherPages = append(v.proof.OtherPages, page.Path)
		}
	}
	return nil
}

// is says whether a listed file has a content.
func is(listed revision.PublishedFile, content []byte) bool {
	sum := sha256.Sum256(content)
	return listed.Bytes == int64(len(content)) && listed.SHA256 == hex.EncodeToString(sum[:])
}
