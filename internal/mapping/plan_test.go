package mapping

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/datasetmix/datasetmix/internal/contract"
	"github.com/datasetmix/datasetmix/internal/decode"
	"github.com/datasetmix/datasetmix/internal/decode/decoded"
	"github.com/datasetmix/datasetmix/internal/recipe"
	"github.com/datasetmix/datasetmix/internal/record"
)

// rows are the values that the fuzz targets choose from for every field.
var rows = []any{
	nil, "", "text #### 1,234 \\boxed{7}", decoded.Number("7"), decoded.Number("0.10"), decoded.Number("123456789012345678901"), true, false,
	[]any{}, []any{"a", decoded.Number("1"), nil}, texts("a", "b"), texts(), pairs, columns, map[string]any{"a": map[string]any{"b": "c"}},
}

var expressions = []string{
	`row.a`, `row.?a`, `row.a.text`, `row.a.a.b`, `row.?a.or(row.?b)`, `has(row.a)`, `has(row.a.text)`, `row.a + row.b`, `row.a + "x" + row.b`, `row.a == row.b`, `row.a != []`,
	`row.a ? row.b : "c"`, `!row.a`, `row.a && row.b`, `row.a || row.b`, `!has(row.a) || row.a == row.b`, `[row.a, row.b]`, `[row.a, row.b].join(", ")`, `[?row.?a]`,
	`row.a.afterLast("####").number()`, `row.a.afterLast(row.b)`, `row.a.boxed()`, `row.a.trim()`, `row.a.split(",")`, `row.a.replace(row.b, "x")`, `row.a.join(row.b)`, `fail(row.a)`,
	`squadAnswer(row.a, row.?b)`, `squadAnswer(row.a, optional.of(row.b))`, `hotpotParagraphs(row.a)`, `row.a.map(x, x)`, `row.a.first().orValue(row.b)`, `{"z": row.a, "y": row.b}`,
	`row.a.filter(x, x == row.b)`, `row.a[0]`, `string(row.a)`, `double(row.a) > 0.5`, `row.a in row.b`, `size(row.a)`, `row.a.json()`, `row.a.json().b`, `file.path`, `file.folders.lang`, `1`, `"x"`, `null`, `[]`, `b"x"`, `duration("1s")`, `type(row.a)`,
	`row.a.matches("[a-z]+")`, `row.a.matches(row.b)`, `{1: 2}.map(k, k)`, `{"0": row.a, B"0": row.a}`, `{row.a: row.b}`, `row.a.optMap(x, x)`, `dyn(row.a).exists(x, x)`, `row["a.b"]`, "row.a\n+ row.b", `(`, `row`, `[[[[[`, `"\u0000"`,
}

// withExpression returns a mapping with one expression in its metadata, nil if it does not compile.
func withExpression(t *testing.T, text string) *mapping {
	t.Helper()
	r := recipe.Record{Question: `"q"`, ReferenceAnswer: `"a"`, AnswerType: record.Text, Metadata: []recipe.Metadata{{Name: "k", Value: text}}}
	compiled, err := Compile(r)
	if err != nil {
		if contract.ReasonOf(err) != contract.InvalidTask {
			t.Fatalf("%s: %v", text, err)
		}
		return nil
	}
	return compiled.(*mapping)
}

// compare compares what the mapping gives, by a plan if it has one, with what CEL gives.
func compare(t *testing.T, m *mapping, a, b any) {
	t.Helper()
	text := m.metadata[0].value.text
	row := source{"a": a, "b": b}.of(m)
	content, mapError := m.Map(row)
	if mapError != nil && (contract.ReasonOf(mapError) != contract.InvalidData || strings.Contains(mapError.Error(), "internal error")) {
		t.Fatalf("%s: %v", text, mapError)
	}
	x := m.metadata[0].value
	if x.path != nil {
		return // A field as it stands is not CEL's: it keeps the digits of a number.
	}
	values := &rowValue{names: m.fields, values: row.Values, files: &m.files}
	want, wanted := x.evaluate(values)
	var entries []record.Entry
	if want != nil {
		entries = []record.Entry{{Key: "k", Value: record.ValueOf(want)}}
	}
	if (wanted == nil) != (mapError == nil) {
		t.Fatalf("%s, a %v, b %v: the mapping %v, CEL %v", text, a, b, mapError, wanted)
	}
	if mapError == nil && len(content.Metadata)+len(entries) > 0 {
		if diff := cmp.Diff(entries, content.Metadata); diff != "" {
			t.Fatalf("%s, a %v, b %v:\n%s", text, a, b, diff)
		}
	}
}

func TestPlans(t *testing.T) {
	for _, text := range expressions {
		m := withExpression(t, text)
		for _, a := range rows {
			for _, b := range rows {
				if m != nil {
					compare(t, m, a, b)
				}
			}
		}
	}
}

// TestPresetsHavePlans: without one, a row costs several times as much.
func TestPresetsHavePlans(t *testing.T) {
	for _, p := range allPresets(t) {
		m := p.Mapping.(*mapping)
		for _, x := range []*expression{m.question, m.answer} {
			if x.path == nil && x.plan == nil {
				t.Errorf("%s: %s has no plan", p.Name, x.text)
			}
		}
	}
}

// FuzzExpressions: any text for an expression and any row, one of ours or one of any JSON, give a value or a failure that says
// what it is of, in a bounded time, and the same with a plan and without.
func FuzzExpressions(f *testing.F) {
	for i, text := range expressions {
		f.Add(text, uint8(i), uint8(i/2), "")
	}
	f.Add(`row.a.map(x, x.b) + row.b`, uint8(0), uint8(0), `{"a":[{"b":1.50},{"b":"\u00e9"},null],"b":[{}]}`)
	f.Add(`row.a + row.b`, uint8(0), uint8(0), `{"a":1e400,"b":"\u0000"}`)
	f.Fuzz(func(t *testing.T, text string, a, b uint8, line string) {
		m := withExpression(t, text)
		if m == nil {
			return
		}
		values := []any{rows[int(a)%len(rows)], rows[int(b)%len(rows)]}
		file := decode.File{Data: strings.NewReader(line), Size: int64(len(line))}
		for row, err := range decode.Rows(t.Context(), file, decoded.Optional("a", "b")) {
			if err != nil {
				break
			}
			values = slices.Clone(row.Values)
		}
		compare(t, m, values[0], values[1])
	})
}

func TestDroppedIsNoFailure(t *testing.T) {
	var failure *contract.Failure
	if errors.As(error(DroppedByWhere), &failure) || DroppedByWhere.Error() != "the row is left out by where" {
		t.Error(DroppedByWhere)
	}
}
