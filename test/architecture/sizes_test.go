package architecture

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

const (
	mostLines   = 2000 // of a package, without tests and generated code
	mostMethods = 20   // of a type
)

// larger are the packages above mostLines, with the lines that they may have: a number may only fall. decode and stage are deep and
// show few names; api is types and their documentation.
var larger = map[string]int{
	"api/v1alpha1": 3000, "internal/decode": 2750, "internal/stage": 4800,
}

// wide bounds the exported names of the packages that all others share, functions, types, constants and variables: a face that grows is
// a second concern that moves in.
var wide = map[string]int{"internal/recipe": 130, "internal/plan": 18, "internal/pipeline": 46, "internal/contract": 68, "internal/revision": 46}

// measured is what a package comes to.
type measured struct {
	lines, exported int
	methods         map[string]int
}

func measure(t *testing.T, folder string) measured {
	t.Helper()
	files, err := filepath.Glob(filepath.Join("..", "..", folder, "*.go"))
	if err != nil {
		t.Fatal(err)
	}
	m := measured{methods: map[string]int{}}
	for _, file := range files {
		source, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if strings.HasSuffix(file, "_test.go") || strings.HasPrefix(filepath.Base(file), "zz_generated") {
			continue
		}
		parsed, err := parser.ParseFile(token.NewFileSet(), file, source, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		m.lines += strings.Count(string(source), "\n")
		for _, declared := range parsed.Decls {
			m.count(declared)
		}
	}
	return m
}

func (m *measured) count(declared ast.Decl) {
	switch declared := declared.(type) {
	case *ast.FuncDecl:
		if declared.Recv != nil {
			m.methods[receiver(declared.Recv.List[0].Type)]++
		} else if declared.Name.IsExported() {
			m.exported++
		}
	case *ast.GenDecl:
		for _, spec := range declared.Specs {
			switch spec := spec.(type) {
			case *ast.TypeSpec:
				if spec.Name.IsExported() {
					m.exported++
				}
			case *ast.ValueSpec:
				for _, name := range spec.Names {
					if name.IsExported() {
						m.exported++
					}
				}
			}
		}
	}
}

// receiver returns the name of a method's type.
func receiver(e ast.Expr) string {
	switch e := e.(type) {
	case *ast.StarExpr:
		return receiver(e.X)
	case *ast.IndexExpr:
		return receiver(e.X)
	case *ast.Ident:
		return e.Name
	}
	return ""
}

// TestSizes: a package is small enough to be read in an hour, a type has one job, and what all packages share has a narrow face.
func TestSizes(t *testing.T) {
	out, err := exec.Command("go", "list", module+"api/...", module+"cmd/...", module+"controllers/...", module+"internal/...").Output()
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range strings.Fields(string(out)) {
		folder := strings.TrimPrefix(path, module)
		m := measure(t, folder)
		most, exempt := larger[folder]
		if most = max(most, mostLines); m.lines > most {
			t.Errorf("%s has %d lines, and may have %d", folder, m.lines, most)
		} else if exempt && m.lines <= mostLines {
			t.Errorf("%s has %d lines: it needs no place in the table of larger packages", folder, m.lines)
		}
		for name, methods := range m.methods {
			if methods > mostMethods {
				t.Errorf("%s.%s has %d methods, and may have %d", folder, name, methods, mostMethods)
			}
		}
		if limit, shared := wide[folder]; shared && m.exported > limit {
			t.Errorf("%s shows %d names, and may show %d", folder, m.exported, limit)
		} else if shared {
			t.Logf("%s shows %d names", folder, m.exported)
		}
	}
}

// TestMeasure: what is counted is counted right.
func TestMeasure(t *testing.T) {
	parsed, err := parser.ParseFile(token.NewFileSet(), "x.go", "package x\nconst A, b = 1, 2\ntype T struct{}\nfunc (t *T) M() {}\nfunc (t T) n() {}\nfunc F() {}\nfunc g() {}\n", 0)
	if err != nil {
		t.Fatal(err)
	}
	m := measured{methods: map[string]int{}}
	for _, declared := range parsed.Decls {
		m.count(declared)
	}
	if m.exported != 3 || m.methods["T"] != 2 {
		t.Errorf("%d exported names, %d methods", m.exported, m.methods["T"])
	}
}
