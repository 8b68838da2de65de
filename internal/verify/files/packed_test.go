package files

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"os"
	"strings"
	"testing"

	"github.com/datasetmix/datasetmix/internal/encode"
	"github.com/datasetmix/datasetmix/internal/recipe"
	"github.com/datasetmix/datasetmix/internal/revision"
)

// plain is a published row.
const plain = `{"id":"sums_7","dataset":"sums","domain":"math","question":"Q","reference_answer":"A","answer_type":"text","metadata":{"source":"sums","original_id":"7"}}`

// packedRows is how many rows packedFile has.
const packedRows = 9000

// packedFile returns a file of a format with one row many times over, and the entry of a manifest that lists it.
func packedFile(t *testing.T, format recipe.Format) (*Set, revision.PublishedFile) {
	t.Helper()
	var packed bytes.Buffer
	w, err := encode.NewWriter(&packed, format)
	for range packedRows {
		err = errors.Join(err, w.WriteRow([]byte(plain+"\n")))
	}
	s := inFolder(t)
	if err := errors.Join(err, w.Close(), os.WriteFile(s.Folder.Join("f").String(), packed.Bytes(), 0o600)); err != nil {
		t.Fatal(err)
	}
	sum := sha256.Sum256(packed.Bytes())
	return s, revision.PublishedFile{Path: "f", Bytes: int64(packed.Len()), SHA256: hex.EncodeToString(sum[:])}
}

var packedFormats = []recipe.Format{recipe.JSONLZstd, recipe.JSONLGzip, recipe.Parquet}

// Rows of a packed file come without their line ends, each with its offset among them.
func TestPackedRows(t *testing.T) {
	for _, format := range packedFormats {
		s, file := packedFile(t, format)
		n := int64(0)
		err := s.packed(file, format, func(offset int64, line []byte) error {
			if string(line) != plain || offset != n*int64(len(plain)+1) {
				t.Fatalf("%s: row %d at %d: %s", format, n, offset, line)
			}
			n++
			return nil
		})
		if err != nil || n != packedRows {
			t.Errorf("%s: %d rows, %v", format, n, err)
		}
	}
}

// A packed file is hashed first, and only then unpacked.
func TestPackedFilesThatAreNotAsListed(t *testing.T) {
	for i, format := range packedFormats {
		s, file := packedFile(t, format)
		changed, gone := file, file
		changed.SHA256, gone.Path = "0", "g"
		anything := func(int64, []byte) error { return nil }
		ctx, cancel := context.WithCancel(context.Background())
		for what, c := range map[string]struct {
			file   revision.PublishedFile
			format recipe.Format
			each   EachRow
			want   string
		}{
			"another digest": {changed, format, nil, "f was changed"},
			"no file":        {gone, format, nil, "g cannot be read"},
			"another format": {file, packedFormats[(i+1)%len(packedFormats)], anything, "f, row 1"},
			"a wrong row":    {file, format, func(int64, []byte) error { return errFound }, errFound.Error()},
			"nobody waits": {file, format, func(int64, []byte) error {
				cancel()
				return nil
			}, context.Canceled.Error()},
		} {
			s.Context = context.Background()
			if what == "nobody waits" {
				s.Context = ctx
			}
			if err := s.packed(c.file, c.format, c.each); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("%s, %s: %v", format, what, err)
			}
		}
		cancel()
	}
}
