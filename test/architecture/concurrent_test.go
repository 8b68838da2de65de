package architecture

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var inMakefile = regexp.MustCompile(`(?m)^(PACKAGES|CONCURRENT) := (.+)$`)

// TestConcurrentPackages: `make race` tests those packages of `make unit` of which something, in their code or in their tests, may run at the same time as
// something else, and no others.
func TestConcurrentPackages(t *testing.T) {
	makefile, err := os.ReadFile("../../Makefile")
	if err != nil {
		t.Fatal(err)
	}
	listed := map[string][]string{}
	for _, line := range inMakefile.FindAllSubmatch(makefile, -1) {
		listed[string(line[1])] = strings.Fields(string(line[2]))
	}
	command := exec.CommandContext(t.Context(), "go", append([]string{"list", "-f", "{{.Dir}}"}, listed["PACKAGES"]...)...)
	command.Dir = "../.."
	out, err := command.Output()
	if err != nil {
		t.Fatal(err)
	}
	root, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	var want []string
	for _, folder := range strings.Fields(string(out)) {
		files, err := filepath.Glob(filepath.Join(folder, "*.go"))
		if err != nil {
			t.Fatal(err)
		}
		within, err := filepath.Rel(root, folder)
		if err != nil {
			t.Fatal(err)
		}
		if slices.ContainsFunc(files, func(file string) bool {
			parsed, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.SkipObjectResolution)
			if err != nil {
				t.Fatal(err)
			}
			return concurrent(parsed)
		}) {
			want = append(want, "./"+filepath.ToSlash(within))
		}
	}
	if len(want) < 10 {
		t.Fatalf("only %v are concurrent", want)
	}
	slices.Sort(want)
	want = slices.Compact(want) // what takes longest is named twice in PACKAGES, to be the first
	got := slices.Sorted(slices.Values(listed["CONCURRENT"]))
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("the Makefile's list of concurrent packages (-want +got):\n%s\nCONCURRENT := %s", diff, strings.Join(want, " "))
	}
}

// concurrent reports whether something of a file may run at the same time as something else.
func concurrent(file *ast.File) (is bool) {
	for _, imported := range file.Imports {
		switch path, _ := strconv.Unquote(imported.Path.Value); path {
		case "sync", "sync/atomic", "golang.org/x/sync/errgroup", "net/http/httptest":
			return true
		}
	}
	ast.Inspect(file, func(n ast.Node) bool {
		_, starts := n.(*ast.GoStmt)
		is = is || starts
		return !is
	})
	return is
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
		if got := concurrent(file); got != want {
			t.Errorf("%s: %t", source, got)
		}
	}
}
