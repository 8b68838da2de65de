package source

import (
	"context"
	"encoding/json"
	"io"
	"testing"

	"github.com/datasetmix/datasetmix/internal/contract"
)

// FuzzCheckpoint: whatever stands beside a part, of the part is taken no more than it says of this very file, and nothing of a file
// that no server tells apart.
func FuzzCheckpoint(f *testing.F) {
	f.Add([]byte(`{"path":"a","size":9,"validator":"\"one\"","synced":4}`), `"one"`)
	f.Add([]byte(`{"path":"a","size":9,"validator":"\"one\"","synced":-4}`), `"one"`)
	f.Add([]byte(`{"path":"a","size":9,"validator":"","synced":4}`), "")
	f.Add([]byte(`{"path":"b","size":9,"validator":"\"one\"","synced":4}`), `"one"`)
	f.Add([]byte(`{"synced":1e30`), "x")
	f.Fuzz(func(t *testing.T, encoded []byte, validator string) {
		file := File{Path: "a", Size: 9, Validator: validator}
		synced := syncedOf(encoded, file)
		if synced == 0 {
			return
		}
		var said checkpoint
		if err := json.Unmarshal(encoded, &said); err != nil || validator == "" || said != (checkpoint{"a", 9, validator, synced}) || synced < 0 {
			t.Errorf("%q proves %d bytes of %+v: %v", encoded, synced, file, err)
		}
	})
}

// FuzzListing: whatever a listing says, what is kept of it can be shown, and has digests that are some.
//
//fuzz:brief each string is judged alone
func FuzzListing(f *testing.F) {
	f.Add("a\x1b", "../../x", "md5:0", "mit", int64(-2))
	f.Fuzz(func(t *testing.T, path, digest, sum, license string, size int64) {
		l, err := judged{listedSource{Listing{License: license, Files: []File{{Path: path, Size: size, SHA256: digest, Checksum: sum}}}}}.Resolve(t.Context())
		if err != nil {
			if contract.ReasonOf(err) != contract.InvalidData {
				t.Error(err)
			}
			return
		}
		kept := l.Files[0]
		if contract.Clean(kept.Path, 0) != path || kept.Size < -1 || digest != "" && !contract.IsSHA256(digest) || len([]rune(l.License)) > maxLicense {
			t.Errorf("kept %+v", l)
		}
	})
}

// listedSource lists what it is.
type listedSource struct{ Listing }

func (l listedSource) Resolve(context.Context) (Listing, error) { return l.Listing, nil }

func (listedSource) Open(context.Context, File, int64) (io.ReadCloser, error) { return nil, io.EOF }
