package docs

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"strings"
	"testing"

	utilyaml "k8s.io/apimachinery/pkg/util/yaml"

	datav1alpha1 "github.com/datasetmix/datasetmix/api/v1alpha1"
)

// What docs/api.md has: a heading for each object, a line for each other field, and an example at its end.
var (
	objectLine  = regexp.MustCompile(`^##+ ((?:spec|status)\S*)$`)
	fieldLine   = regexp.MustCompile("^- \\*\\*`(\\S+)`\\*\\*")
	exampleLine = regexp.MustCompile("Example: (?:`([^`]+)`|``(.+)``)$")
)

// TestReferenceExamples: every field has an example, and each is a part of a mix that the validator takes.
func TestReferenceExamples(t *testing.T) {
	mixes := validMixes(t)
	page, err := os.ReadFile(filepath.Join(root, "docs/api.md"))
	if err != nil {
		t.Fatal(err)
	}
	object, field, found := "", "", 0
	for line := range strings.Lines(string(page)) {
		line = strings.TrimSpace(line)
		if heading := objectLine.FindStringSubmatch(line); heading != nil {
			object, field = heading[1], heading[1]
			continue
		}
		if at := fieldLine.FindStringSubmatch(line); at != nil && object != "" {
			field = object + "." + at[1]
			if !exampleLine.MatchString(line) {
				t.Errorf("%s has no example; add it to a mix in hack/docs/examples, and run `make generate`", field)
			}
		}
		example := exampleLine.FindStringSubmatch(line)
		if example == nil {
			continue
		}
		found++
		given, err := decoded([]byte(example[1] + example[2]))
		if err != nil {
			t.Errorf("%s: %v", field, err)
			continue
		}
		name := strings.TrimSuffix(field[strings.LastIndex(field, ".")+1:], "[]")
		has := false
		for _, mix := range mixes {
			for _, value := range at(mix, strings.Split(field, ".")) {
				has = has || reflect.DeepEqual(value, given[name])
			}
		}
		if !has || len(given) != 1 {
			t.Errorf("%s: no valid mix has %v", field, given)
		}
	}
	if found < 150 {
		t.Errorf("there are %d examples: the page is not read right", found)
	}
}

// validMixes returns those that the reference takes its examples from, each judged as it is.
func validMixes(t *testing.T) []map[string]any {
	var all []map[string]any
	for _, pattern := range []string{"config/samples/*.yaml", "hack/docs/examples/*.yaml"} {
		files, err := filepath.Glob(filepath.Join(root, pattern))
		if err != nil || len(files) == 0 {
			t.Fatalf("%s: %v", pattern, err)
		}
		for _, file := range files {
			content, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			reader := utilyaml.NewYAMLReader(bufio.NewReader(bytes.NewReader(content)))
			for {
				document, err := reader.Read()
				if errors.Is(err, io.EOF) {
					break
				}
				if err != nil {
					t.Fatal(err)
				}
				mix, err := decoded(document)
				if err != nil || mix["kind"] != datav1alpha1.Kind {
					continue // kustomization.yaml, and what a sample needs
				}
				if err := judgeMix(t.Context(), mix); err != nil {
					t.Errorf("%s: %v", file, err)
				}
				all = append(all, mix)
			}
		}
	}
	return all
}

// at returns the values that a mix has of a field; one whose name ends with [] is a list, and what is below it is below each of its items.
func at(value any, path []string) []any {
	if len(path) == 0 {
		return []any{value}
	}
	object, _ := value.(map[string]any)
	name, list := strings.CutSuffix(path[0], "[]")
	below, ok := object[name]
	switch {
	case !ok:
		return nil
	case !list || len(path) == 1:
		return at(below, path[1:])
	}
	var all []any
	items, _ := below.([]any)
	for _, item := range items {
		all = append(all, at(item, path[1:])...)
	}
	return all
}
