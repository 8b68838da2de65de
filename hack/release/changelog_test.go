package main

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestChangelog: fragments become a section before the earlier ones, and are gone.
func TestChangelog(t *testing.T) {
	folder := t.TempDir()
	put := func(name, content string) {
		t.Helper()
		if err := os.WriteFile(filepath.Join(folder, name), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	file := filepath.Join(folder, "CHANGELOG")
	for i, version := range []string{"v1.0.0", "v1.1.0"} {
		put("README.md", "what this is")
		put("b.md", "fixed\n- a mistake of "+version+"\n")
		if i == 1 {
			put("a.md", "added\n- a thing\n- another\n")
		}
		if err := writeChangelog(file, folder, version); err != nil {
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	want := "# Changelog\n\n## v1.1.0\n\n### Added\n\n- a thing\n- another\n\n### Fixed\n\n- a mistake of v1.1.0\n\n## v1.0.0\n\n### Fixed\n\n- a mistake of v1.0.0\n"
	if diff := cmp.Diff(want, string(got)); diff != "" {
		t.Error(diff)
	}
	if err := writeChangelog(file, folder, "v1.2.0"); err == nil {
		t.Error("a release without a change")
	}
	put("c.md", "better\n- all\n")
	if err := writeChangelog(file, folder, "v1.2.0"); err == nil {
		t.Error("a kind of change that there is not")
	}
}

// TestFragments: those of the tree can be joined.
func TestFragments(t *testing.T) {
	if _, _, err := changelog("../../changes", "v0.0.0"); err != nil {
		if _, released := os.Stat("../../CHANGELOG.md"); released != nil {
			t.Error(err)
		}
	}
}
