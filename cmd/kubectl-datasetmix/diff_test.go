package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/datasetmix/datasetmix/internal/cli"
	"github.com/datasetmix/datasetmix/internal/cli/compare"
	"github.com/datasetmix/datasetmix/internal/example"
	"github.com/datasetmix/datasetmix/internal/plan"
	"github.com/datasetmix/datasetmix/internal/revision"
)

// edit changes a manifest's text.
type edit struct{ name, from, to string }

// edits are changes of the example. Each leads to a mix that can be built.
var edits = []edit{
	{"seed", "seed: 42", "seed: %d"},
	{"share of a domain", "share: 3\n", "share: %d\n"},
	{"share of a split", "share: 4, size", "share: 5, size"},
	{"size of the test split", "share: 1, size: {policy: KeepTotal}", "share: 1, size: {policy: Rows, rows: 4%d}"},
	{"size of the train split", "share: 4, size: {policy: KeepTotal}", "share: 4, size: {policy: SmallestPool}"},
	{"order", "  output:\n", "  order: Interleaved\n  output:\n"},
	{"format", "    volume: {claimName: datasets}", "    format: JSONLZstd\n    volume: {claimName: datasets}"},
	{"shards", "    volume: {claimName: datasets}", "    shards: 2\n    volume: {claimName: datasets}"},
	{"an export", "    volume: {claimName: datasets}", "    exports: [{name: rl, format: RL}]\n    volume: {claimName: datasets}"},
	{"revisions that are kept", "    volume: {claimName: datasets}", "    keepRevisions: 9\n    volume: {claimName: datasets}"},
	{"metadata of a record", "        - {name: level, value: row.level}", "        - {name: difficulty, value: row.level}"},
	{"another mapping", "referenceAnswer: row.capital", "referenceAnswer: row.capital + \"!\""},
	{"balance", "    share: 3\n", "    share: 3\n    balance: None\n"},
	{"a limit", "  output:\n", "  limits: {maxRepeats: 200}\n  output:\n"},
	{"draws", "  output:\n", "  resample: WithReplacement\n  output:\n"},
	{"duplicates", "  output:\n", "  duplicates: Drop\n  output:\n"},
	{"another name", "name: capitals\n", "name: towns\n"},
	{"the name of the mix", "name: first-mix", "name: second-mix"},
}

// built matches a unit of a build that was not there.
var built = regexp.MustCompile(`(?m)^ *[\d.]+s +(\w+) +\d+/\d+ +(\S+) +built `)

// laptop is a folder in which the example is built, again and again.
type laptop struct {
	*testing.T
	folder, manifest string
}

func newLaptop(t *testing.T) laptop {
	t.Helper()
	l := laptop{T: t, folder: t.TempDir()}
	for _, file := range example.Files() {
		if err := os.WriteFile(filepath.Join(l.folder, file.Name), file.Content, 0o600); err != nil {
			t.Fatal(err)
		}
		if file.Name == example.Manifest { // the path stays when the mix is renamed
			l.manifest = strings.Replace(string(file.Content), "    volume: {claimName: datasets}", "    path: mix\n    volume: {claimName: datasets}", 1)
		}
	}
	return l
}

func (l laptop) file() string    { return filepath.Join(l.folder, "edited.yaml") }
func (l laptop) current() string { return filepath.Join(l.folder, "data", "mix", "current") }

// builds builds a manifest and returns the units that ran.
func (l laptop) builds(text string) []string {
	l.Helper()
	if err := os.WriteFile(l.file(), []byte(text), 0o600); err != nil {
		l.Fatal(err)
	}
	out, err := run(l.T, "build", "-f", l.file(), "--claim", example.Claim+"="+l.folder, "--data", filepath.Join(l.folder, "data"))
	if err != nil {
		l.Fatalf("%v\n%s\n%s", err, out, text)
	}
	var units []string
	for _, unit := range built.FindAllStringSubmatch(out, -1) {
		units = append(units, unit[1]+" "+unit[2])
	}
	return units
}

