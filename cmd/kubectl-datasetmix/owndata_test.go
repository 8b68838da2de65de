package main

import (
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/datasetmix/datasetmix/internal/contract"
	"github.com/datasetmix/datasetmix/internal/look"
	"github.com/datasetmix/datasetmix/internal/testing/hub"
	"github.com/datasetmix/datasetmix/internal/testing/repos"
)

// ownFiles is a manifest as one writes it for two files that lie next to it, without a volume for the output.
const ownFiles = `apiVersion: data.datasetmix.io/v1alpha1
kind: DatasetMix
metadata: {name: mine}
spec:
  seed: 1
  splits:
  - {name: train, share: 3, size: {policy: KeepTotal}}
  - {name: test, share: 1, size: {policy: KeepTotal}}
  domains:
  - name: sums
    share: 1
    datasets:
    - name: sums
      source: {volume: {claimName: mine, path: ./sums.jsonl}}
      record: {preset: gsm8k}
  - name: words
    share: 1
    datasets:
    - name: words
      source: {volume: {claimName: mine, path: more/words.csv}}
      record: {question: row.word, referenceAnswer: row.meaning, answerType: text}
`

// placed writes a manifest and the files that it reads next to it, and makes the folder of the current one.
func placed(t *testing.T, manifest string) (folder string) {
	t.Helper()
	folder = t.TempDir()
	t.Chdir(folder)
	var sums, words strings.Builder
	for i := range 40 {
		sums.WriteString(`{"question":"` + strings.Repeat("1+", i) + `1?","answer":"#### ` + strings.Repeat("1", i+1) + "\"}\n")
	}
	words.WriteString("word,meaning\n")
	for _, word := range []string{"ox", "yak", "emu", "asp"} {
		words.WriteString(word + ",an animal\n")
	}
	for name, content := range map[string]string{"mix.yaml": manifest, "sums.jsonl": sums.String(), "more/words.csv": words.String()} {
		if err := os.MkdirAll(filepath.Dir(name), 0o750); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return folder
}

// TestBuildOfOwnFiles: files next to the manifest need no claim, no volume and no folder to be named; what to know is below the table, and
// what was built is proved.
func TestBuildOfOwnFiles(t *testing.T) {
	folder := placed(t, ownFiles)
	out, err := run(t, "build", "-f", "mix.yaml")
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	for _, want := range []string{
		"Claim mine: . (the folder of the manifest)\n",
		"- train repeats rows of words (3 rows, up to 6 times)",
		"- test has few different rows of sums (5, ±44 points) and words (1, ±50 points)",
		"- The manifest names no volume for the output",
		"data/mine/current -> revisions/",
	} {
		if !strings.Contains(out, want) {
			t.Errorf("it lacks %q:\n%s", want, out)
		}
	}
	if out, err := run(t, "verify", "data/mine"); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
	t.Chdir(t.TempDir())
	if out, err := run(t, "build", "-f", filepath.Join(folder, "mix.yaml"), "--data", "elsewhere"); err != nil || !strings.Contains(out, "elsewhere/mine/current") {
		t.Errorf("from another folder: %v\n%s", err, out)
	}
}

// TestOwnFilesThatAreNotThere are said with what is there; a folder that was named is not looked for elsewhere, and a whole claim is never
// guessed.
func TestOwnFilesThatAreNotThere(t *testing.T) {
	placed(t, strings.Replace(ownFiles, "./sums.jsonl", "./sum.jsonl", 1))
	if _, err := run(t, "build", "-f", "mix.yaml"); contract.ReasonOf(err) != contract.InvalidTask || !strings.Contains(err.Error(), "did you mean sums.jsonl?") || !strings.Contains(err.Error(), "--claim mine=FOLDER") {
		t.Errorf("a file of another name: %v", err)
	}
	placed(t, strings.Replace(ownFiles, ", path: ./sums.jsonl", "", 1))
	if _, err := run(t, "build", "-f", "mix.yaml"); contract.ReasonOf(err) != contract.InvalidTask || !strings.Contains(err.Error(), "sums reads claim mine; say where") {
		t.Errorf("a whole claim: %v", err)
	}
	placed(t, ownFiles)
	if _, err := run(t, "build", "-f", "mix.yaml", "--claim", "mine="+t.TempDir()); contract.ReasonOf(err) != contract.SourceNotFound {
		t.Errorf("a folder without the file: %v", err)
	}
}

// TestPlanWithoutAVolume: a manifest that a cluster would refuse for that alone has a plan, with a note.
func TestPlanWithoutAVolume(t *testing.T) {
	placed(t, ownFiles)
	for what, spec := range map[string]string{"no output": "", "an empty output": "  output:\n", "a path alone": "  output: {path: mine}\n"} {
		if err := os.WriteFile("mix.yaml", []byte(ownFiles+spec), 0o600); err != nil {
			t.Fatal(err)
		}
		if out, err := run(t, "plan", "-f", "mix.yaml", "--rows", "sums=40,words=4"); err != nil || !strings.Contains(out, "a cluster needs spec.output.volume") {
			t.Errorf("%s: %v\n%s", what, err, out)
		}
	}
}

// TestInit: a manifest that is made from files builds unchanged and is proved; the sample has a plan; no file is overwritten unless that is asked for.
func TestInit(t *testing.T) {
	t.Chdir(t.TempDir())
	var chats strings.Builder
	for i := range 30 {
		chats.WriteString(`{"messages":[{"role":"user","content":"Question ` + strings.Repeat("I", i+1) + `?"},{"role":"assistant","content":"Yes."}]}` + "\n")
	}
	pairs := "prompt,chosen,rejected\nName a bird.,A finch.,No.\nName a tree.,An oak.,No.\nName a fish.,A carp.,No.\n"
	for name, content := range map[string]string{"chats.jsonl": chats.String(), "pairs.csv": pairs} {
		if err := os.WriteFile(name, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	out, err := run(t, "init", "./chats.jsonl", "./pairs.csv")
	if err != nil || !strings.Contains(out, "kubectl datasetmix build -f mix.yaml\n") {
		t.Fatalf("%v\n%s", err, out)
	}
	if out, err := run(t, "build", "-f", "mix.yaml"); err != nil || strings.Contains(out, "names no volume") {
		t.Fatalf("%v\n%s", err, out)
	}
	if out, err := run(t, "verify", "data/mix"); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
}

// TestInitOverwritesNothing unasked; a manifest may go to standard output, and a mistyped file is answered by the name that was meant.
func TestInitOverwritesNothing(t *testing.T) {
	t.Chdir(t.TempDir())
	if err := os.WriteFile("pairs.csv", []byte("prompt,chosen,rejected\nName a bird.,A finch.,No.\nName a tree.,An oak.,No.\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if out, err := run(t, "init", "pairs.csv"); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	for what, arguments := range map[string][]string{"the sample": {"init"}, "another draft": {"init", "pairs.csv"}} {
		if _, err := run(t, arguments...); contract.ReasonOf(err) != contract.InvalidTask || !strings.Contains(err.Error(), "mix.yaml exists") {
			t.Errorf("%s over a manifest: %v", what, err)
		}
	}
	if out, err := run(t, "init", "--force"); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
	if out, err := run(t, "plan", "-f", "mix.yaml", "--rows", "gsm8k=7473,math=7500,squad2=87599,hotpotqa=88966,humaneval=164,mbpp=427"); err != nil || !strings.Contains(out, "160,107") {
		t.Errorf("the sample: %v\n%s", err, out)
	}
	if out, err := run(t, "init", "pairs.csv", "-f", "-"); err != nil || !strings.Contains(out, "record: {preset: preference}") {
		t.Errorf("to standard output: %v\n%s", err, out)
	}
	if _, err := run(t, "init", "pears.csv", "-f", "other.yaml"); contract.ReasonOf(err) != contract.FileNotFound || !strings.Contains(err.Error(), "did you mean pairs.csv?") {
		t.Errorf("a mistyped name: %v", err)
	}
}

// TestInitOfARepository: over HTTP, from the card alone to a mix.
func TestInitOfARepository(t *testing.T) {
	t.Chdir(t.TempDir())
	t.Setenv("HF_ENDPOINT", hub.Start(t, hub.New(hub.Options{}, repos.Generated(0.02)...)))
	if out, err := run(t, "init", "hf://openai/gsm8k", "hf://datasets/rajpurkar/squad_v2"); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	if out, err := run(t, "build", "-f", "mix.yaml"); err != nil || !strings.Contains(out, "data/mix/current -> ") {
		t.Fatalf("%v\n%s", err, out)
	}
	if _, err := run(t, "init", "hf://openai/gsm9k", "-f", "other.yaml"); contract.ReasonOf(err) != contract.SourceNotFound {
		t.Errorf("a repository that is not there: %v", err)
	}
}

// TestPlanLook: rows as they would be published, and then the plan of what was counted; a build that would fail fails here, with the
// reason and the name that was meant.
func TestPlanLook(t *testing.T) {
	placed(t, ownFiles)
	out, err := run(t, "plan", "-f", "mix.yaml", "--look")
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	for _, want := range []string{"sums/sums: volume mine/./sums.jsonl\n  looked at all 40 rows of 1 file: 40 kept\n", `question          "ox"`, "words  ", "MOST REPEATED", "- train repeats rows of words"} {
		if !strings.Contains(out, want) {
			t.Errorf("it lacks %q:\n%s", want, out)
		}
	}
	if out, err := run(t, "plan", "-f", "mix.yaml", "--look=3"); err != nil || !strings.Contains(out, "looked at the first 3 rows") || strings.Contains(out, "MOST REPEATED") {
		t.Errorf("not all rows: %v\n%s", err, out)
	}
	var seen []look.Dataset
	out, err = run(t, "plan", "-f", "mix.yaml", "--look", "--show", "2", "-o", "json")
	if err := errors.Join(err, json.Unmarshal([]byte(out), &seen)); err != nil || len(seen) != 2 || len(seen[0].Rows) != 2 || seen[1].Kept != 4 {
		t.Errorf("for programs: %v\n%s", err, out)
	}
}

// TestPlanLookHelps: with the member that was meant, and with the preset that fits.
func TestPlanLookHelps(t *testing.T) {
	placed(t, strings.Replace(ownFiles, "row.meaning", "row.meening", 1))
	out, err := run(t, "plan", "-f", "mix.yaml", "--look")
	if contract.ReasonOf(err) != contract.InvalidData || !strings.Contains(out, `no row has the member "meening"; did you mean meaning?`) {
		t.Errorf("a mistyped member: %v\n%s", err, out)
	}
	placed(t, strings.Replace(ownFiles, "{preset: gsm8k}", "{question: row.question, referenceAnswer: row.answer, answerType: text}", 1))
	if out, err := run(t, "plan", "-f", "mix.yaml", "--look"); err != nil || !strings.Contains(out, "the rows fit a preset: record: {preset: gsm8k}") {
		t.Errorf("a preset that fits: %v\n%s", err, out)
	}
	if _, err := run(t, "plan", "-f", "mix.yaml"); err == nil || !strings.Contains(err.Error(), "rows") {
		t.Errorf("neither rows nor a look: %v", err)
	}
}

// BenchmarkPlan is the plan of the six data sets, with the manifest read and judged: it should take less than 100 ms.
func BenchmarkPlan(b *testing.B) {
	for b.Loop() {
		if _, err := run(b, "plan", "-f", grpoSix, "--rows", "gsm8k=7473,math=7500,squad2=87599,hotpotqa=88966,humaneval=164,mbpp=427"); err != nil {
			b.Fatal(err)
		}
	}
}
