package stage

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

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
	"github.com/parquet-go/parquet-go"

	"github.com/datasetmix/datasetmix/internal/encode"
	"github.com/datasetmix/datasetmix/internal/pipeline"
	"github.com/datasetmix/datasetmix/internal/recipe"
	"github.com/datasetmix/datasetmix/internal/revision"
	"github.com/datasetmix/datasetmix/internal/verify"
)

// packedFormats are those whose rows do not lie in the file as lines.
var packedFormats = formats[1:]

// publishedAs builds a recipe and gives its revision's folder.
func publishedAs(t *testing.T, r recipe.Recipe) string {
	key, err := json.Marshal(r)
	if err != nil {
		t.Fatal(err)
	}
	build, _ := builds.LoadOrStore(string(key), sync.OnceValues(func() (string, map[string][]byte) {
		w := filled(t)
		revision := w.build(r).Published.Revision
		return revision, contents(t, filepath.Join(w.worker.Volume, "mix", "revisions", revision))
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

// unpack gives the rows of a file's content.
func unpack(t *testing.T, format recipe.Format, content []byte) [][]byte {
	t.Helper()
	var rows [][]byte
	for line, err := range encode.Rows(bytes.NewReader(content), int64(len(content)), format) {
		if err != nil {
			t.Fatal(err)
		}
		rows = append(rows, bytes.Clone(line))
	}
	return rows
}

// pack is the file of some rows.
func pack(t *testing.T, format recipe.Format, rows [][]byte) []byte {
	t.Helper()
	var out bytes.Buffer
	w, err := encode.NewWriter(&out, format)
	for _, row := range rows {
		err = errors.Join(err, w.WriteRow(row))
	}
	if err = errors.Join(err, w.Close()); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// repack is a forgery of the rows of one file of a format.
func repack(format recipe.Format, name string, f func([][]byte) [][]byte) func(*testing.T, string, *revision.Manifest) {
	return func(t *testing.T, folder string, _ *revision.Manifest) {
		change(t, filepath.Join(folder, name), func(content []byte) []byte { return pack(t, format, f(unpack(t, format, content))) })
	}
}

// otherwise packs the same rows as another program would: its readers have nothing to complain of.
func otherwise(t *testing.T, format recipe.Format, content []byte) []byte {
	t.Helper()
	var out bytes.Buffer
	rows := bytes.Join(unpack(t, format, content), nil)
	switch format {
	case recipe.JSONLZstd:
		z, err := zstd.NewWriter(&out, zstd.WithEncoderLevel(zstd.SpeedFastest), zstd.WithEncoderCRC(true))
		_, werr := z.Write(rows)
		if err := errors.Join(err, werr, z.Close()); err != nil {
			t.Fatal(err)
		}
	case recipe.JSONLGzip:
		z, err := gzip.NewWriterLevel(&out, gzip.BestSpeed)
		_, werr := z.Write(rows)
		if err := errors.Join(err, werr, z.Close()); err != nil {
			t.Fatal(err)
		}
		clear(out.Bytes()[4:9]) // where a gzip file says when it was written, and how hard its writer tried
	default:
		file, err := parquet.OpenFile(bytes.NewReader(content), int64(len(content)))
		if err != nil {
			t.Fatal(err)
		}
		w := parquet.NewWriter(&out, file.Schema(), parquet.Compression(&parquet.Zstd), parquet.DataPageStatistics(false))
		for _, group := range file.RowGroups() {
			source := group.Rows()
			_, err = parquet.CopyRows(w, source)
			if err := errors.Join(err, source.Close()); err != nil {
				t.Fatal(err)
			}
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
	}
	return out.Bytes()
}

// swapped exchanges two files of a revision.
func swapped(t *testing.T, folder, a, b string) {
	t.Helper()
	a, b = filepath.Join(folder, a), filepath.Join(folder, b)
	if err := errors.Join(os.Rename(a, a+"x"), os.Rename(b, a), os.Rename(a+"x", b)); err != nil {
		t.Fatal(err)
	}
}

func TestVerifyAcceptsEveryFormat(t *testing.T) {
	for _, format := range formats {
		for _, r := range []recipe.Recipe{in(format, 3), drawn(format, 1), drawn(format, 7)} {
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
			"a missing row":    {repack(format, train, func(rows [][]byte) [][]byte { return rows[:len(rows)-1] }), train + " has"},
			"one row too many": {repack(format, train, func(rows [][]byte) [][]byte { return append(rows, rows[0]) }), train + " has"},
			"no row":           {repack(format, train, func([][]byte) [][]byte { return nil }), train + " has 0 rows"},
			"two swapped rows": {repack(format, train, func(rows [][]byte) [][]byte {
				i := firstOther(rows)
				rows[0], rows[i] = rows[i], rows[0]
				return rows
			}), "not next in the order"},
			"a row repeated in place of another": {repack(format, train, repeatOne), "the plan says"},
			"a row of another split": {func(t *testing.T, folder string, m *revision.Manifest) {
				content, err := os.ReadFile(filepath.Join(folder, mixed("test", 0)))
				if err != nil {
					t.Fatal(err)
				}
				repack(format, train, func(rows [][]byte) [][]byte {
					rows[0] = unpack(t, format, content)[0]
					return rows
				})(t, folder, m)
			}, "is not one of split train"},
			"two swapped files": {func(t *testing.T, folder string, _ *revision.Manifest) {
				swapped(t, folder, mixed("train", 0), mixed("train", 2))
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
				change(t, filepath.Join(folder, train), func(content []byte) []byte { return bytes.Join(unpack(t, format, content), nil) })
			}, train},
			"half a file": {func(t *testing.T, folder string, _ *revision.Manifest) {
				change(t, filepath.Join(folder, train), func(content []byte) []byte { return content[:len(content)/2] })
			}, train},
			"the same rows, packed otherwise": {func(t *testing.T, folder string, _ *revision.Manifest) {
				change(t, filepath.Join(folder, train), func(content []byte) []byte { return otherwise(t, format, content) })
			}, "the mix stage wrote"},
			"another number of rows": {func(_ *testing.T, _ string, m *revision.Manifest) {
				i := slices.IndexFunc(m.Files, func(f revision.PublishedFile) bool { return f.Path == train })
				*m.Files[i].Rows++
			}, "says another number"},
		} {
			t.Run(string(format)+" "+what, func(t *testing.T) {
				t.Parallel()
				folder := publishedAs(t, in(format, 3))
				forge(t, folder, c.forge)
				if err := check(folder); err == nil || !strings.Contains(err.Error(), c.want) {
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
			folder := publishedAs(t, in(format, 2))
			name := revision.MixedFile(recipe.Shard{Split: "test", Index: 1, Count: 2}, format)
			wantChangedBitsFound(t, folder, name)
		})
	}
}

// wantChangedBitsFound changes 60 bits of a file of a revision, one after the other, each with and without its digest put right.
func wantChangedBitsFound(t *testing.T, folder, name string) {
	t.Helper()
	path := filepath.Join(folder, name)
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	for i := range int64(60) {
		flip := func(content []byte) []byte { content[i*(info.Size()-1)/59] ^= 1 << (i % 8); return content }
		change(t, path, flip)
		if err := check(folder); err == nil || !strings.Contains(err.Error(), name+" was changed") {
			t.Errorf("bit %d: %v", i, err)
		}
		forge(t, folder, func(*testing.T, string, *revision.Manifest) {})
		if err := check(folder); err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("bit %d, with its digest: %v", i, err)
		}
		change(t, path, flip)
		forge(t, folder, func(*testing.T, string, *revision.Manifest) {})
	}
	if err := check(folder); err != nil {
		t.Errorf("after all changes were taken back: %v", err)
	}
}

// rename gives a manifest the revision that its contents have, so that nothing contradicts its name.
func rename(t *testing.T, m *revision.Manifest) {
	t.Helper()
	graph, err := pipeline.Walk(m.Recipe, m.ByKey())
	if err != nil {
		t.Fatal(err)
	}
	m.Revision = pipeline.RevisionName(graph.Next().Nodes[0].Key)
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
				folder := publishedAs(t, drawn(recipe.JSONLZstd, 2))
				forge(t, folder, func(t *testing.T, _ string, m *revision.Manifest) {
					i := slices.IndexFunc(m.Stages, func(f revision.Finished) bool { return f.Node.Name == unit })
					edit(m.Stages[i].Result.Mix)
					rename(t, m)
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
	folder := publishedAs(t, in(recipe.JSONL, 2))
	forge(t, folder, func(t *testing.T, _ string, m *revision.Manifest) {
		m.Stages[len(m.Stages)-1].Result.Mix.Datasets = []pipeline.MixedDataset{{}, {}, {}}
		rename(t, m)
	})
	if _, err := verify.Revision(context.Background(), folder, verify.Options{}); err == nil || !strings.Contains(err.Error(), "reports on 3") {
		t.Errorf("the message is %v", err)
	}
}

// A row drawn once more than the key draws it, in place of another of its data set.
func TestVerifyFindsOtherDraws(t *testing.T) {
	for _, format := range formats {
		folder := publishedAs(t, drawn(format, 1))
		forge(t, folder, repack(format, revision.MixedFile(recipe.Shard{Split: "train", Count: 1}, format), repeatOne))
		if err := check(folder); err == nil || !strings.Contains(err.Error(), "the plan says") {
			t.Errorf("%s: the message is %v", format, err)
		}
	}
}
