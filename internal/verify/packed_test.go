package verify_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/datasetmix/datasetmix/internal/pipeline"
	"github.com/datasetmix/datasetmix/internal/recipe"
	"github.com/datasetmix/datasetmix/internal/revision"
	"github.com/datasetmix/datasetmix/internal/testing/forgery"
	"github.com/datasetmix/datasetmix/internal/testing/recipes"
	"github.com/datasetmix/datasetmix/internal/verify"
)

// packedFormats are those whose rows do not lie in the file as lines.
var packedFormats = recipes.Formats()[1:]

// publishedAs builds a recipe and gives its revision's folder.
func publishedAs(t *testing.T, r recipe.Recipe) string {
	key, err := json.Marshal(r)
	if err != nil {
		t.Fatal(err)
	}
	build, _ := builds.LoadOrStore(string(key), sync.OnceValues(func() (string, map[string][]byte) {
		folder := filled(t).revision(r)
		return filepath.Base(folder), contents(t, folder)
	}))
	revision, files := build.(func() (string, map[string][]byte))()
	folder := filepath.Join(t.TempDir(), "mix", "revisions", revision)
	for name, content := range files {
		path := filepath.Join(folder, name)
		if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o755), os.WriteFile(path, content, 0o644)); err != nil {
			t.Fatal(err)
		}
	}
	return folder
}

// builds are the revisions of recipes: many tests change a copy of the same one.
var builds sync.Map

