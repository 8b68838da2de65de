package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/datasetmix/datasetmix/internal/revision"
)

// TestNothingFromOutsideReachesTheTerminal: names in manifests, of files and folders are shown without what a terminal would obey.
func TestNothingFromOutsideReachesTheTerminal(t *testing.T) {
	folder := t.TempDir()
	rev := filepath.Join(folder, "mix\x1b[2J")
	if err := os.Mkdir(rev, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(rev, revision.ManifestFile), []byte("{\"version\": \"\\u001b]0;owned\\u0007\u202e\"}"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, arguments := range [][]string{
		{"verify", rev},
		{"verify", filepath.Join(folder, "gone\x1b[31m\u009b")},
		{"plan", "-f", filepath.Join(folder, "\x1b[8mmix.yaml"), "--rows", "a=1"},
		{"\x1b[2Jcommand"},
	} {
		var out, errors bytes.Buffer
		if code := execute(arguments, &out, &errors); code == 0 || errors.Len() == 0 {
			t.Errorf("%q: code %d, %q", arguments, code, errors.String())
		}
		if said := out.String() + errors.String(); strings.ContainsAny(said, "\x1b\a\u202e\u009b") {
			t.Errorf("%q: %q", arguments, said)
		}
	}
	var out, errors bytes.Buffer
	if code := execute([]string{"--help"}, &out, &errors); code != 0 || !strings.Contains(out.String(), "\n\n") {
		t.Errorf("help: code %d, %q", code, out.String())
	}
}
