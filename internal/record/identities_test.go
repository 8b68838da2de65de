package record

import (
	"bytes"
	"encoding/hex"
	"os"
	"testing"
)

// TestIdentities: the identities of published rows, by which the orders of repeated passes go; the Python package reads the same
// file. A line is the first 16 bytes of the identity in hexadecimal, a space, and the row.
func TestIdentities(t *testing.T) {
	content, err := os.ReadFile("testdata/identities.txt")
	if err != nil {
		t.Fatal(err)
	}
	rows := 0
	for line := range bytes.Lines(content) {
		want, row, _ := bytes.Cut(bytes.TrimSuffix(line, []byte("\n")), []byte(" "))
		r, err := Parse(row)
		if err != nil {
			t.Fatalf("%s: %v", row, err)
		}
		identity := r.Digests().Identity
		if got := hex.EncodeToString(identity[:16]); got != string(want) {
			t.Errorf("the identity of %s is %s, want %s", row, got, want)
		}
		rows++
	}
	if rows < 5 {
		t.Errorf("only %d rows", rows)
	}
}
