// Package verify proves a published revision from its files alone: it recomputes every digest, count, share, repeat and
// order, and that no question stands in two splits. The publish stage runs it before a revision gets its name, and people run
// it on what they were given.
package verify

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"hash/maphash"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/datasetmix/datasetmix/internal/contract"
	"github.com/datasetmix/datasetmix/internal/extsort"
	"github.com/datasetmix/datasetmix/internal/recipe"
	"github.com/datasetmix/datasetmix/internal/store"
	"github.com/datasetmix/datasetmix/internal/tokens"
)

// Proof is what was found true.
type Proof struct {
	Manifest contract.Manifest
	// Files and Bytes that were read, the manifest included.
	Files int
	Bytes int64
	// Questions per split: no two splits share one.
	Questions []int
}

// Options of a proof.
type Options struct {
	// Name that the revision must have by its contents, where it is known.
	Name string
	// Notes is the folder for what is noted on the way, for a later proof; empty is a temporary one.
	Notes string
	// Earlier are the notes of earlier proofs, newest first. Files of single data sets that one of them has read, and that no
	// one has written since, are not read again.
	Earlier []string
	// Checksums are the XXH64 of files by path, as whoever computed their SHA-256 noted it of the same bytes. Of a file that has
	// one, that is compared: the SHA-256 is then right as well.
	Checksums map[string]string
}

// Revision verifies the revision in a folder. The first difference is an error that says which file, where, and what it should
// be.
func Revision(ctx context.Context, folder string, options Options) (Proof, error) {
	encoded, err := os.ReadFile(filepath.Join(folder, contract.ManifestFile))
	if err != nil {
		return Proof{}, differ("%s is no published revision: %w", folder, err)
	}
	manifest, err := contract.ParseManifest(encoded)
	if err != nil {
		return Proof{}, err
	}
	v := verifier{context: ctx, folder: folder, name: options.Name, notes: options.Notes, earlier: options.Earlier, checksums: options.Checksums, manifest: manifest,
		seed: maphash.MakeSeed(), other: maphash.MakeSeed(), proof: Proof{Manifest: manifest, Files: 1, Bytes: int64(len(encoded))}}
	if v.notes == "" {
		if v.notes, err = os.MkdirTemp("", "datasetmix-proof-*"); err != nil {
			return Proof{}, store.Failure(err)
		}
		defer os.RemoveAll(v.notes)
	}
	defer v.close()
	for _, check := range []func() error{v.graph, v.listing, v.sources, v.lock, v.measure, v.rows, v.descriptions} {
		if err := check(); err != nil {
			return Proof{}, err
		}
	}
	return v.proof, nil
}

type verifier struct {
	context   context.Context // of the call that this is the state of
	folder    string
	name      string
	notes     string
	earlier   []string
	checksums map[string]string
	manifest  contract.Manifest
	proof     Proof
	// seed and other are of the hashes that rows and questions are compared by. They say nothing in the proof.
	seed, other maphash.Seed
	datasets    []*dataset // sorted by name
	questions   *extsort.Sorter
	// units counts rows in the unit of the shares; nil where that is rows, or not known here.
	units   *tokens.Units
	sorters []*extsort.Sorter
}

func (v *verifier) close() {
	for _, s := range v.sorters {
		s.Close() // scratch files: nobody reads them again
	}
	for _, d := range v.datasets {
		d.raw.close()
		for _, c := range d.splits {
			c.close()
		}
	}
}

// differ is the failure of a revision that is not what it should be. Trouble of the volume keeps its own reason.
func differ(format string, args ...any) error {
	return contract.VolumeMismatch(fmt.Errorf(format, args...))
}

// rowFolders are those that training code looks for files of rows in, by pattern. There is none but those that are expected.
var rowFolders = []string{"raw", "processed", "mixed", "test"}

// listing: each listed file is there, once, and no other file is; every file that the recipe asks for is listed.
func (v *verifier) listing() error {
	listed := map[string]bool{contract.ManifestFile: true}
	for _, file := range v.manifest.Files {
		if listed[file.Path] || !filepath.IsLocal(filepath.FromSlash(file.Path)) {
			return differ("the manifest lists %q twice, or as a place outside the revision", file.Path)
		}
		listed[file.Path] = true
	}
	expected := map[string]bool{}
	for _, file := range v.expected() {
		if !listed[file] {
			return differ("the manifest does not list %s", file)
		}
		expected[file] = true
	}
	for _, file := range v.manifest.Files {
		if folder, _, _ := strings.Cut(file.Path, "/"); slices.Contains(rowFolders, folder) && !expected[file.Path] {
			return differ("the manifest lists %s, and a revision of its recipe has no such file", file.Path)
		}
	}
	return filepath.WalkDir(v.folder, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		name, err := filepath.Rel(v.folder, path)
		if err != nil {
			return err
		}
		if !listed[filepath.ToSlash(name)] {
			return differ("%s stands in the revision, and the manifest does not list it", name)
		}
		return nil
	})
}