// predicts returns what diff says of a manifest and the current revision.
func (l laptop) predicts(text string) compare.Comparison {
	l.Helper()
	if err := os.WriteFile(l.file(), []byte(text), 0o600); err != nil {
		l.Fatal(err)
	}
	out, err := run(l.T, "diff", l.current(), l.file(), "-o", "json", "--rows", rowsFor(text))
	if exit := (*cli.Exit)(nil); err != nil && (!errors.As(err, &exit) || exit.Code != cli.Differs) {
		l.Fatalf("%v\n%s", err, out)
	}
	var said compare.Comparison
	if err := json.Unmarshal([]byte(out), &said); err != nil {
		l.Fatal(err)
	}
	return said
}

// edited makes one or two edits of the list; the first ones change with i.
func edited(random *rand.Rand, i int, text string) (string, []string) {
	var names []string
	for range 1 + random.IntN(2) {
		e := edits[(i+random.IntN(len(edits)))%len(edits)]
		to := e.to
		if strings.Contains(to, "%d") {
			to = fmt.Sprintf(to, 5+random.IntN(4))
		}
		if strings.Contains(text, e.from) && !slices.Contains(names, e.name) {
			text, names = strings.Replace(text, e.from, to, 1), append(names, e.name)
		}
	}
	return text, names
}

// TestDiffPredictsWhatIsBuilt: for 20 edits, one or two of the list at a time and one after the other, the units that diff says are those that
// the build then has anew, and the counts that it says are those that come out.
func TestDiffPredictsWhatIsBuilt(t *testing.T) {
	l := newLaptop(t)
	l.builds(l.manifest)
	random := rand.New(rand.NewPCG(1, 2))
	ran := map[string]bool{}
	for i := range 20 {
		text, names := edited(random, i, l.manifest)
		t.Run(strings.Join(names, ", "), func(t *testing.T) {
			l := laptop{t, l.folder, l.manifest}
			before := manifestOf(t, l.current())
			said := l.predicts(text)
			var predicted []string
			for _, stage := range said.Stages {
				for _, unit := range stage.Runs {
					predicted = append(predicted, string(stage.Name)+" "+unit)
				}
				if len(stage.Runs) > 0 && len(names) == 1 && len(stage.Since) == 0 {
					t.Errorf("stage %s runs for no reason: %+v", stage.Name, said)
				}
			}
			// What an earlier edit built is still on the volume, which no manifest says: no more may run than was predicted.
			for _, unit := range l.builds(text) {
				if ran[unit] = true; !slices.Contains(predicted, unit) {
					t.Errorf("%s ran, and was not predicted: %v", unit, predicted)
				}
			}
			after := manifestOf(t, l.current())
			if diff := cmp.Diff(anew(before, after), predicted); diff != "" {
				t.Errorf("what is new of the revision (-made +predicted):\n%s", diff)
			}
			judgeCounts(t, said, before.Plan, after.Plan)
		})
	}
	if !ran["split capitals"] || !ran["balance first-mix"] || !ran["mix train"] || !ran["publish second-mix"] {
		t.Errorf("the edits made only these run: %v", ran)
	}
}

// anew returns the units of a revision that an earlier one has not.
func anew(before, after revision.Manifest) []string {
	keys := map[string]bool{}
	for _, unit := range before.Stages {
		keys[unit.Node.Key] = true
	}
	var units []string
	for _, unit := range after.Stages {
		if !keys[unit.Node.Key] {
			units = append(units, string(unit.Stage)+" "+unit.Node.Name)
		}
	}
	if after.Revision != before.Revision {
		units = append(units, "publish "+after.Name)
	}
	return units
}

