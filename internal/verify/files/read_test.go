package files

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/datasetmix/datasetmix/internal/revision"
	"github.com/datasetmix/datasetmix/internal/testing/volume"
)

// inFolder returns the files of an empty folder.
func inFolder(t *testing.T) *Set {
	t.Helper()
	return &Set{Context: context.Background(), Folder: volume.Folder(t)}
}

// Rows that end in one chunk and begin in another, in the chunk's last byte, and over several chunks.
func TestPassCutsRowsWhateverTheChunks(t *testing.T) {
	for what, rows := range map[string][]string{
		"none":                 nil,
		"short":                {"a", "", "bc"},
		"over a chunk's end":   {strings.Repeat("x", chunkSize-3), "yyyyyyyyyy", "z"},
		"to a chunk's end":     {strings.Repeat("x", chunkSize-1), "y"},
		"longer than chunks":   {"a", strings.Repeat("x", 3*chunkSize), "b"},
		"more chunks than two": {strings.Repeat("x", chunkSize), strings.Repeat("y", chunkSize), strings.Repeat("z", 5*chunkSize), "w"},
	} {
		t.Run(what, func(t *testing.T) {
			var content []byte
			for _, row := range rows {
				content = append(append(content, row...), '\n')
			}
			s := inFolder(t)
			if err := os.WriteFile(s.Folder.Join("f").String(), content, 0o600); err != nil {
				t.Fatal(err)
			}
			sum := sha256.Sum256(content)
			file := revision.PublishedFile{Path: "f", Bytes: int64(len(content)), SHA256: hex.EncodeToString(sum[:])}
			n := 0
			err := s.pass(file, func(offset int64, line []byte) error {
				if string(line) != rows[n] || !bytes.HasPrefix(content[offset:], line) {
					t.Errorf("row %d has %d bytes at %d", n, len(line), offset)
				}
				n++
				return nil
			})
			if err != nil || n != len(rows) {
				t.Errorf("%d rows, %v", n, err)
			}
			file.Bytes++
			if err := s.pass(file, nil); err == nil || !strings.Contains(err.Error(), "the manifest says") {
				t.Errorf("another size: %v", err)
			}
		})
	}
}

func TestPassWantsWholeRows(t *testing.T) {
	s := inFolder(t)
	content := []byte("a\nb")
	if err := os.WriteFile(s.Folder.Join("f").String(), content, 0o600); err != nil {
		t.Fatal(err)
	}
	err := s.pass(revision.PublishedFile{Path: "f", Bytes: 3, SHA256: fmt.Sprintf("%x", sha256.Sum256(content))}, func(int64, []byte) error { return nil })
	if err == nil || !strings.Contains(err.Error(), "row 2: it does not end with a whole row") {
		t.Errorf("%v", err)
	}
}
