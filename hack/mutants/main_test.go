package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestTheListIsInOrder: each entry of the list has its reason, and is about a line that is there.
func TestTheListIsInOrder(t *testing.T) {
	known, err := parse(equivalents)
	if err != nil {
		t.Fatal(err)
	}
	for at := range known {
		content, err := os.ReadFile(filepath.Join("..", "..", at.file))
		if err != nil {
			t.Error(err)
		} else if !contains(strings.Split(string(content), "\n"), at.line) {
			t.Errorf("equivalent.txt names a line that %s lacks: %s", at.file, at.line)
		}
		if swaps[at.kind] == nil {
			t.Errorf("equivalent.txt names the kind %s, which gremlins has not", at.kind)
		}
	}
}

func TestParse(t *testing.T) {
	known, err := parse("# a comment\n\na/b.go KIND: if x < y {\n  for two\n  reasons\n")
	if err != nil || len(known) != 1 || known[mutant{"a/b.go", "KIND", "if x < y {"}] != "for two reasons" {
		t.Errorf("got %v, %v", known, err)
	}
	for list, want := range map[string]string{"a/b.go KIND: x < y\n": "no reason", "a/b.go: x\n  why\n": "equivalent.txt:1"} {
		if _, err := parse(list); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: got %v, want %q", list, err, want)
		}
	}
}

// TestJudge: a survivor is an error unless it is known, and so is what is known of a line that went.
func TestJudge(t *testing.T) {
	var found report
	encoded := `{"files": [{"file_name": "b.go", "mutations": [
		{"type": "K", "status": "KILLED", "line": 1, "column": 3}, {"type": "K", "status": "LIVED", "line": 2, "column": 3}, {"type": "L", "status": "NOT COVERED", "line": 2, "column": 4}]}]}`
	if err := json.Unmarshal([]byte(encoded), &found); err != nil {
		t.Fatal(err)
	}
	lines := func(string) ([]string, error) { return []string{"one", "\ttwo"}, nil }
	at := func(kind, line string) mutant { return mutant{"a/b.go", kind, line} }
	for _, test := range []struct {
		name     string
		known    map[mutant]string
		problems []string
	}{
		{"none is known", nil, []string{"a/b.go:2:3: K: lived: two", "a/b.go:2:4: L: not covered: two"}},
		{"one is known", map[mutant]string{at("K", "two"): "why"}, []string{"a/b.go:2:4: L: not covered: two"}},
		{"both are", map[mutant]string{at("K", "two"): "why", at("L", "two"): "why"}, nil},
		{"one of a line that went", map[mutant]string{at("K", "two"): "why", at("L", "two"): "why", at("K", "three"): "why"}, []string{"has no more: three"}},
	} {
		err := judge("a", found, test.known, lines)
		if (err == nil) != (test.problems == nil) {
			t.Errorf("%s: got %v", test.name, err)
		}
		for _, problem := range test.problems {
			if err == nil || !strings.Contains(err.Error(), problem) {
				t.Errorf("%s: got %v, want %q", test.name, err, problem)
			}
		}
	}
	if err := judge("a", report{}, nil, lines); err == nil {
		t.Error("a package without a mutant is judged to be tested")
	}
}
