package draft

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"sigs.k8s.io/yaml"

	"github.com/datasetmix/datasetmix/internal/contract"
	"github.com/datasetmix/datasetmix/internal/recipe"
	"github.com/datasetmix/datasetmix/internal/source/open"
	"github.com/datasetmix/datasetmix/internal/testing/hub"
	"github.com/datasetmix/datasetmix/internal/testing/repos"
)

func TestNameOf(t *testing.T) {
	for _, test := range []struct {
		title string
		taken []string
		want  string
	}{
		{"chats", nil, "chats"}, {"My Chats (v2)", nil, "my-chats-v2"}, {"ärger_2", nil, "rger-2"}, {"日本", nil, "data"}, {"a", []string{"a", "a-2"}, "a-3"},
		{strings.Repeat("x", 50), nil, strings.Repeat("x", 37)}, {"x--", nil, "x"},
	} {
		if got := NameOf(test.title, test.taken); got != test.want {
			t.Errorf("%q next to %q: %q, want %q", test.title, test.taken, got, test.want)
		}
	}
}

// TestScalar: YAML reads what was written, whatever it is.
func TestScalar(t *testing.T) {
	for _, text := range []string{"row.question", `row.a + "\n\n" + row.b`, "it's", "yes", "1e5", "7403", "", " x ", "a: b # c", "{a}", "[x]", "-", "~", "null", "a,b", "日本"} {
		var got map[string]any
		if err := yaml.Unmarshal([]byte("{k: "+scalar(text)+"}"), &got); err != nil || got["k"] != text {
			t.Errorf("%q is written %s, and read %#v, %v", text, scalar(text), got["k"], err)
		}
	}
}

// specOf is what a manifest says, as far as drafts differ.
type specOf struct {
	Spec struct {
		Domains []struct {
			Name     string
			Share    int64
			Datasets []struct {
				Name   string
				Source map[string]map[string]string
				Record map[string]any
				Read   map[string]string
			}
		}
	}
}

func drafted(t *testing.T, in Inputs) (specOf, Mix, string) {
	t.Helper()
	mix, err := Collect(t.Context(), in)
	if err != nil {
		t.Fatal(err)
	}
	text, err := mix.Manifest()
	if err != nil {
		t.Fatal(err)
	}
	var read specOf
	if err := yaml.Unmarshal([]byte(text), &read); err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	return read, mix, text
}

func write(t *testing.T, name, content string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(name), 0o750); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(name, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
}

// TestFiles: shares are rows, bad rows are skipped and said, and names come from those of the files.
func TestFiles(t *testing.T) {
	t.Chdir(t.TempDir())
	write(t, "chats.jsonl", strings.Repeat(`{"messages":[{"role":"user","content":"Q"},{"role":"assistant","content":"A"}],"topic":"t"}`+"\n", 12))
	write(t, "more/chats.csv", "question,answer,level\nq1,a1,1\nq2,a2,2\nq3,,3\nq4,a4,1,too many\n")
	read, mix, text := drafted(t, Inputs{Names: []string{"./chats.jsonl", "more/chats.csv"}, File: "mix.yaml"})
	if mix.Command != "kubectl datasetmix build -f mix.yaml" {
		t.Errorf("the command is %q", mix.Command)
	}
	type row struct {
		name         string
		share        int64
		path         string
		record, read string
	}
	var got []row
	for _, domain := range read.Spec.Domains {
		d := domain.Datasets[0]
		preset, _ := d.Record["preset"].(string)
		if preset == "" {
			preset, _ = d.Record["question"].(string)
		}
		got = append(got, row{domain.Name, domain.Share, d.Source["volume"]["path"], preset, d.Read["onBadRow"]})
	}
	want := []row{{"chats", 12, "chats.jsonl", "messages", ""}, {"chats-2", 2, "more/chats.csv", "row.question", "Skip"}}
	if diff := cmp.Diff(want, got, cmp.AllowUnexported(row{})); diff != "" {
		t.Errorf("%s\n%s", diff, text)
	}
	for _, want := range []string{"# chats.jsonl: 12 rows with messages, topic", "rows without an answer are left out", "# 1 of wrong-shape: more/chats.csv, ", "# keep: [level]"} {
		if !strings.Contains(text, want) {
			t.Errorf("it lacks %q:\n%s", want, text)
		}
	}
}

