package architecture

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

var sequential = regexp.MustCompile(`(?m)^SEQUENTIAL := (.+)$`)

// TestSequentialPackages: what `make unit` tests without the race detector starts no goroutine, in its own code, its tests or what it
// imports of this module.
func TestSequentialPackages(t *testing.T) {
	makefile, err := os.ReadFile("../../Makefile")
	if err != nil {
		t.Fatal(err)
	}
	line := sequential.FindSubmatch(makefile)
	if line == nil {
		t.Fatal("the Makefile has no list of sequential packages")
	}
	command := exec.CommandContext(t.Context(), "go", append([]string{"list", "-deps", "-test", "-f", "{{.Dir}}"}, strings.Fields(string(line[1]))...)...)
	command.Dir = "../.."
	out, err := command.Output()
	if err != nil {
		t.Fatal(err)
	}
	root, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	folders := map[string]bool{}
	for _, folder := range strings.Fields(string(out)) {
		if within, err := filepath.Rel(root, folder); err == nil && !strings.HasPrefix(within, "..") {
			folders[folder] = true
		}
	}
	if len(folders) < 10 {
		t.Fatalf("only %v are read", folders)
	}
	for folder := range folders {
		files, err := filepath.Glob(filepath.Join(folder, "*.go"))
		if err != nil {
			t.Fatal(err)
		}
		for _, file := range files {
			parsed, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.SkipObjectResolution)
			if err != nil {
				t.Fatal(err)
			}
			if why := concurrent(parsed); why != "" {
				t.Errorf("%s %s: take the packages that need it off the Makefile's list", file, why)
			}
		}
	}
}

// concurrent returns what in a file may run at the same time as something else, or nothing.
func concurrent(file *ast.File) (why string) {
	for _, imported := range file.Imports {
		switch path, _ := strconv.Unquote(imported.Path.Value); path {
		case "sync", "sync/atomic", "golang.org/x/sync/errgroup", "net/http/httptest":
			why = "imports " + path
		}
	}
	ast.Inspect(file, func(n ast.Node) bool {
		if _, starts := n.(*ast.GoStmt); starts {
			why = "starts a goroutine"
		}
		return true
	})
	return why
}

// TestConcurrent: what is concurrent is seen, and what is not is not.
func TestConcurrent(t *testing.T) {
	for source, want := range map[string]bool{
		"package x\nimport \"sync\"\nvar m sync.Mutex": true, "package x\nfunc f() { go f() }": true, "package x\nimport \"strings\"\nfunc f() { f() }": false,
	} {
		file, err := parser.ParseFile(token.NewFileSet(), "x.go", source, 0)
		if err != nil {
			t.Fatal(err)
		}
		if got := concurrent(file) != ""; got != want {
			t.Errorf("%s: %t", source, got)
		}
	}
}
