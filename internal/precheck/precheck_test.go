package precheck

import (
	"strings"
	"testing"

	"github.com/datasetmix/datasetmix/internal/contract"
	"github.com/datasetmix/datasetmix/internal/recipe"
)

// valid returns a mix of two data sets without a mistake.
func valid() recipe.Recipe {
	written := recipe.Record{Question: "row.q", ReferenceAnswer: "row.a", AnswerType: "text", Rule: recipe.RecordRule}
	preset := recipe.Record{Preset: "gsm8k", Rule: recipe.RecordRule}
	at := func(claim string) recipe.Source { return recipe.Source{Volume: &recipe.Volume{ClaimName: claim}} }
	return recipe.Recipe{
		Name: "m", Seed: 1, Order: recipe.Shuffled, Output: recipe.Output{Path: "m", Format: recipe.JSONL, Shards: 1, KeepRevisions: 3},
		Splits: []recipe.Split{
			{Name: "train", Share: 5, Size: recipe.Size{Policy: recipe.KeepTotal}},
			{Name: "test", Share: 1, Size: recipe.Size{Policy: recipe.KeepTotal}},
		},
		Domains: []recipe.Domain{
			{Name: "qa", Share: 1, Balance: recipe.Largest, Datasets: []recipe.Dataset{{Name: "written", Source: at("a"), Record: written}}},
			{Name: "math", Share: 1, Balance: recipe.Largest, Datasets: []recipe.Dataset{{Name: "preset", Source: at("b"), Record: preset}}},
		},
	}
}

func TestRecipe(t *testing.T) {
	if err := Recipe(valid()); err != nil {
		t.Fatalf("a mix without a mistake is refused: %v", err)
	}
	written := func(r *recipe.Recipe) *recipe.Dataset { return &r.Domains[0].Datasets[0] }
	for _, tc := range []struct {
		what   string
		change func(*recipe.Recipe)
		reason contract.Reason
		want   []string
	}{
		{"a syntax error", func(r *recipe.Recipe) { written(r).Record.Question = "row.q +" }, contract.InvalidTask,
			[]string{"data set written: ", "expression of question", "Syntax error", "correct it in the data set's record"}},
		{"an unknown name", func(r *recipe.Recipe) { written(r).Record.Where = "rows.q != ''" }, contract.InvalidTask, []string{"expression of where", "undeclared reference to 'rows'"}},
		{"a wrong type", func(r *recipe.Recipe) { written(r).Record.Where = "size(row.q)" }, contract.InvalidTask, []string{"it gives int and must give a bool"}},
		{"a bad regular expression", func(r *recipe.Recipe) { written(r).Record.Where = `row.q.matches("(")` }, contract.InvalidTask, []string{"expression of where"}},
		{"an unknown answer type", func(r *recipe.Recipe) { written(r).Record.AnswerType = `"essay"` }, contract.InvalidTask, []string{`"numeric", "text" or "code"`}},
		{"an unknown preset", func(r *recipe.Recipe) { r.Domains[1].Datasets[0].Record.Preset = "gsm9k" }, contract.InvalidTask, []string{"data set preset: ", "gsm9k", "gsm8k"}},
		{"a pattern that is none", func(r *recipe.Recipe) { written(r).Source.Volume.Files = []string{"a", "train-[0.csv"} }, contract.InvalidTask, []string{"data set written: ", `"train-[0.csv"`}},
		{"a pattern of a Hub's files", func(r *recipe.Recipe) {
			written(r).Source = recipe.Source{HuggingFace: &recipe.HuggingFace{Repo: "a/b", Files: []string{"**.csv"}}}
		}, contract.InvalidTask, []string{`"**.csv"`, "write **/ for any folder"}},
		{"a pattern of objects", func(r *recipe.Recipe) {
			written(r).Source = recipe.Source{ObjectStore: &recipe.ObjectStore{URL: "s3://a", Files: []string{"{a,b"}}}
		}, contract.InvalidTask, []string{`"{a,b"`}},
		{"a pattern of layers", func(r *recipe.Recipe) {
			written(r).Source = recipe.Source{OCI: &recipe.OCI{Reference: "r/a:b", Scheme: "HTTPS", Files: []string{"[a"}}}
		}, contract.InvalidTask, []string{`"[a"`}},
		{"a probe's question", func(r *recipe.Recipe) {
			r.Decontaminate = &recipe.Decontaminate{Against: []recipe.Probe{{Name: "bench", Source: written(r).Source, Question: "row"}}}
		}, contract.InvalidTask, []string{"decontaminate against bench: "}},
		{"a source of a kind that names no license", func(r *recipe.Recipe) { r.Policy = &recipe.Policy{Licenses: []string{"mit"}} }, contract.LicenseRefused,
			[]string{"the source of data set preset names no license", "policy.licenses allows mit alone", "policy.unknownLicenses to Allow"}},
		{"an encoding of no release", func(r *recipe.Recipe) {
			r.Unit, r.Tokenizer = recipe.InTokens, recipe.Tokenizer{Encoding: "o300k"}
		}, contract.InvalidTask, []string{"o300k", "o200k_base, cl100k_base"}},
		{"too few rows", func(r *recipe.Recipe) {
			written(r).Source.Expect = &recipe.Expect{Rows: 10}
			r.MaxRepeats, r.Splits[0].Size = 2, recipe.Size{Policy: recipe.ExactRows, Rows: 100}
		}, contract.InfeasibleMix, []string{"domain qa", "at least 5 times", "lower the size, raise the limit"}},
	} {
		t.Run(tc.what, func(t *testing.T) {
			r := valid()
			tc.change(&r)
			err := Recipe(r)
			if err == nil || contract.ReasonOf(err) != tc.reason {
				t.Fatalf("got %v, want a failure of %s", err, tc.reason)
			}
			for _, part := range tc.want {
				if !strings.Contains(err.Error(), part) {
					t.Errorf("%q does not say %q", err, part)
				}
			}
		})
	}
}
