package stage

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
	"github.com/datasetmix/datasetmix/internal/report"
	"github.com/datasetmix/datasetmix/internal/revision"
	"github.com/datasetmix/datasetmix/internal/verify"
)

// published builds a small mix and gives its revision's folder.
func published(t *testing.T) string {
	w := filled(t)
	return filepath.Join(w.worker.Volume, "mix", "revisions", w.build(two()).Published.Revision)
}

func check(folder string) error {
	_, err := verifiedRevision(folder)
	return err
}

func verifiedRevision(folder string) (verify.Proof, error) {
	return verify.Revision(context.Background(), folder, verify.Options{})
}

// change rewrites a published file, however read-only it is.
func change(t *testing.T, path string, edit func([]byte) []byte) {
	t.Helper()
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	content = edit(bytes.Clone(content))
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, content, 0o644); err != nil {
		t.Fatal(err)
	}
}

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
				change(t, path, flip)
				if err := check(folder); err == nil {
					t.Errorf("bit %d of byte %d of %s may change", bit, at, path)
				}
				change(t, path, flip)
				tried++
			}
		}
	}
	if tried < 100 {
		t.Errorf("only %d changes were tried", tried)
	}
	if err := check(folder); err != nil {
		t.Errorf("after all changes were taken back: %v", err)
	}
}

// forge changes files, one way after another, and then writes a manifest in which all their digests are right again: what is left to
// find are the counts, the sides, the order.
func forge(t *testing.T, folder string, edits ...func(t *testing.T, folder string, manifest *revision.Manifest)) {
	t.Helper()
	path := filepath.Join(folder, revision.ManifestFile)
	encoded, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	manifest, err := revision.ParseManifest(encoded)
	if err != nil {
		t.Fatal(err)
	}
	for _, edit := range edits {
		edit(t, folder, &manifest)
		for i, file := range manifest.Files {
			digest, size, err := verify.Digest(context.Background(), at(t, filepath.Dir(folder)).Join(filepath.Base(folder), file.Path))
			if err != nil {
				t.Fatal(err)
			}
			manifest.Files[i].SHA256, manifest.Files[i].Bytes = digest, size
		}
	}
	change(t, path, func([]byte) []byte {
		encoded, err := manifest.Encode()
		if err != nil {
			t.Fatal(err)
		}
		return encoded
	})
}

// toldAgain writes what repeats a forged manifest by it: not even that gives the forgery away.
func toldAgain(t *testing.T, folder string, m *revision.Manifest) {
	t.Helper()
	beside, err := report.Beside(*m)
	if err != nil {
		t.Fatal(err)
	}
	put := func(pages ...report.Page) {
		for _, page := range pages {
			change(t, filepath.Join(folder, page.Path), func([]byte) []byte { return page.Content })
			digest, i := hexDigest(page.Content), slices.IndexFunc(m.Files, func(f revision.PublishedFile) bool { return f.Path == page.Path })
			m.Files[i].SHA256, m.Files[i].Bytes = digest, int64(len(page.Content))
		}
	}
	put(beside...)
	if slices.ContainsFunc(m.Files, func(f revision.PublishedFile) bool { return f.Path == revision.LockFile }) {
		lock, err := revision.LockOf(*m).Encode()
		if err != nil {
			t.Fatal(err)
		}
		put(report.Page{Path: revision.LockFile, Content: lock})
	}
	pages, err := report.Pages(*m)
	if err != nil {
		t.Fatal(err)
	}
	put(pages...)
}

func lines(content []byte) [][]byte {
	return bytes.SplitAfter(bytes.TrimSuffix(content, []byte("\n")), []byte("\n"))
}

func joined(rows [][]byte) []byte {
	out := bytes.Join(rows, nil)
	if !bytes.HasSuffix(out, []byte("\n")) {
		out = append(out, '\n')
	}
	return out
}

// edit is a forgery of the rows of one file.
func edit(name string, f func([][]byte) [][]byte) func(*testing.T, string, *revision.Manifest) {
	return func(t *testing.T, folder string, _ *revision.Manifest) {
		change(t, filepath.Join(folder, name), func(content []byte) []byte { return joined(f(lines(content))) })
	}
}

