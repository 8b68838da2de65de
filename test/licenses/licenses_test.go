// Package licenses compares the licenses of what the programs link with a list of those that are allowed.
package licenses

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/licensecheck"

	"github.com/datasetmix/datasetmix/hack/linked"
)

// allowed are the licenses that a module of the programs may have: what each asks for is met by naming it and its authors. MPL-2.0
// asks for the source of its own files, which the module proxy serves unchanged.
var allowed = []string{"Apache-2.0", "BSD-2-Clause", "BSD-3-Clause", "BSD-0-Clause", "ISC", "MIT", "MPL-2.0", "Unlicense", "CC0-1.0", "Zlib"}

// named matches the files that hold a license; ofPages matches those of documentation, which is not linked.
var (
	named   = regexp.MustCompile(`(?i)^(un)?(licen[cs]e|copying)`)
	ofPages = regexp.MustCompile(`(?i)\.docs$`)
)

// enough is the share of a file in percent that must be of known licenses.
const enough = 75

// TestLicensesOfTheProgramsAreAllowed: every module that a program links has a license, and only licenses of the list.
func TestLicensesOfTheProgramsAreAllowed(t *testing.T) {
	modules, err := linked.Modules(t.Context(), "../..")
	if err != nil {
		t.Fatal(err)
	}
	if len(modules) < 30 {
		t.Fatalf("the programs link %d modules: they are not listed right", len(modules))
	}
	for _, module := range modules {
		found, err := licensesOf(module.Dir)
		if err != nil {
			t.Errorf("%s: %v", module.Path, err)
		}
		for _, license := range found {
			if !slices.Contains(allowed, license) {
				t.Errorf("%s is under %s, which is not in the list of allowed licenses: choose another module, or add the license with a reason", module.Path, license)
			}
		}
	}
}

// licensesOf returns the SPDX identifiers of the licenses in the files of a folder that are named after one.
func licensesOf(folder string) ([]string, error) {
	entries, err := os.ReadDir(folder)
	if err != nil {
		return nil, err
	}
	var licenses []string
	for _, entry := range entries {
		if entry.IsDir() || !named.MatchString(entry.Name()) || ofPages.MatchString(entry.Name()) {
			continue
		}
		text, err := os.ReadFile(filepath.Join(folder, entry.Name()))
		if err != nil {
			return nil, err
		}
		coverage := licensecheck.Scan(text)
		if coverage.Percent < enough {
			return nil, fmt.Errorf("only %.0f percent of %s is the text of a known license", coverage.Percent, entry.Name())
		}
		for _, match := range coverage.Match {
			licenses = append(licenses, match.ID)
		}
	}
	if len(licenses) == 0 {
		return nil, errors.New("there is no file with a license")
	}
	slices.Sort(licenses)
	return slices.Compact(licenses), nil
}

// TestLicensesOf: what is no license, and none at all, is refused.
func TestLicensesOf(t *testing.T) {
	apache, err := os.ReadFile("../../LICENSE")
	if err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		name, file, text, license, problem string
	}{
		{"a license", "LICENSE.txt", string(apache), "Apache-2.0", ""},
		{"a word of its own", "LICENSE", "You may look at this, and do nothing else with it.", "", "only 0 percent"},
		{"none", "README", string(apache), "", "no file with a license"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			folder := t.TempDir()
			if err := os.WriteFile(filepath.Join(folder, test.file), []byte(test.text), 0o600); err != nil {
				t.Fatal(err)
			}
			found, err := licensesOf(folder)
			if strings.Join(found, " ") != test.license || (err == nil) != (test.problem == "") || err != nil && !strings.Contains(err.Error(), test.problem) {
				t.Errorf("got %q, %v; want %q, %q", found, err, test.license, test.problem)
			}
		})
	}
}
