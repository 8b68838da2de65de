package mapping

import (
	"bytes"
	"context"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/parquet-go/parquet-go"

	"github.com/datasetmix/datasetmix/internal/decode"
	"github.com/datasetmix/datasetmix/internal/recipe"
	"github.com/datasetmix/datasetmix/internal/record"
)

// keptIn returns what a record keeps of the first row of a file.
func keptIn(t *testing.T, r recipe.Record, content string) []record.Entry {
	t.Helper()
	m, err := Compile(r)
	if err != nil {
		t.Fatal(err)
	}
	for row, err := range decode.Rows(context.Background(), decode.File{Name: "rows", Data: bytes.NewReader([]byte(content)), Size: int64(len(content))}, m.Fields()) {
		if err != nil {
			t.Fatal(err)
		}
		content, err := m.Map(row)
		if err != nil {
			t.Fatal(err)
		}
		return content.Metadata
	}
	t.Fatal("no row")
	return nil
}

// TestMembersKeepTheirOrder: a list or an object that is kept as it stands has the members in the order of the source, in every
// format that has one; strings are as published, and numbers keep their digits.
func TestMembersKeepTheirOrder(t *testing.T) {
	keeping := func(change func(*recipe.Record), values ...string) recipe.Record {
		return today(func(r *recipe.Record) {
			r.ReferenceAnswer = `"a"`
			for i, v := range values {
				r.Metadata = append(r.Metadata, recipe.Metadata{Name: "m" + string(rune('0'+i)), Value: v})
			}
			change(r)
		})
	}
	same := func(*recipe.Record) {}
	const (
		spaced  = `{"q":"Q","m": [ {"role": "user", "content": "h\u00e9\/", "x":{"unit": 1.50, "city": null} } ],"t":{"z":1,"a":{"y":2,"b":[{"d":1,"c":2}]}},"s":"text"}`
		message = `[{"role":"user","content":"hé/","x":{"unit":1.50,"city":null}}]`
		tools   = `{"z":1,"a":{"y":2,"b":[{"d":1,"c":2}]}}`
	)
	for _, c := range []struct {
		name, content string
		record        recipe.Record
		want          []record.Entry
	}{
		{"JSON Lines", spaced + "\n", keeping(same, `row.m`, `row.?t`, `row.s`, `row.?gone`), []record.Entry{{Key: "m0", Value: message}, {Key: "m1", Value: tools}, {Key: "m2", Value: `"text"`}}},
		{"names with escapes, which are read the slow way", `{"q":"Q","\u006d":[{"b":1,"a":2}]}` + "\n", keeping(same, `row.m`), []record.Entry{{Key: "m0", Value: `[{"b":1,"a":2}]`}}},
		{"a JSON array", "[\n" + spaced + "\n]", keeping(same, `row.m`, `row.t`), []record.Entry{{Key: "m0", Value: message}, {Key: "m1", Value: tools}}},
		{"a field that is used elsewhere, too", spaced + "\n", keeping(func(r *recipe.Record) { r.ReferenceAnswer, r.Where = `row.m[0].content`, `has(row.t)` }, `row.m`), []record.Entry{{Key: "m0", Value: message}}},
		{"kept twice", spaced + "\n", keeping(same, `row.m`, `row.m`), []record.Entry{{Key: "m0", Value: message}, {Key: "m1", Value: message}}},
		{"a null", `{"q":"Q","m":null}` + "\n", keeping(same, `row.?m`), nil},
		{"a table", "q,m\nQ,\"[{\"\"b\"\":1}]\"\n", keeping(same, `row.m`), []record.Entry{{Key: "m0", Value: `"[{\"b\":1}]"`}}},
		{"what an expression makes, by name", spaced + "\n", keeping(same, `row.m.first()`), []record.Entry{{Key: "m0", Value: `{"content":"hé/","role":"user","x":{"city":null,"unit":1.50}}`}}},
		{"a record of before, by name", spaced + "\n", base(func(r *recipe.Record) {
			r.ReferenceAnswer, r.Metadata = `"a"`, []recipe.Metadata{{Name: "m0", Value: `row.t`}}
		}), []record.Entry{{Key: "m0", Value: `{"a":{"b":[{"c":2,"d":1}],"y":2},"z":1}`}}},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := keptIn(t, c.record, c.content)
			if len(got) == 0 {
				got = nil
			}
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Error(diff)
			}
			line := record.Record{Question: "Q", Metadata: got}
			if _, err := record.Parse(line.AppendJSON(nil)); err != nil {
				t.Errorf("it is not in the published form: %v", err)
			}
		})
	}
}

// TestMembersOfParquetKeepTheirOrder: the order of a group is that of the schema, at any depth.
func TestMembersOfParquetKeepTheirOrder(t *testing.T) {
	type call struct {
		Unit string `parquet:"unit"`
		City string `parquet:"city"`
	}
	type message struct {
		Role    string  `parquet:"role"`
		Content *string `parquet:"content,optional"`
		Calls   []call  `parquet:"calls,list"`
	}
	type row struct {
		Q string            `parquet:"q"`
		M []message         `parquet:"m,list"`
		R []call            `parquet:"r"`
		T call              `parquet:"t"`
		X map[string]string `parquet:"x"`
	}
	hi := "h\"é"
	var out bytes.Buffer
	if err := parquet.Write(&out, []row{{
		Q: "Q", M: []message{{"user", &hi, []call{{"C", "Paris"}}}, {"tool", nil, nil}}, R: []call{{"F", "Rome"}}, T: call{"K", "Oslo"}, X: map[string]string{"b": "1", "a": "2"},
	}}); err != nil {
		t.Fatal(err)
	}
	r := today(func(r *recipe.Record) {
		r.ReferenceAnswer = `"a"`
		for _, name := range []string{"m", "r", "t", "x"} {
			r.Metadata = append(r.Metadata, recipe.Metadata{Name: name, Value: "row." + name})
		}
	})
	want := []record.Entry{
		{Key: "m", Value: `[{"role":"user","content":"h\"é","calls":[{"unit":"C","city":"Paris"}]},{"role":"tool","content":null,"calls":[]}]`},
		{Key: "r", Value: `[{"unit":"F","city":"Rome"}]`}, {Key: "t", Value: `{"unit":"K","city":"Oslo"}`}, {Key: "x", Value: `{"a":"2","b":"1"}`},
	}
	if diff := cmp.Diff(want, keptIn(t, r, out.String())); diff != "" {
		t.Error(diff)
	}
}