// borrow puts the first row of one file in the place of the first row of another.
func borrow(to, from string) func(*testing.T, string, *revision.Manifest) {
	return func(t *testing.T, folder string, manifest *revision.Manifest) {
		other, err := os.ReadFile(filepath.Join(folder, from))
		if err != nil {
			t.Fatal(err)
		}
		edit(to, func(rows [][]byte) [][]byte {
			rows[0] = lines(other)[0]
			return rows
		})(t, folder, manifest)
	}
}

// firstOther is the first row of another data set than row 0's.
func firstOther(rows [][]byte) int {
	facts := func(row []byte) bool { return bytes.Contains(row, []byte(`"dataset":"facts"`)) }
	for i := range rows {
		if facts(rows[i]) != facts(rows[0]) {
			return i
		}
	}
	return 0
}

// repeatOne writes a row of facts over the next other one.
func repeatOne(rows [][]byte) [][]byte {
	first := -1
	for i, row := range rows {
		if !bytes.Contains(row, []byte(`"dataset":"facts"`)) {
			continue
		}
		if first >= 0 && !bytes.Equal(row, rows[first]) {
			rows[i] = rows[first]
			return rows
		}
		first = i
	}
	return rows
}

func TestVerifyFindsForgeries(t *testing.T) {
	const train, test = "mixed/train_mixed.jsonl", "mixed/test_mixed.jsonl"
	for what, c := range map[string]struct {
		forge func(*testing.T, string, *revision.Manifest)
		want  string
	}{
		"a missing row of a mixed file": {edit(train, func(rows [][]byte) [][]byte { return rows[:len(rows)-1] }), "train_mixed.jsonl"},
		"a missing processed row":       {edit("processed/facts/train.jsonl", func(rows [][]byte) [][]byte { return rows[1:] }), "facts"},
		"a missing raw row":             {edit("raw/qa/facts.jsonl", func(rows [][]byte) [][]byte { return rows[1:] }), "were read"},
		"two swapped rows of two data sets": {edit(train, func(rows [][]byte) [][]byte {
			i := firstOther(rows)
			rows[0], rows[i] = rows[i], rows[0]
			return rows
		}), "not next in the order"},
		"a row repeated in place of another":   {edit(train, repeatOne), "the plan says"},
		"a test row in the train file":         {borrow(train, test), "is not one of split train"},
		"a train row in a processed test file": {borrow("processed/facts/test.jsonl", "processed/facts/train.jsonl"), "stands in split train as well"},
		"a row in another form": {edit(train, func(rows [][]byte) [][]byte {
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
			change(t, filepath.Join(folder, revision.InfoFile), func(content []byte) []byte {
				return bytes.Replace(content, []byte(`"total_train": 4`), []byte(`"total_train": 5`), 1)
			})
		}, "info.json"},
		"a stage's result left out":     {func(_ *testing.T, _ string, m *revision.Manifest) { m.Stages = m.Stages[:len(m.Stages)-1] }, "lacks the result"},
		"a data set's sources left out": {func(_ *testing.T, _ string, m *revision.Manifest) { m.Sources = m.Sources[1:] }, "lists no originals for 1 of 3"},
	} {
		t.Run(what, func(t *testing.T) {
			folder := published(t)
			forge(t, folder, c.forge)
			err := check(folder)
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
	if err := check(other); err != nil {
		t.Errorf("a revision in another place: %v", err)
	}
	if err := check(t.TempDir()); contract.ReasonOf(err) != contract.VolumeInvalid {
		t.Errorf("a folder that is no revision: %v", err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := verify.Revision(ctx, other, verify.Options{}); err == nil {
		t.Error("a cancelled proof was given")
	}
}

func TestVerifyOfInterleavedOrder(t *testing.T) {
	w := filled(t)
	r := two()
	r.Order = recipe.Interleaved
	folder := filepath.Join(w.worker.Volume, "mix", "revisions", w.build(r).Published.Revision)
	if err := check(folder); err != nil {
		t.Error(err)
	}
}
