package controllers

import (
	"go/ast"
	"go/parser"
	"go/token"
	"maps"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/datasetmix/datasetmix/internal/contract"
)

// constants returns the values of the API's constants whose names begin with a prefix, sorted.
func constants(t *testing.T, prefix string) []string {
	t.Helper()
	file, err := parser.ParseFile(token.NewFileSet(), "../api/v1alpha1/condition_types.go", nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	values := map[string]bool{}
	ast.Inspect(file, func(node ast.Node) bool {
		spec, ok := node.(*ast.ValueSpec)
		if ok && strings.HasPrefix(spec.Names[0].Name, prefix) {
			value, err := strconv.Unquote(spec.Values[0].(*ast.BasicLit).Value)
			if err != nil {
				t.Fatal(err)
			}
			values[value] = true
		}
		return true
	})
	return slices.Sorted(maps.Keys(values))
}

// documented returns the first cells of the tables of docs/conditions.md with a header, sorted.
func documented(t *testing.T, header string) []string {
	t.Helper()
	page, err := os.ReadFile("../docs/conditions.md")
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, table := range regexp.MustCompile(`(?m)^\| `+header+` \|.*\n((?:\|.*\n)+)`).FindAllStringSubmatch(string(page), -1) {
		for _, row := range regexp.MustCompile("(?m)^\\| `(\\w+)` \\|").FindAllStringSubmatch(table[1], -1) {
			names = append(names, row[1])
		}
	}
	return slices.Sorted(slices.Values(names))
}

// TestThePageOfConditionsIsComplete: docs/conditions.md has every condition, reason and Event, each once, and no other.
func TestThePageOfConditionsIsComplete(t *testing.T) {
	for _, kind := range []string{"Condition", "Reason", "Event"} {
		if diff := cmp.Diff(constants(t, kind), documented(t, strings.ToLower(kind))); diff != "" {
			t.Errorf("%ss (-constants +page):\n%s", kind, diff)
		}
	}
}

// TestWorkersReasonsAreConstants: every reason that a worker can give is a constant of the API, with a comment.
func TestWorkersReasonsAreConstants(t *testing.T) {
	known := constants(t, "Reason")
	for reason := range contract.Reasons() {
		if !slices.Contains(known, string(reason)) {
			t.Errorf("reason %s has no constant in api/v1alpha1", reason)
		}
	}
}
