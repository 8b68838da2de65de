package mapping

import (
	"bytes"
	"context"
	"reflect"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/datasetmix/datasetmix/internal/decode"
	"github.com/datasetmix/datasetmix/internal/decode/decoded"
	"github.com/datasetmix/datasetmix/internal/mapping/language"
	"github.com/datasetmix/datasetmix/internal/recipe"
	"github.com/datasetmix/datasetmix/internal/record"
	"github.com/datasetmix/datasetmix/internal/testing/realrows"
)

// open finds a file of whole public data.
func open(tb testing.TB, file string) decode.File {
	tb.Helper()
	data := realrows.Read(tb, file)
	return decode.File{Name: file, Data: bytes.NewReader(data), Size: int64(len(data))}
}

// records maps a whole file. Other fields may take the place of the preset's own, in their order.
func records(tb testing.TB, file, preset string, fields ...decoded.Field) []record.Record {
	tb.Helper()
	p, err := Lookup(recipe.PresetVersion(preset))
	if err != nil {
		tb.Fatal(err)
	}
	if fields == nil {
		fields = p.Fields()
	}
	var out []record.Record
	for row, err := range decode.Rows(context.Background(), open(tb, file), fields) {
		if err != nil {
			tb.Fatal(err)
		}
		r, _, err := Map(p, row, Origin{Dataset: preset, Domain: "d", Number: row.Number})
		if err != nil {
			tb.Fatal(err)
		}
		out = append(out, r)
	}
	return out
}

// duplicates counts the rows whose question an earlier row has.
func duplicates(rows []record.Record) int {
	seen := map[[32]byte]bool{}
	for _, r := range rows {
		seen[r.Digests().Question] = true
	}
	return len(rows) - len(seen)
}

func TestRealRecords(t *testing.T) {
	for _, c := range []struct {
		file, preset     string
		rows, duplicates int
		first, original  string // the reference answer and the original id of row 0
	}{
		{"gsm8k/train.jsonl", "gsm8k", 7473, 0, "72", "0"},
		{"math/train.jsonl", "math", 7500, 0, "0", "0"},
		{"squad2/dev-v2.0.json", "squad2", 6078, 4, "France", "68cf05f67fd29c6f129fe2fb9"},
		{"hotpotqa/hotpot_dev_v1_simplified.json", "hotpotqa", 7405, 0, "yes", "0"},
		{"hotpotqa/hotpotqa_train.json", "hotpotqa", 100, 0, "a spirit", "5a77ec115542992a6e59dff7"},
		{"hotpotqa/hotpotqa_train.json", "hotpotqa-context", 100, 0, "a spirit", "5a77ec115542992a6e59dff7"},
		{"humaneval/HumanEval.jsonl.gz", "humaneval", 164, 0, "", "HumanEval/0"},
		{"mbpp/sanitized-mbpp.json", "mbpp", 427, 0, "", "2"},
	} {
		t.Run(c.preset+" "+c.file, func(t *testing.T) {
			rows := records(t, c.file, c.preset)
			if len(rows) != c.rows || duplicates(rows) != c.duplicates {
				t.Errorf("%d rows, %d duplicates", len(rows), duplicates(rows))
			}
			if r := rows[0]; c.first != "" && r.ReferenceAnswer != c.first || r.ID != c.preset+"_0" || r.Metadata[1] != (record.Entry{Key: record.KeyOriginalID, Value: record.StringOf(c.original)}) {
				t.Errorf("row 0 is %+v", r)
			}
			for _, r := range rows {
				line := r.AppendJSON(nil)
				again, err := record.Parse(line)
				if err != nil {
					t.Fatalf("%s: %v", r.ID, err)
				}
				if !reflect.DeepEqual(r, again) {
					t.Fatalf("%s:\n%s", r.ID, cmp.Diff(r, again))
				}
			}
		})
	}
}

func TestRealGSM8K(t *testing.T) {
	rows := records(t, "gsm8k/train.jsonl", "gsm8k")
	for _, r := range rows {
		if _, err := strconv.ParseInt(r.ReferenceAnswer, 10, 64); err != nil {
			t.Errorf("%s: %v", r.ID, err)
		}
	}
	// The same data set from another publisher, as Parquet with nested columns.
	columns := records(t, "parquet/gsm8k-train.parquet", "gsm8k", decoded.Required("extra_info.question", "extra_info.answer")...)
	if !reflect.DeepEqual(rows, columns) {
		t.Errorf("Parquet differs:\n%.2000s", cmp.Diff(rows, columns))
	}
}

// TestRealMATH compares with the rule as it is usually written: the last \boxed, braces counted without a look at escapes.
func TestRealMATH(t *testing.T) {
	rows := records(t, "math/train.jsonl", "math")
	var empty, unlike []string
	for source, err := range decode.Rows(context.Background(), open(t, "math/train.jsonl"), decoded.Required("solution")) {
		if err != nil {
			t.Fatal(err)
		}
		r := rows[source.Number]
		if r.ReferenceAnswer == "" {
			empty = append(empty, r.ID)
		}
		if r.ReferenceAnswer != plainBoxed(source.Values[0].(string)) {
			unlike = append(unlike, r.ReferenceAnswer)
		}
	}
	if diff := cmp.Diff([]string{"math_5341", "math_5343"}, empty); diff != "" {
		t.Errorf("rows with an empty box:\n%s", diff)
	}
	if diff := cmp.Diff([]string{"2", "9"}, unlike); diff != "" {
		t.Errorf("answers that have only the form without braces:\n%s", diff)
	}
}

