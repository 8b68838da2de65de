package report

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/datasetmix/datasetmix/internal/pipeline"
	"github.com/datasetmix/datasetmix/internal/plan"
	"github.com/datasetmix/datasetmix/internal/recipe"
	"github.com/datasetmix/datasetmix/internal/revision"
)

// built returns the manifest of a mix of two data sets in two shards per split, of which every number is made up.
func built(change func(*recipe.Recipe)) revision.Manifest {
	dataset := func(name string) recipe.Dataset {
		return recipe.Dataset{Name: name, Source: recipe.Source{Volume: &recipe.Volume{ClaimName: "c"}}, Record: recipe.Record{Preset: "gsm8k"}}
	}
	m := revision.Manifest{Name: "m", Revision: "r", Recipe: recipe.Recipe{
		Name: "m", Order: recipe.Shuffled, Output: recipe.Output{Format: recipe.JSONLZstd, Shards: 2},
		Splits: []recipe.Split{{Name: "train", Share: 4}, {Name: "test", Share: 1}},
		Domains: []recipe.Domain{
			{Name: "math", Share: 1, Balance: recipe.Largest, Datasets: []recipe.Dataset{dataset("sums")}},
			{Name: "code", Share: 1, Balance: recipe.Largest, Datasets: []recipe.Dataset{dataset("programs")}},
		},
	}}
	change(&m.Recipe)
	split := func(name string, rows int64) plan.Split {
		part := func(name string) plan.Dataset {
			return plan.Dataset{Name: name, Available: rows, Balanced: rows, Rows: rows, Unique: rows, MaxRepeats: 1}
		}
		return plan.Split{Name: name, Rows: 2 * rows, Domains: []plan.Domain{
			{Name: "math", Rows: rows, Datasets: []plan.Dataset{part("sums")}},
			{Name: "code", Rows: rows, Datasets: []plan.Dataset{part("programs")}},
		}}
	}
	m.Plan = plan.Plan{Splits: []plan.Split{split("train", 8), split("test", 2)}}
	stage := func(stage pipeline.Stage, name string, result pipeline.Result) {
		m.Stages = append(m.Stages, revision.Finished{Stage: stage, Node: pipeline.Node{Name: name}, Result: result})
	}
	for _, name := range []string{"programs", "sums"} {
		stage(pipeline.StageDownload, name, pipeline.Result{Download: &pipeline.DownloadResult{Digest: "d", License: "mit"}})
		stage(pipeline.StageSplit, name, pipeline.Result{Split: &pipeline.SplitResult{Read: 20, Rows: []int64{12, 2}}})
	}
	stage(pipeline.StageBalance, "m", pipeline.Result{Balance: &pipeline.BalanceResult{
		Overlap: pipeline.DroppedRows{{0, 1}, {0, 0}}, Duplicates: pipeline.DroppedRows{{0, 2}, {0, 0}}, NearDuplicates: pipeline.DroppedRows{{4, 1}, {0, 0}},
	}})
	for i, shard := range m.Recipe.Shards() {
		mixed := pipeline.MixResult{Rows: 4}
		if m.Recipe.Measured() || m.Recipe.Resample == recipe.WithReplacement {
			mixed.Datasets = []pipeline.MixedDataset{{Unique: 5, MaxRepeats: 3, Units: int64(10 + i)}, {Unique: 6, MaxRepeats: 2, Units: 30}}
		}
		stage(pipeline.StageMix, shard.Name(), pipeline.Result{Mix: &mixed})
		m.Files = append(m.Files, revision.PublishedFile{Path: revision.MixedFile(shard, m.Recipe.Output.Format), Rows: &mixed.Rows})
	}
	return m
}

// TestDropsByReason: rows that the balance stage dropped are listed by their reason.
func TestDropsByReason(t *testing.T) {
	got := Of(built(func(r *recipe.Recipe) {
		r.Duplicates, r.NearDuplicates = recipe.DropDuplicates, &recipe.NearDuplicates{}
	})).Datasets
	if diff := cmp.Diff([][]Drop{
		{{"a later split has the same question", 1}, {"the split has a row with the same question and answer", 2}, {"a later split has nearly the same question", 1}},
		{{"a later split has nearly the same question", 4}},
	}, [][]Drop{got[0].Dropped, got[1].Dropped}); diff != "" {
		t.Error(diff)
	}
}

