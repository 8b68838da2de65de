package repos_test

import (
	"bytes"
	"errors"
	"io"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/parquet-go/parquet-go"

	"github.com/datasetmix/datasetmix/internal/testing/hub"
	"github.com/datasetmix/datasetmix/internal/testing/realrows"
	"github.com/datasetmix/datasetmix/internal/testing/repos"
)

// sixFiles are the files that the samples read, with their rows at scale 1, in the order of their paths.
var sixFiles = []struct {
	repo, path string
	rows       int64
}{
	{"EleutherAI/hendrycks_math", "algebra/train-00000-of-00001.parquet", 1744},
	{"EleutherAI/hendrycks_math", "counting_and_probability/train-00000-of-00001.parquet", 771},
	{"EleutherAI/hendrycks_math", "geometry/train-00000-of-00001.parquet", 870},
	{"EleutherAI/hendrycks_math", "intermediate_algebra/train-00000-of-00001.parquet", 1295},
	{"EleutherAI/hendrycks_math", "number_theory/train-00000-of-00001.parquet", 869},
	{"EleutherAI/hendrycks_math", "prealgebra/train-00000-of-00001.parquet", 1205},
	{"EleutherAI/hendrycks_math", "precalculus/train-00000-of-00001.parquet", 746},
	{"google-research-datasets/mbpp", "sanitized/prompt-00000-of-00001.parquet", 7},
	{"google-research-datasets/mbpp", "sanitized/test-00000-of-00001.parquet", 257},
	{"google-research-datasets/mbpp", "sanitized/train-00000-of-00001.parquet", 120},
	{"google-research-datasets/mbpp", "sanitized/validation-00000-of-00001.parquet", 43},
	{"hotpotqa/hotpot_qa", "distractor/train-00000-of-00002.parquet", 44483},
	{"hotpotqa/hotpot_qa", "distractor/train-00001-of-00002.parquet", 44483},
	{"openai/gsm8k", "main/train-00000-of-00001.parquet", 7473},
	{"openai/openai_humaneval", "openai_humaneval/test-00000-of-00001.parquet", 164},
	{"rajpurkar/squad_v2", "squad_v2/train-00000-of-00001.parquet", 87599},
}

func open(t *testing.T, repos []hub.Repo, id, path string) *parquet.File {
	t.Helper()
	i := slices.IndexFunc(repos, func(r hub.Repo) bool { return r.ID == id })
	if i < 0 {
		t.Fatalf("there is no %s", id)
	}
	file, ok := repos[i].Files[path]
	if !ok || !file.LFS {
		t.Fatalf("%s has no large file %s, only %q", id, path, slices.Sorted(maps.Keys(repos[i].Files)))
	}
	f, err := parquet.OpenFile(bytes.NewReader(file.Content), int64(len(file.Content)))
	if err != nil {
		t.Fatalf("%s of %s: %v", path, id, err)
	}
	return f
}

// column reads every value of one leaf column, in order.
func column(t *testing.T, f *parquet.File, path ...string) []parquet.Value {
	t.Helper()
	leaf, ok := f.Schema().Lookup(path...)
	if !ok {
		t.Fatalf("no column %q in %s", path, f.Schema())
	}
	var out []parquet.Value
	for _, group := range f.RowGroups() {
		pages := group.ColumnChunks()[leaf.ColumnIndex].Pages()
		for {
			page, err := pages.ReadPage()
			if errors.Is(err, io.EOF) {
				break
			} else if err != nil {
				t.Fatal(err)
			}
			values := make([]parquet.Value, page.NumValues())
			if _, err := page.Values().ReadValues(values); err != nil && !errors.Is(err, io.EOF) {
				t.Fatal(err)
			}
			for _, v := range values {
				out = append(out, v.Clone())
			}
		}
		pages.Close()
	}
	return out
}

func TestGeneratedHasTheRowsOfTheSix(t *testing.T) {
	repos := repos.Generated(1)
	for _, want := range sixFiles {
		f := open(t, repos, want.repo, want.path)
		if f.NumRows() != want.rows {
			t.Errorf("%s of %s has %d rows, want %d", want.path, want.repo, f.NumRows(), want.rows)
		}
		if want.rows > 10 && len(f.RowGroups()) < 3 {
			t.Errorf("%s of %s has %d row groups, want several", want.path, want.repo, len(f.RowGroups()))
		}
	}
	commits := map[string]string{}
	for _, r := range repos {
		commits[r.ID] = r.SHA
	}
	if diff := cmp.Diff(sixCommits(), commits); diff != "" {
		t.Errorf("pinned commits (-want +got):\n%s", diff)
	}
}

func sixCommits() map[string]string {
	return map[string]string{
		"openai/gsm8k":                  "740312add88f781978c0658806c59bc2815b9866",
		"EleutherAI/hendrycks_math":     "21a5633873b6a120296cce3e2df9d5550074f4a3",
		"rajpurkar/squad_v2":            "3ffb306f725f7d2ce8394bc1873b24868140c412",
		"hotpotqa/hotpot_qa":            "1908d6afbbead072334abe2965f91bd2709910ab",
		"openai/openai_humaneval":       "7dce6050a7d6d172f3cc5c32aa97f52fa1a2e544",
		"google-research-datasets/mbpp": "4bb6404fdc6cacfda99d4ac4205087b89d32030c",
	}
}

func TestGeneratedIsDeterministic(t *testing.T) {
	if diff := cmp.Diff(repos.Generated(0.01), repos.Generated(0.01)); diff != "" {
		t.Error("two calls differ")
	}
}

