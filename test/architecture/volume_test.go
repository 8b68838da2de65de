package architecture

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// onTheVolume are the packages that read and write what lies on a volume.
var onTheVolume = []string{
	"internal/store", "internal/filewriter", "internal/rowfile", "internal/hashing", "internal/stage", "internal/verify", "internal/sampler", "internal/extsort", "internal/encode", "internal/decode",
}

// TestOnlyTheStoreOpensNames: whatever lies on a volume is opened through store.Path, which no link leads out of. A call that takes a name
// from the machine's root on would follow one; those that are here know why they may.
func TestOnlyTheStoreOpensNames(t *testing.T) {
	allowed := []string{
		"internal/store os.Hostname",   // which machine this is
		"internal/store os.MkdirAll",   // the volume itself
		"internal/store os.OpenRoot",   // the same
		"internal/store os.ReadFile",   // when this machine was started
		"internal/verify os.MkdirTemp", // notes of a proof that nobody keeps
		"internal/verify os.RemoveAll",
	}
	harmless := []string{"os.Getpid", "os.NewFile", "os.SameFile", "os.Getenv", "os.IsNotExist", "os.TempDir"}
	var found []string
	for _, pkg := range onTheVolume {
		files, err := filepath.Glob(filepath.Join("..", "..", pkg, "*.go"))
		if err != nil || len(files) == 0 {
			t.Fatalf("%s has no files: %v", pkg, err)
		}
		for _, file := range files {
			if strings.HasSuffix(file, "_test.go") {
				continue
			}
			for _, call := range callsOf(t, file) {
				if !slices.Contains(harmless, call) && !slices.Contains(found, pkg+" "+call) {
					found = append(found, pkg+" "+call)
				}
			}
		}
	}
	slices.Sort(found)
	if diff := cmp.Diff(allowed, found); diff != "" {
		t.Errorf("names that are opened from the machine's root on (-allowed +found):\n%s", diff)
	}
}

// callsOf lists the calls of functions of a file that take names of files.
func callsOf(t *testing.T, file string) []string {
	t.Helper()
	source, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	parsed, err := parser.ParseFile(token.NewFileSet(), file, source, 0)
	if err != nil {
		t.Fatal(err)
	}
	var calls []string
	ast.Inspect(parsed, func(node ast.Node) bool {
		call, ok := node.(*ast.CallExpr)
		if !ok {
			return true
		}
		function, ok := call.Fun.(*ast.SelectorExpr)
		if !ok {
			return true
		}
		of, ok := function.X.(*ast.Ident)
		name := function.Sel.Name
		if ok && (of.Name == "os" || of.Name == "filepath" && (strings.HasPrefix(name, "Walk") || name == "Glob" || name == "EvalSymlinks")) {
			calls = append(calls, of.Name+"."+name)
		}
		return true
	})
	return calls
}
