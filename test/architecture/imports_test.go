// Package architecture tests who may import whom. docs/architecture.md explains the table.
package architecture

import (
	"os/exec"
	"slices"
	"strings"
	"testing"
)

const module = "github.com/datasetmix/datasetmix/"

// rule says what a package of this module may depend on, directly or through others.
type rule struct {
	pkg string
	// own lists the packages of this module; a package may always depend on itself.
	own []string
	// foreign lists prefixes of packages outside this module and the standard library; nil is none, "*" any.
	foreign []string
	// never lists prefixes that stay out even so.
	never []string
}

var (
	// values are what rows are made of, whatever they are read from; decoding reads files.
	values     = []string{"internal/jsonscan", "internal/decode/decoded", "internal/decode/jsonvalue"}
	decoding   = []string{"internal/decode", "internal/decode/decoded", "internal/decode/jsonvalue", "internal/decode/parquet"}
	kubernetes = []string{"k8s.io/", "sigs.k8s.io/"}
	clients    = []string{"k8s.io/client-go/kubernetes", "sigs.k8s.io/controller-runtime/"}
	graph      = []string{"internal/mix", "internal/recipe", "internal/plan", "internal/pipeline"}
	planned    = append([]string{"internal/contract"}, graph...)
	onVolumes  = append([]string{"internal/revision", "internal/schema", "internal/jsonscan"}, planned...)
	stored     = append([]string{"internal/hashing", "internal/store"}, onVolumes...)
	written    = append([]string{"internal/bufpipe", "internal/filewriter"}, stored...)
	judged     = slices.Concat(values, []string{"internal/precheck", "internal/glob", "internal/mapping", "internal/mapping/language", "internal/record"}, planned)
	proof      = []string{"internal/verify/files", "internal/verify/layout", "internal/verify/questions", "internal/verify/numbers", "internal/verify/single", "internal/verify/mixed"}
	// proved are what the checks of a revision's files are made of.
	proved    = slices.Concat(decoding, []string{"internal/jsonscan", "internal/progress", "internal/record", "internal/encode", "internal/rowfile", "internal/extsort", "internal/tokens", "internal/dedup"}, written)
	dataPlane = append(slices.Concat(decoding, []string{"internal/jsonscan", "internal/glob", "internal/mapping", "internal/mapping/language", "internal/record", "internal/encode", "internal/rowfile", "internal/extsort", "internal/sampler", "internal/source", "internal/progress", "internal/report", "internal/verify", "internal/stage", "internal/dedup", "internal/tokens", "internal/export", "internal/statistics", "internal/report/page", "internal/report/picture", "python"}, written), proof...)
	counted   = append([]string{"internal/progress"}, planned...)
	anything  = []string{"*"}
	// json reads the JSON of rows; files are the libraries of the formats of files.
	json  = []string{"github.com/go-json-experiment/json"}
	files = []string{"github.com/parquet-go/", "github.com/klauspost/compress", "github.com/andybalholm/brotli", "github.com/pierrec/lz4"}
	// opened are the packages of all kinds of sources; reading is what each of them is made of.
	opened  = []string{"internal/source/transport", "internal/source/choose", "internal/source/hub", "internal/source/web", "internal/source/objectstore", "internal/source/oci", "internal/source/volume", "internal/source/open"}
	reading = append([]string{"internal/bufpipe", "internal/glob", "internal/source"}, counted...)
	// network is what HTTP needs beyond the standard library.
	network = []string{"golang.org/x/net/", "golang.org/x/text/"}
	// clouds and registries are libraries that one kind of source alone may be made of.
	clouds     = []string{"github.com/aws/", "github.com/Azure/", "cloud.google.com/", "google.golang.org/api/", "gocloud.dev/"}
	registries = []string{"github.com/google/go-containerregistry/"}
)

