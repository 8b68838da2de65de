package stage

import (
	"context"
	"io/fs"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/datasetmix/datasetmix/internal/pipeline"
	"github.com/datasetmix/datasetmix/internal/recipe"
	"github.com/datasetmix/datasetmix/internal/testing/recipes"
	"github.com/datasetmix/datasetmix/internal/verify"
)

// choices returns all that a revision can hold.
func choices() (all [][]recipe.RevisionPart) {
	parts := recipe.RevisionParts()
	for set := 1; set < 1<<len(parts)-1; set++ {
		var some []recipe.RevisionPart
		for i, part := range parts {
			if set&(1<<i) != 0 {
				some = append(some, part)
			}
		}
		all = append(all, some)
	}
	return all
}

// folders are the folders of a revision, by what keeps them.
var folders = map[recipe.RevisionPart]string{recipe.RawPart: "raw", recipe.ProcessedPart: "processed", recipe.MixedPart: "mixed", recipe.TestPart: "test"}

// A revision holds what is kept and nothing else, whose bytes are those of a revision that holds all; it is proved, its units are, and
// what is made of them by Jobs.
func TestRevisionsHoldWhatIsKept(t *testing.T) {
	whole := filled(t)
	whole.build(recipes.Exporting(recipe.JSONL, 1))
	for _, parts := range choices() {
		w, r := filled(t), recipes.Keeping(parts...)
		_, graph := w.jobs(r, map[string]pipeline.Result{}, "")
		var found []string
		root := filepath.Join(w.worker.Volume, "mix", "current") + "/"
		err := filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
			name := strings.TrimPrefix(path, root)
			if err == nil && strings.Contains(name, "/") && !entry.IsDir() && strings.HasSuffix(name, "l") {
				if got, want := w.read("mix/current/"+name), whole.read("mix/current/"+name); got != want {
					t.Errorf("%v: %s has other bytes", parts, name)
				}
			}
			if top, _, below := strings.Cut(name, "/"); below && !slices.Contains(found, top) {
				found = append(found, top)
			}
			return err
		})
		must(t, err)
		want := []string{"exports"}
		for _, part := range parts {
			want = append(want, folders[part])
		}
		slices.Sort(want)
		if diff := cmp.Diff(want, found); diff != "" {
			t.Errorf("%v (-want +holds):\n%s", parts, diff)
		}
		if raw := slices.Contains(parts, recipe.RawPart); raw != (len(w.glob(".stages/split/*/raw.jsonl")) > 0) {
			t.Errorf("%v: all rows are written: %v", parts, !raw)
		}
		step, _ := graph.Step(pipeline.StageMix)
		if units := map[bool]int{true: 4, false: 2}[slices.Contains(parts, recipe.MixedPart)]; len(step.Nodes) != units {
			t.Errorf("%v: the mix stage has %d units, want %d", parts, len(step.Nodes), units)
		}
		proof, err := verify.Revision(context.Background(), filepath.Join(w.worker.Volume, "mix", "current"), verify.Options{Digest: graph.Published.Digest})
		if err != nil {
			t.Errorf("%v: %v", parts, err)
		}
		saysWhatIsNotProved(t, parts, proof)
	}
}

// saysWhatIsNotProved checks that a proof names the parts that it lacks.
func saysWhatIsNotProved(t *testing.T, parts []recipe.RevisionPart, proof verify.Proof) {
	t.Helper()
	unproved := strings.Join(proof.Claims().NotProved, "\n")
	for part, claim := range map[recipe.RevisionPart]string{recipe.RawPart: "raw is not kept", recipe.ProcessedPart: "processed is not kept"} {
		if said := strings.Contains(unproved, claim); said == slices.Contains(parts, part) {
			t.Errorf("%v: it is said that %s: %v", parts, claim, said)
		}
	}
}

// glob finds files below the mix's folder.
func (w *world) glob(pattern string) []string {
	w.t.Helper()
	found, err := filepath.Glob(filepath.Join(w.worker.Volume, "mix", pattern))
	must(w.t, err)
	return found
}
