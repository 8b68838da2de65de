package store

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"os"
	"path/filepath"

	"github.com/datasetmix/datasetmix/internal/contract"
)

// known is what the cache notes of a name.
type known struct {
	SHA256 string `json:"sha256"`
	Size   int64  `json:"size"`
}

func (c Cache) note(name string) string {
	sum := sha256.Sum256([]byte(name))
	return filepath.Join(c.Root, knownFolder, hex.EncodeToString(sum[:]))
}

// Note remembers the digest of what a source names otherwise. The name must tell any other content apart.
func (c Cache) Note(name, digest string, size int64) error {
	if err := MakeFolder(filepath.Join(c.Root, knownFolder)); err != nil {
		return err
	}
	encoded, err := contract.EncodeJSON(known{digest, size})
	if err != nil {
		return err
	}
	return WriteFile(c.note(name), encoded)
}

// Known gives the digest and size that were noted, "" where nothing was.
func (c Cache) Known(name string) (digest string, size int64) { return readNote(c.note(name)) }

func readNote(path string) (digest string, size int64) {
	encoded, err := os.ReadFile(path)
	var k known
	if err != nil || json.Unmarshal(encoded, &k) != nil {
		return "", 0 // a note is a convenience: without it, the file is downloaded
	}
	return k.SHA256, k.Size
}
