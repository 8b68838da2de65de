package decode

import (
	"bytes"
	"compress/gzip"
	"context"
	"io"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/klauspost/compress/zstd"

	"github.com/datasetmix/datasetmix/internal/decode/decoded"
	"github.com/datasetmix/datasetmix/internal/testing/parquetfile"
)

// rawOf returns the values of the rows of a file, as Rows and Batches give them, and the first error. Members that a row has not are "-".
func rawOf(t *testing.T, f File, fields ...decoded.Field) (rows [][]decoded.JSON, failure string) {
	t.Helper()
	take := func(row decoded.Row) (texts []decoded.JSON) {
		for i, v := range row.Values {
			switch v := v.(type) {
			case decoded.JSON:
				texts = append(texts, v)
			case nil:
				texts = append(texts, "-")
			default:
				if fields[i].Raw {
					t.Errorf("%s: a %T", fields[i].Name, v)
				}
			}
		}
		return texts
	}
	for row, err := range Rows(context.Background(), f, fields) {
		if err != nil {
			failure = err.Error()
			break
		}
		rows = append(rows, take(row))
	}
	var again [][]decoded.JSON
	for batch, err := range Batches(context.Background(), f, fields) {
		for _, row := range batch.Rows {
			again = append(again, take(row))
		}
		if err != nil {
			break
		}
	}
	if diff := cmp.Diff(rows, again); diff != "" {
		t.Errorf("Rows and Batches differ:\n%s", diff)
	}
	return rows, failure
}

func raw(names ...string) (fields []decoded.Field) {
	for _, name := range names {
		fields = append(fields, decoded.Field{Name: name, Optional: true, Raw: true})
	}
	return fields
}

func textFile(text string) File {
	return File{Name: "rows", Data: bytes.NewReader([]byte(text)), Size: int64(len(text))}
}

// TestRawMembers: what is asked for with Raw is the source's text to the byte, whatever it is, on one line.
func TestRawMembers(t *testing.T) {
	const line = ` {"a": {"z" : 1.50,  "a":"h\u00e9\/"} ,"b":null,"c":"x\n","d.e":[ ],` + "\t" + `"f":-0, "g":true}  `
	squad := `{"data":[{"title":"T\u0021","paragraphs":[{"context":"C","qas":[{"question":"Q" ,"id":"1","answers":[{"answer_start":3,"text":"x"}]}]}]}]}`
	for _, c := range []struct {
		name, text string
		fields     []decoded.Field
		want       [][]decoded.JSON
	}{
		{"JSON Lines", line + "\n" + `{"a":1}` + "\n", raw("a", "b", "c", "d.e", "f", "g", "h"), [][]decoded.JSON{
			{`{"z" : 1.50,  "a":"h\u00e9\/"}`, `null`, `"x\n"`, `[ ]`, `-0`, `true`, "-"}, {"1", "-", "-", "-", "-", "-", "-"}}},
		{"names with escapes", `{"\u0061":[ 1 ]}` + "\n", raw("a"), [][]decoded.JSON{{"[ 1 ]"}}},
		{"the whole row", line + "\n", raw(""), [][]decoded.JSON{{decoded.JSON(line[1 : len(line)-2])}}},
		{"a path is no name", `{"a":{"b":1}}`, raw("a.b"), [][]decoded.JSON{{"-"}}},
		{"beside a field below it", `{"a":{"b": 1}}`, append(raw("a"), decoded.Field{Name: "a.b"}), [][]decoded.JSON{{`{"b": 1}`}}},
		{"beside the field itself", `{"a":{"b": 1}}`, append(raw("a"), decoded.Field{Name: "a"}), [][]decoded.JSON{{`{"b": 1}`}}},
		{"an array", "[\n" + line + ",\n{\"a\":2}]", raw("a", "c"), [][]decoded.JSON{{`{"z" : 1.50,  "a":"h\u00e9\/"}`, `"x\n"`}, {"2", "-"}}},
		{"over several lines", "[{\n  \"a\": [\n    {\"b c\": \"d  \\\" e\"},\r\n 2\n ]\n}]", raw("a", ""), [][]decoded.JSON{{`[{"b c":"d  \" e"},2]`, `{"a":[{"b c":"d  \" e"},2]}`}}},
		{"SQuAD", squad, raw("title", "context", "question", "answers", "id", ""), [][]decoded.JSON{{`"T\u0021"`, `"C"`, `"Q"`, `{"text":["x"],"answer_start":[3]}`, `"1"`,
			`{"id":"1","title":"T\u0021","context":"C","question":"Q","answers":{"text":["x"],"answer_start":[3]}}`}}},
		{"a table", "a,b\nx,\"1 \"\"2\"\"\"\ny,\n", raw("a", "b", "c", ""), [][]decoded.JSON{{`"x"`, `"1 \"2\""`, "-", `{"a":"x","b":"1 \"2\""}`}, {`"y"`, `""`, "-", `{"a":"y","b":""}`}}},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, failure := rawOf(t, textFile(c.text), c.fields...)
			if diff := cmp.Diff(c.want, got); diff != "" || failure != "" {
				t.Errorf("%s\n%s", failure, diff)
			}
		})
	}
}

