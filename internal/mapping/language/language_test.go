package language

import (
	"maps"
	"os"
	"strings"
	"testing"

	"github.com/datasetmix/datasetmix/internal/decode/jsonvalue"
	"github.com/datasetmix/datasetmix/internal/record"
)

// given returns what an expression gives for a row of JSON: a value as JSON, "absent", or "error: " and what is wrong.
func given(t *testing.T, expression, row string) string {
	t.Helper()
	env, err := Env()
	if err != nil {
		t.Fatal(err)
	}
	checked, issues := Check(env, expression)
	if issues.Err() != nil {
		return "error: " + issues.Errors()[0].Message
	}
	program, err := Program(env, checked)
	if err != nil {
		t.Fatal(err)
	}
	values, err := jsonvalue.Parse(row)
	if err != nil {
		t.Fatal(err)
	}
	fields := values.(map[string]any)
	maps.DeleteFunc(fields, func(_ string, v any) bool { return v == nil }) // A field that is null is absent.
	var files Files
	out, _, err := program.Eval(map[string]any{RowName: fields, FileName: files.Of("lang=de/a.jsonl")})
	if err != nil {
		return "error: " + Problem(err, Subject{Text: "it"})
	}
	native, err := Native(out)
	if err != nil {
		return "error: " + Problem(err, Subject{Text: "it"})
	}
	if native == nil {
		return "absent"
	}
	return string(record.ValueOf(native))
}

// TestEnvIsMadeOnce: it takes milliseconds, and nothing of it is changed.
func TestEnvIsMadeOnce(t *testing.T) {
	first, err := Env()
	if second, again := Env(); err != nil || again != nil || first != second {
		t.Errorf("%p, %v and %p, %v", first, err, second, again)
	}
}

// TestBounds: what an expression may not be, and what it may not cost or make.
func TestBounds(t *testing.T) {
	many := `{"many":"` + strings.Repeat("a,", 4000) + `","text":"` + strings.Repeat("a", 20_000) + `"}`
	for expression, want := range map[string]string{
		strings.Repeat("(", 200) + "1" + strings.Repeat(")", 200): "recursion",
		`[1].all(a, [1].all(b, [1].all(c, a == b && b == c)))`:    "comprehension exceeds nesting limit",
		`"a".matches("(")`: "invalid matches argument",
		`row.many.split(",").all(x, !row.text.matches("b" + x))`:   "cost limit exceeded",
		`row.many.split(",").all(x, row.many.split(",") != ["a"])`: "cost limit exceeded",
		`row.text.replace("a", row.text).size()`:                   "the text would be longer than 128 MiB",
		`[row.text, row.text].join(row.text).size()`:               "60000",
	} {

		if got := given(t, expression, many); !strings.Contains(got, want) {
			t.Errorf("%.80s: %.200s\nshould say %s", expression, got, want)
		}
	}
}

// TestMapsAreSorted: whatever goes over the keys of a map meets them in one order, of those of a row and those that are made.
func TestMapsAreSorted(t *testing.T) {
	for expression, want := range map[string]string{
		`row.o.map(k, k)`:                           `["a","b","c","d"]`,
		`{"d":1,"c":2,"b":3,"a":4}.map(k, k)`:       `["a","b","c","d"]`,
		`{true:1,"true":2,1:3}.map(k, string(k))`:   `["1","true","true"]`,
		`jsonText({"b":[1.5,{"d":1,"c":2}],"a":0})`: `"{\"a\":0,\"b\":[1.5,{\"c\":2,\"d\":1}]}"`,
		`row.o`: `{"a":1,"b":2,"c":3,"d":4}`,
	} {
		for range 10 { // Go's own order is another one every time.
			if got := given(t, expression, `{"o":{"d":4,"b":2,"c":3,"a":1}}`); got != want {
				t.Fatalf("%s: %s\nshould be %s", expression, got, want)
			}
		}
	}
}

// TestOperands: the target of a call comes first, and what is no call has none.
func TestOperands(t *testing.T) {
	env, err := Env()
	if err != nil {
		t.Fatal(err)
	}
	for expression, want := range map[string]int{`row.a.trim()`: 1, `row.a.replace("x", "y")`: 3, `1 + 2`: 2, `jsonText(row)`: 1, `"x"`: 0, `row.a`: 0} {
		checked, issues := Check(env, expression)
		if issues.Err() != nil {
			t.Fatal(issues.Err())
		}
		if got := Operands(checked.NativeRep().Expr()); len(got) != want {
			t.Errorf("%s has %d operands, not %d", expression, len(got), want)
		}
	}
}

// TestFunctionsAreKnownByTheirArguments: Function finds each of them, and nothing else.
func TestFunctionsAreKnownByTheirArguments(t *testing.T) {
	for _, f := range functions {
		if Function(f.name, len(f.args)) == nil {
			t.Errorf("%s of %d arguments is not found", f.name, len(f.args))
		}
	}
	if Function("turns", 3) != nil || Function("size", 1) != nil {
		t.Error("a function of CEL, or of other arguments, is found")
	}
}

// TestFunctionsAreOnThePage: docs/mapping.md describes every function and has an example, which the mappings evaluate.
func TestFunctionsAreOnThePage(t *testing.T) {
	page, err := os.ReadFile("../../../docs/mapping.md")
	if err != nil {
		t.Fatal(err)
	}
	var examples []string
	for line := range strings.Lines(string(page)) {
		if strings.Contains(line, "  // ") {
			examples = append(examples, line)
		}
	}
	for _, f := range functions {
		if !strings.Contains(string(page), "`"+f.name+"(") || !strings.Contains(strings.Join(examples, ""), f.name+"(") {
			t.Errorf("%s has no description or no example", f.name)
		}
	}
}
