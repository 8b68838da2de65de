package stage

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/datasetmix/datasetmix/internal/contract"
	"github.com/datasetmix/datasetmix/internal/pipeline"
	"github.com/datasetmix/datasetmix/internal/recipe"
	"github.com/datasetmix/datasetmix/internal/revision"
	"github.com/datasetmix/datasetmix/internal/testing/forgery"
	"github.com/datasetmix/datasetmix/internal/testing/recipes"
	"github.com/datasetmix/datasetmix/internal/verify"
)

// otherRatio returns two with another ratio: another revision of the same rows.
func otherRatio() recipe.Recipe {
	r := recipes.Two()
	r.Domains[0].Share = 1
	return r
}

// breakage breaks something of a mix's folder that has two revisions, of which now is the current one and old the other.
type breakage struct {
	what string
	do   func(t *testing.T, mix, now, old string)
	// verdict of verify on the current revision, and on the one before: part of the message, "" where it is accepted.
	now, old string
}

// breaks changes a byte in the place where it lies, as a disk does: whoever shares the file sees it.
func breaks(t *testing.T, path string) {
	t.Helper()
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	content[len(content)/2] ^= 1
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	f, err := os.OpenFile(path, os.O_WRONLY, 0)
	if errors.Is(err, os.ErrPermission) {
		t.Skip("the files are read-only for this user")
	}
	if err != nil {
		t.Fatal(err)
	}
	_, err = f.Write(content)
	if err := errors.Join(err, f.Close(), os.Chtimes(path, info.ModTime(), info.ModTime())); err != nil {
		t.Fatal(err)
	}
}

func flips(path string) func(*testing.T, string, string, string) {
	return func(t *testing.T, _, now, _ string) { breaks(t, filepath.Join(now, path)) }
}

func must(t *testing.T, errs ...error) {
	t.Helper()
	if err := errors.Join(errs...); err != nil {
		t.Fatal(err)
	}
}

// apart makes a copy of a folder, which shares no file with anything.
func apart(t *testing.T, folder string) {
	must(t, os.CopyFS(folder+".copy", os.DirFS(folder)), os.RemoveAll(folder), os.Rename(folder+".copy", folder))
}

