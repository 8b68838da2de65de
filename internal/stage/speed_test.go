package stage

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/datasetmix/datasetmix/internal/pipeline"
	"github.com/datasetmix/datasetmix/internal/recipe"
	"github.com/datasetmix/datasetmix/internal/revision"
	"github.com/datasetmix/datasetmix/internal/source"
	"github.com/datasetmix/datasetmix/internal/source/open"
	"github.com/datasetmix/datasetmix/internal/source/volume"
	"github.com/datasetmix/datasetmix/internal/testing/forgery"
	"github.com/datasetmix/datasetmix/internal/testing/recipes"
	"github.com/datasetmix/datasetmix/internal/verify"
)

// A stage's folder of a release that listed no digests is published all the same, to the same bytes.
func TestUnitsWithoutDigestsArePublished(t *testing.T) {
	w := filled(t)
	r := recipes.Two()
	w.build(r)
	first := w.digest("mix/current/manifest.json")
	removed := 0
	for _, pattern := range []string{"split/*", "balance/*"} {
		lists, err := filepath.Glob(filepath.Join(w.worker.Volume, "mix/.stages", pattern, digestsName))
		if err != nil {
			t.Fatal(err)
		}
		for _, list := range lists {
			if err := os.Remove(list); err != nil {
				t.Fatal(err)
			}
			removed++
		}
	}
	if removed != 4 {
		t.Errorf("%d lists of digests", removed)
	}
	if err := os.RemoveAll(filepath.Join(w.worker.Volume, "mix/.stages/publish")); err != nil {
		t.Fatal(err)
	}
	if err := os.RemoveAll(filepath.Join(w.worker.Volume, "mix/revisions")); err != nil {
		t.Fatal(err)
	}
	w.build(r)
	if got := w.digest("mix/current/manifest.json"); got != first {
		t.Errorf("the manifest is %s, was %s", got, first)
	}
}

// A finished file that has changed since its writer noted its digest is not published: it is made again.
func TestAFileThatChangedSinceItWasWrittenIsMadeAgain(t *testing.T) {
	w := filled(t)
	r := recipes.Two()
	w.build(r)
	files, err := filepath.Glob(filepath.Join(w.worker.Volume, "mix/.stages/split/*/raw.jsonl"))
	if err != nil || len(files) != 3 {
		t.Fatalf("%v, %v", files, err)
	}
	forgery.Change(t, files[0], func(content []byte) []byte { content[len(content)/2] ^= 1; return content })
	r.Domains[0].Share = 9
	if diff := cmp.Diff(filled(t).build(r).Published, w.build(r).Published); diff != "" {
		t.Errorf("published (-want +got):\n%s", diff)
	}
}

// benchmarkRows are about as many rows of half a kilobyte each, in three data sets.
const benchmarkRows = 20_000

func benchmarkWorld(b *testing.B) (Worker, map[string]pipeline.Result) {
	claims := b.TempDir()
	text := strings.Repeat("some words of a long question ", 14)
	for name, file := range map[string]struct{ question, answer string }{"sums": {"sum", "#### 7"}, "products": {"product", "#### 8"}, "facts": {"fact", "A"}} {
		var out strings.Builder
		rows := benchmarkRows / 2
		if name == "products" {
			rows = 100
		}
		for i := range rows {
			fmt.Fprintf(&out, "{\"question\":\"%s %d %s\",\"answer\":%q}\n", file.question, i, text, file.answer)
		}
		if err := os.WriteFile(filepath.Join(claims, name+".jsonl"), []byte(out.String()), 0o600); err != nil {
			b.Fatal(err)
		}
	}
	w := Worker{Volume: b.TempDir(), Source: func(dataset recipe.Dataset) (source.Source, error) {
		return open.New(dataset.Source, open.Options{Volume: volume.Options{Claims: map[string]string{"corpora": claims}}})
	}}
	results, err := w.Build(context.Background(), recipes.Two(), 2, &world{})
	if err != nil {
		b.Fatal(err)
	}
	return w, results
}

// size returns the bytes and rows that a unit writes or, for a download, reads.
func size(result pipeline.Result) (bytes, rows int64) {
	switch {
	case result.Download != nil:
		return result.Download.Bytes, 0
	case result.Split != nil:
		return result.Split.Bytes, result.Split.Read
	case result.Mix != nil:
		return result.Mix.Bytes, result.Mix.Rows
	case result.Publish != nil:
		return result.Publish.Bytes, 0
	default:
		return 0, 0
	}
}

