package main

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/datasetmix/datasetmix/internal/cli/view"
	"github.com/datasetmix/datasetmix/internal/contract"
	"github.com/datasetmix/datasetmix/internal/plan"
	"github.com/datasetmix/datasetmix/internal/recipe"
	"github.com/datasetmix/datasetmix/internal/revision"
	"github.com/datasetmix/datasetmix/internal/testing/hub"
	"github.com/datasetmix/datasetmix/internal/testing/repos"
)

const grpoSix = "../../config/samples/data_v1alpha1_datasetmix_grpo_six.yaml"

// run returns what a command line prints.
func run(t testing.TB, arguments ...string) (string, error) {
	t.Helper()
	root := rootCommand()
	var out bytes.Buffer
	root.SetOut(&out)
	root.SetErr(&out)
	root.SetArgs(arguments)
	err := root.ExecuteContext(context.Background())
	return out.String(), err
}

func write(t *testing.T, content string) string {
	t.Helper()
	name := filepath.Join(t.TempDir(), "mix.yaml")
	if err := os.WriteFile(name, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	return name
}

func TestPlanOfTheSixDataSets(t *testing.T) {
	out, err := run(t, "plan", "-f", grpoSix, "--rows", "gsm8k=7473,math=7500,squad2=87599,hotpotqa=88966,humaneval=164,mbpp=427", "-o", "json")
	if err != nil {
		t.Fatal(err)
	}
	var plan plan.Plan
	if err := json.Unmarshal([]byte(out), &plan); err != nil {
		t.Fatal(err)
	}
	got := map[string]int64{}
	for _, split := range plan.Splits {
		got[split.Name] = split.Rows
		for _, domain := range split.Domains {
			got[split.Name+" domain "+domain.Name] = domain.Rows
			for _, dataset := range domain.Datasets {
				got[split.Name+" "+dataset.Name], got[split.Name+" balanced "+dataset.Name] = dataset.Available, dataset.Balanced
			}
		}
	}
	want := map[string]int64{ // every number of the strategy, and those of the test split that follow
		"train": 160107, "train domain math": 64043, "train domain qa": 48032, "train domain code": 48032,
		"test": 32022, "test domain math": 12809, "test domain qa": 9607, "test domain code": 9606,
		"train gsm8k": 6227, "train math": 6250, "train squad2": 72999, "train hotpotqa": 74138, "train humaneval": 137, "train mbpp": 356,
		"test gsm8k": 1246, "test math": 1250, "test squad2": 14600, "test hotpotqa": 14828, "test humaneval": 27, "test mbpp": 71,
		"train balanced gsm8k": 6250, "train balanced math": 6250, "train balanced squad2": 74138, "train balanced hotpotqa": 74138,
		"train balanced humaneval": 356, "train balanced mbpp": 356, "test balanced gsm8k": 1250, "test balanced math": 1250,
		"test balanced squad2": 14828, "test balanced hotpotqa": 14828, "test balanced humaneval": 71, "test balanced mbpp": 71,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

// TestPlanOfTheSmallestPool: the other total of the strategy, for which no domain repeats more than balancing did.
func TestPlanOfTheSmallestPool(t *testing.T) {
	sample, err := os.ReadFile(grpoSix)
	if err != nil {
		t.Fatal(err)
	}
	out, err := run(t, "plan", "-f", write(t, strings.ReplaceAll(string(sample), "KeepTotal}", "SmallestPool}")), "--rows", "gsm8k=7473,math=7500,squad2=87599,hotpotqa=88966,humaneval=164,mbpp=427")
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"2,373", "949", "712"} {
		if !strings.Contains(out, want) {
			t.Errorf("it lacks %s:\n%s", want, out)
		}
	}
}

func TestPlanAsATable(t *testing.T) {
	out, err := run(t, "plan", "-f", grpoSix, "--rows", "gsm8k=7473,math=7500,squad2=87599,hotpotqa=88966,humaneval=164,mbpp=427")
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"MOST REPEATED", "160,107", "64,043", "176×", "40.0%"} {
		if !strings.Contains(out, want) {
			t.Errorf("the table lacks %q:\n%s", want, out)
		}
	}
}

// TestPlanNotes: what the table cannot know is said below it, and only what concerns the manifest.
func TestPlanNotes(t *testing.T) {
	out, err := run(t, "plan", "-f", "../../config/samples/data_v1alpha1_datasetmix_curated.yaml", "--rows", "gsm8k=7473,exercises=1000,squad2=87599")
	if err != nil {
		t.Fatal(err)
	}
	want := `
- Shares are measured in tokens, which only a build can count; the table assumes every row has the same number, unless --units says more.
- Bad rows are skipped, so there may be fewer than --rows says.
- Rows with a question of the 2 sources to decontaminate against are dropped.
- Duplicates within a split are dropped, keeping one.
- Near-duplicates of a later split's questions are dropped.
- Each mixed split is 8 files, each with its part of every data set.
`
	if !strings.HasSuffix(out, want) {
		t.Errorf("got\n%s\nwant at its end%s", out, want)
	}
	if got := view.Notes(recipe.Recipe{Resample: recipe.WithReplacement}, false); len(got) != 1 || !strings.Contains(got[0], "drawn with replacement") {
		t.Errorf("notes on draws: %q", got)
	}
	if got := view.Notes(recipe.Recipe{}, false); got != nil {
		t.Errorf("notes on nothing: %q", got)
	}
}

// TestProbesAreChecked before anything is downloaded, as data sets are.
func TestProbesAreChecked(t *testing.T) {
	sample, err := os.ReadFile("../../config/samples/data_v1alpha1_datasetmix_curated.yaml")
	if err != nil {
		t.Fatal(err)
	}
	wrong := write(t, strings.Replace(string(sample), "question: row.prompt", "question: row.prompt +", 1))
	if out, err := run(t, "plan", "-f", wrong, "--rows", "gsm8k=1"); err == nil || !strings.Contains(err.Error(), "decontaminate against exams") {
		t.Errorf("an expression that does not compile: %v\n%s", err, out)
	}
	right := write(t, string(sample))
	_, err = run(t, "build", "-f", right, "--data", t.TempDir(), "--claim", "originals=/nowhere")
	if contract.ReasonOf(err) != contract.InvalidTask || !strings.Contains(err.Error(), "exams reads exams.jsonl of claim benchmarks") {
		t.Errorf("a probe's claim that nobody placed: %v", err)
	}
}

func TestPlanSaysWhatIsWrong(t *testing.T) {
	sample, err := os.ReadFile(grpoSix)
	if err != nil {
		t.Fatal(err)
	}
	all := "gsm8k=7473,math=7500,squad2=87599,hotpotqa=88966,humaneval=164,mbpp=427"
	for what, c := range map[string]struct {
		manifest, rows string
		reason         contract.Reason
		want           string
	}{
		"a data set without rows":   {string(sample), "gsm8k=1", contract.InvalidTask, "data set hotpotqa is missing"},
		"an unknown data set":       {string(sample), all + ",other=1", contract.InvalidTask, "no data set other"},
		"too many repeats":          {string(sample), strings.Replace(all, "humaneval=164", "humaneval=100", 1), contract.InfeasibleMix, "limits.maxRepeats is 200"},
		"a field that is not there": {strings.Replace(string(sample), "seed: 42", "seed: 42\n  sede: 1", 1), all, contract.InvalidTask, "sede"},
		"a share of zero":           {strings.Replace(string(sample), "share: 4", "share: 0", 1), all, contract.InvalidTask, "share"},
		"a share with a point":      {strings.Replace(string(sample), "share: 4", "share: 0.4", 1), all, contract.InvalidTask, `write it as an integer or in quotes, "0.4"`},
		"two documents":             {string(sample) + "\n---\n" + string(sample), all, contract.InvalidTask, "more than one DatasetMix"},
		"something else":            {"kind: ConfigMap\napiVersion: v1\n", all, contract.InvalidTask, "holds no DatasetMix"},
		"no YAML":                   {"a: [", all, contract.InvalidTask, "not YAML"},
	} {
		t.Run(what, func(t *testing.T) {
			_, err := run(t, "plan", "-f", write(t, c.manifest), "--rows", c.rows)
			if err == nil || !strings.Contains(err.Error(), c.want) || contract.ReasonOf(err) != c.reason {
				t.Errorf("error %v (%s), want %q (%s)", err, contract.ReasonOf(err), c.want, c.reason)
			}
		})
	}
	if _, err := run(t, "plan", "-f", grpoSix, "--rows", all, "-o", "xml"); err == nil || !strings.Contains(err.Error(), "xml") {
		t.Errorf("an unknown output format: %v", err)
	}
	if _, err := run(t, "plan", "-f", "nowhere.yaml", "--rows", all); contract.ReasonOf(err) != contract.InvalidTask {
		t.Errorf("a missing manifest: %v", err)
	}
}

// The whole way as a user goes it: build from a Hub over HTTP, verify, change a share, build again, break a bit, verify.
func TestBuildAndVerify(t *testing.T) {
	standIn := hub.New(hub.Options{}, repos.Generated(0.1)...)
	t.Setenv("HF_ENDPOINT", hub.Start(t, standIn))
	data := t.TempDir()
	out, err := run(t, "build", "-f", grpoSix, "--data", data)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"download", "6/6", "verified", "grpo-six/current -> revisions/"} {
		if !strings.Contains(out, want) {
			t.Errorf("the output lacks %q:\n%s", want, out)
		}
	}
	if out, err = run(t, "verify", filepath.Join(data, "grpo-six")); err != nil || !strings.Contains(out, "train ∩ test = ∅") {
		t.Fatalf("%v\n%s", err, out)
	}

	standIn.ResetCounts()
	sample, err := os.ReadFile(grpoSix)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := run(t, "build", "-f", write(t, strings.Replace(string(sample), "share: 4", "share: 5", 1)), "--data", data); err != nil {
		t.Fatal(err)
	}
	if n := standIn.Downloads(); n != 0 {
		t.Errorf("a new share downloaded %d files", n)
	}

	seeds := strings.Replace(string(sample), "share: 4", "share: 5", 1)
	current := filepath.Join(data, "grpo-six", "current")
	t.Run("a changed bit is found and repaired", func(t *testing.T) { findsAChangedBit(t, current, data, seeds) })
	t.Run("what was proved is said", func(t *testing.T) { saysWhatWasProved(t, current) })
}

