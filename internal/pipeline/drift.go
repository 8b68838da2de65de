package pipeline

import (
	"cmp"
	"fmt"
	"strconv"

	"github.com/datasetmix/datasetmix/internal/recipe"
)

// DriftError reports that a source holds something else than was expected.
type DriftError struct {
	// Source is the name of the data set or probe.
	Source string
	// What differs: the digest of its files, or its rows.
	What            string
	Expected, Found string
}

func (e *DriftError) Error() string {
	return fmt.Sprintf("the source of %s has drifted: %s %s was expected, and %s was found; pin the revision that held what was expected, or correct source.expect",
		e.Source, e.What, e.Expected, e.Found)
}

// checkDigest compares the digest of a source's files with what is expected of it.
func checkDigest(s recipe.NamedSource, found string) error {
	if want := s.Source.Expect; want != nil && want.SHA256 != "" && want.SHA256 != found {
		return &DriftError{s.Name, "the SHA-256", want.SHA256, found}
	}
	return nil
}

// CheckRows compares the rows of a source with what is expected of it.
func CheckRows(s recipe.NamedSource, found int64) error {
	if want := s.Source.Expect; want != nil && want.Rows != 0 && want.Rows != found {
		return &DriftError{s.Name, "the number of rows", strconv.FormatInt(want.Rows, 10), strconv.FormatInt(found, 10)}
	}
	return nil
}

// CheckAtMost compares the rows that were read so far, of a source that may have more, with what is expected of all.
func CheckAtMost(s recipe.NamedSource, read int64) error {
	if want := s.Source.Expect; want != nil && want.Rows != 0 && want.Rows < read {
		return &DriftError{s.Name, "the number of rows", strconv.FormatInt(want.Rows, 10), "at least " + strconv.FormatInt(read, 10)}
	}
	return nil
}

// drift compares the results that a stage has so far with what is expected of the sources and with the policy. Neither is in a key, so a change
// of an expectation or of the allowed licenses builds nothing again.
func (w *walk) drift(stage Stage, units []Node) error {
	for _, unit := range units {
		named, _ := w.recipe.Source(unit.Name)
		var err error
		switch result := w.results[unit.Key]; {
		case stage == StageDownload && result.Download != nil:
			err = cmp.Or(checkDigest(named, result.Download.Digest), w.recipe.CheckLicense(unit.Name, result.Download.License))
		case stage == StageSplit && result.Split != nil:
			err = CheckRows(named, result.Split.Read)
		}
		if err != nil {
			return err
		}
	}
	return nil
}