// TestDrawnRows: what was drawn with replacement is counted by the mixed files, not planned.
func TestDrawnRows(t *testing.T) {
	planned, drawn := Of(built(func(*recipe.Recipe) {})), Of(built(func(r *recipe.Recipe) { r.Resample = recipe.WithReplacement }))
	for i, want := range []Counts{{8, 8, 8, 8, 1}, {8, 8, 8, 6, 2}} { // sums sorts after programs
		if diff := cmp.Diff(want, []Revision{planned, drawn}[i].Datasets[0].Splits[0]); diff != "" {
			t.Errorf("sums in train (-want +got):\n%s", diff)
		}
	}
	if planned.Splits[0].Unique != 16 || drawn.Splits[0].Unique != 11 {
		t.Errorf("distinct rows of train: planned %d, drawn %d", planned.Splits[0].Unique, drawn.Splits[0].Unique)
	}
}

// TestUnits: a share is of what the mix measures its shares in.
func TestUnits(t *testing.T) {
	r := Of(built(func(r *recipe.Recipe) { r.Unit = recipe.InTokens }))
	if diff := cmp.Diff([][]int64{{60, 60}, {21, 25}}, r.Units); diff != "" || r.Unit != "tokens" {
		t.Errorf("%q of each domain and split (-want +got):\n%s", r.Unit, diff)
	}
	text := card(t, r)
	for _, want := range []string{
		"The rows of a mixed file are shuffled. Shares are measured in tokens.\n",
		"| math | 1 | 50.00 % | 8 | 74.07 % | 2 | 70.59 % |\n| code | 1 | 50.00 % | 8 | 25.93 % | 2 | 29.41 % |\n",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("the card has not\n%s\nbut\n%s", want, text)
		}
	}
	page, err := HTML(r)
	if err != nil || !strings.Contains(string(page), "share of the tokens") || !strings.Contains(string(page), "74.07 %") {
		t.Errorf("the page does not measure in tokens: %v", err)
	}
	r.Units = r.Units[1:]
	if _, err := Card(r); err == nil || !strings.Contains(err.Error(), "domain math has no tokens for each split") {
		t.Errorf("units of one domain: %v", err)
	}
}

// TestShardsAreListed by all that lists files, each with its format.
func TestShardsAreListed(t *testing.T) {
	m := built(func(*recipe.Recipe) {})
	names := []string{
		"mixed/train_mixed-00000-of-00002.jsonl.zst", "mixed/train_mixed-00001-of-00002.jsonl.zst",
		"mixed/test_mixed-00000-of-00002.jsonl.zst", "mixed/test_mixed-00001-of-00002.jsonl.zst",
	}
	var mixed []string
	for _, f := range Of(m).Files {
		if f.mixed() && strings.HasPrefix(f.Path, "mixed/"+f.Split+"_") {
			mixed = append(mixed, f.Path)
		}
	}
	if diff := cmp.Diff(names, mixed); diff != "" {
		t.Errorf("mixed files (-want +got):\n%s", diff)
	}
	text := card(t, Of(m))
	want := "  - split: \"test\"\n    path:\n    - \"" + names[2] + "\"\n    - \"" + names[3] + "\"\n"
	if !strings.Contains(text, want) {
		t.Errorf("the card has not\n%s", want)
	}
	files := parsed(t, Of(m))["distribution"].([]any)
	if object := files[0].(map[string]any); object["encodingFormat"] != "application/zstd" {
		t.Errorf("a shard has the format %s", object["encodingFormat"])
	}
	for i := range m.Files {
		m.Files[i].Path = strings.Replace(m.Files[i].Path, ".zst", ".gz", 1)
	}
	gzipped := Of(m)
	for i, file := range gzipped.Files {
		gzipped.Files[i].Split = file.Path[len("mixed/"):strings.IndexByte(file.Path, '_')]
	}
	files = parsed(t, gzipped)["distribution"].([]any)
	set := files[len(files)-1].(map[string]any)
	if set["encodingFormat"] != "application/jsonlines" || len(set["includes"].([]any)) != 4 {
		t.Errorf("the set of %v has the format %s", set["includes"], set["encodingFormat"])
	}
}