// breakages are the ways in which what was published is broken, removed, copied and renamed.
var breakages = []breakage{
	{"a byte of a mixed file", flips("mixed/train_mixed.jsonl"), "mixed/train_mixed.jsonl was changed", ""},
	{"a byte of a processed file", flips("processed/facts/train.jsonl"), "processed/facts/train.jsonl was changed", "processed/facts/train.jsonl was changed"},
	{"a byte of a file of all rows", flips("raw/qa/facts.jsonl"), "raw/qa/facts.jsonl was changed", "raw/qa/facts.jsonl was changed"},
	{"a byte of the card", flips(revision.CardFile), "README.md was changed", ""},
	{"a byte of the manifest", flips(revision.ManifestFile), "manifest.json", ""},
	{"a byte of the lock", flips(revision.LockFile), "lock.json was changed", ""},
	{"a byte of a copy that shares no file", func(t *testing.T, _, now, _ string) {
		apart(t, now)
		breaks(t, filepath.Join(now, "processed/sums/test.jsonl"))
	}, "processed/sums/test.jsonl was changed", ""},
	{"a file that was cut", func(t *testing.T, _, now, _ string) {
		must(t, os.Truncate(filepath.Join(now, "processed/facts/test.jsonl"), 10))
	}, "processed/facts/test.jsonl has 10 bytes", "processed/facts/test.jsonl has 10 bytes"},
	{"a file that was removed", func(t *testing.T, _, now, _ string) { must(t, os.Remove(filepath.Join(now, "raw/math/sums.jsonl"))) }, "raw/math/sums.jsonl is not there", ""},
	{"a folder of files that was removed", func(t *testing.T, _, now, _ string) { must(t, os.RemoveAll(filepath.Join(now, "processed"))) }, "is not there", ""},
	{"the current revision's folder removed", func(t *testing.T, _, now, _ string) { must(t, os.RemoveAll(now)) }, "no published revision", ""},
	{"the old revision's folder removed", func(t *testing.T, _, _, old string) { must(t, os.RemoveAll(old)) }, "", "no published revision"},
	{"all revisions renamed", func(t *testing.T, mix, _, _ string) {
		must(t, os.Rename(filepath.Join(mix, "revisions"), filepath.Join(mix, "kept")))
	}, "no published revision", "no published revision"},
	{"the link removed", func(t *testing.T, mix, _, _ string) { must(t, os.Remove(filepath.Join(mix, "current"))) }, "", ""},
	{"a link that leads nowhere", func(t *testing.T, mix, _, _ string) {
		link := filepath.Join(mix, "current")
		must(t, os.Remove(link), os.Symlink("revisions/0000000000", link))
	}, "", ""},
	{"a copy in a revision's place", func(t *testing.T, _, now, _ string) { apart(t, now) }, "", ""},
	{"a file that is a link to an equal one", func(t *testing.T, _, now, _ string) {
		path := filepath.Join(now, "raw/qa/facts.jsonl")
		must(t, os.Rename(path, filepath.Join(filepath.Dir(filepath.Dir(now)), "elsewhere")), os.Symlink("../../../../elsewhere", path))
	}, "raw/qa/facts.jsonl is a symbolic link", ""},
	{"a pipe in a file's place", func(t *testing.T, _, now, _ string) {
		path := filepath.Join(now, "mixed/test_mixed.jsonl")
		must(t, os.Remove(path), syscall.Mkfifo(path, 0o644))
	}, "mixed/test_mixed.jsonl is no regular file", ""},
	{"a file that nobody listed", func(t *testing.T, _, now, _ string) {
		must(t, os.WriteFile(filepath.Join(now, "mixed/extra.jsonl"), nil, 0o600))
	}, "is in the revision but not in the manifest", ""},
	{"files that may be written", func(t *testing.T, _, now, _ string) {
		must(t, os.Chmod(filepath.Join(now, "raw/qa/facts.jsonl"), 0o666))
	}, "", ""},
	{"all finished stages removed", func(t *testing.T, mix, _, _ string) { must(t, os.RemoveAll(filepath.Join(mix, ".stages"))) }, "", ""},
	{"a finished split removed", func(t *testing.T, mix, _, _ string) { must(t, os.RemoveAll(filepath.Join(mix, ".stages/split"))) }, "", ""},
	{"a byte of an index", flipsUnit("split", "train.idx"), "", ""},
	{"a byte of the sorted questions", flipsUnit("split", "test.questions"), "", ""},
	{"a byte of a stage's digests", flipsUnit("split", digestsName), "", ""},
	{"a byte of a stage's result", flipsUnit("mix", revision.ResultFile), "", ""},
	{"a byte of the notes of a proof", func(t *testing.T, mix, _, _ string) {
		notes, err := filepath.Glob(filepath.Join(mix, ".stages/publish/*/proof/*"))
		must(t, err)
		for _, note := range notes {
			breaks(t, note)
		}
	}, "", ""},
}

// flipsUnit changes a byte of a file of every unit of a stage.
func flipsUnit(stage, name string) func(*testing.T, string, string, string) {
	return func(t *testing.T, mix, _, _ string) {
		files, err := filepath.Glob(filepath.Join(mix, ".stages", stage, "*", name))
		must(t, err)
		if len(files) == 0 {
			t.Fatalf("no unit of stage %s has %s", stage, name)
		}
		for _, file := range files {
			breaks(t, file)
		}
	}
}