// BenchmarkStages builds one unit of each stage again and again.
func BenchmarkStages(b *testing.B) {
	w, results := benchmarkWorld(b)
	graph, err := pipeline.Walk(recipes.Two(), results)
	if err != nil {
		b.Fatal(err)
	}
	folder := revision.Folder("mix")
	for _, step := range graph.Steps {
		unit := step.Nodes[0]
		for _, u := range step.Nodes {
			if u.Name == "train" || u.Name == "facts" {
				unit = u
			}
		}
		doomed := []string{folder.Node(step.Stage, unit.Key)}
		if step.Stage == pipeline.StagePublish {
			doomed = append(doomed, folder.Revision(pipeline.RevisionName(unit.Key)))
		}
		b.Run(string(step.Stage), func(b *testing.B) {
			bytes, rows := size(results[unit.Key])
			b.SetBytes(bytes)
			b.ReportAllocs()
			for b.Loop() {
				for _, name := range doomed {
					if err := os.RemoveAll(filepath.Join(w.Volume, name)); err != nil {
						b.Fatal(err)
					}
				}
				if _, err := w.Run(context.Background(), Job{Recipe: recipes.Two(), Results: results, Stage: step.Stage, Unit: unit}); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(rows), "rows/op")
		})
	}
}

// BenchmarkMix writes the mixed file of train, of some 20,000 rows, in each format, and drawn. Bytes are those of the rows,
// whatever they are packed to.
func BenchmarkMix(b *testing.B) {
	w, results := benchmarkWorld(b)
	plain, err := pipeline.Walk(recipes.Two(), results)
	if err != nil {
		b.Fatal(err)
	}
	lineBytes := results[plain.Steps[3].Nodes[0].Key].Mix.Bytes
	for _, c := range []struct {
		name     string
		format   recipe.Format
		resample recipe.Resample
	}{
		{"JSONL", recipe.JSONL, ""}, {"JSONLZstd", recipe.JSONLZstd, ""}, {"JSONLGzip", recipe.JSONLGzip, ""}, {"Parquet", recipe.Parquet, ""},
		{"JSONL drawn", recipe.JSONL, recipe.WithReplacement},
	} {
		b.Run(c.name, func(b *testing.B) {
			r := recipes.Two()
			r.Output.Format, r.Resample = c.format, c.resample
			// What comes before is the same in all but its keys where rows are drawn.
			results, err := w.Build(context.Background(), r, 2, &world{})
			if err != nil {
				b.Fatal(err)
			}
			graph, err := pipeline.Walk(r, results)
			if err != nil {
				b.Fatal(err)
			}
			step, _ := graph.Step(pipeline.StageMix)
			unit := step.Nodes[0]
			rows := results[unit.Key].Mix.Rows
			b.SetBytes(lineBytes)
			b.ReportAllocs()
			for b.Loop() {
				if err := os.RemoveAll(filepath.Join(w.Volume, revision.Folder("mix").Node(pipeline.StageMix, unit.Key))); err != nil {
					b.Fatal(err)
				}
				if _, err := w.Run(context.Background(), Job{Recipe: r, Results: results, Stage: pipeline.StageMix, Unit: unit}); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(rows), "rows/op")
		})
	}
}

// BenchmarkVerify proves a revision in each format. Bytes are those of the plain one.
func BenchmarkVerify(b *testing.B) {
	w, results := benchmarkWorld(b)
	plain, err := pipeline.Walk(recipes.Two(), results)
	if err != nil {
		b.Fatal(err)
	}
	for _, format := range recipes.Formats() {
		b.Run(string(format), func(b *testing.B) {
			r := recipes.Two()
			r.Output.Format = format
			results, err := w.Build(context.Background(), r, 2, &world{})
			if err != nil {
				b.Fatal(err)
			}
			graph, err := pipeline.Walk(r, results)
			if err != nil {
				b.Fatal(err)
			}
			b.SetBytes(plain.Published.Bytes)
			b.ReportAllocs()
			for b.Loop() {
				if _, err := verify.Revision(context.Background(), filepath.Join(w.Volume, "mix/revisions", graph.Published.Revision), verify.Options{}); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
