package verify_test

import (
	"context"
	"os"
	"path/filepath"
	"testing"

	"github.com/datasetmix/datasetmix/internal/pipeline"
	"github.com/datasetmix/datasetmix/internal/recipe"
	"github.com/datasetmix/datasetmix/internal/source"
	"github.com/datasetmix/datasetmix/internal/source/open"
	"github.com/datasetmix/datasetmix/internal/source/volume"
	"github.com/datasetmix/datasetmix/internal/stage"
	"github.com/datasetmix/datasetmix/internal/testing/recipes"
)

// world is a claim with the files of recipes.Two: revisions are built from them, each on a volume of its own.
type world struct {
	t      *testing.T
	claims string
}

func filled(t *testing.T) world {
	w := world{t: t, claims: t.TempDir()}
	for name, content := range recipes.TwoFiles() {
		w.put(name, content)
	}
	return w
}

func (w world) put(name, content string) {
	w.t.Helper()
	if err := os.WriteFile(filepath.Join(w.claims, name), []byte(content), 0o644); err != nil {
		w.t.Fatal(err)
	}
}

// revision builds a recipe and returns the folder of its revision.
func (w world) revision(r recipe.Recipe) string {
	w.t.Helper()
	worker := stage.Worker{Volume: w.t.TempDir(), Source: func(dataset recipe.Dataset) (source.Source, error) {
		return open.New(dataset.Source, open.Options{Volume: volume.Options{Claims: map[string]string{"corpora": w.claims}}})
	}}
	if _, err := worker.Build(context.Background(), r, 2, unwatched{}); err != nil {
		w.t.Fatal(err)
	}
	name, err := os.Readlink(filepath.Join(worker.Volume, "mix", "current"))
	if err != nil {
		w.t.Fatal(err)
	}
	return filepath.Join(worker.Volume, "mix", name)
}

// published builds a small mix and gives its revision's folder.
func published(t *testing.T) string { return filled(t).revision(recipes.Two()) }

// copied returns a revision's folder copied to another place, under another name.
func copied(t *testing.T, folder string) string {
	t.Helper()
	to := filepath.Join(t.TempDir(), "mix")
	if err := os.CopyFS(to, os.DirFS(folder)); err != nil {
		t.Fatal(err)
	}
	return to
}

// unwatched observes a build and says nothing.
type unwatched struct{}

func (unwatched) Begin(pipeline.Step) {}

func (unwatched) Done(pipeline.Stage, pipeline.Node, pipeline.Result, stage.Way) {}