// TestInfoOfShards: the files and their format stand in info.json where they are not the usual ones.
func TestInfoOfShards(t *testing.T) {
	const want = `  "format": "JSONLZstd",
  "files": {
    "train": [
      "mixed/train_mixed-00000-of-00002.jsonl.zst",
      "mixed/train_mixed-00001-of-00002.jsonl.zst"
    ],
    "test": [
      "mixed/test_mixed-00000-of-00002.jsonl.zst",
      "mixed/test_mixed-00001-of-00002.jsonl.zst"
    ]
  }
}
`
	m := built(func(*recipe.Recipe) {})
	info, err := Info(m.Recipe, m.Plan)
	if err != nil || !strings.HasSuffix(string(info), want) {
		t.Errorf("%v, %s", err, info)
	}
	m.Recipe.Output = recipe.Output{Format: recipe.JSONL}
	if info, err = Info(m.Recipe, m.Plan); err != nil || strings.Contains(string(info), `"files"`) || strings.Contains(string(info), `"format"`) {
		t.Errorf("one plain file per split: %v, %s", err, info)
	}
}

// TestCardOfParquet: a loader reads all configurations of a card alike.
func TestCardOfParquet(t *testing.T) {
	got := six().with(func(r *Revision) {
		r.Files[0].Path, r.Files[1].Path = "mixed/train_mixed.parquet", "mixed/test_mixed.parquet"
	})
	if configs := got.configs(); len(configs) != 1 || configs[0].Files[0].Paths[0] != "mixed/train_mixed.parquet" {
		t.Errorf("configurations %+v", configs)
	}
}

// TestMeta: a mix that drops duplicates says how many, a data set of which rows were left out why; any other has only what it
// always had.
func TestMeta(t *testing.T) {
	for _, c := range []struct {
		change  func(*recipe.Recipe)
		dropped map[string]int64
		want    string
	}{
		{func(*recipe.Recipe) {}, nil, `"total":20,"train":8,"test":2,"overlap_dropped":{"train":1,"test":0}}`},
		{func(*recipe.Recipe) {}, map[string]int64{"where": 5, "contaminated": 1},
			`"train":8,"test":2,"left_out":{"contaminated":1,"where":5},"overlap_dropped":{"train":1,"test":0}}`},
		{func(r *recipe.Recipe) {
			r.Duplicates, r.NearDuplicates = recipe.DropDuplicates, &recipe.NearDuplicates{}
		}, nil,
			`"train":8,"test":2,"overlap_dropped":{"train":1,"test":0},"duplicates_dropped":{"train":2,"test":0},"near_duplicates_dropped":{"train":1,"test":0}}`},
	} {
		m := built(c.change)
		meta, err := Meta(m.Recipe, pipeline.Summarize(m.Recipe, &m.Plan, m.Results()), "sums", pipeline.SplitResult{Read: 20, Dropped: c.dropped})
		if got := strings.Join(strings.Fields(string(meta)), ""); err != nil || !strings.HasSuffix(got, c.want) {
			t.Errorf("%v, %s, want …%s", err, got, c.want)
		}
	}
}

// TestReasonsOfTheSplitStage: every reason that docs/format.md and docs/contributing/decoding.md name has words of its own.
func TestReasonsOfTheSplitStage(t *testing.T) {
	counts := map[string]int64{}
	for _, reason := range []string{
		"where", "contaminated", "contaminated-ngrams", "unmappable", "no-answer", "not-a-number",
		"malformed", "invalid-utf8", "duplicate-name", "missing-field", "wrong-shape", "too-long",
	} {
		counts[reason] = 1
	}
	for _, drop := range drops(counts) {
		if _, plain := counts[drop.Reason]; plain {
			t.Errorf("%s has no words", drop.Reason)
		}
	}
	if got := drops(map[string]int64{"of a later release": 7}); len(got) != 1 || got[0] != (Drop{"of a later release", 7}) {
		t.Errorf("a reason that is not known: %v", got)
	}
}