// TestRawNumbersThatAreNotFinite are null or make a bad row wherever they stand in what is kept, and nowhere else.
func TestRawNumbersThatAreNotFinite(t *testing.T) {
	const text = `{"a":{"b":[NaN, -Infinity ,"NaN"]},"c":1}` + "\n"
	for _, fields := range [][]decoded.Field{raw("a"), raw("")} {
		if _, failure := rawOf(t, textFile(text), fields...); failure == "" {
			t.Error("no bad row")
		}
	}
	if got, failure := rawOf(t, textFile(text), raw("c")...); failure != "" || got[0][0] != "1" {
		t.Errorf("%v, %s", got, failure)
	}
	f := textFile(text)
	f.NonFinite = decoded.NonFiniteNull
	got, failure := rawOf(t, f, raw("a", "")...)
	if diff := cmp.Diff([][]decoded.JSON{{`{"b":[null, null ,"NaN"]}`, `{"a":{"b":[null, null ,"NaN"]},"c":1}`}}, got); diff != "" || failure != "" {
		t.Errorf("%s\n%s", failure, diff)
	}
}

// TestRawMembersOfPackedFiles are the same.
func TestRawMembersOfPackedFiles(t *testing.T) {
	const text = `{"a":{"z" : 1, "a":2}}` + "\n"
	for name, pack := range map[string]func(io.Writer) io.WriteCloser{
		"gzip": func(w io.Writer) io.WriteCloser { return gzip.NewWriter(w) },
		"zstd": func(w io.Writer) io.WriteCloser { z, _ := zstd.NewWriter(w); return z },
	} {
		var out bytes.Buffer
		w := pack(&out)
		if _, err := io.WriteString(w, text); err != nil {
			t.Fatal(err)
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
		got, failure := rawOf(t, textFile(out.String()), raw("a")...)
		if diff := cmp.Diff([][]decoded.JSON{{`{"z" : 1, "a":2}`}}, got); diff != "" || failure != "" {
			t.Errorf("%s: %s\n%s", name, failure, diff)
		}
	}
}

// TestRawColumnsOfParquet have the order of the schema, and null where the value is.
func TestRawColumnsOfParquet(t *testing.T) {
	type part struct {
		Z int64  `parquet:"z"`
		A string `parquet:"a"`
	}
	type record struct {
		Q string  `parquet:"q"`
		M []part  `parquet:"m,list"`
		N *string `parquet:"n,optional"`
		P *part   `parquet:"p,optional"`
	}
	file := parquetfile.Of(t, []record{{"x\"", []part{{1, "é"}}, nil, nil}, {"", nil, new(string), &part{2, ""}}})
	got, failure := rawOf(t, textFile(string(file)), raw("q", "m", "n", "p", "gone", "m.list", "")...)
	want := [][]decoded.JSON{
		{`"x\""`, `[{"z":1,"a":"é"}]`, `null`, `null`, "-", "-", `{"q":"x\"","m":[{"z":1,"a":"é"}],"n":null,"p":null}`},
		{`""`, `[]`, `""`, `{"z":2,"a":""}`, "-", "-", `{"q":"","m":[],"n":"","p":{"z":2,"a":""}}`},
	}
	if diff := cmp.Diff(want, got); diff != "" || failure != "" {
		t.Errorf("%s\n%s", failure, diff)
	}
}