// judgeCounts compares predicted counts with those of two plans.
func judgeCounts(t *testing.T, said compare.Comparison, before, after plan.Plan) {
	t.Helper()
	for _, count := range said.Counts {
		if got := numbers(after, count); got != count.After {
			t.Errorf("%s %s: %v came out, %v were predicted", count.Split, count.Dataset, got, count.After)
		}
		if got := numbers(before, count); got != count.Before {
			t.Errorf("%s %s: there were %v, and diff says %v", count.Split, count.Dataset, got, count.Before)
		}
	}
	if changed := changed(before, after); changed != len(said.Counts) {
		t.Errorf("%d counts changed, %d were predicted", changed, len(said.Counts))
	}
}

// rowsFor returns the rows of the one data set that an edit renames.
func rowsFor(text string) string {
	if strings.Contains(text, "name: towns") {
		return "towns=80"
	}
	return "capitals=80"
}

func manifestOf(t *testing.T, folder string) revision.Manifest {
	t.Helper()
	encoded, err := os.ReadFile(filepath.Join(folder, revision.ManifestFile))
	if err != nil {
		t.Fatal(err)
	}
	manifest, err := revision.ParseManifest(encoded)
	if err != nil {
		t.Fatal(err)
	}
	return manifest
}

// numbers returns those of a plan in the place of a count.
func numbers(p plan.Plan, at compare.Count) [3]int64 {
	for _, split := range p.Splits {
		for _, domain := range split.Domains {
			for _, dataset := range domain.Datasets {
				if split.Name == at.Split && domain.Name == at.Domain && dataset.Name == at.Dataset {
					return [3]int64{dataset.Rows, dataset.Unique, dataset.MaxRepeats}
				}
			}
		}
	}
	return [3]int64{}
}

// changed returns how many data sets have another part of a split.
func changed(before, after plan.Plan) int {
	n := 0
	for _, pair := range [][2]plan.Plan{{before, after}, {after, before}} {
		for _, split := range pair[0].Splits {
			for _, domain := range split.Domains {
				for _, dataset := range domain.Datasets {
					at := compare.Count{Split: split.Name, Domain: domain.Name, Dataset: dataset.Name}
					had, has := numbers(pair[0], at), numbers(pair[1], at)
					if had != has && (has == [3]int64{} || pair[0].Digest() == before.Digest()) {
						n++
					}
				}
			}
		}
	}
	return n
}

// TestDiff: the exit code tells whether there is a difference, and what is not known is said.
func TestDiff(t *testing.T) {
	text := func(change func(string) string) string {
		content, err := os.ReadFile(grpoSix)
		if err != nil {
			t.Fatal(err)
		}
		return write(t, change(string(content)))
	}
	same := text(func(s string) string { return s + "# a comment\n" })
	shares := text(func(s string) string { return strings.Replace(s, "share: 4\n", "share: 5\n", 1) })
	const rows = "gsm8k=7473,math=7500,squad2=87599,hotpotqa=88966,humaneval=164,mbpp=427"
	tests := []struct {
		name  string
		args  []string
		code  int
		wants []string
	}{
		{"the same", []string{grpoSix, same}, 0, []string{"The mixes are the same."}},
		{"a share", []string{grpoSix, shares, "--rows", rows}, 1, []string{"domains[math].share: 4 → 5", "download  0/6", "split     0/6", "balance   1/1", "mix       2/2", "+4367"}},
		{"rows that are not known", []string{grpoSix, shares}, 1, []string{"mix       2/2", "The counts are not known: say the rows of gsm8k, hotpotqa,"}},
		{"a data set that there is not", []string{grpoSix, shares, "--rows", "gsmk8=1"}, 18, []string{"did you mean gsm8k?"}},
		{"no file", []string{grpoSix, "nowhere.yaml"}, 18, nil},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			out, err := run(t, append([]string{"diff"}, test.args...)...)
			if err != nil {
				out += err.Error()
			}
			if code := cli.CodeOf(err); code != test.code {
				t.Errorf("code %d, want %d\n%s", code, test.code, out)
			}
			for _, want := range test.wants {
				if !strings.Contains(out, want) {
					t.Errorf("want %q in\n%s", want, out)
				}
			}
		})
	}
}
