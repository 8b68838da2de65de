// Package verify proves a published revision from its files alone: it recomputes every digest, count, share, repeat and
// order, and that no question stands in two splits, and makes the files that only repeat the manifest again. The publish stage
// runs it before a revision gets its name, and people run it on what they were given.
package verify

import (
	"context"
	"fmt"
	"hash/maphash"
	"io/fs"
	"os"
	"sync/atomic"

	"github.com/datasetmix/datasetmix/internal/contract"
	"github.com/datasetmix/datasetmix/internal/extsort"
	"github.com/datasetmix/datasetmix/internal/pipeline"
	"github.com/datasetmix/datasetmix/internal/revision"
	"github.com/datasetmix/datasetmix/internal/statistics"
	"github.com/datasetmix/datasetmix/internal/store"
	"github.com/datasetmix/datasetmix/internal/tokens"
)

// Proof is what was found true.
type Proof struct {
	Manifest revision.Manifest
	// Digest is the SHA-256, in hex, of the manifest's bytes: that of status.published.digest, where it is the same revision.
	Digest string
	// Files and Bytes that were read, the manifest included.
	Files int
	Bytes int64
	// Questions per split: no two splits share one, as the recipe has them compared. nil is that exports hold the mix alone, and none has
	// questions.
	Questions []int
	// OtherPages are those that another release wrote: they are as they were published, and this one would write them otherwise.
	OtherPages []string

	anchored bool // by the digest that was given
}

// Options of a proof.
type Options struct {
	// Digest that the manifest must have; empty is any. A revision proves itself consistent. That it is the one that somebody
	// published, only a digest shows that came another way.
	Digest string
	// Notes is the folder for what is noted on the way, for a later proof; the zero value is a temporary one.
	Notes store.Path
	// Earlier are the notes of earlier proofs, newest first. What one of them has found of the rows of files with the same
	// bytes is taken over.
	Earlier []store.Path
	// Checksums are the XXH64 of files by path, as whoever computed their SHA-256 noted it of the same bytes. Of a file that has
	// one, that is compared: the SHA-256 is then right as well.
	Checksums map[string]string
	// MadeOf are the XXH64, by path, of the rows that the files of exports were made of, as lines, as their writers noted them. Of a file
	// that has one and a checksum, the rows are compared: the file is what its writer made of the right ones. Any other is made again.
	MadeOf map[string]string
	// Others are files of rows that the revision is made of and does not hold, by the names that they would have in it: what they show is
	// proved all the same.
	Others map[string]Other
}

// Other is a file that lies elsewhere, as it would be listed.
type Other struct {
	Path store.Path
	File revision.PublishedFile
}

// Revision verifies the revision in a folder, whatever the folder is called. The first difference is an error that says which
// file, where, and what it should be.
func Revision(ctx context.Context, folder string, options Options) (Proof, error) {
	volume, err := store.Open(folder)
	if err != nil {
		return Proof{}, differ("%s is no published revision: %w", folder, err)
	}
	defer volume.Close()
	return At(ctx, volume.Path("."), options)
}

// At verifies the revision at a place on a volume, as Revision does.
func At(ctx context.Context, folder store.Path, options Options) (Proof, error) {
	v := &verifier{context: ctx, folder: folder, options: options, notes: options.Notes, seed: maphash.MakeSeed(), other: maphash.MakeSeed()}
	if err := v.readManifest(); err != nil {
		return Proof{}, err
	}
	if v.notes.IsZero() {
		temporary, err := os.MkdirTemp("", "datasetmix-proof-*")
		if err != nil {
			return Proof{}, store.WrapError(err)
		}
		defer os.RemoveAll(temporary)
		notes, err := store.Open(temporary)
		if err != nil {
			return Proof{}, err
		}
		defer notes.Close()
		v.notes = notes.Path(".")
	}
	defer v.close()
	for _, check := range []func() error{v.graph, v.sources, v.listing, v.measure, v.readStatistics, v.rows, v.counted, v.told} {
		if err := check(); err != nil {
			return Proof{}, err
		}
	}
	return v.proof, nil
}

// Files finds out whether a folder holds the files that its manifest lists, each with its bytes, and no other. What their rows say was
// proved when they were published, and follows from the bytes.
func Files(ctx context.Context, folder store.Path, options Options) error {
	v := verifier{context: ctx, folder: folder, options: options}
	if err := v.readManifest(); err != nil {
		return err
	}
	v.files = make(map[string]revision.PublishedFile, len(v.manifest.Files))
	for _, file := range v.manifest.Files {
		v.files[file.Path] = file
	}
	if err := v.walk(); err != nil {
		return err
	}
	return v.readAll(v.tasks(nil, nil))
}

type verifier struct {
	context  context.Context // of the call that this is the state of
	folder   store.Path
	options  Options
	notes    store.Path
	manifest revision.Manifest
	results  pipeline.Results // of the manifest
	proof    Proof
	// files are those that the manifest lists, and infos what lies there, by path.
	files map[string]revision.PublishedFile
	infos map[string]fs.FileInfo
	// seed and other are of the hashes that rows and questions are compared by. They say nothing in the proof.
	seed, other maphash.Seed
	datasets    []*dataset // sorted by name
	questions   *extsort.Sorter
	byForm      bool // questions are compared by their form, else by their bytes
	// units counts rows in the unit of the shares; nil where that is rows, or not known here.
	units   *tokens.Units
	sorters []*extsort.Sorter
	// numbers compares rows by their numbers at the source; nil where all rows of every data set and every split are there. partial says
	// that those of a split are not.
	numbers *extsort.Sorter
	partial bool
	// unasked says that the questions of some rows are in no file.
	unasked atomic.Bool
	// drawn is what the recipe's draws use of each data set in each split, where it draws.
	drawn [][]pipeline.MixedDataset
	// made are the checks of exported files that are looked at once the mixed ones were read.
	made []*exportCheck
	// stated is what statistics.json says, and recalled that an earlier proof has found it true of the rows.
	stated   statistics.File
	recalled bool
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

// place says where a row stands, for a message.
func place(file string, row int64) string { return fmt.Sprintf("%s, row %d", file, row+1) }