// contents returns the files of a folder by name.
func contents(t *testing.T, folder string) map[string][]byte {
	t.Helper()
	files := map[string][]byte{}
	err := filepath.WalkDir(folder, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		name, _ := filepath.Rel(folder, path)
		files[name], err = os.ReadFile(path)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}

func TestVerifyAcceptsEveryFormat(t *testing.T) {
	for _, format := range recipes.Formats() {
		for _, r := range []recipe.Recipe{recipes.In(format, 3), recipes.Drawn(format, 1), recipes.Drawn(format, 7)} {
			proof, err := verify.Revision(context.Background(), publishedAs(t, r), verify.Options{})
			if err != nil {
				t.Errorf("%s, %d files, %s: %v", format, r.Output.Shards, r.Resample, err)
				continue
			}
			if proof.Files != len(proof.Manifest.Files)+1 {
				t.Errorf("%s: the proof covers %d files of %d", format, proof.Files, len(proof.Manifest.Files)+1)
			}
		}
	}
}

func TestVerifyFindsForgeriesInEveryFormat(t *testing.T) {
	for _, format := range packedFormats {
		mixed := func(split string, index int) string {
			return revision.MixedFile(recipe.Shard{Split: split, Index: index, Count: 3}, format)
		}
		train := mixed("train", 1)
		for what, c := range map[string]struct {
			forge func(*testing.T, string, *revision.Manifest)
			want  string
		}{
			"a missing row":    {forgery.Repack(format, train, func(rows [][]byte) [][]byte { return rows[:len(rows)-1] }), train + " has"},
			"one row too many": {forgery.Repack(format, train, func(rows [][]byte) [][]byte { return append(rows, rows[0]) }), train + " has"},
			"no row":           {forgery.Repack(format, train, func([][]byte) [][]byte { return nil }), train + " has 0 rows"},
			"two swapped rows": {forgery.Repack(format, train, func(rows [][]byte) [][]byte {
				i := forgery.FirstOther(rows)
				rows[0], rows[i] = rows[i], rows[0]
				return rows
			}), "not next in the order"},
			"a row repeated in place of another": {forgery.Repack(format, train, forgery.RepeatOne), "the plan says"},
			"a row of another split": {func(t *testing.T, folder string, m *revision.Manifest) {
				content, err := os.ReadFile(filepath.Join(folder, mixed("test", 0)))
				if err != nil {
					t.Fatal(err)
				}
				forgery.Repack(format, train, func(rows [][]byte) [][]byte {
					rows[0] = forgery.Unpack(t, format, content)[0]
					return rows
				})(t, folder, m)
			}, "is not one of split train"},
			"two swapped files": {func(t *testing.T, folder string, _ *revision.Manifest) {
				forgery.Swapped(t, folder, mixed("train", 0), mixed("train", 2))
			}, "row 1"},
			"a file more, not listed": {func(t *testing.T, folder string, _ *revision.Manifest) {
				if err := os.Link(filepath.Join(folder, train), filepath.Join(folder, mixed("train", 3))); err != nil {
					t.Fatal(err)
				}
			}, "not in the manifest"},
			"a file more, listed": {func(t *testing.T, folder string, m *revision.Manifest) {
				if err := os.Link(filepath.Join(folder, train), filepath.Join(folder, mixed("train", 3))); err != nil {
					t.Fatal(err)
				}
				m.Files = append(m.Files, revision.PublishedFile{Path: mixed("train", 3)})
			}, "has no such file"},
			"the file of another format": {func(t *testing.T, folder string, _ *revision.Manifest) {
				forgery.Change(t, filepath.Join(folder, train), func(content []byte) []byte { return bytes.Join(forgery.Unpack(t, format, content), nil) })
			}, train},
			"half a file": {func(t *testing.T, folder string, _ *revision.Manifest) {
				forgery.Change(t, filepath.Join(folder, train), func(content []byte) []byte { return content[:len(content)/2] })
			}, train},
			"the same rows, packed otherwise": {func(t *testing.T, folder string, _ *revision.Manifest) {
				forgery.Change(t, filepath.Join(folder, train), func(content []byte) []byte { return forgery.Otherwise(t, format, content) })
			}, "the mix stage wrote"},
			"another number of rows": {func(_ *testing.T, _ string, m *revision.Manifest) {
				i := slices.IndexFunc(m.Files, func(f revision.PublishedFile) bool { return f.Path == train })
				*m.Files[i].Rows++
			}, "says another number"},
		} {
			t.Run(string(format)+" "+what, func(t *testing.T) {
				t.Parallel()
				folder := publishedAs(t, recipes.In(format, 3))
				forgery.Forge(t, folder, c.forge)
				if err := forgery.Check(folder); err == nil || !strings.Contains(err.Error(), c.want) {
					t.Errorf("the message is %v, want %q in it", err, c.want)
				}
			})
		}
	}
}

// A changed bit is found by its digest; and where someone has put that right, by the rows, or by the digest of the writer.
func TestVerifyFindsChangedBitsInEveryFormat(t *testing.T) {
	for _, format := range packedFormats {
		t.Run(string(format), func(t *testing.T) {
			t.Parallel()
			folder := publishedAs(t, recipes.In(format, 2))
			name := revision.MixedFile(recipe.Shard{Split: "test", Index: 1, Count: 2}, format)
			forgery.WantChangedBitsFound(t, folder, name)
		})
	}
}

// What is reported of drawn rows is counted again, in every shard.
func TestVerifyCountsWhatIsDrawn(t *testing.T) {
	for what, edit := range map[string]func(*pipeline.MixResult){
		"fewer different rows": func(m *pipeline.MixResult) { m.Datasets[0].Unique-- },
		"more repeats":         func(m *pipeline.MixResult) { m.Datasets[2].MaxRepeats++ },
		"units of rows":        func(m *pipeline.MixResult) { m.Datasets[1].Units = 5 },
		"nothing reported":     func(m *pipeline.MixResult) { m.Datasets = nil },
		"too little reported":  func(m *pipeline.MixResult) { m.Datasets = m.Datasets[:2] },
	} {
		for _, unit := range []string{"train.00000", "test.00001"} {
			t.Run(what+" in "+unit, func(t *testing.T) {
				t.Parallel()
				folder := publishedAs(t, recipes.Drawn(recipe.JSONLZstd, 2))
				forgery.Forge(t, folder, func(t *testing.T, _ string, m *revision.Manifest) {
					i := slices.IndexFunc(m.Stages, func(f revision.Finished) bool { return f.Node.Name == unit })
					edit(m.Stages[i].Result.Mix)
					forgery.Renamed(t, m)
				})
				_, err := verify.Revision(context.Background(), folder, verify.Options{})
				if err == nil || !strings.Contains(err.Error(), "reports") {
					t.Errorf("the message is %v", err)
				}
			})
		}
	}
}

// A mix in passes reports nothing; what it does report is true of nothing.
func TestVerifyRefusesReportsNobodyAskedFor(t *testing.T) {
	folder := publishedAs(t, recipes.In(recipe.JSONL, 2))
	forgery.Forge(t, folder, func(t *testing.T, _ string, m *revision.Manifest) {
		m.Stages[len(m.Stages)-1].Result.Mix.Datasets = []pipeline.MixedDataset{{}, {}, {}}
		forgery.Renamed(t, m)
	})
	if _, err := verify.Revision(context.Background(), folder, verify.Options{}); err == nil || !strings.Contains(err.Error(), "reports on 3") {
		t.Errorf("the message is %v", err)
	}
}

// A row drawn once more than the key draws it, in place of another of its data set.
func TestVerifyFindsOtherDraws(t *testing.T) {
	for _, format := range recipes.Formats() {
		folder := publishedAs(t, recipes.Drawn(format, 1))
		forgery.Forge(t, folder, forgery.Repack(format, revision.MixedFile(recipe.Shard{Split: "train", Count: 1}, format), forgery.RepeatOne))
		if err := forgery.Check(folder); err == nil || !strings.Contains(err.Error(), "the plan says") {
			t.Errorf("%s: the message is %v", format, err)
		}
	}
}