// What was observed is judged by packages that have no client.
var (
	observed = append([]string{"api/v1alpha1", "internal/render", "python"}, planned...)
	builds   = append([]string{"controllers/internal/jobs", "controllers/internal/ledger", "controllers/internal/build"}, observed...)
	control  = []string{"controllers/internal/jobs", "controllers/internal/ledger", "controllers/internal/build", "controllers/internal/outcome", "controllers/internal/readers", "controllers/internal/status"}
)

var rules = []rule{
	{pkg: "api/v1alpha1", foreign: []string{"k8s.io/apimachinery/", "k8s.io/api/core/v1", "k8s.io/klog/", "k8s.io/utils/", "k8s.io/kube-openapi/", "sigs.k8s.io/", "github.com/", "golang.org/", "go.yaml.in/", "gopkg.in/"},
		never: []string{"k8s.io/client-go/", "sigs.k8s.io/controller-runtime/"}},
	{pkg: "internal/mix"},
	{pkg: "internal/recipe", own: []string{"internal/mix"}},
	{pkg: "internal/dedup", own: []string{"internal/mix", "internal/recipe"}, foreign: []string{"golang.org/x/text/"}},
	{pkg: "internal/tokens", own: []string{"internal/mix", "internal/recipe"}, foreign: []string{"golang.org/x/text/", "github.com/tiktoken-go/tokenizer/", "github.com/dlclark/regexp2/"}},
	{pkg: "internal/schema", own: []string{"internal/jsonscan"}},
	{pkg: "internal/plan", own: []string{"internal/mix", "internal/recipe"}},
	{pkg: "internal/pipeline", own: graph},
	{pkg: "internal/contract", own: graph},
	{pkg: "internal/revision", own: append([]string{"internal/schema", "internal/jsonscan"}, planned...)},
	{pkg: "internal/jsonscan"},
	{pkg: "internal/decode/decoded", own: append([]string{"internal/jsonscan"}, planned...)},
	{pkg: "internal/decode/parquet", own: append([]string{"internal/jsonscan", "internal/decode/decoded"}, planned...), foreign: anything, never: kubernetes},
	{pkg: "internal/decode/jsonvalue", own: append([]string{"internal/jsonscan", "internal/decode/decoded"}, planned...), foreign: json},
	{pkg: "internal/decode", own: append([]string{"internal/jsonscan", "internal/decode/decoded", "internal/decode/jsonvalue", "internal/decode/parquet"}, planned...), foreign: anything, never: kubernetes},
	{pkg: "internal/record", own: slices.Concat(values, planned), foreign: json},
	{pkg: "internal/mapping/language", own: slices.Concat(values, []string{"internal/record"}, planned), foreign: anything, never: append(files, kubernetes...)},
	{pkg: "internal/mapping", own: slices.Concat(values, []string{"internal/record", "internal/mapping/language"}, planned), foreign: anything, never: append(files, kubernetes...)},
	{pkg: "internal/encode", own: slices.Concat(decoding, []string{"internal/jsonscan", "internal/record"}, planned), foreign: anything, never: kubernetes},
	{pkg: "internal/export", own: slices.Concat(decoding, []string{"internal/jsonscan", "internal/record", "internal/encode"}, planned), foreign: anything, never: kubernetes},
	{pkg: "python"},
	{pkg: "internal/example"},
	{pkg: "internal/glob", own: planned, foreign: []string{"github.com/bmatcuk/doublestar/"}},
	{pkg: "internal/precheck", own: slices.Concat(values, []string{"internal/glob", "internal/mapping", "internal/mapping/language", "internal/record"}, planned), foreign: anything, never: append(files, kubernetes...)},
	{pkg: "internal/progress", own: graph},
	{pkg: "internal/source", own: append([]string{"internal/bufpipe"}, counted...)},
	{pkg: "internal/source/transport", own: reading, foreign: network},
	{pkg: "internal/source/choose", own: reading, foreign: []string{"github.com/bmatcuk/doublestar/"}},
	{pkg: "internal/source/volume", own: append([]string{"internal/source/choose"}, reading...), foreign: []string{"github.com/bmatcuk/doublestar/"}},
	{pkg: "internal/source/web", own: append([]string{"internal/source/transport"}, reading...), foreign: network},
	{pkg: "internal/source/hub", own: append([]string{"internal/source/choose", "internal/source/transport"}, reading...), foreign: append([]string{"github.com/bmatcuk/doublestar/"}, network...)},
	{pkg: "internal/source/objectstore", own: append([]string{"internal/source/choose", "internal/source/transport"}, reading...), foreign: anything, never: append(registries, kubernetes...)},
	{pkg: "internal/source/oci", own: append([]string{"internal/source/choose", "internal/source/transport"}, reading...), foreign: anything, never: append(clouds, kubernetes...)},
	{pkg: "internal/source/open", own: append(opened, reading...), foreign: anything, never: kubernetes},
	{pkg: "internal/look", own: slices.Concat(decoding, []string{"internal/bufpipe", "internal/glob", "internal/jsonscan", "internal/mapping", "internal/mapping/language", "internal/record", "internal/source"}, counted), foreign: anything, never: kubernetes},
	{pkg: "internal/hashing"},
	{pkg: "internal/store", own: append([]string{"internal/hashing"}, onVolumes...), foreign: anything, never: kubernetes},
	{pkg: "internal/filewriter", own: append([]string{"internal/bufpipe"}, stored...), foreign: anything, never: kubernetes},
	{pkg: "internal/rowfile", own: written, foreign: anything, never: kubernetes},
	{pkg: "internal/bufpipe"},
	{pkg: "internal/version"},
	{pkg: "internal/kube", own: append([]string{"api/v1alpha1"}, planned...), foreign: anything},
	{pkg: "internal/ui", own: append([]string{"api/v1alpha1", "internal/cli", "internal/cli/view", "internal/kube", "internal/look"}, dataPlane...), foreign: anything},
	{pkg: "internal/cli", own: append([]string{"api/v1alpha1", "internal/kube"}, planned...), foreign: anything},
	{pkg: "internal/gctune", foreign: anything, never: kubernetes},
	{pkg: "internal/extsort"},
	{pkg: "internal/sampler", own: append([]string{"internal/rowfile", "internal/extsort"}, written...), foreign: anything, never: kubernetes},
	{pkg: "internal/statistics", own: onVolumes},
	{pkg: "internal/report", own: onVolumes},
	{pkg: "internal/report/picture"},
	{pkg: "internal/report/page", own: append([]string{"internal/statistics", "internal/report", "internal/report/picture"}, onVolumes...)},
	{pkg: "internal/verify", own: append(append([]string{"internal/sampler", "internal/report", "internal/export", "internal/statistics", "internal/report/page", "internal/report/picture"}, proof...), proved...), foreign: anything, never: kubernetes},
	{pkg: "internal/verify/files", own: proved, foreign: anything, never: kubernetes},
	{pkg: "internal/verify/layout", own: append([]string{"internal/verify/files"}, proved...), foreign: anything, never: kubernetes},
	{pkg: "internal/verify/questions", own: append([]string{"internal/verify/files", "internal/verify/layout"}, proved...), foreign: anything, never: kubernetes},
	{pkg: "internal/verify/numbers", own: append([]string{"internal/verify/files", "internal/verify/layout", "internal/verify/questions"}, proved...), foreign: anything, never: kubernetes},
	{pkg: "internal/verify/single", own: append([]string{"internal/statistics", "internal/verify/files", "internal/verify/layout", "internal/verify/questions", "internal/verify/numbers"}, proved...), foreign: anything, never: kubernetes},
	{pkg: "internal/verify/mixed", own: append([]string{"internal/sampler", "internal/export", "internal/verify/files", "internal/verify/layout", "internal/verify/questions", "internal/verify/numbers"}, proved...), foreign: anything, never: kubernetes},
	{pkg: "internal/stage", own: dataPlane, foreign: anything, never: slices.Concat(clouds, registries, kubernetes)},
	{pkg: "internal/await", own: stored, foreign: anything, never: kubernetes},
	{pkg: "internal/rows", own: slices.Concat(decoding, []string{"internal/encode", "internal/jsonscan", "internal/record"}, stored), foreign: anything, never: kubernetes},
	{pkg: "internal/transfer", own: slices.Concat(decoding, []string{"internal/cli", "internal/rows", "internal/encode", "internal/jsonscan", "internal/record"}, written), foreign: anything, never: kubernetes},
	{pkg: "internal/cli/connect", own: append([]string{"api/v1alpha1", "internal/cli", "internal/kube"}, planned...), foreign: anything},
	{pkg: "internal/cli/errand", own: slices.Concat(decoding, []string{"api/v1alpha1", "internal/cli", "internal/kube", "internal/render", "python", "internal/rows", "internal/transfer", "internal/version", "internal/encode", "internal/jsonscan", "internal/record"}, written), foreign: anything},
	{pkg: "internal/cli/files", own: append([]string{"api/v1alpha1", "internal/cli", "internal/cli/bundle", "internal/cli/connect", "internal/cli/errand", "internal/cli/view", "internal/kube", "internal/look", "internal/render", "internal/rows", "internal/transfer", "internal/version"}, dataPlane...), foreign: anything},
	{pkg: "internal/cli/bundle", own: append([]string{"api/v1alpha1", "internal/cli", "internal/cli/view", "internal/kube", "internal/look", "internal/render"}, dataPlane...), foreign: anything},
	{pkg: "internal/cli/survey", own: append([]string{"api/v1alpha1", "internal/cli", "internal/cli/errand", "internal/kube", "internal/look", "internal/render", "internal/rows", "internal/transfer", "internal/version"}, dataPlane...), foreign: anything},
	{pkg: "internal/testing/hub", own: planned, foreign: anything, never: kubernetes},
	{pkg: "internal/testing/repos", own: append([]string{"internal/testing/hub"}, planned...), foreign: anything, never: kubernetes},
	{pkg: "internal/testing/faultfs"},
	{pkg: "internal/testing/artifacts", foreign: anything, never: kubernetes},
	{pkg: "internal/testing/stores", foreign: anything, never: kubernetes},
	{pkg: "internal/testing/sources", own: slices.Concat([]string{"internal/bufpipe", "internal/progress", "internal/source"}, stored), foreign: anything, never: kubernetes},
	{pkg: "internal/testing/realrows"},
	{pkg: "internal/testing/forgery", own: dataPlane, foreign: anything, never: kubernetes},
	{pkg: "internal/testing/refusals", foreign: anything},
	{pkg: "internal/testing/parquetfile", foreign: anything, never: kubernetes},
	{pkg: "internal/testing/volume", own: stored, foreign: anything, never: kubernetes},
	{pkg: "internal/testing/recipes", own: []string{"internal/mix", "internal/recipe", "python"}},
	{pkg: "internal/render", own: append([]string{"api/v1alpha1", "python"}, planned...), foreign: anything, never: clients},
	{pkg: "controllers/internal/jobs", own: observed, foreign: anything, never: clients},
	{pkg: "controllers/internal/ledger", own: append([]string{"controllers/internal/jobs"}, observed...), foreign: anything, never: clients},
	{pkg: "controllers/internal/build", own: builds, foreign: anything, never: clients},
	{pkg: "controllers/internal/outcome", own: builds, foreign: anything, never: clients},
	{pkg: "controllers/internal/readers", own: observed, foreign: anything, never: clients},
	{pkg: "controllers/internal/status", own: slices.Concat([]string{"controllers/internal/outcome", "controllers/internal/readers", "internal/progress", "internal/revision", "internal/schema", "internal/jsonscan"}, builds), foreign: anything, never: clients},
	{pkg: "controllers", own: slices.Concat([]string{"api/v1alpha1", "internal/progress", "internal/render", "internal/revision", "internal/schema", "python"}, judged, control), foreign: anything},
	{pkg: "cmd/manager", own: slices.Concat([]string{"api/v1alpha1", "internal/progress", "internal/render", "internal/gctune", "internal/version", "controllers", "internal/revision", "internal/schema", "python"}, judged, control), foreign: anything},
	{pkg: "cmd/worker", own: slices.Concat([]string{"internal/await", "internal/cli", "internal/look", "internal/rows", "internal/transfer", "internal/gctune", "internal/version"}, opened, dataPlane), foreign: anything, never: kubernetes},
	{pkg: "cmd/kubectl-datasetmix", own: slices.Concat([]string{"api/v1alpha1", "internal/render", "internal/gctune", "internal/precheck", "internal/example", "internal/version", "internal/kube", "internal/cli", "internal/cli/view", "internal/cli/compare", "internal/cli/live", "internal/cli/follow", "internal/cli/connect", "internal/cli/bundle", "internal/cli/errand", "internal/cli/files", "internal/cli/survey", "internal/rows", "internal/transfer", "internal/cli/draft", "internal/cli/places", "internal/look", "internal/ui", "config/crd", "config/samples"}, opened, dataPlane), foreign: anything},
}

