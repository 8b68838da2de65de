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

// TestJudge: a survivor is an error unless it is known to be equivalent, and so is a known one whose line does not exist any more.
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

// TestSwap: an operator is exchanged where gremlins says, and nothing else is.
func TestSwap(t *testing.T) {
	const source = "package x\nconst a = 2 * 3\n\tcase a <= b && b < -c:\n\tn++\n"
	for _, test := range []struct {
		kind         string
		line, column int
		want         string
	}{
		{"ARITHMETIC_BASE", 2, 13, "const a = 2 / 3"},
		{"CONDITIONALS_BOUNDARY", 3, 9, "case a < b && b < -c:"},
		{"CONDITIONALS_NEGATION", 3, 9, "case a > b && b < -c:"},
		{"CONDITIONALS_BOUNDARY", 3, 19, "case a <= b && b <= -c:"},
		{"INVERT_NEGATIVES", 3, 21, "case a <= b && b < +c:"},
		{"INCREMENT_DECREMENT", 4, 3, "\tn--"},
	} {
		got, err := swap([]byte(source), test.kind, test.line, test.column)
		if err != nil {
			t.Errorf("%s at %d:%d: %v", test.kind, test.line, test.column, err)
			continue
		}
		lines, before := strings.Split(string(got), "\n"), strings.Split(source, "\n")
		if strings.TrimSpace(lines[test.line-1]) != strings.TrimSpace(test.want) {
			t.Errorf("%s at %d:%d makes %q, want %q", test.kind, test.line, test.column, lines[test.line-1], test.want)
		}
		lines[test.line-1] = before[test.line-1]
		if strings.Join(lines, "\n") != source {
			t.Errorf("%s at %d:%d changes another line: %s", test.kind, test.line, test.column, got)
		}
	}
	for _, place := range [][2]int{{1, 1}, {3, 1}, {9, 1}, {2, 99}} {
		if got, err := swap([]byte(source), "ARITHMETIC_BASE", place[0], place[1]); err == nil {
			t.Errorf("%v makes %q", place, got)
		}
	}
}

// TestAMinusIsCountedTwice: what is known of its arithmetic holds for its sign.
func TestAMinusIsCountedTwice(t *testing.T) {
	var found report
	encoded := `{"files": [{"file_name": "b.go", "mutations": [{"type": "K", "status": "KILLED", "line": 1}, {"type": "INVERT_NEGATIVES", "status": "LIVED", "line": 1}]}]}`
	if err := json.Unmarshal([]byte(encoded), &found); err != nil {
		t.Fatal(err)
	}
	lines := func(string) ([]string, error) { return []string{"a - b"}, nil }
	for kind, equal := range map[string]bool{"ARITHMETIC_BASE": true, "INVERT_NEGATIVES": true, "CONDITIONALS_BOUNDARY": false} {
		if err := judge("a", found, map[mutant]string{{"a/b.go", kind, "a - b"}: "why"}, lines); (err == nil) != equal {
			t.Errorf("%s is known: %v", kind, err)
		}
	}
}
