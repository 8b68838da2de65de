// Package forgery changes published revisions and puts their digests right, as an attacker would: tests want the proof to find each change.
package forgery

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
	"github.com/parquet-go/parquet-go"

	"github.com/datasetmix/datasetmix/internal/encode"
	"github.com/datasetmix/datasetmix/internal/pipeline"
	"github.com/datasetmix/datasetmix/internal/plan"
	"github.com/datasetmix/datasetmix/internal/recipe"
	"github.com/datasetmix/datasetmix/internal/report"
	"github.com/datasetmix/datasetmix/internal/revision"
	"github.com/datasetmix/datasetmix/internal/verify"
)

// Forgery changes the files of a revision's folder, or its manifest.
type Forgery = func(t *testing.T, folder string, m *revision.Manifest)

// Case is a forgery, and what the proof must say of it.
type Case = struct {
	Forge Forgery
	Want  string
}

// Check proves a revision's folder.
func Check(folder string) error {
	_, err := verify.Revision(context.Background(), folder, verify.Options{})
	return err
}

// WantFound wants the proof to accept a revision, and to find each forgery of one made for it.
func WantFound(t *testing.T, revision func(*testing.T) string, forgeries map[string]Case) {
	t.Helper()
	if err := Check(revision(t)); err != nil {
		t.Fatalf("what was published is refused: %v", err)
	}
	for what, c := range forgeries {
		t.Run(what, func(t *testing.T) {
			folder := revision(t)
			Forge(t, folder, c.Forge)
			err := Check(folder)
			if err == nil {
				t.Fatal("it was accepted")
			}
			if !strings.Contains(err.Error(), c.Want) {
				t.Errorf("the message is %q, want %q in it", err, c.Want)
			}
		})
	}
}

// WantChangedBitsFound changes 60 bits of a file of a revision, one after the other, each with and without its digest put right.
func WantChangedBitsFound(t *testing.T, folder, name string) {
	t.Helper()
	path := filepath.Join(folder, name)
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	for i := range int64(60) {
		flip := func(content []byte) []byte { content[i*(info.Size()-1)/59] ^= 1 << (i % 8); return content }
		Change(t, path, flip)
		if err := Check(folder); err == nil || !strings.Contains(err.Error(), name+" was changed") {
			t.Errorf("bit %d: %v", i, err)
		}
		Forge(t, folder, func(*testing.T, string, *revision.Manifest) {})
		if err := Check(folder); err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("bit %d, with its digest: %v", i, err)
		}
		Change(t, path, flip)
		Forge(t, folder, func(*testing.T, string, *revision.Manifest) {})
	}
	if err := Check(folder); err != nil {
		t.Errorf("after all changes were taken back: %v", err)
	}
}

// Change rewrites a published file, however read-only it is.
func Change(t *testing.T, path string, edit func([]byte) []byte) {
	t.Helper()
	content := edit(read(t, path))
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, content, 0o600); err != nil {
		t.Fatal(err)
	}
}

// Forge changes files, one way after another, and then writes a manifest in which all their digests are right again: what is left to
// find are the counts, the sides, the order.
func Forge(t *testing.T, folder string, edits ...Forgery) {
	t.Helper()
	path := filepath.Join(folder, revision.ManifestFile)
	manifest, err := revision.ParseManifest(read(t, path))
	if err != nil {
		t.Fatal(err)
	}
	for _, edit := range edits {
		edit(t, folder, &manifest)
		for i, file := range manifest.Files {
			content := read(t, filepath.Join(folder, file.Path))
			manifest.Files[i].SHA256, manifest.Files[i].Bytes = Digest(content), int64(len(content))
		}
	}
	Change(t, path, func([]byte) []byte {
		encoded, err := manifest.Encode()
		if err != nil {
			t.Fatal(err)
		}
		return encoded
	})
}