func plainBoxed(solution string) string {
	at := strings.LastIndex(solution, `\boxed`) + len(`\boxed`)
	depth := 0
	for i, c := range solution[at:] {
		switch c {
		case '{':
			depth++
		case '}':
			depth--
		}
		if i == 0 && depth == 0 {
			return ""
		}
		if depth == 0 {
			return solution[at+1 : at+i]
		}
	}
	return ""
}

func TestRealSQuAD(t *testing.T) {
	count := map[string]int{}
	for _, r := range records(t, "squad2/dev-v2.0.json", "squad2") {
		for _, e := range r.Metadata {
			if e.Key == "is_impossible" {
				count[string(e.Value)]++
			}
			if e.Key == "answers" && (r.ReferenceAnswer == language.Unanswerable) != (e.Value == `[]`) {
				t.Errorf("%s: %s, answers %s", r.ID, r.ReferenceAnswer, e.Value)
			}
		}
	}
	if diff := cmp.Diff(map[string]int{`"true"`: 3168, `"false"`: 2910}, count); diff != "" {
		t.Error(diff)
	}
}

func TestRealHotpotContext(t *testing.T) {
	r := records(t, "hotpotqa/hotpotqa_train.json", "hotpotqa-context")[0]
	if !strings.HasPrefix(r.Question, "Demon Dice\nDemon Dice, originally published as Chaos Progenitus, is a collectible") ||
		!strings.Contains(r.Question, "Tim Brown. In it, each player") ||
		!strings.HasSuffix(r.Question, "\n\nIf Gallu is a demon Lilu is what?") {
		t.Errorf("%.300s … %s", r.Question, r.Question[len(r.Question)-100:])
	}
}

func TestRealCode(t *testing.T) {
	newline := 0
	for _, r := range records(t, "humaneval/HumanEval.jsonl.gz", "humaneval") {
		if strings.HasPrefix(r.Question, "\n") {
			newline++
		}
	}
	if newline != 142 {
		t.Errorf("%d prompts begin with a line end, not 142: prompts must not be trimmed", newline)
	}
}

func BenchmarkMap(b *testing.B) {
	rows := records(b, "squad2/dev-v2.0.json", "squad2")
	var bytes int64
	for _, r := range rows {
		bytes += int64(len(r.AppendJSON(nil)))
	}
	b.Run("AppendJSON", func(b *testing.B) {
		b.SetBytes(bytes)
		b.ReportAllocs()
		var line []byte
		for b.Loop() {
			for i := range rows {
				line = rows[i].AppendJSON(line[:0])
			}
		}
	})
	b.Run("Digests", func(b *testing.B) {
		b.SetBytes(bytes)
		b.ReportAllocs()
		for b.Loop() {
			for i := range rows {
				rows[i].Digests()
			}
		}
	})
	b.Run("Parse", func(b *testing.B) {
		lines := make([][]byte, len(rows))
		for i := range rows {
			lines[i] = rows[i].AppendJSON(nil)
		}
		b.SetBytes(bytes)
		b.ReportAllocs()
		for b.Loop() {
			for _, line := range lines {
				if _, err := record.Parse(line); err != nil {
					b.Fatal(err)
				}
			}
		}
	})
	p, _ := Lookup("squad2")
	row := decoded.Row{Values: []any{rows[0].Question, "q", texts("a", "b"), "i", "T", false}}
	b.Run("Map", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if _, _, err := Map(p, row, Origin{"squad2", "qa", 1}); err != nil {
				b.Fatal(err)
			}
		}
	})
}

// TestRealRowsAreKeptByTheRuleOfToday: no row of the public data sets is a bad row, by its answer or otherwise.
func TestRealRowsAreKeptByTheRuleOfToday(t *testing.T) {
	for preset, c := range map[string]struct {
		file string
		rows int
	}{
		"gsm8k": {"gsm8k/train.jsonl", 7473}, "math": {"math/train.jsonl", 7500}, "squad2": {"squad2/dev-v2.0.json", 6078},
		"hotpotqa": {"hotpotqa/hotpot_dev_v1_simplified.json", 7405}, "humaneval": {"humaneval/HumanEval.jsonl.gz", 164}, "mbpp": {"mbpp/sanitized-mbpp.json", 427},
	} {
		m, err := Compile(recipe.Record{Preset: recipe.PresetVersion(preset), Rule: recipe.RecordRule})
		if err != nil {
			t.Fatal(err)
		}
		rows := 0
		for row, err := range decode.Rows(context.Background(), open(t, c.file), m.Fields()) {
			if err != nil {
				t.Fatal(err)
			}
			if _, err := m.Map(row); err != nil {
				t.Errorf("%s: %v", preset, err)
			}
			rows++
		}
		if rows != c.rows {
			t.Errorf("%s: %d rows, want %d", preset, rows, c.rows)
		}
	}
}
