package report

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/datasetmix/datasetmix/internal/schema"
)

func card(t *testing.T, r Revision) string {
	t.Helper()
	out, err := Card(r)
	if err != nil {
		t.Fatal(err)
	}
	return string(out)
}

const frontMatter = `---
pretty_name: "grpo-six"
license:
- cc-by-sa-4.0
- mit
- unknown
size_categories:
- 100K<n<1M
tags:
- datasetmix
configs:
- config_name: "default"
  default: true
  data_files:
  - split: "train"
    path:
    - "mixed/train_mixed.jsonl"
  - split: "test"
    path:
    - "mixed/test_mixed.jsonl"
- config_name: "gsm8k"
  data_files:
  - split: "train"
    path:
    - "processed/gsm8k/train.jsonl"
  - split: "test"
    path:
    - "processed/gsm8k/test.jsonl"
---

# grpo-six
`

func TestCardFrontMatter(t *testing.T) {
	got := card(t, six())
	if diff := cmp.Diff(frontMatter, got[:min(len(frontMatter), len(got))]); diff != "" {
		t.Error(diff)
	}
}

// TestCardTypes: where the types of rows are known, every configuration has them and names its revision, so that a loader that
// keeps what it has read tells one revision from another; the folders of single data sets have cards of their own.
func TestCardTypes(t *testing.T) {
	r := six().with(func(r *Revision) {
		r.Fields = map[string]schema.Type{}
		for _, d := range r.Datasets {
			r.Fields[d.Name] = schema.Type{Members: map[string]schema.Type{"metadata": {Members: map[string]schema.Type{"source": {Scalar: schema.String}}}}}
		}
		r.Fields["gsm8k"].Members["metadata"].Members["a: b"] = schema.Type{Element: &schema.Type{Element: &schema.Type{Members: map[string]schema.Type{"n": {Scalar: schema.Null}}}}}
		r.Fields["math"].Members["metadata"].Members["at"] = schema.Type{Scalar: schema.Date}
		r.Fields["math"].Members["metadata"].Members["none"] = schema.Type{Members: map[string]schema.Type{}}
	})
	const texts = `  features:
  - name: "id"
    dtype: string
  - name: "dataset"
    dtype: string
  - name: "domain"
    dtype: string
  - name: "question"
    dtype: string
  - name: "reference_answer"
    dtype: string
  - name: "answer_type"
    dtype: string
  - name: "metadata"
`
	const odd = `    - name: "a: b"
      list:
        list:
        - name: "n"
          dtype: "null"
`
	const want = `  - split: "test"
    path:
    - "processed/gsm8k/test.jsonl"
dataset_info:
- config_name: "default"
` + texts + `    struct:
    - name: "source"
      dtype: string
` + odd + `    - name: "at"
      dtype: string
    - name: "none"
      struct: []
- config_name: "gsm8k"
` + texts + `    struct:
    - name: "source"
      dtype: string
` + odd + `---
`
	got := card(t, r)
	if !strings.Contains(got, want) {
		t.Error(got[:min(len(got), 2000)])
	}
	if n := strings.Count(got, `  description: "revision 3f9c2a1b0d"`); n != 2 {
		t.Errorf("%d of 2 configurations name the revision", n)
	}
	folder, err := r.folderCard("processed/", "the rows")
	if err != nil || !strings.Contains(string(folder), `    - "gsm8k/test.jsonl"`+"\ndataset_info:\n") || strings.Contains(string(folder), "default") {
		t.Errorf("%v, %s", err, folder)
	}
}

