package docs

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// elsewhere are names of things that no reader of the tree has, put together so that this file has none of them.
var elsewhere = []string{"../" + "shared", "strategy " + "document", `"shared"` + `, "data"`, "/work/" + "main"}

// unmerged begins and ends a place where two changes met and none was chosen.
var unmerged = regexp.MustCompile(`(?m)^(<{7}|>{7}) `)

// TestTheTreeStandsAlone: nothing in it points at a thing outside of it by name. Tests that want the real rows ask
// internal/testing/realrows.
func TestTheTreeStandsAlone(t *testing.T) {
	for _, file := range tree(t) {
		content, err := os.ReadFile(filepath.Join(root, file))
		if err != nil {
			continue // removed, and not committed yet
		}
		if unmerged.Match(content) {
			t.Errorf("%s has the marks of a merge that was not finished", file)
		}
		for _, name := range elsewhere {
			if strings.Contains(string(content), name) {
				t.Errorf("%s has %q", file, name)
			}
		}
	}
}
