package stage

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io/fs"

	"github.com/datasetmix/datasetmix/internal/filewriter"
	"github.com/datasetmix/datasetmix/internal/hashing"
	"github.com/datasetmix/datasetmix/internal/recipe"
	"github.com/datasetmix/datasetmix/internal/store"
)

// digestsName is the list of what a unit wrote, by name, so that publishing need not read the files to list them. A revision is proved from its
// files, not from this list, so a file that has changed since is found.
const digestsName = "digests.json"

// written is a file as its writer knows it.
type written = filewriter.Written

// digests are the files of one unit by their names in its folder.
type digests map[string]written

// readDigests reads a unit's list. It returns nil for units of earlier releases, which have no list.
func readDigests(folder store.Path) (digests, error) {
	var list digests
	err := store.ReadJSON(folder.Join(digestsName), &list)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	return list, err
}

// writtenAs returns what the writer of a unit's file noted. A file that is in no list is read.
func writtenAs(folder store.Path, name string) (written, error) {
	list, err := readDigests(folder)
	if entry, ok := list[name]; ok || err != nil {
		return entry, err
	}
	digest, size, err := digestOf(context.Background(), folder.Join(name))
	if err != nil {
		return written{}, store.UnreadableError(err)
	}
	return written{SHA256: digest, Bytes: size}, nil
}

// digestOf returns the SHA-256, in hex, and the size of a file.
func digestOf(ctx context.Context, path store.Path) (string, int64, error) {
	f, err := path.Open()
	if err != nil {
		return "", 0, err
	}
	defer f.Close()
	return hashing.SHA256(ctx, f)
}

// ofDataset returns the digest of a divided data set: over the SHA-256 of the file of all rows, of each split's, and of the list of the
// rows that were left out.
func (d digests) ofDataset(r recipe.Recipe) string {
	sum := sha256.New()
	sum.Write([]byte(d[rawName].SHA256 + "\n"))
	for _, split := range r.Splits {
		sum.Write([]byte(d[split.Name+rowSuffix].SHA256 + "\n"))
	}
	if dropped, there := d[droppedName]; there {
		sum.Write([]byte(dropped.SHA256 + "\n"))
	}
	return hex.EncodeToString(sum.Sum(nil))
}