// ToldAgain writes the pages that repeat the manifest again from a forged one, so that they do not contradict it.
func ToldAgain(t *testing.T, folder string, m *revision.Manifest) {
	t.Helper()
	beside, err := report.Beside(*m)
	if err != nil {
		t.Fatal(err)
	}
	put := func(pages ...report.Page) {
		for _, page := range pages {
			Change(t, filepath.Join(folder, page.Path), func([]byte) []byte { return page.Content })
			file := &m.Files[listed(m, page.Path)]
			file.SHA256, file.Bytes = Digest(page.Content), int64(len(page.Content))
		}
	}
	put(beside...)
	if listed(m, revision.LockFile) >= 0 {
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

// Lines returns the rows of a file of lines, each with its line end.
func Lines(content []byte) [][]byte {
	return bytes.SplitAfter(bytes.TrimSuffix(content, []byte("\n")), []byte("\n"))
}

func joined(rows [][]byte) []byte {
	out := bytes.Join(rows, nil)
	if !bytes.HasSuffix(out, []byte("\n")) {
		out = append(out, '\n')
	}
	return out
}

// Edit returns a forgery of the rows of one file.
func Edit(name string, f func([][]byte) [][]byte) Forgery {
	return func(t *testing.T, folder string, _ *revision.Manifest) {
		Change(t, filepath.Join(folder, name), func(content []byte) []byte { return joined(f(Lines(content))) })
	}
}

// Borrow puts the first row of one file in the place of the first row of another.
func Borrow(to, from string) Forgery {
	return func(t *testing.T, folder string, manifest *revision.Manifest) {
		other := read(t, filepath.Join(folder, from))
		Edit(to, func(rows [][]byte) [][]byte {
			rows[0] = Lines(other)[0]
			return rows
		})(t, folder, manifest)
	}
}

// FirstOther returns the first row of another data set than row 0's.
func FirstOther(rows [][]byte) int {
	facts := func(row []byte) bool { return bytes.Contains(row, []byte(`"dataset":"facts"`)) }
	for i := range rows {
		if facts(rows[i]) != facts(rows[0]) {
			return i
		}
	}
	return 0
}

// RepeatOne writes a row of facts over the next other one.
func RepeatOne(rows [][]byte) [][]byte {
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

// Drop takes a file out of a manifest.
func Drop(m *revision.Manifest, path string) {
	m.Files = slices.DeleteFunc(slices.Clone(m.Files), func(f revision.PublishedFile) bool { return f.Path == path })
}

// listed returns the place of a file in a manifest, -1 if it has none.
func listed(m *revision.Manifest, path string) int {
	return slices.IndexFunc(m.Files, func(f revision.PublishedFile) bool { return f.Path == path })
}

// Says makes rows say something else in every file that has them, so that all counts and places stay.
func Says(text, as string) Forgery {
	return func(t *testing.T, folder string, m *revision.Manifest) {
		for _, file := range m.Files {
			if file.Rows != nil {
				Change(t, filepath.Join(folder, file.Path), func(content []byte) []byte {
					return bytes.ReplaceAll(content, []byte(text), []byte(as))
				})
			}
		}
	}
}

// Rekeyed changes results in a manifest, and then all that follows from them: plan, keys, revision. What is left to find is
// that the rows are others.
func Rekeyed(edit func(*pipeline.Result)) Forgery {
	return func(t *testing.T, _ string, m *revision.Manifest) {
		divided := pipeline.Results{}
		results := map[string]pipeline.Result{}
		var mixed []pipeline.Result
		for i := range m.Stages {
			of := &m.Stages[i]
			edit(&of.Result)
			switch {
			case of.Result.Split != nil:
				divided.Add(of.Stage, of.Node.Name, of.Result)
			case of.Result.Balance != nil:
				planned, err := plan.New(m.Recipe, pipeline.Remaining(m.Recipe, divided, *of.Result.Balance))
				if err != nil {
					t.Fatal(err)
				}
				m.Plan, of.Result.Balance.Plan = planned, planned.Digest()
			case of.Result.Mix != nil:
				mixed = append(mixed, of.Result)
				continue
			}
			results[of.Node.Key] = of.Result
		}
		graph, err := pipeline.Walk(m.Recipe, results)
		if err != nil {
			t.Fatal(err)
		}
		step, _ := graph.Step(pipeline.StageMix)
		m.Stages = m.Stages[:len(m.Stages)-len(mixed)]
		for i, unit := range step.Nodes {
			results[unit.Key] = mixed[i]
			m.Stages = append(m.Stages, revision.Finished{Stage: pipeline.StageMix, Node: unit, Result: mixed[i]})
		}
		if graph, err = pipeline.Walk(m.Recipe, results); err != nil {
			t.Fatal(err)
		}
		m.Revision = pipeline.RevisionName(graph.Next().Nodes[0].Key)
	}
}

// Replaced returns a forgery that exchanges a text of one file for another.
func Replaced(name, from, to string) Forgery {
	return func(t *testing.T, folder string, _ *revision.Manifest) {
		Change(t, filepath.Join(folder, name), func(content []byte) []byte {
			if !bytes.Contains(content, []byte(from)) {
				t.Fatalf("%s does not hold %q", name, from)
			}
			return bytes.ReplaceAll(content, []byte(from), []byte(to))
		})
	}
}

// Without returns a forgery that takes a file away.
func Without(path string) Forgery {
	return func(t *testing.T, folder string, m *revision.Manifest) {
		Drop(m, path)
		if err := os.Remove(filepath.Join(folder, path)); err != nil {
			t.Fatal(err)
		}
	}
}

// With returns a forgery that adds a file of one empty row.
func With(path string) Forgery {
	return func(t *testing.T, folder string, m *revision.Manifest) {
		name := filepath.Join(folder, path)
		if err := os.MkdirAll(filepath.Dir(name), 0o750); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name, []byte("{}\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		m.Files = append(m.Files, revision.PublishedFile{Path: path})
	}
}

// Twice returns a forgery that lists a file a second time.
func Twice(path string) Forgery {
	return func(_ *testing.T, _ string, m *revision.Manifest) {
		m.Files = append(m.Files, m.Files[listed(m, path)])
	}
}

// ListedRows returns a forgery that lists another number of rows of a file.
func ListedRows(path string, rows int64) Forgery {
	return func(_ *testing.T, _ string, m *revision.Manifest) {
		m.Files[listed(m, path)].Rows = &rows
	}
}

// Digest returns the SHA-256 of a content, in hexadecimal digits.
func Digest(content []byte) string {
	sum := sha256.Sum256(content)
	return hex.EncodeToString(sum[:])
}

// Unpack returns the rows of a file's content.
func Unpack(t *testing.T, format recipe.Format, content []byte) [][]byte {
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

// pack returns the file of some rows.
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

// Repack returns a forgery of the rows of one file of a format.
func Repack(format recipe.Format, name string, f func([][]byte) [][]byte) Forgery {
	return func(t *testing.T, folder string, _ *revision.Manifest) {
		Change(t, filepath.Join(folder, name), func(content []byte) []byte { return pack(t, format, f(Unpack(t, format, content))) })
	}
}

// Otherwise packs the same rows as another program would: its readers have nothing to complain of.
func Otherwise(t *testing.T, format recipe.Format, content []byte) []byte {
	t.Helper()
	var out bytes.Buffer
	rows := bytes.Join(Unpack(t, format, content), nil)
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

// Swapped exchanges two files of a revision.
func Swapped(t *testing.T, folder, a, b string) {
	t.Helper()
	a, b = filepath.Join(folder, a), filepath.Join(folder, b)
	if err := errors.Join(os.Rename(a, a+"x"), os.Rename(b, a), os.Rename(a+"x", b)); err != nil {
		t.Fatal(err)
	}
}

// Renamed sets the revision of a manifest to that of its contents, so that nothing contradicts its name.
func Renamed(t *testing.T, m *revision.Manifest) {
	t.Helper()
	graph, err := pipeline.Walk(m.Recipe, m.ByKey())
	if err != nil {
		t.Fatal(err)
	}
	m.Revision = pipeline.RevisionName(graph.Next().Nodes[0].Key)
}

// Resealed makes the results of the mix stage those of the files, and all keys.
func Resealed(t *testing.T, folder string, m *revision.Manifest) {
	t.Helper()
	next := 0
	Rekeyed(func(result *pipeline.Result) {
		if result.Mix == nil {
			return
		}
		name := revision.FileOf(m.Recipe.Files()[next], m.Recipe.Output.Format)
		next++
		i, done := listed(m, name), *result.Mix
		done.Bytes, done.Digest = m.Files[i].Bytes, m.Files[i].SHA256
		result.Mix = &done
	})(t, folder, m)
}

func read(t *testing.T, path string) []byte {
	t.Helper()
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return content
}
