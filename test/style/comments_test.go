package style

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

var (
	// foreign matches how the comment of a function does not go on after the name: it returns or reports, as go doc has it.
	foreign = regexp.MustCompile(`^\w|^ (gives?|says?|tells?|is|are)\b|^:`)

	// sentence matches the functions whose comment need not begin with the name.
	sentence = regexp.MustCompile(`^(Test|Fuzz|Benchmark|Example)`)
)

// TestCommentsOfFunctions: the comment of a function begins with its name and a verb, "X returns …" or "X reports whether …".
func TestCommentsOfFunctions(t *testing.T) {
	for _, path := range treeFiles(t) {
		if filepath.Ext(path) != ".go" || strings.HasPrefix(filepath.Base(path), "zz_generated") {
			continue
		}
		source, err := os.ReadFile(filepath.Join(root, path))
		if err != nil {
			continue // removed, and not committed yet
		}
		for _, problem := range odd(t, path, string(source)) {
			t.Error(problem)
		}
	}
}

// odd returns the comments of a file's functions that begin otherwise; a test is a sentence of its own.
func odd(t *testing.T, path, source string) []string {
	t.Helper()
	fileSet := token.NewFileSet()
	file, err := parser.ParseFile(fileSet, path, source, parser.ParseComments|parser.SkipObjectResolution)
	if err != nil {
		t.Fatal(err)
	}
	var found []string
	for _, declaration := range file.Decls {
		f, ok := declaration.(*ast.FuncDecl)
		if !ok || f.Doc.Text() == "" || sentence.MatchString(f.Name.Name) {
			continue
		}
		text := f.Doc.Text()
		rest, named := strings.CutPrefix(text, f.Name.Name)
		if !named || foreign.MatchString(rest) {
			first, _, _ := strings.Cut(text, "\n")
			found = append(found, fileSet.Position(f.Pos()).String()+": "+first)
		}
	}
	return found
}

// TestOdd: the test's own reader.
func TestOdd(t *testing.T) {
	for comment, want := range map[string]int{
		"f returns one.": 0, "f reports whether it is so.": 0, "f and g return one.": 0, "": 0,
		"f gives one.": 1, "f says whether it is so.": 1, "f is one.": 1, "f: one.": 1, "g returns one.": 1, "ff returns one.": 1,
	} {
		if got := odd(t, "a.go", "package a\n\n// "+comment+"\nfunc f() int { return 1 }\n"); len(got) != want {
			t.Errorf("%q: %v", comment, got)
		}
	}
}
