package verify_test

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/datasetmix/datasetmix/internal/contract"
	"github.com/datasetmix/datasetmix/internal/recipe"
	"github.com/datasetmix/datasetmix/internal/revision"
	"github.com/datasetmix/datasetmix/internal/testing/forgery"
	"github.com/datasetmix/datasetmix/internal/testing/recipes"
	"github.com/datasetmix/datasetmix/internal/verify"
)

func TestVerifyAcceptsWhatWasPublished(t *testing.T) {
	proof, err := verify.Revision(context.Background(), published(t), verify.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if proof.Questions[0] != 401 || proof.Questions[1] != 80 || proof.Files != len(proof.Manifest.Files)+1 {
		t.Errorf("the proof covers %v questions and %d files", proof.Questions, proof.Files)
	}
}

// One bit, anywhere: in the first, a middle and the last byte of every file.
func TestVerifyFindsEveryChangedBit(t *testing.T) {
	folder := published(t)
	files, err := filepath.Glob(filepath.Join(folder, "*"))
	if err != nil {
		t.Fatal(err)
	}
	for _, pattern := range []string{"*/*", "*/*/*"} {
		more, _ := filepath.Glob(filepath.Join(folder, pattern))
		files = append(files, more...)
	}
	tried := 0
	for _, path := range files {
		info, err := os.Stat(path)
		if err != nil || info.IsDir() {
			continue
		}
		for _, at := range []int64{0, info.Size() / 2, info.Size() - 1} {
			for _, bit := range []int{0, 5} {
				flip := func(content []byte) []byte { content[at] ^= 1 << bit; return content }
				forgery.Change(t, path, flip)
				if err := forgery.Check(folder); err == nil {
					t.Errorf("bit %d of byte %d of %s may change", bit, at, path)
				}
				forgery.Change(t, path, flip)
				tried++
			}
		}
	}
	if tried < 100 {
		t.Errorf("only %d changes were tried", tried)
	}
	if err := forgery.Check(folder); err != nil {
		t.Errorf("after all changes were taken back: %v", err)
	}
}

func TestVerifyFindsForgeries(t *testing.T) {
	const train, test = "mixed/train_mixed.jsonl", "mixed/test_mixed.jsonl"
	for what, c := range map[string]struct {
		forge func(*testing.T, string, *revision.Manifest)
		want  string
	}{
		"a missing row of a mixed file": {forgery.Edit(train, func(rows [][]byte) [][]byte { return rows[:len(rows)-1] }), "train_mixed.jsonl"},
		"a missing processed row":       {forgery.Edit("processed/facts/train.jsonl", func(rows [][]byte) [][]byte { return rows[1:] }), "facts"},
		"a missing raw row":             {forgery.Edit("raw/qa/facts.jsonl", func(rows [][]byte) [][]byte { return rows[1:] }), "were read"},
		"two swapped rows of two data sets": {forgery.Edit(train, func(rows [][]byte) [][]byte {
			i := forgery.FirstOther(rows)
			rows[0], rows[i] = rows[i], rows[0]
			return rows
		}), "not next in the order"},
		"a row repeated in place of another":   {forgery.Edit(train, forgery.RepeatOne), "the plan says"},
		"a test row in the train file":         {forgery.Borrow(train, test), "is not one of split train"},
		"a train row in a processed test file": {forgery.Borrow("processed/facts/test.jsonl", "processed/facts/train.jsonl"), "split train"},
		"a row in another form": {forgery.Edit(train, func(rows [][]byte) [][]byte {
			rows[0] = bytes.Replace(rows[0], []byte(`{"id"`), []byte(`{ "id"`), 1)
			return rows
		}), "row 1"},
		"a swapped pair of files": {func(t *testing.T, folder string, _ *revision.Manifest) {
			a, b := filepath.Join(folder, "processed/sums/test.jsonl"), filepath.Join(folder, "processed/products/test.jsonl")
			if err := errors.Join(os.Rename(a, a+"x"), os.Rename(b, a), os.Rename(a+"x", b)); err != nil {
				t.Fatal(err)
			}
		}, "of data set"},
		"a file that nobody listed": {func(t *testing.T, folder string, _ *revision.Manifest) {
			if err := os.WriteFile(filepath.Join(folder, "mixed", "extra.jsonl"), nil, 0o644); err != nil {
				t.Fatal(err)
			}
		}, "not in the manifest"},
		"a file that is gone": {func(t *testing.T, folder string, m *revision.Manifest) {
			if err := os.Remove(filepath.Join(folder, "test/facts_test.jsonl")); err != nil {
				t.Fatal(err)
			}
			m.Files = slices.DeleteFunc(m.Files, func(f revision.PublishedFile) bool { return f.Path == "test/facts_test.jsonl" })
		}, "test/facts_test.jsonl"},
		"another seed in the recipe": {func(_ *testing.T, _ string, m *revision.Manifest) { m.Recipe.Seed++ }, "lacks the result of a stage"},
		"another licence":            {func(_ *testing.T, _ string, m *revision.Manifest) { m.Sources[0].License = "mit" }, "originals"},
		"another name":               {func(_ *testing.T, _ string, m *revision.Manifest) { m.Recipe.Name = "other" }, "manifest"},
		"other counts in the plan":   {func(_ *testing.T, _ string, m *revision.Manifest) { m.Plan.Splits[0].Rows++ }, "plan"},
		"another revision":           {func(_ *testing.T, _ string, m *revision.Manifest) { m.Revision = "0123456789" }, "0123456789"},
		"other counts in info.json": {func(t *testing.T, folder string, _ *revision.Manifest) {
			forgery.Change(t, filepath.Join(folder, revision.InfoFile), func(content []byte) []byte {
				return bytes.Replace(content, []byte(`"total_train": 4`), []byte(`"total_train": 5`), 1)
			})
		}, "info.json"},
		"a stage's result left out":     {func(_ *testing.T, _ string, m *revision.Manifest) { m.Stages = m.Stages[:len(m.Stages)-1] }, "lacks the result"},
		"a data set's sources left out": {func(_ *testing.T, _ string, m *revision.Manifest) { m.Sources = m.Sources[1:] }, "lists no originals for 1 of 3"},
	} {
		t.Run(what, func(t *testing.T) {
			folder := published(t)
			forgery.Forge(t, folder, c.forge)
			err := forgery.Check(folder)
			if err == nil {
				t.Fatal("it was accepted")
			}
			if !strings.Contains(err.Error(), c.want) {
				t.Errorf("the message is %q, want %q in it", err, c.want)
			}
		})
	}
}

// What proves a revision is its contents: the folder may have any name, and lie anywhere.
func TestVerifyTakesARevisionUnderAnyName(t *testing.T) {
	folder := published(t)
	other := filepath.Join(t.TempDir(), "mix")
	if err := os.Rename(folder, other); err != nil {
		t.Fatal(err)
	}
	if err := forgery.Check(other); err != nil {
		t.Errorf("a revision in another place: %v", err)
	}
	if err := forgery.Check(t.TempDir()); contract.ReasonOf(err) != contract.VolumeInvalid {
		t.Errorf("a folder that is no revision: %v", err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := verify.Revision(ctx, other, verify.Options{}); err == nil {
		t.Error("a cancelled proof was given")
	}
}

func TestVerifyOfInterleavedOrder(t *testing.T) {
	r := recipes.Two()
	r.Order = recipe.Interleaved
	if err := forgery.Check(filled(t).revision(r)); err != nil {
		t.Error(err)
	}
}
