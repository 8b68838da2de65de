package stage

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/datasetmix/datasetmix/internal/contract"
	"github.com/datasetmix/datasetmix/internal/pipeline"
	"github.com/datasetmix/datasetmix/internal/recipe"
	"github.com/datasetmix/datasetmix/internal/source"
	"github.com/datasetmix/datasetmix/internal/source/open"
	"github.com/datasetmix/datasetmix/internal/source/volume"
	"github.com/datasetmix/datasetmix/internal/store"
	"github.com/datasetmix/datasetmix/internal/testing/recipes"
)

// world is a volume, the claims that sources lie on, and what was built.
type world struct {
	t      *testing.T
	worker Worker
	claims string
	built  []string
}

func newWorld(t *testing.T) *world {
	w := &world{t: t, claims: t.TempDir()}
	w.worker = Worker{Volume: t.TempDir(), Source: func(dataset recipe.Dataset) (source.Source, error) {
		return open.New(dataset.Source, open.Options{Volume: volume.Options{Claims: map[string]string{"corpora": w.claims}}})
	}}
	return w
}

// at returns a folder as a place on a volume of its own.
func at(t testing.TB, folder string) store.Path {
	t.Helper()
	volume, err := store.Open(folder)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { volume.Close() })
	return volume.Path(".")
}

// Begin and Done make a world the observer of its builds.
func (w *world) Begin(pipeline.Step) {}

func (w *world) Done(stage pipeline.Stage, unit pipeline.Node, _ pipeline.Result, _ Way) {
	w.built = append(w.built, string(stage)+" "+unit.Name)
}

func (w *world) put(name string, content string) {
	w.t.Helper()
	path := filepath.Join(w.claims, name)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		w.t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(content), 0o644); err != nil {
		w.t.Fatal(err)
	}
}

// build builds a recipe to its end and gives its graph.
func (w *world) build(r recipe.Recipe) pipeline.Graph {
	w.t.Helper()
	graph, _ := w.results(r)
	return graph
}

// results builds a recipe to its end and gives its graph, and the result of every unit by key.
func (w *world) results(r recipe.Recipe) (pipeline.Graph, map[string]pipeline.Result) {
	w.t.Helper()
	results, err := w.worker.Build(context.Background(), r, 2, w)
	if err != nil {
		w.t.Fatal(err)
	}
	graph, err := pipeline.Walk(r, results)
	if err != nil {
		w.t.Fatal(err)
	}
	return graph, results
}

// fails builds a recipe that must fail for a reason, with a message that holds every part.
func (w *world) fails(r recipe.Recipe, reason contract.Reason, parts ...string) {
	w.t.Helper()
	_, err := w.worker.Build(context.Background(), r, 2, w)
	if contract.ReasonOf(err) != reason || err == nil {
		w.t.Fatalf("the build ended with %v (%s), want reason %s", err, contract.ReasonOf(err), reason)
	}
	for _, part := range parts {
		if !strings.Contains(err.Error(), part) {
			w.t.Errorf("the message %q does not say %q", err, part)
		}
	}
}

func (w *world) read(name string) string {
	w.t.Helper()
	content, err := os.ReadFile(filepath.Join(w.worker.Volume, name))
	if err != nil {
		w.t.Fatal(err)
	}
	return string(content)
}

func (w *world) digest(name string) string {
	sum := sha256.Sum256([]byte(w.read(name)))
	return hex.EncodeToString(sum[:])
}

// current returns the revision that the link shows.
func (w *world) current() string {
	target, err := os.Readlink(filepath.Join(w.worker.Volume, "mix", "current"))
	if err != nil {
		return ""
	}
	return filepath.Base(target)
}

// revisions lists the published revisions.
func (w *world) revisions() []string {
	entries, err := os.ReadDir(filepath.Join(w.worker.Volume, "mix", "revisions"))
	if err != nil {
		return nil
	}
	var names []string
	for _, entry := range entries {
		names = append(names, entry.Name())
	}
	return names
}

// filled returns a world with rows for two.
func filled(t *testing.T) *world {
	w := newWorld(t)
	for name, content := range recipes.TwoFiles() {
		w.put(name, content)
	}
	return w
}

func reversed(r recipe.Recipe) recipe.Recipe {
	r.Domains = slices.Clone(r.Domains)
	slices.Reverse(r.Domains)
	for i := range r.Domains {
		r.Domains[i].Datasets = slices.Clone(r.Domains[i].Datasets)
		slices.Reverse(r.Domains[i].Datasets)
	}
	return r
}

func command(t *testing.T, name string, arguments ...string) (string, error) {
	out, err := exec.CommandContext(t.Context(), name, arguments...).CombinedOutput()
	return string(out), err
}

// revision builds a recipe and returns the folder of its revision.
func (w *world) revision(r recipe.Recipe) string {
	w.t.Helper()
	return filepath.Join(w.worker.Volume, "mix", "revisions", w.build(r).Published.Revision)
}