// findsAChangedBit checks that verify finds it, the same build repairs it, and the build after that has nothing left to do.
func findsAChangedBit(t *testing.T, current, data, manifest string) {
	file := filepath.Join(current, "mixed", "train_mixed.jsonl")
	content, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	content[len(content)/2] ^= 1
	if err := os.Chmod(file, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, content, 0o600); err != nil {
		t.Fatal(err)
	}
	_, err = run(t, "verify", current)
	if contract.ReasonOf(err) != contract.VolumeInvalid || !strings.Contains(fmt.Sprint(err), "train_mixed.jsonl was changed") {
		t.Errorf("a changed bit: %v", err)
	}
	out, err := run(t, "build", "-f", write(t, manifest), "--data", data)
	if err != nil || !regexp.MustCompile(`publish .* repaired `).MatchString(out) || !strings.Contains(out, "train_mixed.jsonl was changed") {
		t.Errorf("the same build does not repair it: %v\n%s", err, out)
	}
	if out, err = run(t, "build", "-f", write(t, manifest), "--data", data); err != nil || !regexp.MustCompile(`publish .* reused `).MatchString(out) || !strings.Contains(out, "every byte as it was published") {
		t.Errorf("nothing is left to do: %v\n%s", err, out)
	}
}

// saysWhatWasProved checks that verify reports what it proved of a revision and what it did not, to people and to programs, and takes a revision
// for the published one by its digest alone.
func saysWhatWasProved(t *testing.T, current string) {
	encoded, err := os.ReadFile(filepath.Join(current, revision.ManifestFile))
	if err != nil {
		t.Fatal(err)
	}
	digest := fmt.Sprintf("%x", sha256.Sum256(encoded))
	copied := filepath.Join(t.TempDir(), "mix")
	if err := os.CopyFS(copied, os.DirFS(current)); err != nil {
		t.Fatal(err)
	}
	out, err := run(t, "verify", copied)
	if err != nil || !strings.Contains(out, "Proved:\n  - each of the ") || !strings.Contains(out, "consistent, not authentic") || !strings.Contains(out, "--digest "+digest) {
		t.Errorf("without a digest: %v\n%s", err, out)
	}
	var proof struct {
		Digest            string
		Proved, NotProved []string
	}
	out, err = run(t, "verify", copied, "--digest", digest, "-o", "json")
	if err := errors.Join(err, json.Unmarshal([]byte(out), &proof)); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	if proof.Digest != digest || !slices.Contains(proof.Proved, "the manifest is the one with the digest that was given") || strings.Contains(strings.Join(proof.NotProved, ""), "authentic") {
		t.Errorf("with its digest: %+v", proof)
	}
	for what, c := range map[string]struct {
		arguments []string
		reason    contract.Reason
	}{
		"another digest": {[]string{"verify", copied, "--digest", strings.Repeat("0", 64)}, contract.VolumeInvalid},
		"no digest":      {[]string{"verify", copied, "--digest", digest[:10]}, contract.InvalidTask},
		"another output": {[]string{"verify", copied, "-o", "yaml"}, contract.InvalidTask},
	} {
		if _, err := run(t, c.arguments...); contract.ReasonOf(err) != c.reason {
			t.Errorf("%s: %v", what, err)
		}
	}
}

