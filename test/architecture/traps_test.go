package architecture

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

// traps is how many there are.
const traps = 32

var (
	trapRow  = regexp.MustCompile(`(?m)^\| T(\d+) \| ([^|]+) \| ([^|]+) \| ([^|]+) \|$`)
	testName = regexp.MustCompile(`\b(Test|Fuzz)[A-Z]\w*`)
	folder   = regexp.MustCompile("^`([^`]+)` ")
)

// TestTrapsNameTheirTests: docs/contributing/traps.md has every trap once, and each names tests that exist, or says why there is none.
func TestTrapsNameTheirTests(t *testing.T) {
	page, err := os.ReadFile("../../docs/contributing/traps.md")
	if err != nil {
		t.Fatal(err)
	}
	rows := trapRow.FindAllStringSubmatch(string(page), -1)
	if len(rows) != traps {
		t.Fatalf("the page has %d rows, want %d", len(rows), traps)
	}
	for i, row := range rows {
		if row[1] != strconv.Itoa(i+1) {
			t.Errorf("row %d is about T%s", i+1, row[1])
		}
		if problem := missing(row[4], sources(t)); problem != "" {
			t.Errorf("T%s: %s", row[1], problem)
		}
	}
}

// missing returns the named test that does not exist; functions are the test functions of a folder.
func missing(cell string, functions func(folder string) string) string {
	for part := range strings.SplitSeq(cell, "; ") {
		where := folder.FindStringSubmatch(part)
		names := testName.FindAllString(part, -1)
		if where == nil || len(names) == 0 {
			return fmt.Sprintf("%q names no folder and test", part)
		}
		for _, name := range names {
			if !strings.Contains(functions(where[1]), "\nfunc "+name+"(") {
				return fmt.Sprintf("there is no %s in %s", name, where[1])
			}
		}
	}
	return ""
}

// sources returns the test files of a folder, one after the other.
func sources(t *testing.T) func(folder string) string {
	return func(folder string) string {
		files, err := filepath.Glob(filepath.Join("../..", folder, "*_test.go"))
		if err != nil {
			t.Fatal(err)
		}
		var all strings.Builder
		for _, file := range files {
			encoded, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			all.Write(encoded)
		}
		return all.String()
	}
}

// TestMissing: the page's own test finds what is not there.
func TestMissing(t *testing.T) {
	there := map[string]string{"a": "\nfunc TestOne(t", "b": "\nfunc FuzzTwo(f"}
	functions := func(folder string) string { return there[folder] }
	for cell, want := range map[string]string{
		"`a` TestOne":              "",
		"`a` TestOne; `b` FuzzTwo": "",
		"`a` TestOn":               "there is no TestOn in a",
		"`a` TestOne, TestThree":   "there is no TestThree in a",
		"`c` TestOne":              "there is no TestOne in c",
		"TestOne":                  `"TestOne" names no folder and test`,
		"see the documentation":    `"see the documentation" names no folder and test`,
	} {
		if got := missing(cell, functions); got != want {
			t.Errorf("%s: got %q, want %q", cell, got, want)
		}
	}
}
