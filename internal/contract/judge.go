package contract

import (
	"cmp"
	"fmt"
	"regexp"
	"strings"
	"unicode/utf8"

	"github.com/datasetmix/datasetmix/internal/pipeline"
)

// What a worker reports is text from outside: it repeats what a Hub, a card and rows say, and any pod may have written it. It is judged
// once, where it is read, by the bounds of the status: a status with one string that is too long could not be written.
const (
	mostFiles      = 1 << 30 // a status counts them in 32 bits
	mostShown      = 8       // files and bad rows
	mostReasons    = 16      // for which rows are dropped
	mostTable      = 64      // entries of a table of counts, which are splits or data sets
	licenseLimit   = 200     // characters
	revisionLimit  = 200
	shownLimit     = 256 // of a file's name, and of a bad row with its place
	reasonLimit    = 64  // of why rows are dropped
	digestLimit    = 80
	failureReasons = 64
)

var (
	revisionName = regexp.MustCompile(`^[0-9A-Za-z][0-9A-Za-z._-]{0,63}$`)
	reasonName   = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9]*$`)
	unitKey      = regexp.MustCompile(`^[0-9a-f]{1,64}$`)
)

// Judge makes a worker's result fit for the status, and refuses one with numbers or names that no worker reports.
func Judge(result pipeline.Result) (pipeline.Result, error) {
	var kinds []error
	if d := result.Download; d != nil {
		done := *d
		kinds = append(kinds, judgeDownload(&done))
		result.Download = &done
	}
	if s := result.Split; s != nil {
		done := *s
		kinds = append(kinds, judgeSplit(&done))
		result.Split = &done
	}
	if b := result.Balance; b != nil {
		kinds = append(kinds, cmp.Or(judgeTables(b.Overlap, b.Duplicates, b.NearDuplicates, b.Variants, b.Units), judgeDigest("the plan", b.Plan)))
	}
	if m := result.Mix; m != nil {
		kinds = append(kinds, cmp.Or(judgeLength(len(m.Datasets)), judgeDigest("the mixed file", m.Digest)))
	}
	if p := result.Publish; p != nil {
		kinds = append(kinds, judgePublish(*p))
	}
	if len(kinds) != 1 {
		return pipeline.Result{}, fmt.Errorf("a result is that of one stage, and this one is of %d", len(kinds))
	}
	return result, cmp.Or(kinds[0], result.CheckCounts())
}

func judgeDownload(d *pipeline.DownloadResult) error {
	d.License, d.Revision = Clean(d.License, licenseLimit), Clean(d.Revision, revisionLimit)
	var listed []pipeline.OriginalFile
	for _, file := range d.Listed[:min(len(d.Listed), mostShown)] {
		file.Path = Clean(file.Path, shownLimit)
		if file.Path != "" && IsSHA256(file.SHA256) { // else there are fewer names for people
			listed = append(listed, file)
		}
	}
	d.Listed = listed
	return cmp.Or(judgeFiles(d.Files), judgeDigest("the originals", d.Digest))
}

func judgeSplit(s *pipeline.SplitResult) error {
	var bad []string
	for _, row := range s.Bad[:min(len(s.Bad), mostShown)] {
		if row = Clean(row, shownLimit); row != "" {
			bad = append(bad, row)
		}
	}
	s.Bad = bad
	if len(s.Dropped) > mostReasons {
		return fmt.Errorf("it has %d reasons to drop rows, and there are at most %d", len(s.Dropped), mostReasons)
	}
	for reason := range s.Dropped {
		if reason == "" || Clean(reason, reasonLimit) != reason {
			return fmt.Errorf("%q is not a reason to drop rows", Clean(reason, reasonLimit))
		}
	}
	return cmp.Or(judgeTables([][]int64{s.Rows, s.Units}), judgeDigest("the rows", s.Digest))
}

// judgeTables refuses tables with more lines or columns than a mix has splits or data sets, whatever the numbers in them.
func judgeTables(tables ...[][]int64) error {
	for _, table := range tables {
		if err := judgeLength(len(table)); err != nil {
			return err
		}
		for _, line := range table {
			if err := judgeLength(len(line)); err != nil {
				return err
			}
		}
	}
	return nil
}

func judgeLength(entries int) error {
	if entries > mostTable {
		return fmt.Errorf("a table of counts has %d entries in a line or column, and a mix has at most %d splits and data sets", entries, mostTable)
	}
	return nil
}

func judgePublish(p pipeline.PublishResult) error {
	if !revisionName.MatchString(p.Revision) { // it names a folder that training pods mount
		return fmt.Errorf("%q is not the name of a revision", Clean(p.Revision, 80))
	}
	return cmp.Or(judgeFiles(p.Files), judgeDigest("the manifest", p.Digest))
}

func judgeFiles(n int) error {
	if n < 0 || n > mostFiles {
		return fmt.Errorf("%d is not a number of files", n)
	}
	return nil
}

func judgeDigest(of, digest string) error {
	if digest == "" || utf8.RuneCountInString(digest) > digestLimit || Clean(digest, 0) != digest || strings.Contains(digest, " ") {
		return fmt.Errorf("%q is not a digest of %s", Clean(digest, digestLimit), of)
	}
	return nil
}

// Judged returns the note as it may be shown: with a reason that a condition can have, and a message of one line. A reason that is
// not known is kept, since another release may know it.
func (n FailureNote) Judged() FailureNote {
	if len(n.Reason) > failureReasons || !reasonName.MatchString(string(n.Reason)) {
		n.Reason = WorkerFailed
	}
	n.Message = Clean(n.Message, noteLimit)
	var damaged []string
	for _, key := range n.Damaged[:min(len(n.Damaged), mostDamaged)] {
		if unitKey.MatchString(key) {
			damaged = append(damaged, key)
		}
	}
	n.Damaged = damaged
	return n
}