// TestPlaces: files that are not below the manifest are named from the folder that holds all of them, which the command names.
func TestPlaces(t *testing.T) {
	root := t.TempDir()
	rows := strings.Repeat(`{"text":"T"}`+"\n", 2)
	write(t, filepath.Join(root, "data/a/one.jsonl"), rows)
	write(t, filepath.Join(root, "data/b/two.jsonl"), rows)
	write(t, filepath.Join(root, "work/here.jsonl"), rows)
	t.Chdir(filepath.Join(root, "work"))
	_, mix, text := drafted(t, Inputs{Names: []string{"../data/a/one.jsonl", "../data/b/two.jsonl"}, File: "mix.yaml"})
	if !strings.HasSuffix(mix.Command, "build -f mix.yaml --claim my-files="+filepath.Join(root, "data")) || !strings.Contains(text, "path: a/one.jsonl") || !strings.Contains(text, "path: b/two.jsonl") {
		t.Errorf("%s\n%s", mix.Command, text)
	}
	for what, c := range map[string]struct {
		names  []string
		reason contract.Reason
		want   string
	}{
		"no such file":        {[]string{"her.jsonl"}, contract.FileNotFound, "did you mean here.jsonl?"},
		"the folder itself":   {[]string{"."}, contract.InvalidTask, "name the files in it"},
		"another scheme":      {[]string{"s3://a/b"}, contract.InvalidTask, "hf://owner/name"},
		"a mistyped address":  {[]string{"hf://owner"}, contract.InvalidTask, "hf://owner/name"},
		"a file without rows": {[]string{filepath.Join(root, "empty.jsonl")}, contract.InvalidTask, "no member"},
	} {
		write(t, filepath.Join(root, "empty.jsonl"), "\n")
		mix, err := Collect(t.Context(), Inputs{Names: c.names, File: "mix.yaml"})
		if err == nil {
			_, err = mix.Manifest()
		}
		if contract.ReasonOf(err) != c.reason || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v", what, err)
		}
	}
}

// TestHub: what the card says is in the manifest, the commit is pinned, and the rows choose the preset.
func TestHub(t *testing.T) {
	standIn := hub.New(hub.Options{}, append(repos.Generated(0.02), hub.Repo{
		ID: "acme/qa", SHA: strings.Repeat("ab", 20), Files: map[string]hub.File{"en/a.jsonl": {Content: []byte(`{"question":"Q","answer":"A"}` + "\n")}, "de/a.jsonl": {Content: []byte(`{"question":"Q","answer":"A"}` + "\n")}},
		Configs: []hub.Config{{Name: "de", Data: []hub.SplitFiles{{Split: "validation", Paths: []string{"de/a.jsonl"}}, {Split: "train", Paths: []string{"de/a.jsonl"}}}}, {Name: "en", Data: []hub.SplitFiles{{Split: "test", Paths: []string{"en/*"}}}}},
		Card:    map[string]any{"dataset_info": []any{map[string]any{"config_name": "de", "splits": []any{map[string]any{"name": "train", "num_examples": 41}}}}},
	})...)
	var env open.Options
	env.Hub.Endpoint = hub.Start(t, standIn)
	read, _, text := drafted(t, Inputs{Names: []string{"hf://openai/gsm8k", "hf://datasets/acme/qa@main"}, File: "mix.yaml", Sources: env})
	gsm8k, qa := read.Spec.Domains[0].Datasets[0], read.Spec.Domains[1].Datasets[0]
	if diff := cmp.Diff(map[string]string{"repo": "openai/gsm8k", "revision": repos.GSM8KCommit, "config": "main", "split": "train"}, gsm8k.Source["huggingFace"]); diff != "" || gsm8k.Record["preset"] != "gsm8k" {
		t.Errorf("%s\n%s", diff, text)
	}
	if diff := cmp.Diff(map[string]string{"repo": "acme/qa", "revision": strings.Repeat("ab", 20), "config": "de", "split": "train"}, qa.Source["huggingFace"]); diff != "" || qa.Name != "qa" {
		t.Errorf("%s\n%s", diff, text)
	}
	for _, want := range []string{"# license: mit", "# the repository names no license", "# configurations: de, en", "# splits: validation, train"} {
		if !strings.Contains(text, want) {
			t.Errorf("it lacks %q:\n%s", want, text)
		}
	}
	if _, err := Collect(t.Context(), Inputs{Names: []string{"hf://acme/gone"}, File: "mix.yaml", Sources: env}); contract.ReasonOf(err) != contract.SourceNotFound {
		t.Errorf("a repository that is not there: %v", err)
	}
}

// TestShares: rows where all are known, within the bound of a share; else equal ones.
func TestShares(t *testing.T) {
	rows := func(counts ...int64) Mix {
		var m Mix
		for _, n := range counts {
			m.Datasets = append(m.Datasets, Dataset{Rows: n})
		}
		return m
	}
	for _, test := range []struct {
		mix  Mix
		want []int64
	}{
		{rows(12, 3), []int64{12, 3}}, {rows(12, 0), []int64{1, 1}}, {rows(5_000_000, 7, 1_000_001), []int64{1_000_000, 1, 200_000}},
		{Mix{Datasets: []Dataset{{Rows: 10, Kept: 6}}}, []int64{6}},
	} {
		if diff := cmp.Diff(test.want, test.mix.shares()); diff != "" {
			t.Error(diff)
		}
	}
	for kept, want := range map[int64]int64{1: 1, 2: 1, 5: 4, 10: 9, 1000: 9} {
		if got := rows(1000, kept, 0).trainShare(); got != want {
			t.Errorf("%d rows: %d parts of them are trained on, want %d", kept, got, want)
		}
	}
	if _, err := (Mix{Datasets: []Dataset{{Title: "a", Source: recipe.Source{Volume: &recipe.Volume{}}, Members: []string{"n"}}}}).Manifest(); contract.ReasonOf(err) != contract.InvalidTask {
		t.Errorf("nothing to make a record of: %v", err)
	}
}
