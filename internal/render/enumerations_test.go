package render_test

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/datasetmix/datasetmix/internal/recipe"
)

// beside are the enumerations of the API that are in no recipe: they say how a mix is built, not what it is, or, as Compare, choose
// a rule that a recipe has the version of.
var beside = []string{"AccessMode", "BundleKind", "Compare", "DeletionPolicy", "StageState", "TaintEffect", "TolerationOperator"}

// Each enumeration of the API that gets into a recipe has the same values there: neither half of the operator knows one that the
// other refuses. A new one is listed in one of the two.
func TestEnumerationsAgree(t *testing.T) {
	api := map[string][]string{}
	files, err := filepath.Glob("../../api/v1alpha1/*_types.go")
	if err != nil || len(files) == 0 {
		t.Fatalf("%d files of types: %v", len(files), err)
	}
	enumeration := regexp.MustCompile(`(?m)^// \+kubebuilder:validation:Enum=(\S+)\n(?://.*\n)*type (\w+) string$`)
	for _, file := range files {
		source, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, found := range enumeration.FindAllStringSubmatch(string(source), -1) {
			api[found[2]] = strings.Split(found[1], ";")
		}
	}
	known := map[string][]string{"Preset": nil}
	for _, preset := range recipe.Presets() {
		known["Preset"] = append(known["Preset"], preset.Name)
	}
	for name, values := range recipe.Enumerations() {
		known[name] = values
	}
	for _, name := range beside {
		if api[name] == nil {
			t.Errorf("the API has no enumeration %s any more", name)
		}
		delete(api, name)
	}
	for _, lists := range []map[string][]string{api, known} {
		for name := range lists {
			slices.Sort(lists[name])
		}
	}
	if diff := cmp.Diff(api, known); diff != "" {
		t.Errorf("the API and the recipe know other values (-API +recipe):\n%s", diff)
	}
}
