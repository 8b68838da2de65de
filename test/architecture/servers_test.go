package architecture

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestOnlyTransportReachesServers: every request to a server outside of the cluster is guarded, because one package alone builds what
// carries requests.
func TestOnlyTransportReachesServers(t *testing.T) {
	allowed := []string{
		"internal/kube http.Client", // to a pod, over the connection to the API server
		"internal/kube http.Transport",
		"internal/source/transport http.Client",
		"internal/source/transport http.Transport",
	}
	var found []string
	for _, top := range []string{"cmd", "controllers", "internal"} {
		err := filepath.WalkDir(filepath.Join("..", "..", top), func(path string, entry fs.DirEntry, err error) error {
			if err != nil || filepath.Ext(path) != ".go" || strings.HasSuffix(path, "_test.go") || strings.Contains(path, "/internal/testing/") {
				return err
			}
			parsed, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.SkipObjectResolution)
			if err != nil {
				return err
			}
			folder := strings.TrimPrefix(filepath.ToSlash(filepath.Dir(path)), "../../")
			for _, way := range waysOut(parsed) {
				found = append(found, folder+" "+way)
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	slices.Sort(found)
	if diff := cmp.Diff(allowed, slices.Compact(found)); diff != "" {
		t.Errorf("who sends requests (-allowed +found):\n%s", diff)
	}
}

// waysOut lists what a file sends requests with: the clients and transports that it builds, and those of net/http itself.
func waysOut(file *ast.File) []string {
	var ways []string
	add := func(e ast.Expr, names ...string) {
		if s, ok := e.(*ast.SelectorExpr); ok && slices.Contains(names, s.Sel.Name) {
			if of, ok := s.X.(*ast.Ident); ok && of.Name == "http" {
				ways = append(ways, "http."+s.Sel.Name)
			}
		}
	}
	ast.Inspect(file, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.CompositeLit:
			add(n.Type, "Client", "Transport")
		case *ast.SelectorExpr:
			add(n, "DefaultClient", "DefaultTransport", "Get", "Head", "Post", "PostForm")
		}
		return true
	})
	return ways
}

// TestWaysOut: each way to send a request is seen, and a type that is merely named is not.
func TestWaysOut(t *testing.T) {
	for code, want := range map[string]string{
		"var c = &http.Client{Transport: &http.Transport{}}": "http.Client http.Transport",
		"var r, err = http.Get(address)":                     "http.Get",
		"var t = http.DefaultTransport":                      "http.DefaultTransport",
		"var c *http.Client":                                 "",
	} {
		parsed, err := parser.ParseFile(token.NewFileSet(), "x.go", "package x\n"+code, 0)
		if err != nil {
			t.Fatal(err)
		}
		if got := strings.Join(waysOut(parsed), " "); got != want {
			t.Errorf("%s: %q, want %q", code, got, want)
		}
	}
}