func TestCardSays(t *testing.T) {
	got := card(t, six())
	for _, want := range []string{
		"Revision `3f9c2a1b0d`, seed 42: 6 data sets in 3 domains, split train, test 5:1 before anything was repeated, then mixed math, qa, code 4:3:3. The rows of a mixed file are shuffled.\n",
		"## Before you use it\n\n- gsm8k: 6,227 rows repeat up to 6 times",
		"- humaneval: 137 rows repeat up to 176 times in the 24,016 rows it has in train.\n",
		"| train | 5 | KeepTotal | 160,107 | 61,001 |\n",
		"| domain | share | target | train rows | train achieved | test rows | test achieved |\n| --- | ---: | ---: | ---: | ---: | ---: | ---: |\n| math | 4 | 40.00 % | 64,043 | 40.00 % | 12,809 | 40.00 % |\n",
		"| gsm8k | math | openai/gsm8k, main, train | `740312add88f781978c0658806c59bc2815b9866` | gsm8k | mit | 7,473 | 0 |\n",
		"| mbpp | code | google-research-datasets/mbpp | `4bb6404fdc6cacfda99d4ac4205087b89d32030c` | mbpp | unknown | 427 | 0 |\n",
		"\n- squad2: 2 dropped because the same content came before.\n",
		"### test\n\n| data set | rows | balanced | mixed | distinct | most often |\n| --- | ---: | ---: | ---: | ---: | ---: |\n| gsm8k | 1,246 | 1,250 | 6,405 | 1,246 | 6× |\n",
		"| mixed/train\\_mixed.jsonl | 160,107 | 181,234,567 | `0123456789abcdef",
		"| mixed/info.json |  | 812 |",
	} {
		if !strings.Contains(got, want) {
			t.Errorf("the card has not\n%s", want)
		}
	}
}

// TestCardTables checks that every line of a table has as many cells as its head, whatever the names.
func TestCardTables(t *testing.T) {
	odd := "a|b\\|c\n`d`*_[<&"
	for _, r := range []Revision{six(), six().with(func(r *Revision) {
		r.Mix, r.Splits[0].Name, r.Splits[1].Policy = odd, odd, odd
		r.Datasets[0].Name, r.Datasets[1].Source, r.Datasets[2].License, r.Datasets[3].Mapping = odd, odd, odd, odd
		r.Files[0].Path = odd
	})} {
		columns := 0
		for number, line := range strings.Split(card(t, r), "\n") {
			if !strings.HasPrefix(line, "|") {
				columns = 0
				continue
			}
			cells := strings.Count(strings.ReplaceAll(strings.ReplaceAll(line, `\\`, ""), `\|`, ""), "|")
			if columns == 0 {
				columns = cells
			}
			if cells != columns {
				t.Errorf("line %d has %d bars and its table %d: %s", number+1, cells, columns, line)
			}
		}
	}
}

func TestCardShards(t *testing.T) {
	got := card(t, six().with(func(r *Revision) {
		r.Order = "Interleaved"
		r.Files = []File{
			{Path: "mixed/train_mixed-00000-of-00002.jsonl", Split: "train"},
			{Path: "mixed/train_mixed-00001-of-00002.jsonl", Split: "train"},
		}
	}))
	const want = `
  data_files:
  - split: "train"
    path:
    - "mixed/train_mixed-00000-of-00002.jsonl"
    - "mixed/train_mixed-00001-of-00002.jsonl"
---
`
	if !strings.Contains(got, want) {
		t.Error(got[:600])
	}
	if !strings.Contains(got, "interleaved, so that every prefix holds the ratio") {
		t.Error("the order is not named")
	}
}

func TestSizeCategory(t *testing.T) {
	for rows, want := range map[int64]string{0: "n<1K", 999: "n<1K", 1000: "1K<n<10K", 192129: "100K<n<1M", 999_999_999: "100M<n<1B", 1e11: "100B<n<1T", 1e12: "n>1T", 1 << 62: "n>1T"} {
		if got := sizeCategory(rows); got != want {
			t.Errorf("%d rows are %s, not %s", rows, got, want)
		}
	}
}

func TestYAML(t *testing.T) {
	for s, want := range map[string]string{"a": `"a"`, "yes": `"yes"`, "a: b #": `"a: b #"`, "\"\n<é>": `"\"\n<é>"`} {
		if got, err := yaml(s); got != want || err != nil {
			t.Errorf("%q is %s, %v", s, got, err)
		}
	}
}
