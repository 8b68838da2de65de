package verify

import (
	"cmp"

	"github.com/datasetmix/datasetmix/internal/revision"
	"github.com/datasetmix/datasetmix/internal/statistics"
	"github.com/datasetmix/datasetmix/internal/store"
	"github.com/datasetmix/datasetmix/internal/verify/files"
	"github.com/datasetmix/datasetmix/internal/verify/layout"
	"github.com/datasetmix/datasetmix/internal/verify/mixed"
	"github.com/datasetmix/datasetmix/internal/verify/numbers"
	"github.com/datasetmix/datasetmix/internal/verify/questions"
	"github.com/datasetmix/datasetmix/internal/verify/single"
)

// rowChecks are the checks of all files of rows.
type rowChecks struct {
	of        *layout.Revision
	questions *questions.Set
	numbers   *numbers.Set
	single    *single.Checks
	mixed     *mixed.Checks
	notes     *single.Notes
	// counts are the numbers of questions by split.
	counts []int
}

// checkRows checks that every file has the bytes that the manifest states; every data set and every split holds the rows that the plan says, which
// are like the statistics say; mixed files hold what the recipe makes of those, and no question is in two splits. It returns how many questions
// each split has.
//
// Two passes: first the files of single data sets, then the mixed ones, whose rows must be the bytes of the first. Memory is
// bounded: what has to be compared across files is sorted, through scratch files where it does not fit.
func checkRows(of *layout.Revision, byForm bool, stated statistics.File, options Options) (questionsOf []int, err error) {
	c := rowChecks{of: of, questions: questions.New(of, byForm)}
	defer c.questions.Close()
	c.numbers = numbers.New(of, c.questions)
	defer c.numbers.Close()
	c.single = single.New(of, c.questions, c.numbers)
	defer c.single.Close()
	if c.mixed, err = mixed.New(of, c.questions, c.numbers, options.MadeOf); err != nil {
		return nil, err
	}
	parts := stated.Bare()
	c.notes = single.NewNotes(of, parts)
	recalled, err := c.read(options.Earlier)
	if err != nil {
		return nil, err
	}
	if c.mixed.Unasked() {
		c.counts = nil
	}
	if err := checkEvaluation(of); err != nil {
		return nil, err
	}
	if !recalled && hasStatistics(*of.Manifest) {
		c.single.Counted(parts)
	}
	return c.counts, checkStatistics(of.Files, *of.Manifest, parts)
}

// read reads all files. Where an earlier proof has compared the rows of files of single data sets with the same digests, only their bytes are
// checked: once they are what the manifest says, what it found is true of them.
func (c *rowChecks) read(earlier []store.Path) (recalled bool, err error) {
	first, last := c.of.Files.Tasks(c.single.Files(), c.mixed.Files())
	if c.counts, recalled = c.notes.Recall(earlier); recalled && !c.of.Partial {
		first = files.Hashed(first)
	} else if err := c.single.Begin(); err != nil {
		return false, err
	}
	recalled = recalled && !c.of.Partial
	if err := c.of.Files.ReadAll(first); err != nil {
		return false, err
	}
	compare := c.compare
	if recalled || c.of.Partial {
		compare = func() error { return nil }
	}
	if err := together(compare, func() error { return c.of.Files.ReadAll(last) }); err != nil {
		return false, err
	}
	if err := c.mixed.End(); err != nil || !c.of.Partial {
		return recalled, err
	}
	return false, c.compare() // some rows of splits are in mixed files alone
}

// together compares what was read while the next files are read, and returns the error of the comparison first.
func together(compare, read func() error) error {
	found := make(chan error, 1)
	go func() { found <- compare() }()
	err := read()
	return cmp.Or(<-found, err)
}

// compare compares what the files have with one another: each row is there once, and no question in two splits. It notes what it finds for
// later proofs, of files of single data sets.
func (c *rowChecks) compare() (err error) {
	if err = c.numbers.Check(c.mixed.Drawn()); err != nil {
		return err
	}
	if c.counts, err = c.questions.Check(); err != nil {
		return err
	}
	if err = c.single.Whole(); err != nil || c.of.Partial {
		return err
	}
	return c.notes.Write(c.counts)
}

// checkEvaluation checks that the files that evaluate each data set alone are the split's own.
func checkEvaluation(of *layout.Revision) error {
	r := of.Manifest.Recipe
	if !r.HoldsTest() {
		return nil
	}
	split := r.EvaluationSplit()
	for _, dataset := range r.DatasetNames() {
		name, processed := revision.TestFile(dataset, split), revision.ProcessedFile(dataset, split)
		test, _ := of.Files.Listed(name)
		rows, ok := of.Files.Listed(processed)
		if other, at := of.Files.Others[processed]; !ok && at {
			rows, ok = other.File, true
		}
		if ok && test.SHA256 != rows.SHA256 {
			return files.Differ("%s does not hold data set %s's rows of split %s", name, dataset, split)
		}
	}
	return nil
}