// A link that leads to no revision is said with where it leads.
func TestVerifyOfALinkThatLeadsNowhere(t *testing.T) {
	link := filepath.Join(t.TempDir(), "current")
	if err := os.Symlink("revisions/0123456789", link); err != nil {
		t.Fatal(err)
	}
	if _, err := run(t, "verify", filepath.Dir(link)); contract.ReasonOf(err) != contract.VolumeInvalid || !strings.Contains(err.Error(), "revisions/0123456789") {
		t.Errorf("a link that leads nowhere: %v", err)
	}
}

func TestBuildNamesAWrongRevision(t *testing.T) {
	t.Setenv("HF_ENDPOINT", hub.Start(t, hub.New(hub.Options{}, repos.Generated(0.01)...)))
	sample, err := os.ReadFile(grpoSix)
	if err != nil {
		t.Fatal(err)
	}
	wrong := strings.Replace(string(sample), "740312add88f781978c0658806c59bc2815b9866", "nowhere", 1)
	_, err = run(t, "build", "-f", write(t, wrong), "--data", t.TempDir())
	if contract.ReasonOf(err) != contract.RevisionNotFound || !strings.Contains(fmt.Sprint(err), "gsm8k") || !strings.Contains(fmt.Sprint(err), "nowhere") {
		t.Errorf("%v (%s)", err, contract.ReasonOf(err))
	}
}