func (r rule) allows(dependency string) bool {
	matches := func(prefix string) bool {
		return prefix == "*" || strings.HasPrefix(dependency+"/", prefix) || strings.HasPrefix(dependency, prefix)
	}
	if name, ok := strings.CutPrefix(dependency, module); ok {
		return name == r.pkg || slices.Contains(r.own, name)
	}
	return slices.ContainsFunc(r.foreign, matches) && !slices.ContainsFunc(r.never, matches)
}

func dependencies(t *testing.T, pkg string) []string {
	t.Helper()
	out, err := exec.Command("go", "list", "-deps", "-f", "{{if not .Standard}}{{.ImportPath}}{{end}}", module+pkg).CombinedOutput()
	if err != nil {
		t.Fatalf("package %s of the architecture cannot be listed; if it has moved, this table and docs/architecture.md move with it: %v\n%s", pkg, err, out)
	}
	return strings.Fields(string(out))
}

func TestPackagesImportOnlyWhatTheArchitectureAllows(t *testing.T) {
	for _, r := range rules {
		t.Run(r.pkg, func(t *testing.T) {
			for _, dependency := range dependencies(t, r.pkg) {
				if !r.allows(dependency) {
					t.Errorf("%s depends on %s, which the architecture does not allow", r.pkg, dependency)
				}
			}
		})
	}
}

// Every package is in the table, so a new one gets its place before it gets its imports.
func TestEveryPackageHasItsPlace(t *testing.T) {
	out, err := exec.Command("go", "list", module+"api/...", module+"cmd/...", module+"controllers/...", module+"internal/...", module+"python/...").CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	for _, path := range strings.Fields(string(out)) {
		pkg := strings.TrimPrefix(path, module)
		if !slices.ContainsFunc(rules, func(r rule) bool { return r.pkg == pkg || strings.HasPrefix(pkg, r.pkg+"/") }) {
			t.Errorf("package %s has no rule in the architecture", pkg)
		}
	}
}

// The table itself: a rule that allowed everything would never fail.
func TestRulesRefuse(t *testing.T) {
	worker := rules[slices.IndexFunc(rules, func(r rule) bool { return r.pkg == "cmd/worker" })]
	for dependency, want := range map[string]bool{
		"k8s.io/api/core/v1": false, "sigs.k8s.io/yaml": false, module + "api/v1alpha1": false, module + "controllers": false,
		module + "internal/stage": true, "github.com/klauspost/compress/zstd": true,
	} {
		if got := worker.allows(dependency); got != want {
			t.Errorf("cmd/worker may import %s: %v", dependency, got)
		}
	}
}
