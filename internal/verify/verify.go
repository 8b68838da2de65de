// Package verify proves a published revision from its files alone: it recomputes every digest, count, share, repeat and order, checks that no
// question is in two splits, and makes the files that only repeat the manifest again. The publish stage runs it before a revision gets its name,
// and people run it on what they were given.
package verify

import (
	"context"
	"os"

	"github.com/datasetmix/datasetmix/internal/revision"
	"github.com/datasetmix/datasetmix/internal/store"
	"github.com/datasetmix/datasetmix/internal/verify/files"
	"github.com/datasetmix/datasetmix/internal/verify/layout"
)

// Proof is what was found true.
type Proof struct {
	Manifest revision.Manifest
	// Digest is the SHA-256, in hex, of the manifest's bytes: that of status.published.digest, where it is the same revision.
	Digest string
	// Files and Bytes that were read, the manifest included.
	Files int
	Bytes int64
	// Questions per split: no two splits share one, as the recipe has them compared. It is nil where only exports hold the mix, and none has
	// questions.
	Questions []int
	// OtherPages are those that another release wrote: they are as they were published, and this release would write them differently.
	OtherPages []string

	anchored bool // the manifest has the digest that was given
}

// Options of a proof.
type Options struct {
	// Digest that the manifest must have; empty means any. A revision proves itself consistent. Only a digest that came another way shows that it
	// is the one that was published.
	Digest string
	// Notes is the folder for what is noted on the way, for a later proof; the zero value is a temporary one.
	Notes store.Path
	// Earlier are the notes of earlier proofs, newest first. What one of them has found of the rows of files with the same bytes is reused.
	Earlier []store.Path
	// Checksums are the XXH64 of files by path, computed of the same bytes as their SHA-256. A file that has one is compared with it instead of
	// its SHA-256, which is then right as well.
	Checksums map[string]string
	// MadeOf are the XXH64, by path, of the rows, as lines, that the files of exports were made of, as their writers noted them. Of a file with
	// such a note and a checksum, only the rows are compared, since its writer made it of them. Any other file is made again and compared.
	MadeOf map[string]string
	// Others are files of rows that the revision is made of and does not hold, by the names that they would have in it: what they show is
	// proved all the same.
	Others map[string]Other
}

// Other is a file of rows outside of the revision, with its entry as a manifest would list it.
type Other = files.Other

// Revision verifies the revision in a folder, whatever the folder is called. The first difference is an error that says which
// file, where, and what it should be.
func Revision(ctx context.Context, folder string, options Options) (Proof, error) {
	volume, err := store.Open(folder)
	if err != nil {
		return Proof{}, files.Differ("%s is no published revision: %w", folder, err)
	}
	defer volume.Close()
	return At(ctx, volume.Path("."), options)
}

// At verifies the revision at a place on a volume, as Revision does.
func At(ctx context.Context, folder store.Path, options Options) (Proof, error) {
	listed := newFiles(ctx, folder, options)
	m, err := readManifest(listed, options.Digest)
	if err != nil {
		return Proof{}, err
	}
	notes := options.Notes
	if notes.IsZero() {
		temporary, err := os.MkdirTemp("", "datasetmix-proof-*")
		if err != nil {
			return Proof{}, store.WrapError(err)
		}
		defer os.RemoveAll(temporary)
		volume, err := store.Open(temporary)
		if err != nil {
			return Proof{}, err
		}
		defer volume.Close()
		notes = volume.Path(".")
	}
	if err := checkManifest(m.Manifest); err != nil {
		return Proof{}, err
	}
	if err := checkListing(listed, m.Manifest); err != nil {
		return Proof{}, err
	}
	of, err := layout.New(listed, &m.Manifest, notes)
	if err != nil {
		return Proof{}, err
	}
	stated, err := readStatistics(listed, m.Manifest)
	if err != nil {
		return Proof{}, err
	}
	proof := Proof{Manifest: m.Manifest, Digest: m.digest, anchored: options.Digest != ""}
	if proof.Questions, err = checkRows(of, m.byForm, stated, options); err != nil {
		return Proof{}, err
	}
	proof.Files, proof.Bytes = 1+listed.Read, m.bytes+listed.Bytes
	proof.OtherPages, err = checkPages(listed, m.Manifest, stated, proof.anchored)
	return proof, err
}

// Files checks that a folder holds the files that its manifest lists, each with its bytes, and no other. What their rows say was
// proved when they were published, and follows from the bytes.
func Files(ctx context.Context, folder store.Path, options Options) error {
	listed := newFiles(ctx, folder, options)
	m, err := readManifest(listed, options.Digest)
	if err != nil {
		return err
	}
	listed.List(m.Files)
	if err := listed.Walk(); err != nil {
		return err
	}
	all, _ := listed.Tasks(nil, nil)
	return listed.ReadAll(all)
}

func newFiles(ctx context.Context, folder store.Path, options Options) *files.Set {
	return &files.Set{Context: ctx, Folder: folder, Others: options.Others, Checksums: options.Checksums}
}