const fromClaim = `apiVersion: data.datasetmix.io/v1alpha1
kind: DatasetMix
metadata: {name: local}
spec:
  seed: 1
  splits:
  - {name: train, share: 5, size: {policy: KeepTotal}}
  domains:
  - name: math
    share: 1
    datasets:
    - name: sums
      source: {volume: {claimName: corpora, path: sums.jsonl}}
      record: {preset: gsm8k}
  output:
    volume: {claimName: datasets}
`

// A mapping that does not compile is found before anything is read.
func TestExpressionsAreCheckedFirst(t *testing.T) {
	broken := strings.Replace(fromClaim, "{preset: gsm8k}", `{question: "row.question +", referenceAnswer: row.answer, answerType: text}`, 1)
	_, err := run(t, "plan", "-f", write(t, broken), "--rows", "sums=10")
	if contract.ReasonOf(err) != contract.InvalidTask || !strings.Contains(fmt.Sprint(err), "data set sums") || !strings.Contains(fmt.Sprint(err), "row.question +") {
		t.Errorf("%v (%s)", err, contract.ReasonOf(err))
	}
}

func TestBuildFromAFolderThatStandsForAClaim(t *testing.T) {
	folder, data := t.TempDir(), t.TempDir()
	if err := os.WriteFile(filepath.Join(folder, "sums.jsonl"), []byte(`{"question":"1+1?","answer":"#### 2"}`), 0o600); err != nil {
		t.Fatal(err)
	}
	manifest := write(t, fromClaim)
	if _, err := run(t, "build", "-f", manifest, "--data", data); err == nil || !strings.Contains(err.Error(), "--claim corpora=FOLDER") {
		t.Errorf("without the claim: %v", err)
	}
	if out, err := run(t, "build", "-f", manifest, "--data", data, "--claim", "corpora="+folder); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	got, err := os.ReadFile(filepath.Join(data, "local", "current", "mixed", "train_mixed.jsonl"))
	want := `{"id":"sums_0","dataset":"sums","domain":"math","question":"1+1?","reference_answer":"2","answer_type":"numeric","metadata":{"source":"sums","original_id":"0"}}` + "\n"
	if err != nil || string(got) != want {
		t.Errorf("%s, %v", got, err)
	}
	if _, err := run(t, "verify", filepath.Join(data, "nowhere")); contract.ReasonOf(err) != contract.VolumeInvalid {
		t.Errorf("verify of nothing: %v", err)
	}
}

