package stage

import (
	"errors"
	"io/fs"

	"github.com/datasetmix/datasetmix/internal/store"
	"github.com/datasetmix/datasetmix/internal/verify"
)

// digestsName lists what a unit wrote, by name, so that publishing need not read it to list it. A revision is proved from its
// files, not from this: a file that has changed since it was written is found then.
const digestsName = "digests.json"

// written is a file as its writer knows it.
type written = store.Written

// digests are the files of one unit by their names in its folder.
type digests map[string]written

// readDigests reads a unit's list. Units of releases before it have none.
func readDigests(folder store.Path) (digests, error) {
	var list digests
	err := store.ReadJSON(folder.Join(digestsName), &list)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	return list, err
}

// of is the entry of a file; one that is not listed is read.
func (d digests) of(folder store.Path, name string) (written, error) {
	if entry, ok := d[name]; ok {
		return entry, nil
	}
	digest, size, err := verify.Digest(folder.Join(name))
	if err != nil {
		return written{}, store.Missing(err)
	}
	return written{SHA256: digest, Bytes: size}, nil
}
