package hub_test

import (
	"context"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/datasetmix/datasetmix/internal/contract"
	"github.com/datasetmix/datasetmix/internal/recipe"
	"github.com/datasetmix/datasetmix/internal/testing/hub"
	"github.com/datasetmix/datasetmix/internal/testing/sources"
)

func splits(pairs ...string) []hub.SplitFiles {
	var out []hub.SplitFiles
	for i := 0; i < len(pairs); i += 2 {
		out = append(out, hub.SplitFiles{Split: pairs[i], Paths: strings.Fields(pairs[i+1])})
	}
	return out
}

// TestChoosingFiles: files, spec and card of a repository, and the files that are read, or what the message says.
func TestChoosingFiles(t *testing.T) {
	one := []hub.Config{{Name: "en", Data: splits("train", "en/a.csv en/b.csv", "test", "en/c.csv")}}
	two := append([]hub.Config{{Name: "de", Data: splits("train", "de/*.csv")}}, one...)
	withDefault := append([]hub.Config{{Name: "de", Default: true, Data: splits("train", "de/*.csv")}}, one...)
	inFolder := []hub.Config{{Name: "default", DataDir: "en", Data: splits("train", "[ab].csv")}, {Name: "x", Data: splits("train", "no")}}
	onlyNamed := []hub.Config{{Name: "en"}, {Name: "de"}}
	tree := "en/a.csv en/b.csv en/c.csv de/d.csv"
	for _, tc := range []struct {
		name    string
		files   string
		configs []hub.Config
		spec    recipe.HuggingFace
		want    string
		says    string
	}{
		{name: "globs", files: tree, spec: recipe.HuggingFace{Files: []string{"en/*", "*/[bd].csv"}}, want: "de/d.csv en/a.csv en/b.csv en/c.csv"},
		{name: "globs over folders", files: "a/b/c/x.csv a/y.csv z.csv", spec: recipe.HuggingFace{Files: []string{"a/**"}}, want: "a/b/c/x.csv a/y.csv"},
		{name: "alternatives", files: tree, spec: recipe.HuggingFace{Files: []string{"{en,de}/{a,d}.csv"}}, want: "de/d.csv en/a.csv"},
		{name: "globs before the card", files: tree, configs: one, spec: recipe.HuggingFace{Files: []string{"de/*"}}, want: "de/d.csv"},
		{name: "each glob must choose", files: tree, spec: recipe.HuggingFace{Files: []string{"en/*", "fr/*"}}, says: `No file of repository acme/set matches "fr/*"`},

		{name: "card, config and split", files: tree, configs: two, spec: recipe.HuggingFace{Config: "en", Split: "test"}, want: "en/c.csv"},
		{name: "card, the only config", files: tree, configs: one, spec: recipe.HuggingFace{Split: "train"}, want: "en/a.csv en/b.csv"},
		{name: "card, every split", files: tree, configs: one, want: "en/a.csv en/b.csv en/c.csv"},
		{name: "card, the default config", files: tree, configs: withDefault, want: "de/d.csv"},
		{name: "card, a folder of its own", files: tree, configs: inFolder, want: "en/a.csv en/b.csv"},
		{name: "card, files by layout", files: "en/train-0.csv de/train-0.csv", configs: onlyNamed, spec: recipe.HuggingFace{Config: "de"}, want: "de/train-0.csv"},
		{name: "card, no default config", files: tree, configs: two, says: "Repository acme/set has several configurations and no default one: name one of de, en with config"},
		{name: "card, no such config", files: tree, configs: two, spec: recipe.HuggingFace{Config: "fr"}, says: `has no configuration "fr". It has de, en.`},
		{name: "card, no such split", files: tree, configs: two, spec: recipe.HuggingFace{Config: "en", Split: "dev"}, says: `has no split "dev". It has test, train: name one of them with split.`},
		{name: "card, missing files", files: "x.csv", configs: one, says: `matches "en/a.csv"`},
		{name: "card, a pattern that is none", files: tree, configs: []hub.Config{{Name: "x", Data: splits("train", "en/[")}}, says: `The pattern "en/[" in the card of repository acme/set is not a valid pattern`},

		{name: "layout <config>/<split>-*", files: "main/train-0.parquet main/test-0.parquet other/train-0.parquet",
			spec: recipe.HuggingFace{Config: "main", Split: "train"}, want: "main/train-0.parquet"},
		{name: "layout <config>/<split>/*", files: "main/train/0000.parquet main/test/0000.parquet",
			spec: recipe.HuggingFace{Config: "main", Split: "train"}, want: "main/train/0000.parquet"},
		{name: "layout data/<split>-*", files: "data/train-1.parquet data/train-0.parquet data/test-0.parquet",
			spec: recipe.HuggingFace{Split: "train"}, want: "data/train-0.parquet data/train-1.parquet"},
		{name: "layout data, config default", files: "data/train-0.parquet", spec: recipe.HuggingFace{Config: "default", Split: "train"}, want: "data/train-0.parquet"},
		{name: "layout <split>.*", files: "train.jsonl.gz test.jsonl.gz", spec: recipe.HuggingFace{Split: "train"}, want: "train.jsonl.gz"},
		{name: "layout with another name of the split", files: "train.csv dev.csv", spec: recipe.HuggingFace{Split: "validation"}, want: "dev.csv"},
		{name: "the split's own name first", files: "dev.csv validation.csv", spec: recipe.HuggingFace{Split: "validation"}, want: "validation.csv"},
		{name: "every split by layout", files: "data/train.csv data/test.csv notes.txt", want: "data/test.csv data/train.csv"},
		{name: "names that look like patterns", files: "a[b]/train-0.csv ab/train-0.csv", spec: recipe.HuggingFace{Config: "a[b]", Split: "train"}, want: "a[b]/train-0.csv"},
		{name: "two formats", files: "train.csv train.parquet", spec: recipe.HuggingFace{Split: "train"}, says: "in several formats, perhaps the same rows twice: train.csv, train.parquet"},
		{name: "no data of the split", files: "script.py a.csv", spec: recipe.HuggingFace{Config: "main", Split: "train"},
			says: `No data files of configuration "main" of split "train" are where they usually lie in repository acme/set. It has README.md, a.csv, script.py.`},
		{name: "no data at all", files: "script.py", spec: recipe.HuggingFace{Config: "main", Split: "train"}, says: "the loading script script.py and no data files"},
		{name: "data of a card with an unusual name", files: "rows.txt", configs: []hub.Config{{Name: "main", Data: []hub.SplitFiles{{Split: "train", Paths: []string{"*.txt"}}}}},
			want: "rows.txt"},
		{name: "many files", files: "01 02 03 04 05 06 07 08 09 10 11 12 13", spec: recipe.HuggingFace{Files: []string{"x"}},
			says: "It has 01, 02, 03, 04, 05, 06, 07, 08, 09, 10, 11, 12 and 2 more."},
	} {
		t.Run(tc.name, func(t *testing.T) {
			r := withFiles(strings.Fields(tc.files)...)
			r.Configs = tc.configs
			tc.spec.Repo = r.ID
			_, s, _ := onHub(t, hub.Options{PageSize: 100}, tc.spec, "", r)
			l, err := s.Resolve(context.Background())
			if tc.says != "" {
				if err == nil || !strings.Contains(err.Error(), tc.says) || !contract.ReasonOf(err).Permanent() {
					t.Errorf("chose %v, %v; want %q", sources.Paths(l), err, tc.says)
				}
				return
			}
			if diff := cmp.Diff(tc.want, strings.Join(sources.Paths(l), " ")); diff != "" || err != nil {
				t.Errorf("%v (-want +got):\n%s", err, diff)
			}
		})
	}
}

