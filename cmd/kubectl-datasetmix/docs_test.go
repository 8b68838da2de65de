package main

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// shown are commands of this program as the pages show them, up to a comment or another command.
var shown = regexp.MustCompile("(?m)(?:kubectl datasetmix|bin/kubectl-datasetmix)((?: +[^\\s`|;&#]+)+)")

// TestThePagesShowCommandsThatThereAre: every command of this program in README and docs, with its flags, parses.
func TestThePagesShowCommandsThatThereAre(t *testing.T) {
	pages, err := filepath.Glob("../../docs/*.md")
	if err != nil {
		t.Fatal(err)
	}
	tutorials, err := filepath.Glob("../../docs/tutorials/*.md")
	if err != nil {
		t.Fatal(err)
	}
	found := 0
	for _, page := range append(append(pages, tutorials...), "../../README.md") {
		content, err := os.ReadFile(page)
		if err != nil {
			t.Fatal(err)
		}
		for _, match := range shown.FindAllStringSubmatch(string(content), -1) {
			found++
			command, rest, err := rootCommand().Find(strings.Fields(match[1]))
			if err == nil {
				err = command.ParseFlags(flagsOf(rest))
			}
			if err != nil || command == command.Root() {
				t.Errorf("%s: kubectl datasetmix%s: %v", page, match[1], err)
			}
		}
	}
	if found < 10 {
		t.Errorf("found %d commands: the pages are not read right", found)
	}
}

// flagsOf returns arguments; a flag that is named at the end gets a value.
func flagsOf(arguments []string) []string {
	var flags []string
	for i, argument := range arguments {
		flags = append(flags, argument)
		if i == len(arguments)-1 && strings.HasPrefix(argument, "--") {
			flags = append(flags, "x")
		}
	}
	return flags
}
