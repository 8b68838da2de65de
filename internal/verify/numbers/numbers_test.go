package numbers

import (
	"strings"
	"testing"

	"github.com/datasetmix/datasetmix/internal/contract"
	"github.com/datasetmix/datasetmix/internal/pipeline"
	"github.com/datasetmix/datasetmix/internal/plan"
	"github.com/datasetmix/datasetmix/internal/recipe"
	"github.com/datasetmix/datasetmix/internal/revision"
	"github.com/datasetmix/datasetmix/internal/testing/volume"
	"github.com/datasetmix/datasetmix/internal/verify/layout"
	"github.com/datasetmix/datasetmix/internal/verify/questions"
)

// seen is a place of a row.
type seen struct {
	as     Kind
	split  int
	number int64
	line   string
}

// at returns the layout of a data set with three rows, whose row 0 is in train and row 1 in test, and whose row 2 was left out or dropped.
func at(t *testing.T, file string, drawn bool) *layout.Revision {
	t.Helper()
	split := func(place int) layout.Split {
		return layout.Split{Place: place, File: file, Plan: plan.Dataset{Name: "sums", Available: 1, Rows: 2, Drawn: drawn}}
	}
	return &layout.Revision{
		Notes: volume.Folder(t), Partial: file == "",
		Manifest: &revision.Manifest{
			Recipe: recipe.Recipe{Output: recipe.Output{Keep: []recipe.RevisionPart{recipe.MixedPart}}},
			Plan:   plan.Plan{Splits: []plan.Split{{Name: "train"}, {Name: "test"}}},
		},
		Datasets: []*layout.Dataset{{Name: "sums", Result: pipeline.SplitResult{Read: 3}, Splits: []layout.Split{split(0), split(1)}}},
	}
}

func check(t *testing.T, of *layout.Revision, drawn [][]pipeline.MixedDataset, places []seen) error {
	t.Helper()
	asked := questions.New(of, false)
	defer asked.Close()
	s := New(of, asked)
	defer s.Close()
	for _, p := range places {
		if err := s.Add(p.as, 0, p.split, p.number, []byte(p.line), nil); err != nil {
			t.Fatal(err)
		}
	}
	return s.Check(drawn)
}

func want(t *testing.T, err error, reason contract.Reason, name string) {
	t.Helper()
	switch {
	case reason == "" && err != nil:
		t.Error(err)
	case reason != "" && contract.ReasonOf(err) != reason:
		t.Errorf("%v, want a failure of reason %s", err, reason)
	case reason != "" && !strings.Contains(err.Error(), name):
		t.Errorf("the message is %q, want %s in it", err, name)
	}
}

func TestRowsOfSplitsWithFiles(t *testing.T) {
	for what, c := range map[string]struct {
		places []seen
		reason contract.Reason
		name   string
	}{
		"each where it may be":        {[]seen{{InSplit, 0, 0, "a"}, {InSplit, 1, 1, "b"}, {Skipped, 0, 2, ""}}, "", ""},
		"one dropped by balance":      {[]seen{{InSplit, 0, 0, "a"}, {InSplit, 1, 1, "b"}, {Dropped, 0, 2, ""}}, "", ""},
		"all in one split":            {[]seen{{InSplit, 0, 0, "a"}, {InSplit, 0, 1, "b"}, {InSplit, 0, 2, "c"}}, "", ""},
		"in the file of all rows":     {[]seen{{Raw, 0, 0, "a"}, {InSplit, 0, 0, "a"}, {InSplit, 1, 1, "b"}, {Skipped, 0, 2, ""}}, "", ""},
		"in two splits":               {[]seen{{InSplit, 0, 0, "a"}, {InSplit, 1, 0, "a"}}, contract.LeakageDetected, "sums_0"},
		"twice in a split":            {[]seen{{InSplit, 0, 0, "a"}, {InSplit, 0, 0, "a"}}, contract.VolumeInvalid, "sums_0"},
		"another row in the splits":   {[]seen{{Raw, 0, 1, "a"}, {InSplit, 0, 1, "b"}}, contract.VolumeInvalid, "sums_1"},
		"left out and in a split":     {[]seen{{Skipped, 0, 0, ""}, {InSplit, 0, 0, "a"}}, contract.VolumeInvalid, "sums_0"},
		"dropped and in a split":      {[]seen{{Dropped, 0, 0, ""}, {InSplit, 0, 0, "a"}}, contract.VolumeInvalid, "sums_0"},
		"left out and dropped":        {[]seen{{Skipped, 0, 0, ""}, {Dropped, 0, 0, ""}}, contract.VolumeInvalid, "sums_0"},
		"left out, and among all":     {[]seen{{Skipped, 0, 0, ""}, {Raw, 0, 0, "a"}}, contract.VolumeInvalid, "sums_0"},
		"a number too high":           {[]seen{{InSplit, 0, 3, "a"}}, contract.VolumeInvalid, "sums_3"},
		"a row that is nowhere":       {[]seen{{InSplit, 0, 0, "a"}, {InSplit, 1, 1, "b"}}, contract.VolumeInvalid, "1 are in no split"},
		"no row at all":               {nil, contract.VolumeInvalid, "3 are in no split"},
		"the last row's place counts": {[]seen{{InSplit, 0, 0, "a"}, {InSplit, 0, 2, "c"}, {InSplit, 1, 2, "c"}}, contract.LeakageDetected, "sums_2"},
	} {
		t.Run(what, func(t *testing.T) {
			want(t, check(t, at(t, "rows.jsonl", false), nil, c.places), c.reason, c.name)
		})
	}
}