// Formats and numbers of files, built and proved, and said of each split.
func TestVerifySaysHowAMixLies(t *testing.T) {
	folder := t.TempDir()
	var rows strings.Builder
	for i := range 1200 {
		fmt.Fprintf(&rows, "{\"question\":\"%d+1?\",\"answer\":\"#### %d\"}\n", i, i+1)
	}
	if err := os.WriteFile(filepath.Join(folder, "sums.jsonl"), []byte(rows.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ spec, output, want string }{
		{"", "", "train: 1,200 rows, in the ratio, the order and the repeats of the recipe"},
		{"", "format: JSONLZstd", "train: 1,200 rows in a file of JSON Lines packed with zstd, in the ratio"},
		{"", "format: JSONLGzip\n    shards: 3", "train: 1,200 rows in 3 files of JSON Lines packed with gzip, in the ratio"},
		{"resample: WithReplacement", "format: Parquet\n    shards: 2", "train: 1,200 rows in 2 files of Parquet, in the ratio, the order and the draws of the recipe"},
	} {
		data := t.TempDir()
		manifest := write(t, strings.Replace(fromClaim, "spec:", "spec:\n  "+c.spec, 1)+"    "+c.output+"\n")
		if out, err := run(t, "build", "-f", manifest, "--data", data, "--claim", "corpora="+folder); err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
		if out, err := run(t, "verify", filepath.Join(data, "local")); err != nil || !strings.Contains(out, c.want) {
			t.Errorf("%v\n%s\nwant %s", err, out, c.want)
		}
	}
}

// TestPlanOfDraws says so where only a build knows.
func TestPlanOfDraws(t *testing.T) {
	manifest := strings.Replace(fromClaim, "spec:", "spec:\n  resample: WithReplacement", 1)
	manifest = strings.Replace(manifest, "policy: KeepTotal", "policy: Rows, rows: 50", 1)
	out, err := run(t, "plan", "-f", write(t, manifest), "--rows", "sums=10")
	if err != nil || !strings.Contains(out, "drawn  ") || strings.Contains(out, "0×") {
		t.Errorf("%v\n%s", err, out)
	}
}
