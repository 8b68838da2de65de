package decode

import (
	"bytes"
	"context"
	"encoding/json"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/datasetmix/datasetmix/internal/decode/decoded"
)

// TestRealRows counts the rows of whole public files and looks at the first.
func TestRealRows(t *testing.T) {
	for _, c := range []struct {
		file   string
		fields []decoded.Field
		rows   int
		first  []string // how the first values begin
	}{
		{"gsm8k/train.jsonl", decoded.Required("question", "answer"), 7473, []string{"Natalia sold clips", "Natalia sold 48/2"}},
		{"parquet/gsm8k-train.parquet", decoded.Required("extra_info.question", "reward_model.ground_truth"), 7473, []string{"Natalia sold clips", "72"}},
		{"math/train.jsonl", decoded.Required("problem", "solution", "level", "type"), 7500, []string{"Let \\[f(x)", "For the piecewise", "Level 5", "Algebra"}},
		{"squad2/dev-v2.0.json", decoded.Required("question", "title"), 6078, []string{"In what country is Normandy", "Normans"}},
		{"hotpotqa/hotpot_dev_v1_simplified.json", decoded.Required("question", "answer", "type"), 7405, []string{"Were Scott Derrickson", "yes", "comparison"}},
		{"hotpotqa/hotpotqa_train.json", decoded.Required("question", "level"), 100, []string{"If Gallu is a demon Lilu", "easy"}},
		{"humaneval/HumanEval.jsonl.gz", decoded.Required("task_id"), 164, []string{"HumanEval/0"}},
		{"mbpp/sanitized-mbpp.json", decoded.Required("prompt"), 427, []string{"Write a function to find the shared"}},
	} {
		t.Run(c.file, func(t *testing.T) {
			rows, err := read(real(t, c.file), c.fields)
			if err != nil {
				t.Fatal(err)
			}
			if len(rows) != c.rows {
				t.Errorf("%d rows, not %d", len(rows), c.rows)
			}
			for i, begin := range c.first {
				if v := rows[0].Values[i].(string); len(v) < len(begin) || v[:len(begin)] != begin {
					t.Errorf("field %s begins %.40q, not %q", c.fields[i].Name, v, begin)
				}
			}
		})
	}
}

// TestParquetEqualsJSONLines reads the same data set from both files: every question and every answer.
func TestParquetEqualsJSONLines(t *testing.T) {
	lines, err := read(real(t, "gsm8k/train.jsonl"), decoded.Required("question", "answer"))
	if err != nil {
		t.Fatal(err)
	}
	columns, err := read(real(t, "parquet/gsm8k-train.parquet"), decoded.Required("extra_info.question", "extra_info.answer"))
	if err != nil {
		t.Fatal(err)
	}
	for i := range columns {
		lines[i].Where, columns[i].Where = "", ""
	}
	if diff := cmp.Diff(lines, columns); diff != "" {
		t.Errorf("%.2000s", diff)
	}
}

// TestAgainstTheStandardLibrary compares every value of every row with encoding/json.
func TestAgainstTheStandardLibrary(t *testing.T) {
	for file, columns := range map[string][]string{
		"hotpotqa/hotpotqa_train.json": {"question", "context", "supporting_facts"},
		"mbpp/sanitized-mbpp.json":     {"task_id", "code", "test_list", "test_imports"},
	} {
		data := real(t, file)
		dec := json.NewDecoder(bytes.NewReader(data))
		dec.UseNumber()
		var want []map[string]any
		if err := dec.Decode(&want); err != nil {
			t.Fatal(err)
		}
		rows, err := read(data, decoded.Required(columns...))
		if err != nil {
			t.Fatal(err)
		}
		for i, row := range rows {
			for k, c := range columns {
				v := row.Values[k]
				if n, ok := v.(decoded.Number); ok {
					v = json.Number(n)
				}
				if c == "supporting_facts" {
					v, want[i][c] = jsonText(t, v), jsonText(t, want[i][c])
				}
				if diff := cmp.Diff(want[i][c], v); diff != "" {
					t.Fatalf("%s, row %d, %s:\n%s", file, i, c, diff)
				}
			}
		}
	}
}

func jsonText(tb testing.TB, v any) string {
	tb.Helper()
	text, err := json.Marshal(v)
	if err != nil {
		tb.Fatal(err)
	}
	return string(bytes.ReplaceAll(text, []byte(`"`), nil)) // A Number marshals as a string, a json.Number does not.
}

// flatten returns a file's rows as JSON Lines with the named columns.
func flatten(tb testing.TB, name string, columns ...string) []byte {
	tb.Helper()
	var out bytes.Buffer
	enc := json.NewEncoder(&out)
	enc.SetEscapeHTML(false)
	for row, err := range Rows(context.Background(), memory(real(tb, name)), decoded.Required(columns...)) {
		if err != nil {
			tb.Fatal(err)
		}
		object := map[string]any{}
		for i, c := range columns {
			object[c] = row.Values[i]
		}
		if err := enc.Encode(object); err != nil {
			tb.Fatal(err)
		}
	}
	return out.Bytes()
}
