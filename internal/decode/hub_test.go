package decode

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/parquet-go/parquet-go"

	"github.com/datasetmix/datasetmix/internal/decode/decoded"
	"github.com/datasetmix/datasetmix/internal/testing/parquetfile"
)

// The shapes in which the Hub has the data sets, written from the originals: what is read back must be what went in.

type hubSquad struct {
	ID       string `parquet:"id"`
	Title    string `parquet:"title,dict"`
	Context  string `parquet:"context,dict"`
	Question string `parquet:"question"`
	Answers  struct {
		Text  []string `parquet:"text,list"`
		Start []int32  `parquet:"answer_start,list"`
	} `parquet:"answers"`
}

func TestHubSquad(t *testing.T) {
	fields := decoded.Required("id", "title", "context", "question", "answers")
	want, err := read(real(t, "squad2/dev-v2.0.json"), fields)
	if err != nil {
		t.Fatal(err)
	}
	rows := make([]hubSquad, len(want))
	for i, w := range want {
		rows[i] = hubSquad{ID: w.Values[0].(string), Title: w.Values[1].(string), Context: w.Values[2].(string), Question: w.Values[3].(string)}
		answers := w.Values[4].(map[string]any)
		for k, text := range answers["text"].([]any) {
			var start int32
			if _, err := fmt.Sscan(string(answers["answer_start"].([]any)[k].(decoded.Number)), &start); err != nil {
				t.Fatal(err)
			}
			rows[i].Answers.Text, rows[i].Answers.Start = append(rows[i].Answers.Text, text.(string)), append(rows[i].Answers.Start, start)
		}
	}
	data := parquetfile.Of(t, rows, parquet.Compression(&parquet.Zstd), parquet.MaxRowsPerRowGroup(1000), parquet.PageBufferSize(64<<10))
	got, err := read(data, fields)
	if err != nil {
		t.Fatal(err)
	}
	compareRows(t, want, got)
}

// hubHotpotSchema has list<list<string>>, which a struct's tags cannot say.
func hubHotpotSchema() *parquet.Schema {
	return parquet.NewSchema("hotpot", parquet.Group{
		"question": parquet.String(),
		"context": parquet.Group{
			"title":     parquet.Optional(parquet.List(parquet.Optional(parquet.String()))),
			"sentences": parquet.Optional(parquet.List(parquet.Optional(parquet.List(parquet.Optional(parquet.String()))))),
		},
	})
}

// levels writes one row's list of lists as Dremel does: the value, its repetition level and its definition level.
func levels(column int, lists [][]string) []parquet.Value {
	var out []parquet.Value
	for i, list := range lists {
		rep := min(i, 1)
		if len(list) == 0 {
			out = append(out, parquet.NullValue().Level(rep, 3, column))
		}
		for k, s := range list {
			if k > 0 {
				rep = 2
			}
			out = append(out, parquet.ByteArrayValue([]byte(s)).Level(rep, 5, column))
		}
	}
	if len(lists) == 0 {
		out = append(out, parquet.NullValue().Level(0, 1, column))
	}
	return out
}

