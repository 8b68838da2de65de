package stage

import (
	"encoding/json"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/datasetmix/datasetmix/internal/recipe"
	"github.com/datasetmix/datasetmix/internal/record"
	"github.com/datasetmix/datasetmix/internal/revision"
	"github.com/datasetmix/datasetmix/internal/testing/recipes"
)

// spoken returns what a row says, whatever its id.
func spoken(t *testing.T, rows []string) []string {
	t.Helper()
	var out []string
	for _, line := range rows {
		row, err := record.Parse([]byte(strings.TrimSuffix(line, "\n")))
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, row.Question+"\n"+row.ReferenceAnswer+"\n"+row.AnswerType)
	}
	return out
}

// A published mixed file is a source like any other, in every format and number of files: its rows come back in their order.
func TestAPublishedMixIsASourceAgain(t *testing.T) {
	for _, format := range recipes.Formats() {
		for _, shards := range []int{1, 3} {
			t.Run(fmt.Sprint(format, " ", shards), func(t *testing.T) {
				first := filled(t)
				r := recipes.In(format, shards)
				graph := first.build(r)
				want := spoken(t, first.shardsOf(r, graph.Plan.Splits[0]))

				again := newWorld(t)
				again.claims = filepath.Join(first.worker.Volume, "mix/revisions", graph.Published.Revision)
				source := recipes.Two()
				source.Splits = source.Splits[:1]
				source.Domains = []recipe.Domain{{Name: "all", Share: 1, Balance: recipe.Largest, Datasets: []recipe.Dataset{{
					Name:   "mixed",
					Source: recipe.Source{Volume: &recipe.Volume{ClaimName: "corpora", Files: []string{"mixed/train_mixed*"}}},
					Record: recipe.Record{Question: "row.question", ReferenceAnswer: "row.reference_answer", AnswerType: "row.answer_type"},
				}}}}
				again.build(source)
				rows := strings.SplitAfter(again.read("mix/current/raw/all/mixed.jsonl"), "\n")
				if got := spoken(t, rows[:len(rows)-1]); !slices.Equal(got, want) {
					t.Errorf("%d rows come back, other than the %d that were published", len(got), len(want))
				}
			})
		}
	}
}

// described is a file, or a set of files, in croissant.json.
type described struct {
	ID       string `json:"@id"`
	URL      string `json:"contentUrl"`
	Size     string `json:"contentSize"`
	Format   string `json:"encodingFormat"`
	SHA256   string `json:"sha256"`
	Includes []string
}

// descriptions returns what info.json and croissant.json say of the mixed files.
func (w *world) descriptions() (info struct {
	Format recipe.Format
	Files  map[string][]string
}, distribution []described) {
	w.t.Helper()
	var croissant struct{ Distribution []described }
	for name, into := range map[string]any{revision.InfoFile: &info, revision.CroissantFile: &croissant} {
		if err := json.Unmarshal([]byte(w.read("mix/current/"+name)), into); err != nil {
			w.t.Fatal(err)
		}
	}
	return info, croissant.Distribution
}

// The descriptions name every mixed file, with its bytes and the format that a loader takes it for.
func TestDescriptionsOfEveryFormat(t *testing.T) {
	for format, want := range map[recipe.Format]struct{ file, rows string }{
		recipe.JSONL:     {"application/jsonlines", "application/jsonlines"},
		recipe.JSONLZstd: {"application/zstd", "application/jsonlines"},
		recipe.JSONLGzip: {"application/gzip", "application/jsonlines"},
		recipe.Parquet:   {"application/x-parquet", "application/x-parquet"},
	} {
		t.Run(string(format), func(t *testing.T) {
			w := filled(t)
			r := recipes.Drawn(format, 2)
			w.build(r)
			card := w.read("mix/current/README.md")
			info, distribution := w.descriptions()
			if info.Format != format {
				t.Errorf("info.json says %s", info.Format)
			}
			set := recordFiles(r, distribution, want.rows)
			if set.Format != want.rows || len(set.Includes) != len(r.Shards()) {
				t.Errorf("the set of mixed files is of %s: %v", set.Format, set.Includes)
			}
			for _, shard := range r.Shards() {
				name := revision.MixedFile(shard, format)
				content := w.read("mix/current/" + name)
				i := slices.IndexFunc(distribution, func(f described) bool { return f.ID == name })
				if i < 0 {
					t.Fatalf("croissant.json does not list %s", name)
				}
				if f := distribution[i]; f.URL != name || f.Format != want.file || f.SHA256 != w.digest("mix/current/"+name) || f.Size != fmt.Sprintf("%d B", len(content)) {
					t.Errorf("croissant.json says of %s: %+v", name, f)
				}
				if !slices.Contains(set.Includes, name) || !strings.Contains(card, fmt.Sprintf("    - %q\n", name)) || !slices.Contains(info.Files[shard.Split], name) {
					t.Errorf("%s is missing in a description", name)
				}
			}
		})
	}
}

// recordFiles returns the set of files that Croissant reads the mix from. In zstd, which its reader cannot unpack, there is nothing to look at.
func recordFiles(r recipe.Recipe, distribution []described, rows string) described {
	if i := slices.IndexFunc(distribution, func(f described) bool { return f.ID == "records-files" }); i >= 0 {
		return distribution[i]
	}
	var set described
	if r.Output.Format == recipe.JSONLZstd {
		set.Format = rows
		for _, shard := range r.Shards() {
			set.Includes = append(set.Includes, revision.MixedFile(shard, r.Output.Format))
		}
	}
	return set
}
