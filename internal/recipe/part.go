package recipe

import (
	"errors"
	"slices"
)

// RevisionPart is a part of what a revision holds. The manifest, the pages, what was dropped and the exports are in every revision.
type RevisionPart string

// The parts: all rows of every data set, the rows of each split, the mixed files, and the files that evaluate each data set alone.
const (
	RawPart       RevisionPart = "Raw"
	ProcessedPart RevisionPart = "Processed"
	MixedPart     RevisionPart = "Mixed"
	TestPart      RevisionPart = "Test"
)

// RevisionParts lists the parts in the order of a recipe.
func RevisionParts() []RevisionPart {
	return []RevisionPart{RawPart, ProcessedPart, MixedPart, TestPart}
}

// Holds reports whether a revision holds a part.
func (o Output) Holds(part RevisionPart) bool {
	return len(o.Keep) == 0 || slices.Contains(o.Keep, part)
}

// HoldsTest reports whether a revision has the files that evaluate each data set alone.
func (r Recipe) HoldsTest() bool { return r.EvaluationSplit() != "" && r.Output.Holds(TestPart) }

// judgeKeep checks that what is kept is in one order, and is less than all: recipes that say the same have the same keys.
func judgeKeep(r Recipe) error {
	o := r.Output
	if len(o.Keep) == 0 {
		return nil
	}
	sorted := slices.DeleteFunc(RevisionParts(), func(part RevisionPart) bool { return !slices.Contains(o.Keep, part) })
	if !slices.Equal(sorted, o.Keep) || len(sorted) == len(RevisionParts()) {
		return errors.New("output.keep holds something else than some of Raw, Processed, Mixed and Test, in this order")
	}
	if !o.Holds(MixedPart) && len(o.Exports) == 0 {
		return errors.New("output.keep has no Mixed, and there is no export: a revision must hold the mix")
	}
	return nil
}