func TestGeneratedRowsLookLikeTheRealOnes(t *testing.T) {
	repos := repos.Generated(0.1)
	ends := column(t, open(t, repos, "openai/gsm8k", "main/train-00000-of-00001.parquet"), "answer")
	if i := slices.IndexFunc(ends, func(v parquet.Value) bool { return !gsmAnswer(v.String()) }); i >= 0 {
		t.Errorf("answer %d has no #### tail: %s", i, ends[i])
	}
	solutions := column(t, open(t, repos, "EleutherAI/hendrycks_math", "algebra/train-00000-of-00001.parquet"), "solution")
	if i := slices.IndexFunc(solutions, func(v parquet.Value) bool { return !strings.Contains(v.String(), `\boxed{\frac{`) }); i >= 0 {
		t.Errorf("solution %d has no nested box: %s", i, solutions[i])
	}
	squad := open(t, repos, "rajpurkar/squad_v2", "squad_v2/train-00000-of-00001.parquet")
	contexts := column(t, squad, "context")
	starts := column(t, squad, "answers", "answer_start", "list", "element")
	empty := 0
	for i, text := range column(t, squad, "answers", "text", "list", "element") {
		if text.IsNull() {
			empty++
		} else if at := int(starts[i].Int32()); !strings.HasPrefix(contexts[i].String()[at:], text.String()) {
			t.Fatalf("row %d: %q does not stand at %d of %q", i, text, at, contexts[i])
		}
	}
	if empty != 8759/3 {
		t.Errorf("%d unanswerable rows, want a third of 8759", empty)
	}
}

func gsmAnswer(s string) bool {
	_, tail, ok := strings.Cut(s, "\n#### ")
	return ok && tail != "" && strings.Trim(tail, "0123456789,") == ""
}

func TestColumnTypes(t *testing.T) {
	repos := repos.Generated(0.001)
	for path, want := range map[string]string{
		"openai/gsm8k main/train-00000-of-00001.parquet":                       `question answer`,
		"EleutherAI/hendrycks_math algebra/train-00000-of-00001.parquet":       `problem level type solution`,
		"openai/openai_humaneval openai_humaneval/test-00000-of-00001.parquet": `task_id prompt canonical_solution test entry_point`,
		"rajpurkar/squad_v2 squad_v2/train-00000-of-00001.parquet": `id title context question ` +
			`answers.text.list.element answers.answer_start.list.element:INT32`,
		"hotpotqa/hotpot_qa distractor/train-00001-of-00002.parquet": `id question answer type level ` +
			`supporting_facts.title.list.element supporting_facts.sent_id.list.element:INT32 ` +
			`context.title.list.element context.sentences.list.element.list.element`,
		"google-research-datasets/mbpp sanitized/train-00000-of-00001.parquet": `source_file task_id:INT32 prompt code ` +
			`test_imports.list.element test_list.list.element`,
	} {
		id, file, _ := strings.Cut(path, " ")
		schema := open(t, repos, id, file).Schema()
		var got []string
		for _, c := range schema.Columns() {
			leaf, _ := schema.Lookup(c...)
			name := strings.Join(c, ".")
			if leaf.Node.Type().String() != "STRING" {
				name += ":" + leaf.Node.Type().Kind().String()
			}
			got = append(got, name)
		}
		if diff := cmp.Diff(want, strings.Join(got, " ")); diff != "" {
			t.Errorf("%s (-want +got):\n%s", path, diff)
		}
	}
}

func TestFromData(t *testing.T) {
	repos, err := repos.FromData(realrows.Folder(t))
	if err != nil {
		t.Fatal(err)
	}
	published := map[string]int64{ // where the published file holds other rows than the Hub's train split
		"rajpurkar/squad_v2": 6078, "hotpotqa/hotpot_qa": 7405,
	}
	totals := map[string]int64{}
	for _, want := range sixFiles {
		f := open(t, repos, want.repo, want.path)
		totals[want.repo] += f.NumRows()
		if _, other := published[want.repo]; !other && f.NumRows() != want.rows {
			t.Errorf("%s of %s has %d rows, want %d", want.path, want.repo, f.NumRows(), want.rows)
		}
	}
	for id, want := range published {
		if totals[id] != want {
			t.Errorf("%s has %d rows, want %d", id, totals[id], want)
		}
	}
	answers := column(t, open(t, repos, "openai/gsm8k", "main/train-00000-of-00001.parquet"), "answer")
	if !strings.HasSuffix(answers[0].String(), "#### 72") {
		t.Errorf("the first answer of GSM8K is %s", answers[0])
	}
	empty := 0
	squad := open(t, repos, "rajpurkar/squad_v2", "squad_v2/train-00000-of-00001.parquet")
	for _, v := range column(t, squad, "answers", "text", "list", "element") {
		if v.IsNull() {
			empty++
		}
	}
	if empty != 3168 {
		t.Errorf("%d unanswerable questions, want 3168", empty)
	}
}

func TestFromDataSaysWhatIsMissing(t *testing.T) {
	_, err := repos.FromData(t.TempDir())
	if err == nil || !strings.Contains(err.Error(), "gsm8k") || !strings.Contains(err.Error(), "mbpp") {
		t.Errorf("error %v does not name every missing file", err)
	}
	if !errors.Is(err, os.ErrNotExist) {
		t.Errorf("error %v is not os.ErrNotExist", err)
	}
}

func BenchmarkGenerated(b *testing.B) {
	for b.Loop() {
		repos.Generated(1)
	}
}
