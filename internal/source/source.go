// Package source reads the files of a data set from any kind of source: a repository on a Hugging Face Hub, files by address,
// objects of a store, an artifact of an OCI registry, a folder of another PersistentVolumeClaim. The kinds are packages below this
// one, and package open picks one.
//
// A Source lists its files once and pins them; from then on a file's bytes are those that were listed, or an error. What
// all kinds need is built once, around the kind, by Wrap:
//
//	resume( retry( judge( kind ) ) )  Open's reader goes on where a connection broke
//	parallel( … )                     large files of stores and registries come in several parts at once
//	Fetch → verify                    size and digest are checked before a file counts as fetched
//
// Every error of a source is a contract.Failure. A transient reason means that trying again later may help;
// what can be tried again at once has been. No error holds a token, a signature or the query of an address.
package source

import (
	"context"
	"io"
	"io/fs"
)

// Source is a place that holds one data set's files. Its methods may be called concurrently.
type Source interface {
	// Resolve finds the files and pins them: a branch becomes a commit, a file on the web its ETag, a file on a
	// volume its size and time. Two calls may differ, as the place changes; the files of one call belong together.
	Resolve(ctx context.Context) (Listing, error)

	// Open reads a listed file from a byte offset, 0 ≤ offset ≤ f.Size where the size is known. Two Opens of one
	// File give the same bytes or an error. What is read is checked against f.Size, and by Fetch against the
	// digests; a reader that ends early ends with an error, never with io.EOF. The reader must be closed, and ends
	// with ctx.
	Open(ctx context.Context, f File, offset int64) (io.ReadCloser, error)
}

// Local is a Source whose files are on this machine: they are read where they are, and a copy gains nothing.
type Local interface {
	Source
	// At opens a listed file for reading at any place. It fails if the file was written to since it was listed; Unchanged checks that again.
	At(ctx context.Context, f File) (LocalFile, error)
}

// LocalFile is an open file on this machine.
type LocalFile interface {
	io.ReaderAt
	io.Closer
	// Stat describes the file.
	Stat() (fs.FileInfo, error)
	// Unchanged fails when the file was written to since it was listed.
	Unchanged() error
}

// Listing is what a source holds.
type Listing struct {
	// Revision is the commit, where the source has commits.
	Revision string `json:"revision,omitempty"`
	// License is the source's own identifier of its license, several joined by ", "; empty where it names none.
	License string `json:"license,omitempty"`
	// Rows are those that the source's card counts; 0 is not known.
	Rows int64 `json:"-"`
	// Files in row order: sorted by path, files on the web in the order in which they were asked for.
	Files []File `json:"files"`
}

// Size returns how many bytes all files have, 0 where that is not known of each.
func (l Listing) Size() int64 {
	sum := int64(0)
	for _, file := range l.Files {
		if file.Size < 0 {
			return 0
		}
		sum += file.Size
	}
	return sum
}

// File is one file, pinned. It is enough to open it again, in another process too.
type File struct {
	// Path names the file, uniquely in its listing: below the repository's root, below the claim's root, or the
	// address without what may be secret in it. The names of files on the web end like the address's path.
	Path string `json:"path"`
	// Size in bytes; -1 is unknown.
	Size int64 `json:"size"`
	// SHA256 of the content in lower-case hex, where the source has it or the manifest pins it.
	SHA256 string `json:"sha256,omitempty"`
	// GitBlob is git's SHA-1 of the content in lower-case hex, where that is what the source has.
	GitBlob string `json:"gitBlob,omitempty"`
	// Checksum of the content as "algorithm:hex", where that is what the source has: md5, crc32c or crc64nvme.
	Checksum string `json:"checksum,omitempty"`
	// Revision is the commit the file is read at, where the source has commits; the version of an object, where the
	// store keeps versions.
	Revision string `json:"revision,omitempty"`
	// Validator detects a changed file where there is no digest: a strong ETag or a date of modification,
	// for a file on a volume its size and time.
	Validator string `json:"validator,omitempty"`
	// Inode of a file on a volume, where the file system has one; 0 elsewhere.
	Inode uint64 `json:"-"`
}

// Pinned reports whether a digest proves the content, however it was transferred.
func (f File) Pinned() bool {
	return f.SHA256 != "" || f.GitBlob != "" && f.Size >= 0 || proves(f.Checksum)
}
