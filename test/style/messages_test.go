// Package style compares the language of code and pages with docs/contributing/style.md: the messages stand in one file, and the words that
// are going are counted.
package style

import (
	"cmp"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"
	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"

	"github.com/datasetmix/datasetmix/config/crd"
)

const root = "../.."

const goldenMessages = "testdata/messages.txt"

// product are the folders whose texts people see; what is below testing and fixture is seen by tests alone.
var (
	product  = []string{"cmd", "controllers", "internal"}
	testOnly = []string{"internal/testing", "controllers/internal/fixture"}
)

// phrase matches a text of at least two words, as messages are, and names and patterns are not.
var phrase = regexp.MustCompile(`[A-Za-z]{2,},? +[A-Za-z%(]`)

// TestMessages: every text that people can see, in errors, conditions, Events, reports and on the terminal, is in one file, so that
// it can be judged as a whole. UPDATE=1 go test ./test/style -run TestMessages writes the file.
func TestMessages(t *testing.T) {
	got := messages(t)
	if len(strings.Split(got, "\n")) < 400 {
		t.Fatalf("there are few messages: they are not read right:\n%s", got)
	}
	if os.Getenv("UPDATE") != "" {
		if err := os.WriteFile(goldenMessages, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(goldenMessages)
	if err != nil {
		t.Fatal(err)
	}
	if diff := gocmp.Diff(strings.Split(string(want), "\n"), strings.Split(got, "\n")); diff != "" {
		t.Errorf("messages differ from test/style/%s (-file +code); read them as docs/contributing/style.md has it, and run\n"+
			"UPDATE=1 go test ./test/style -run TestMessages\n%s", goldenMessages, diff)
	}
}

// messages returns the texts by folder, and those of the rules of the CustomResourceDefinition.
func messages(t *testing.T) string {
	t.Helper()
	texts := map[string][]string{"config/crd": rules(t)}
	for _, folder := range product {
		err := filepath.WalkDir(filepath.Join(root, folder), func(path string, entry fs.DirEntry, err error) error {
			if err != nil || entry.IsDir() || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
				return err
			}
			at, _ := filepath.Rel(root, filepath.Dir(path))
			if slices.ContainsFunc(testOnly, func(prefix string) bool { return strings.HasPrefix(at, prefix) }) {
				return nil
			}
			file, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.SkipObjectResolution)
			if err != nil {
				return fmt.Errorf("%s: %w", path, err)
			}
			texts[at] = append(texts[at], phrases(file)...)
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	var all strings.Builder
	for _, folder := range slices.Sorted(maps.Keys(texts)) {
		slices.SortFunc(texts[folder], func(a, b string) int { return cmp.Compare(strings.ToLower(a)+a, strings.ToLower(b)+b) })
		if lines := slices.Compact(texts[folder]); len(lines) > 0 {
			fmt.Fprintf(&all, "# %s\n%s\n\n", folder, strings.Join(lines, "\n"))
		}
	}
	return all.String()
}

// phrases returns the phrases among the string literals of a file; those that are added up are one.
func phrases(file *ast.File) []string {
	var found []string
	ast.Inspect(file, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.ImportSpec:
			return false
		case *ast.Field:
			if n.Tag != nil {
				return false // the tag of a field is no text
			}
		case ast.Expr:
			text, ok := joined(n)
			if ok && phrase.MatchString(text) {
				found = append(found, strings.Trim(strconv.Quote(strings.TrimSpace(text)), `"`))
			}
			return !ok
		}
		return true
	})
	return found
}

// joined returns the text of an expression of string literals.
func joined(e ast.Expr) (string, bool) {
	switch e := e.(type) {
	case *ast.BasicLit:
		if e.Kind != token.STRING {
			return "", false
		}
		text, err := strconv.Unquote(e.Value)
		return text, err == nil
	case *ast.BinaryExpr:
		left, ok := joined(e.X)
		right, too := joined(e.Y)
		return left + right, ok && too && e.Op == token.ADD
	default:
		return "", false
	}
}

// rules returns the messages of the rules of the newest version of the resource.
func rules(t *testing.T) []string {
	t.Helper()
	definition, err := crd.Definition()
	if err != nil {
		t.Fatal(err)
	}
	var found []string
	var walk func(apiextensionsv1.JSONSchemaProps)
	walk = func(schema apiextensionsv1.JSONSchemaProps) {
		for _, rule := range schema.XValidations {
			found = append(found, cmp.Or(rule.Message, rule.MessageExpression, rule.Rule))
		}
		for _, property := range schema.Properties {
			walk(property)
		}
		if schema.Items != nil && schema.Items.Schema != nil {
			walk(*schema.Items.Schema)
		}
		if schema.AdditionalProperties != nil && schema.AdditionalProperties.Schema != nil {
			walk(*schema.AdditionalProperties.Schema)
		}
	}
	versions := definition.Spec.Versions
	walk(*versions[len(versions)-1].Schema.OpenAPIV3Schema)
	return found
}

// TestPhrases: the test's own reader.
func TestPhrases(t *testing.T) {
	source := "package a\nimport \"fmt and more\"\ntype b struct { C int `json:\"c and d\"` }\nvar d = fmt.Errorf(\"reading \" +\n\"%s: %w\", `one`)\nvar e = []string{\"no-phrase\", \"is\\none\", \"\\n a whole sentence\\n\"}"
	file, err := parser.ParseFile(token.NewFileSet(), "a.go", source, 0)
	if err != nil {
		t.Fatal(err)
	}
	if diff := gocmp.Diff([]string{"reading %s: %w", "a whole sentence"}, phrases(file)); diff != "" {
		t.Errorf("phrases (-want +got):\n%s", diff)
	}
}
