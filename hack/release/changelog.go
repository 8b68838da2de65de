package main

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// kindsOfChange are the sections of a release, in their order.
var kindsOfChange = []string{"added", "changed", "fixed", "removed"}

// changelog returns the section of a release from the fragments of a folder, and their files.
func changelog(folder, version string) (section string, files []string, err error) {
	entries, err := os.ReadDir(folder)
	if err != nil {
		return "", nil, err
	}
	byKind := map[string][]string{}
	for _, e := range entries {
		if e.Name() == "README.md" || !strings.HasSuffix(e.Name(), ".md") {
			continue
		}
		file := filepath.Join(folder, e.Name())
		content, err := os.ReadFile(file)
		if err != nil {
			return "", nil, err
		}
		kind, text, _ := strings.Cut(strings.TrimSpace(string(content)), "\n")
		if text = strings.TrimSpace(text); !slices.Contains(kindsOfChange, kind) || !strings.HasPrefix(text, "- ") {
			return "", nil, fmt.Errorf("%s: the first line is one of %s, the rest are list items", file, strings.Join(kindsOfChange, ", "))
		}
		byKind[kind], files = append(byKind[kind], text), append(files, file)
	}
	if len(files) == 0 {
		return "", nil, fmt.Errorf("%s has no change to release", folder)
	}
	var b strings.Builder
	fmt.Fprintf(&b, "## %s\n", version)
	for _, kind := range kindsOfChange {
		if len(byKind[kind]) > 0 {
			fmt.Fprintf(&b, "\n### %s\n\n%s\n", strings.ToUpper(kind[:1])+kind[1:], strings.Join(byKind[kind], "\n"))
		}
	}
	return b.String(), files, nil
}

// writeChangelog puts a release before the others of a file, and removes the fragments.
func writeChangelog(file, folder, version string) error {
	section, fragments, err := changelog(folder, version)
	if err != nil {
		return err
	}
	before, err := os.ReadFile(file)
	if err != nil && !os.IsNotExist(err) {
		return err
	}
	const title = "# Changelog\n"
	rest := strings.TrimSpace(strings.TrimPrefix(string(before), title))
	whole := title + "\n" + section
	if rest != "" {
		whole += "\n" + rest + "\n"
	}
	if err := writeFile(file, []byte(whole)); err != nil {
		return err
	}
	for _, fragment := range fragments {
		if err := os.Remove(fragment); err != nil {
			return err
		}
	}
	return nil
}