// expected are the files of rows that a revision of this recipe has, and those that stand beside them to tell of them.
func (v *verifier) expected() []string {
	files := []string{contract.InfoFile}
	if v.manifest.Recipe.EvaluationSplit() != "" {
		files = append(files, contract.TestIndexFile)
	}
	for _, name := range v.manifest.Recipe.DatasetNames() {
		_, domain, _ := v.manifest.Recipe.Dataset(name)
		files = append(files, contract.RawFile(domain.Name, name), contract.MetaFile(name))
		if v.divided(name).DroppedRows() > 0 {
			files = append(files, contract.DroppedSourceFile(domain.Name, name))
		}
		for _, split := range v.manifest.Recipe.Splits {
			files = append(files, contract.ProcessedFile(name, split.Name))
			if split.Name == v.manifest.Recipe.EvaluationSplit() {
				files = append(files, contract.TestFile(name, split.Name))
			}
		}
	}
	for _, shard := range v.manifest.Recipe.Shards() {
		files = append(files, contract.MixedFile(shard, v.manifest.Recipe.Output.Format))
	}
	return files
}

// graph: the recipe and the results give the keys, the plan and the revision that the manifest states.
func (v *verifier) graph() error {
	graph, err := v.manifest.Recipe.Walk(v.manifest.Results())
	if err != nil {
		return differ("the manifest contradicts itself: %w", err)
	}
	last := graph.Next()
	if last == nil || last.Stage != recipe.Publish {
		return differ("the manifest lacks the result of a stage")
	}
	var keys, stated []recipe.Unit
	for _, step := range graph.Steps[:len(graph.Steps)-1] {
		keys = append(keys, step.Units...)
	}
	for _, finished := range v.manifest.Stages {
		stated = append(stated, finished.Unit)
	}
	if !slices.Equal(keys, stated) {
		return differ("the manifest's stages are not those of its recipe")
	}
	revision := recipe.Revision(last.Units[0].Key)
	if revision != v.manifest.Revision || v.name != "" && revision != v.name {
		return differ("the contents are those of revision %s, the manifest says %s, the folder's name %s", revision, v.manifest.Revision, v.name)
	}
	if v.manifest.Recipe.PlanDigest(*graph.Plan) != v.manifest.Recipe.PlanDigest(v.manifest.Plan) {
		return differ("the manifest's plan is not the one that its recipe and counts give")
	}
	return nil
}

// sources: the originals listed are those that the rows were made of.
func (v *verifier) sources() error {
	results := map[string]recipe.Downloaded{}
	for _, finished := range v.manifest.Stages {
		if finished.Stage == recipe.Download {
			results[finished.Unit.Name] = *finished.Result.Download
		}
	}
	for _, origin := range v.manifest.Sources {
		done := results[origin.Dataset]
		if digest := contract.OriginalsDigest(origin.Files); digest != done.Digest || origin.Revision != done.Revision || origin.License != done.License {
			return differ("data set %s: the originals that the manifest lists are not those that were downloaded", origin.Dataset)
		}
		delete(results, origin.Dataset)
	}
	if len(results) > 0 {
		return differ("the manifest lists no originals for %d data sets", len(results))
	}
	return nil
}

// lock: lock.json says what the manifest says, to the byte. Revisions of releases before it have none.
func (v *verifier) lock() error {
	if !slices.ContainsFunc(v.manifest.Files, func(file contract.PublishedFile) bool { return file.Path == contract.LockFile }) {
		return nil
	}
	want, err := contract.LockOf(v.manifest).Encode()
	if err != nil {
		return err
	}
	have, err := os.ReadFile(filepath.Join(v.folder, contract.LockFile))
	if err != nil {
		return differ("%s cannot be read: %w", contract.LockFile, err)
	}
	if !bytes.Equal(have, want) {
		return differ("%s does not say what the manifest says of the sources", contract.LockFile)
	}
	return nil
}

// descriptions: mixed/info.json gives the plan's totals. What else is said beside the rows is proved by its digest.
func (v *verifier) descriptions() error {
	var info map[string]json.RawMessage
	if err := store.ReadJSON(filepath.Join(v.folder, filepath.FromSlash(contract.InfoFile)), &info); err != nil {
		return differ("%s cannot be read: %w", contract.InfoFile, err)
	}
	for _, split := range v.manifest.Plan.Splits {
		var total int64
		domains, want := map[string]int64{}, map[string]int64{}
		err := errors.Join(json.Unmarshal(info["total_"+split.Name], &total), json.Unmarshal(info["domain_distribution_"+split.Name], &domains))
		for _, domain := range split.Domains {
			want[domain.Name] = domain.Rows
		}
		if err != nil || total != split.Rows || !maps.Equal(domains, want) {
			return differ("%s: split %s has %d rows, %v; the plan says %d, %v", contract.InfoFile, split.Name, total, domains, split.Rows, want)
		}
	}
	return nil
}

// Digest is the SHA-256, in hex, and the size of a file.
func Digest(path string) (string, int64, error) {
	f, err := os.Open(path)
	if err != nil {
		return "", 0, err
	}
	defer f.Close()
	return readThrough(context.Background(), f, func([]byte) {})
}

// place says where a row stands, for a message.
func place(file string, row int64) string { return fmt.Sprintf("%s, row %d", file, row+1) }
