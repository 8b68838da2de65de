package verify

import (
	"io"

	"github.com/datasetmix/datasetmix/internal/revision"
	"github.com/datasetmix/datasetmix/internal/statistics"
	"github.com/datasetmix/datasetmix/internal/verify/files"
)

// maxStatistics is how large statistics.json may be: that of 1,000 data sets in 16 splits has a tenth of it.
const maxStatistics = 256 << 20

// hasStatistics reports whether the revision's layout has statistics.json.
func hasStatistics(m revision.Manifest) bool { return m.Recipe.Output.Layout != "" }

// readStatistics reads what statistics.json says. That its bytes are those of the manifest is found with all other files.
func readStatistics(from *files.Set, m revision.Manifest) (stated statistics.File, err error) {
	if !hasStatistics(m) {
		return stated, nil
	}
	f, err := from.Open(revision.StatisticsFile)
	if err != nil {
		return stated, err
	}
	defer f.Close()
	encoded, err := io.ReadAll(io.LimitReader(f, maxStatistics+1))
	if err != nil {
		return stated, files.Unreadable(revision.StatisticsFile, err)
	}
	if len(encoded) > maxStatistics {
		return stated, files.Differ("%s has more than %d MiB, which no release publishes", revision.StatisticsFile, maxStatistics>>20)
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

// checkStatistics: the statistics are those of the parts, which were counted again or are taken as they are stated.
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