// Whatever was done to what was published, verify says so, and the next build of any ratio publishes the right files, without a
// person.
func TestWhatIsPublishedIsWhatIsThere(t *testing.T) {
	base := filled(t)
	old := base.build(recipes.Two()).Published
	now := base.build(otherRatio()).Published
	again := func() recipe.Recipe {
		r := otherRatio()
		r.Domains[0].Share = 5
		return r
	}
	third := filled(t).build(again()).Published // what nothing broke
	for _, d := range breakages {
		t.Run(d.what, func(t *testing.T) {
			for _, next := range []struct {
				what string
				r    recipe.Recipe
				want *pipeline.PublishResult
			}{{"the same ratio", otherRatio(), now}, {"the ratio before", recipes.Two(), old}, {"another ratio", again(), third}} {
				w := base.copied(t)
				mix := filepath.Join(w.worker.Volume, "mix")
				revision := func(p *pipeline.PublishResult) string { return filepath.Join(mix, "revisions", p.Revision) }
				d.do(t, mix, revision(now), revision(old))
				wantVerdict(t, "the current revision", forgery.Check(revision(now)), d.now)
				wantVerdict(t, "the one before", forgery.Check(revision(old)), d.old)
				if diff := cmp.Diff(next.want, w.build(next.r).Published); diff != "" {
					t.Errorf("%s was published as another revision (-want +got):\n%s", next.what, diff)
				}
				proof, err := verify.Revision(context.Background(), filepath.Join(mix, "current"), verify.Options{Digest: next.want.Digest})
				if err != nil || proof.Manifest.Revision != next.want.Revision {
					t.Errorf("%s: the current revision is %s: %v", next.what, proof.Manifest.Revision, err)
				}
			}
		})
	}
}

func wantVerdict(t *testing.T, what string, err error, want string) {
	t.Helper()
	switch {
	case want == "" && err != nil:
		t.Errorf("%s is refused: %v", what, err)
	case want != "" && (contract.ReasonOf(err) != contract.VolumeInvalid || !strings.Contains(err.Error(), want)):
		t.Errorf("%s: %v, want %q", what, err, want)
	}
}

// copied returns a world with a copy of the volume, whose files share what they shared.
func (w *world) copied(t *testing.T) *world {
	t.Helper()
	other := &world{t: t, worker: w.worker, claims: w.claims}
	other.worker.Volume = t.TempDir()
	if out, err := command(t, "cp", "-a", w.worker.Volume+"/.", other.worker.Volume); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	return other
}

// A folder in the place of the link was put there by somebody: it stays, and the build says what to do.
func TestAFolderInThePlaceOfTheLink(t *testing.T) {
	w := filled(t)
	w.build(recipes.Two())
	link := filepath.Join(w.worker.Volume, "mix/current")
	must(t, os.Remove(link), os.Mkdir(link, 0o755))
	w.fails(otherRatio(), contract.VolumeInvalid, "current is no link", "move it away")
	must(t, os.Remove(link))
	w.build(otherRatio())
}

// TestADiagnosisThatIsEndedFindsNoDamage: a worker that is told to end while it looks for what is damaged has read a part of a file,
// and that is no file that was changed.
func TestADiagnosisThatIsEndedFindsNoDamage(t *testing.T) {
	w := filled(t)
	graph, results := w.results(recipes.Two())
	own, unmount, err := w.worker.mounted(recipes.Two())
	if err != nil {
		t.Fatal(err)
	}
	defer unmount()
	step, _ := graph.Step(pipeline.StagePublish)
	j := diagnosis{job{recipe: recipes.Two(), results: results, stage: pipeline.StagePublish, node: step.Nodes[0], worker: own, graph: graph, folder: revision.Folder("mix")}}
	if doomed, err := j.damaged(context.Background()); err != nil || len(doomed) > 0 {
		t.Fatalf("of what was just built, %v is damaged, %v", doomed, err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if doomed, err := j.damaged(ctx); !errors.Is(err, context.Canceled) || len(doomed) > 0 {
		t.Errorf("%v is damaged, %v", doomed, err)
	}
}
