package verify

import (
	"crypto/sha256"
	"encoding/hex"
	"slices"

	"github.com/datasetmix/datasetmix/internal/report"
	"github.com/datasetmix/datasetmix/internal/report/page"
	"github.com/datasetmix/datasetmix/internal/revision"
	"github.com/datasetmix/datasetmix/internal/statistics"
	"github.com/datasetmix/datasetmix/internal/verify/files"
)

// checkPages makes the files again that only repeat the manifest, and compares their digests with those that the manifest lists. Therefore what
// loaders, catalogs and people read about a revision is what was proved of it.
//
// Another release may word a page for people and catalogs differently. It is accepted where the digest of the manifest is
// known from elsewhere, since the manifest has the digest of the page as it was published.
func checkPages(listed *files.Set, m revision.Manifest, stated statistics.File, anchored bool) (others []string, err error) {
	is := func(path string, content []byte) bool {
		file, _ := listed.Listed(path)
		return hasContent(file, content)
	}
	if err := checkScorers(listed, m); err != nil {
		return nil, err
	}
	lock, err := revision.LockOf(m).Encode()
	if err != nil {
		return nil, err
	}
	if _, ok := listed.Listed(revision.LockFile); ok && !is(revision.LockFile, lock) {
		return nil, files.Differ("%s does not say what the manifest says of the sources", revision.LockFile)
	}
	beside, err := report.Beside(m)
	if err != nil {
		return nil, files.Differ("the manifest contradicts itself: %w", err)
	}
	pages, err := report.Pages(m)
	if err != nil {
		return nil, files.Differ("the manifest contradicts itself: %w", err)
	}
	if hasStatistics(m) {
		content, err := page.HTML(m, stated)
		if err != nil {
			return nil, files.Differ("the manifest contradicts itself: %w", err)
		}
		pages = append(pages, report.Page{Path: revision.ReportFile, Content: content})
	}
	for _, page := range slices.Concat(beside, pages) {
		switch {
		case is(page.Path, page.Content):
		case !report.IsPage(page.Path):
			return nil, files.Differ("%s does not say what the manifest says", page.Path)
		case !anchored:
			return nil, files.Differ("%s is not what this release writes of the manifest: it was changed, or another release published it; "+
				"with --digest and the digest in status.published, verify can tell", page.Path)
		default:
			others = append(others, page.Path)
		}
	}
	return others, nil
}

// hasContent reports whether a listed file has a content.
func hasContent(listed revision.PublishedFile, content []byte) bool {
	sum := sha256.Sum256(content)
	return listed.Bytes == int64(len(content)) && listed.SHA256 == hex.EncodeToString(sum[:])
}

// checkScorers checks that the scorer next to the rows of an export is the one that the recipe names.
func checkScorers(listed *files.Set, m revision.Manifest) error {
	for _, export := range m.Recipe.Output.Exports {
		name := revision.RewardsFile(export.Name)
		if file, _ := listed.Listed(name); export.Scorer != "" && file.SHA256 != export.Scorer {
			return files.Differ("%s has the SHA-256 %s, and the recipe's scorer has %s", name, file.SHA256, export.Scorer)
		}
	}
	return nil
}

// maxStatistics is how large statistics.json may be: that of 1,000 data sets in 16 splits has a tenth of it.
const maxStatistics = 256 << 20

// hasStatistics reports whether the revision's layout has statistics.json.
func hasStatistics(m revision.Manifest) bool { return m.Recipe.Output.Layout != "" }

// readStatistics reads statistics.json. Its bytes are compared with the manifest along with all other files.
func readStatistics(from *files.Set, m revision.Manifest) (stated statistics.File, err error) {
	if !hasStatistics(m) {
		return stated, nil
	}
	encoded, err := readAtMost(from, revision.StatisticsFile, maxStatistics)
	if err != nil {
		return stated, err
	}
	if stated, err = statistics.Decode(encoded); err != nil {
		return stated, files.Differ("%w", err)
	}
	parts := 0
	for _, split := range m.Plan.Splits {
		parts += len(split.Datasets())
	}
	if len(stated.Parts) != parts {
		return stated, files.Differ("%s has %d parts, and the plan %d data sets in all splits", revision.StatisticsFile, len(stated.Parts), parts)
	}
	return stated, nil
}

// checkStatistics checks that the statistics are those of the parts, which were counted again or are taken as they are stated.
func checkStatistics(listed *files.Set, m revision.Manifest, parts []statistics.Part) error {
	if !hasStatistics(m) {
		return nil
	}
	made := statistics.Of(m, parts)
	encoded, err := made.Encode()
	if err != nil {
		return err
	}
	if file, _ := listed.Listed(revision.StatisticsFile); !hasContent(file, encoded) {
		return files.Differ("%s does not say what the rows are like", revision.StatisticsFile)
	}
	return nil
}
