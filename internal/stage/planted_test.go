package stage

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/datasetmix/datasetmix/internal/contract"
	"github.com/datasetmix/datasetmix/internal/pipeline"
	"github.com/datasetmix/datasetmix/internal/recipe"
	"github.com/datasetmix/datasetmix/internal/revision"
)

// planted is what somebody who may write to the volume puts there.
type planted struct {
	where func(w hubWorld) string // relative to the volume
	build func(r recipe.Recipe) recipe.Recipe
	// mended: what was planted is removed, as any damage of a finished unit, and the unit is built again.
	mended bool
}

var placesOnAVolume = map[string]planted{
	"an original": {func(w hubWorld) string {
		return rel(w, filepath.Join(w.download(onHub("main"), "sums"), "files", "00000"))
	}, newRecord, false},
	"the folder of originals": {func(w hubWorld) string { return rel(w, filepath.Join(w.download(onHub("main"), "sums"), "files")) }, newRecord, false},
	"the list of originals": {func(w hubWorld) string {
		return rel(w, filepath.Join(w.download(onHub("main"), "sums"), originalsName))
	}, newRecord, true},
	"a result": {func(w hubWorld) string {
		return rel(w, filepath.Join(w.download(onHub("main"), "sums"), revision.ResultFile))
	}, newRecord, true},
	"a unit":                   {func(w hubWorld) string { return rel(w, w.download(onHub("main"), "sums")) }, newRecord, true},
	"the folder of all stages": {func(hubWorld) string { return "mix/.stages" }, newRecord, false},
	"the mix's folder":         {func(hubWorld) string { return "mix" }, newRecord, false},
	"the folder of revisions":  {func(hubWorld) string { return "mix/revisions" }, newRecord, false},
	"the cache":                {func(hubWorld) string { return ".cache" }, elsewhere, false},
	"the cache's originals":    {func(hubWorld) string { return ".cache/sha256" }, elsewhere, false},
}

func rel(w hubWorld, path string) string {
	name, err := filepath.Rel(w.worker.Volume, path)
	if err != nil {
		w.t.Fatal(err)
	}
	return name
}

// TestNothingPlantedLeadsOutOfTheVolume: a link of another writer of the claim leads neither to the pod's token nor to a folder of the
// node, and a pipe keeps no worker. Nothing of what the link leads to is told or changed.
func TestNothingPlantedLeadsOutOfTheVolume(t *testing.T) {
	const token = "hf_SECRETSECRETSECRET"
	for what, place := range placesOnAVolume {
		for kind, plant := range map[string]func(outside, path string) error{
			"a link to a file":   func(outside, path string) error { return os.Symlink(filepath.Join(outside, "token"), path) },
			"a link to a folder": os.Symlink,
			"a pipe":             func(_, path string) error { return syscall.Mkfifo(path, 0o600) },
		} {
			t.Run(what+" is "+kind, func(t *testing.T) {
				t.Parallel()
				outside := t.TempDir()
				if err := os.WriteFile(filepath.Join(outside, "token"), []byte(token), 0o600); err != nil {
					t.Fatal(err)
				}
				w := newHubWorld(t)
				w.build(onHub("main"))
				path := filepath.Join(w.worker.Volume, place.where(w))
				if err := os.RemoveAll(path); err != nil {
					t.Fatal(err)
				}
				if err := plant(outside, path); err != nil {
					t.Fatal(err)
				}
				ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
				defer cancel()
				_, err := w.worker.Build(ctx, place.build(onHub("main")), 2, w)
				if place.mended {
					if err != nil {
						t.Errorf("it was not built again: %v", err)
					}
				} else if ctx.Err() != nil || contract.ReasonOf(err) != contract.VolumeInvalid || strings.Contains(err.Error(), "hf_") {
					t.Errorf("%s: %v", contract.ReasonOf(err), err)
				}
				left, err := os.ReadDir(outside)
				if err != nil || len(left) != 1 {
					t.Errorf("outside stand %v, %v", left, err)
				}
				if got, err := os.ReadFile(filepath.Join(outside, "token")); err != nil || string(got) != token {
					t.Errorf("the token is %q, %v", got, err)
				}
			})
		}
	}
}

// TestLinksWithinTheVolume: a volume that is a link, and a mix's folder that leads to another on the volume, are as good as any.
func TestLinksWithinTheVolume(t *testing.T) {
	plain := newHubWorld(t)
	want := plain.build(onHub("main")).Published
	w := newHubWorld(t)
	if err := os.Mkdir(filepath.Join(w.worker.Volume, "big"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink("big", filepath.Join(w.worker.Volume, "mix")); err != nil {
		t.Fatal(err)
	}
	link := filepath.Join(t.TempDir(), "data")
	if err := os.Symlink(w.worker.Volume, link); err != nil {
		t.Fatal(err)
	}
	w.worker.Volume = link
	if got := w.build(onHub("main")).Published; *got != *want {
		t.Errorf("published %+v, want %+v", got, want)
	}
	if got := w.read("big/current/manifest.json"); got == "" {
		t.Error("the mix does not lie where the link leads")
	}
}

// TestAResultNamesItsOwnRevision: the link that training pods mount leads to nothing else that a result on the volume says; the
// publication is made again.
func TestAResultNamesItsOwnRevision(t *testing.T) {
	w := newHubWorld(t)
	graph := w.build(onHub("main"))
	step, _ := graph.Step(pipeline.StagePublish)
	rewrite(t, filepath.Join(w.worker.Volume, "mix", ".stages", "publish", step.Nodes[0].Key, revision.ResultFile), func(content []byte) []byte {
		return bytes.Replace(content, []byte(graph.Published.Revision), []byte("../../other"), 1)
	})
	if got := w.build(onHub("main")).Published; *got != *graph.Published {
		t.Errorf("published %+v, want %+v", got, graph.Published)
	}
	if got := w.current(); got != graph.Published.Revision {
		t.Errorf("the link shows %s", got)
	}
}
