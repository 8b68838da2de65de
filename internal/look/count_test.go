package look

import (
	"bytes"
	"strings"
	"testing"

	"github.com/parquet-go/parquet-go"

	"github.com/datasetmix/datasetmix/internal/contract"
	"github.com/datasetmix/datasetmix/internal/recipe"
	sources "github.com/datasetmix/datasetmix/internal/source/open"
	"github.com/datasetmix/datasetmix/internal/testing/hub"
)

// inParquet returns a file of so many rows, in two row groups.
func inParquet(t *testing.T, rows int) []byte {
	t.Helper()
	type row struct {
		Question string `parquet:"question"`
	}
	var b bytes.Buffer
	w := parquet.NewGenericWriter[row](&b)
	for i := range rows {
		if _, err := w.Write([]row{{strings.Repeat("q", 2000)}}); err != nil {
			t.Fatal(err)
		}
		if i == rows/2 {
			if err := w.Flush(); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// TestCount: the footers of Parquet files count their rows, else the card does; no more of a file than its end is asked for. Text files of a repository without
// counts say nothing, and a damaged footer is an error.
func TestCount(t *testing.T) {
	table := inParquet(t, 3000)
	standIn := hub.New(hub.Options{}, hub.Repo{ID: "acme/counted", SHA: strings.Repeat("1", 40), Configs: []hub.Config{
		{Name: "main", Data: []hub.SplitFiles{{Split: "train", Paths: []string{"train.jsonl"}}}}, {Name: "other", Data: []hub.SplitFiles{{Split: "train", Paths: []string{"other.jsonl"}}}},
	}, Card: map[string]any{"dataset_info": []any{map[string]any{"config_name": "main", "splits": []any{map[string]any{"name": "train", "num_examples": 12}}}}}, Files: map[string]hub.File{
		"train.jsonl": {Content: []byte("{}\n")}, "other.jsonl": {Content: []byte("{}\n")},
		"a.parquet": {Content: table, LFS: true}, "b.parquet": {Content: inParquet(t, 7)}, "broken.parquet": {Content: append(bytes.Clone(table[:len(table)-9]), "?\xff\xff\xff\xff"+"PAR1"...), LFS: true},
	}})
	var env sources.Options
	env.Hub.Endpoint = hub.Start(t, standIn)
	for _, test := range []struct {
		name string
		of   recipe.HuggingFace
		want int64
		why  contract.Reason
	}{
		{name: "footers", of: recipe.HuggingFace{Files: []string{"a.parquet", "b.parquet"}}, want: 3007},
		{name: "the card", of: recipe.HuggingFace{Config: "main", Split: "train"}, want: 12},
		{name: "another configuration", of: recipe.HuggingFace{Config: "other", Split: "train"}, want: -1},
		{name: "files that the card does not count", of: recipe.HuggingFace{Files: []string{"train.jsonl"}}, want: -1},
		{name: "a file without a footer among them", of: recipe.HuggingFace{Files: []string{"a.parquet", "train.jsonl"}}, want: -1},
		{name: "a damaged footer", of: recipe.HuggingFace{Files: []string{"broken.parquet"}}, want: -1, why: contract.InvalidData},
	} {
		t.Run(test.name, func(t *testing.T) {
			test.of.Repo = "acme/counted"
			from, err := sources.New(recipe.Source{HuggingFace: &test.of}, env)
			if err != nil {
				t.Fatal(err)
			}
			before := standIn.Bytes()
			got, err := Count(t.Context(), from)
			if got != test.want || (err != nil) != (test.why != "") || err != nil && contract.ReasonOf(err) != test.why {
				t.Errorf("%d rows, %v; want %d", got, err, test.want)
			}
			if read := standIn.Bytes() - before; read > 2*blockSize+100<<10 {
				t.Errorf("%d bytes were read", read)
			}
		})
	}
}