func TestHubHotpot(t *testing.T) {
	original, err := read(real(t, "hotpotqa/hotpotqa_train.json"), decoded.Required("context", "question"))
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	w := parquet.NewWriter(&out, hubHotpotSchema(), parquet.Compression(&parquet.Snappy), parquet.PageBufferSize(4<<10))
	var want []got
	for i, o := range original {
		var titles []parquet.Value
		var sentences [][]string
		titleList, sentenceList := []any{}, []any{}
		for k, paragraph := range o.Values[0].([]any) {
			pair := paragraph.([]any)
			titles = append(titles, parquet.ByteArrayValue([]byte(pair[0].(string))).Level(min(k, 1), 3, 1))
			var list []string
			for _, s := range pair[1].([]any) {
				list = append(list, s.(string))
			}
			sentences = append(sentences, list)
			titleList, sentenceList = append(titleList, pair[0]), append(sentenceList, pair[1])
		}
		// Columns of a group are in alphabetical order: context.sentences, context.title, question.
		row := slices.Concat(levels(0, sentences), titles, []parquet.Value{parquet.ByteArrayValue([]byte(o.Values[1].(string))).Level(0, 0, 2)})
		if _, err := w.WriteRows([]parquet.Row{row}); err != nil {
			t.Fatal(err)
		}
		want = append(want, got{int64(i), "", []any{map[string]any{"title": titleList, "sentences": sentenceList}, o.Values[1]}})
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	rows, err := read(out.Bytes(), decoded.Required("context", "question"))
	if err != nil {
		t.Fatal(err)
	}
	compareRows(t, want, rows)
}

func TestLevels(t *testing.T) {
	var out []string
	for _, v := range levels(0, [][]string{{"a", "b"}, nil, {"c"}}) {
		out = append(out, fmt.Sprintf("%s r%d d%d", v, v.RepetitionLevel(), v.DefinitionLevel()))
	}
	if diff := cmp.Diff("a r0 d5, b r2 d5, <null> r1 d3, c r1 d5", strings.Join(out, ", ")); diff != "" {
		t.Error(diff)
	}
}

// compareRows compares without the places, which differ from format to format.
func compareRows(t *testing.T, want, rows []got) {
	t.Helper()
	if len(want) != len(rows) {
		t.Fatalf("%d rows, not %d", len(rows), len(want))
	}
	for i := range want {
		if diff := cmp.Diff(want[i].Values, rows[i].Values); diff != "" || rows[i].Number != want[i].Number {
			t.Fatalf("row %d is number %d\n%s", i, rows[i].Number, diff)
		}
	}
}

// TestPackings reads the same real rows through every packing.
func TestPackings(t *testing.T) {
	plain := string(real(t, "mbpp/sanitized-mbpp.json"))
	fields := decoded.Required("task_id", "prompt", "test_list")
	want, err := read([]byte(plain), fields)
	if err != nil {
		t.Fatal(err)
	}
	third := len(plain) / 3
	for name, data := range map[string][]byte{
		"gzip":                zipped(plain),
		"gzip of 3 members":   zipped(plain[:third], plain[third:2*third], plain[2*third:]),
		"zstd":                zstandard(plain),
		"zstd of 3 frames":    slices.Concat(zstandard(plain[:third]), zstandard(plain[third:2*third]), zstandard(plain[2*third:])),
		"a byte order mark":   []byte(byteOrder + plain),
		"CRLF between tokens": []byte(strings.ReplaceAll(plain, `}, {"source_file"`, "},\r\n{\"source_file\"")),
	} {
		rows, err := read(data, fields)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if diff := cmp.Diff(want, rows); diff != "" {
			t.Errorf("%s:\n%.1000s", name, diff)
		}
	}
}

// TestCutAnywhere cuts a file at many places: an error that names the damage, never a short data set.
func TestCutAnywhere(t *testing.T) {
	array := []byte("[{\"a\":\"x\",\"b\":[1,{\"c\":\"é\"}]},\n {\"a\":\"y\",\"b\":null}]")
	for name, whole := range map[string][]byte{"array": array, "gzip": zipped(string(array)), "zstd": zstandard(string(array)), "SQuAD": []byte(squadText)} {
		for cut := 1; cut < len(whole); cut++ {
			if rows, err := read(whole[:cut], decoded.Optional("a")); err == nil {
				t.Errorf("%s: cut at %d of %d gives %d rows and no error", name, cut, len(whole), len(rows))
			}
		}
		if _, err := read(whole, decoded.Optional("a")); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestDeepNesting has more levels than anyone means; the stack is finite.
func TestDeepNesting(t *testing.T) {
	for _, fields := range [][]decoded.Field{decoded.Optional("a"), nil} {
		deep := `{"a":` + strings.Repeat("[", 100_000) + strings.Repeat("]", 100_000) + "}"
		if _, err := read([]byte(deep), fields); err == nil || !strings.Contains(err.Error(), "exceeded max depth") {
			t.Errorf("%.200v", err)
		}
	}
}
