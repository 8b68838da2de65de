package questions

import (
	"context"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/datasetmix/datasetmix/internal/contract"
	"github.com/datasetmix/datasetmix/internal/plan"
	"github.com/datasetmix/datasetmix/internal/recipe"
	"github.com/datasetmix/datasetmix/internal/record"
	"github.com/datasetmix/datasetmix/internal/revision"
	"github.com/datasetmix/datasetmix/internal/testing/volume"
	"github.com/datasetmix/datasetmix/internal/verify/files"
	"github.com/datasetmix/datasetmix/internal/verify/layout"
)

// row is a question and its answer.
type row struct{ question, answer string }

// compare compares the rows of a data set in two splits, which have files of their own or not.
func compare(t *testing.T, duplicates recipe.Duplicates, byForm, inFiles bool, splits [2][]row) ([]int, error) {
	t.Helper()
	folder := volume.Folder(t)
	of := &layout.Revision{
		Files: &files.Set{Context: context.Background(), Folder: folder}, Notes: folder,
		Manifest: &revision.Manifest{Recipe: recipe.Recipe{Duplicates: duplicates}, Plan: plan.Plan{Splits: []plan.Split{{Name: "train"}, {Name: "test"}}}},
		Datasets: []*layout.Dataset{{Name: "sums", Splits: make([]layout.Split, 2)}},
	}
	asked := New(of, byForm)
	defer asked.Close()
	number := int64(0)
	for s, rows := range splits {
		var content []byte
		for _, r := range rows {
			at := Ref{Split: s, Offset: number}
			if inFiles {
				at.Offset = int64(len(content))
			}
			view := record.View{Number: number, Question: layout.Quoted(r.question), Answer: layout.Quoted(r.answer)}
			if err := asked.Add(view, at, &Forms{}); err != nil {
				t.Fatal(err)
			}
			content = fmt.Appendf(content, `{"id":"sums_%d","dataset":"sums","domain":"math","question":"%s","reference_answer":"%s","answer_type":"text","metadata":{"source":"sums","original_id":"0"}}`+"\n",
				number, view.Question, view.Answer)
			number++
		}
		if inFiles {
			of.Datasets[0].Splits[s].File = of.SplitName(s) + ".jsonl"
			if err := os.WriteFile(folder.Join(of.Datasets[0].Splits[s].File).String(), content, 0o600); err != nil {
				t.Fatal(err)
			}
		}
	}
	return asked.Check()
}

func TestCheck(t *testing.T) {
	const none = contract.Reason("")
	for what, c := range map[string]struct {
		duplicates  recipe.Duplicates
		byForm      bool
		train, test []row
		counts      []int
		reason      contract.Reason
		names       []string // that the message has
	}{
		"no question twice":                    {"", false, []row{{"a", "1"}, {"b", "1"}}, []row{{"c", "1"}}, []int{2, 1}, none, nil},
		"no row in a split":                    {"", false, []row{{"a", "1"}}, nil, []int{1, 0}, none, nil},
		"a question twice in a split":          {"", false, []row{{"a", "1"}, {"a", "1"}, {"b", ""}}, nil, []int{2, 0}, none, nil},
		"a question in two splits":             {"", false, []row{{"a", "1"}, {"b", "1"}}, []row{{"b", "2"}}, nil, contract.LeakageDetected, []string{"sums_1", "sums_2"}},
		"a question written in another way":    {"", true, []row{{"a  B", "1"}}, []row{{"A b", "1"}}, nil, contract.LeakageDetected, []string{"sums_0", "sums_1"}},
		"other bytes, compared by their bytes": {"", false, []row{{"a  B", "1"}}, []row{{"A b", "1"}}, []int{1, 1}, none, nil},
		"an escape that means the same":        {"", true, []row{{"a\tb", "1"}}, []row{{"a b", "1"}}, nil, contract.LeakageDetected, []string{"sums_0", "sums_1"}},
		"two answers to a question":            {recipe.DropDuplicates, false, []row{{"a", "1"}, {"a", "2"}, {"a", "3"}}, nil, []int{1, 0}, none, nil},
		"a row twice":                          {recipe.DropDuplicates, false, []row{{"a", "1"}, {"a", "1"}}, nil, nil, contract.VolumeInvalid, []string{"sums_0", "sums_1"}},
		"the third row says what the first did": {recipe.DropDuplicates, false, []row{{"a", "1"}, {"a", "2"}, {"a", "1"}}, nil, nil, contract.VolumeInvalid,
			[]string{"sums_0", "sums_2"}},
	} {
		for _, inFiles := range []bool{true, false} {
			t.Run(fmt.Sprintf("%s, in files: %t", what, inFiles), func(t *testing.T) {
				counts, err := compare(t, c.duplicates, c.byForm, inFiles, [2][]row{c.train, c.test})
				if c.reason == none {
					if err != nil || !slices.Equal(counts, c.counts) {
						t.Errorf("%v, %v, want %v", counts, err, c.counts)
					}
					return
				}
				if contract.ReasonOf(err) != c.reason {
					t.Fatalf("%v, want a failure of reason %s", err, c.reason)
				}
				for _, name := range c.names {
					if !strings.Contains(err.Error(), name) {
						t.Errorf("the message is %q, want %s in it", err, name)
					}
				}
			})
		}
	}
}

// A question's hashes are those of what it is compared by, and its answer's those of its bytes.
func TestHashes(t *testing.T) {
	of := &layout.Revision{Manifest: &revision.Manifest{}}
	byForm, byBytes := New(of, true), New(of, false)
	var buffers Forms
	hashes := func(s *Set, question, answer string) string {
		both := s.Hashes([]byte(question), []byte(answer), &buffers)
		return string(both[:])
	}
	a := hashes(byForm, "A question", "1")
	for what, c := range map[string]struct {
		other string
		same  bool
	}{
		"the same":                 {hashes(byForm, "A question", "1"), true},
		"in another way":           {hashes(byForm, "a  QUESTION", "1"), true},
		"an escape":                {hashes(byForm, `A\u0020question`, "1"), true},
		"another answer":           {hashes(byForm, "A question", "2"), false},
		"another question":         {hashes(byForm, "A question more", "1"), false},
		"answers are not formed":   {hashes(byForm, "A question", "1 "), false},
		"of another set: its keys": {hashes(byBytes, "A question", "1"), false},
	} {
		if same := a == c.other; same != c.same {
			t.Errorf("%s: equal hashes: %t", what, same)
		}
	}
	if hashes(byBytes, "A question", "1") == hashes(byBytes, "a question", "1") {
		t.Error("other bytes have the same hashes")
	}
}