// TestCardsByHand: what people write into cards where a list of splits is expected.
func TestCardsByHand(t *testing.T) {
	for _, tc := range []struct {
		name string
		data any
		want string
	}{
		{"one pattern", "en/*.csv", "en/a.csv en/b.csv"},
		{"patterns", []string{"en/a.csv", "./de/d.csv"}, "de/d.csv en/a.csv"},
		{"splits", []map[string]any{{"split": "train", "path": []string{"en/b.csv"}}}, "en/b.csv"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			r := withFiles("en/a.csv", "en/b.csv", "de/d.csv")
			r.Card = map[string]any{"configs": []map[string]any{{"config_name": "default", "data_files": tc.data}}}
			_, s, _ := onHub(t, hub.Options{PageSize: 100}, recipe.HuggingFace{Repo: r.ID}, "", r)
			l, err := s.Resolve(context.Background())
			if diff := cmp.Diff(tc.want, strings.Join(sources.Paths(l), " ")); diff != "" || err != nil {
				t.Errorf("%v (-want +got):\n%s", err, diff)
			}
		})
	}
	t.Run("folder alone", func(t *testing.T) {
		r := withFiles("en/a.csv", "de/d.csv")
		r.Configs = []hub.Config{{Name: "default", DataDir: "de"}}
		_, s, _ := onHub(t, hub.Options{PageSize: 100}, recipe.HuggingFace{Repo: r.ID}, "", r)
		l, err := s.Resolve(context.Background())
		if diff := cmp.Diff("de/d.csv", strings.Join(sources.Paths(l), " ")); diff != "" || err != nil {
			t.Errorf("%v (-want +got):\n%s", err, diff)
		}
	})
}
