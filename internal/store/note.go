package store

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io/fs"
	"strings"
	"time"

	"github.com/datasetmix/datasetmix/internal/contract"
	"github.com/datasetmix/datasetmix/internal/revision"
)

// Notes are the SHA-256 of files that sources name in another way: one note for each name, in a folder that is made with the first note. A note
// is trusted, so a name that only a server vouches for is noted for one mix alone.
type Notes struct{ Folder Path }

// Notes returns the notes of names that prove the content by themselves, which are git's digests. Every mix on the volume shares them.
func (c Cache) Notes() Notes { return Notes{c.Root.Join(knownFolder)} }

// known is the content of a note.
type known struct {
	SHA256 string `json:"sha256"`
	Size   int64  `json:"size"`
}

func (n Notes) of(name string) Path {
	sum := sha256.Sum256([]byte(name))
	return n.Folder.Join(hex.EncodeToString(sum[:]))
}

// Note writes the note of a name. No other content may have that name.
func (n Notes) Note(name, digest string, size int64) error {
	if err := MakeFolder(n.Folder); err != nil {
		return err
	}
	encoded, err := revision.EncodeJSON(known{digest, size})
	if err != nil {
		return err
	}
	return WriteFile(n.of(name), encoded)
}

// Known returns the digest and size that were noted, "" where nothing was.
func (n Notes) Known(name string) (digest string, size int64) { return readNote(n.of(name)) }

// mostNote is the most bytes of a note.
const mostNote = 1 << 10

func readNote(path Path) (digest string, size int64) {
	encoded, err := readAtMost(path, mostNote)
	if err != nil {
		return "", 0 // a note is a convenience: without it, the file is downloaded
	}
	return parseNote(encoded)
}

// parseNote returns the digest and size in a note, "" where it is malformed.
func parseNote(encoded []byte) (digest string, size int64) {
	var k known
	if json.Unmarshal(encoded, &k) != nil || !contract.IsSHA256(k.SHA256) || k.Size < 0 {
		return "", 0
	}
	return k.SHA256, k.Size
}

const (
	// KeepNotes is how long the note of a removed original stays: where originals come and go, it shows that a file is the same again.
	KeepNotes = 30 * 24 * time.Hour
	// keepRemains is how long an unfinished small file stays; writing one takes a moment.
	keepRemains = time.Hour
)

// Forget removes the notes of originals that are gone from a cache, once they are so old.
func (n Notes) Forget(cache Cache, after time.Duration) error {
	entries, err := n.Folder.ReadDir()
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return WrapError(err)
	}
	for _, entry := range entries {
		path, keep := n.Folder.Join(entry.Name()), after
		if strings.HasPrefix(entry.Name(), ".") {
			keep = keepRemains
		} else if digest, _ := readNote(path); digest != "" && cache.has(digest) {
			continue
		}
		if info, err := entry.Info(); err != nil || time.Since(info.ModTime()) < keep {
			continue
		}
		if err := path.Remove(); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return WrapError(err)
		}
	}
	return nil
}

// has reports whether an original is in the cache.
func (c Cache) has(digest string) bool {
	blob, err := c.Blob(digest)
	if err != nil {
		return false
	}
	_, err = blob.Lstat()
	return err == nil
}