// A row that is not in the file of all rows, where that is held, was made up.
func TestRowsOfTheFileOfAllRows(t *testing.T) {
	of := at(t, "rows.jsonl", false)
	of.Datasets[0].Raw = "raw/math/sums.jsonl"
	places := []seen{{Raw, 0, 0, "a"}, {InSplit, 0, 0, "a"}, {Raw, 0, 1, "b"}, {InSplit, 1, 1, "b"}, {Skipped, 0, 2, ""}}
	want(t, check(t, of, nil, places), "", "")
	want(t, check(t, of, nil, places[1:]), contract.VolumeInvalid, "sums_0 is not in raw/math/sums.jsonl")
}

// The plan gives each split's one row twice.
func TestRowsOfMixedFilesAlone(t *testing.T) {
	whole := []seen{{Mixed, 0, 0, "a"}, {Mixed, 0, 0, "a"}, {Mixed, 1, 1, "b"}, {Mixed, 1, 1, "b"}}
	for what, c := range map[string]struct {
		places []seen
		reason contract.Reason
		name   string
	}{
		"as planned":               {whole, "", ""},
		"once too few":             {whole[1:], contract.VolumeInvalid, "split train"},
		"once too often":           {append(whole[:4:4], seen{Mixed, 1, 1, "b"}), contract.VolumeInvalid, "split test"},
		"two rows in place of one": {append([]seen{{Mixed, 0, 2, "c"}}, whole[1:]...), contract.VolumeInvalid, "split train"},
		"in two splits":            {append(whole[:4:4], seen{Mixed, 1, 0, "a"}), contract.LeakageDetected, "sums_0"},
		"not the same each time":   {append([]seen{{Mixed, 0, 0, "c"}}, whole[1:]...), contract.VolumeInvalid, "sums_0"},
	} {
		t.Run(what, func(t *testing.T) {
			want(t, check(t, at(t, "", false), nil, c.places), c.reason, c.name)
		})
	}
	drawn := [][]pipeline.MixedDataset{{{Unique: 1, MaxRepeats: 2}}, {{Unique: 1, MaxRepeats: 2}}}
	want(t, check(t, at(t, "", true), drawn, whole), "", "")
	drawn[1][0].Unique = 2
	want(t, check(t, at(t, "", true), drawn, whole), contract.VolumeInvalid, "split test")
}

// Where a revision holds all rows, they are compared as they are.
func TestRevisionsWithAllRowsNeedNoNumbers(t *testing.T) {
	of := at(t, "rows.jsonl", false)
	of.Manifest.Recipe.Output.Keep = nil
	s := New(of, nil)
	if s != nil {
		t.Fatal("numbers are compared")
	}
	if err := s.Add(Mixed, 0, 0, 0, nil, nil); err != nil {
		t.Error(err)
	}
	if err := s.Check(nil); err != nil {
		t.Error(err)
	}
	s.Close()
}
