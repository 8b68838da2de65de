package mapping

import (
	"context"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/datasetmix/datasetmix/internal/contract"
	"github.com/datasetmix/datasetmix/internal/decode"
	"github.com/datasetmix/datasetmix/internal/decode/decoded"
	"github.com/datasetmix/datasetmix/internal/recipe"
	"github.com/datasetmix/datasetmix/internal/record"
)

// base returns a mapping of the plainest kind; tests change it.
func base(change func(*recipe.Record)) recipe.Record {
	r := recipe.Record{Question: `row.q`, ReferenceAnswer: `row.a`, AnswerType: "text"}
	change(&r)
	return r
}

// mapped compiles a record and maps one row of JSON text.
func mapped(t *testing.T, r recipe.Record, text string) (Content, error) {
	t.Helper()
	m, err := Compile(r)
	if err != nil {
		t.Fatal(err)
	}
	file := decode.File{Name: "rows.jsonl", Data: strings.NewReader(text), Size: int64(len(text))}
	for row, err := range decode.Rows(context.Background(), file, m.Fields()) {
		if err != nil {
			return Content{}, err
		}
		return m.Map(row)
	}
	t.Fatal("no row")
	return Content{}, nil
}

func TestMappings(t *testing.T) {
	const row = `{"q":"Q?","a":"A","n":7,"score":0.10,"big":123456789012345678901234567890,"keep":true,"none":null,` +
		`"tags":["x","y"],"meta":{"id":"m1","level":3,"deep":{"k":"v"}},"a.b":"dots","nums":[1.50,2]}`
	plain := Content{Question: "Q?", ReferenceAnswer: "A", AnswerType: record.Text}
	kept := func(value record.JSON) Content {
		c := plain
		c.Metadata = []record.Entry{{Key: "k", Value: value}}
		return c
	}
	metadata := func(value string) recipe.Record {
		return base(func(r *recipe.Record) { r.Metadata = []recipe.Metadata{{Name: "k", Value: value}} })
	}
	answer := func(value string) recipe.Record { return base(func(r *recipe.Record) { r.ReferenceAnswer = value }) }
	with := func(change func(*Content)) Content { c := plain; change(&c); return c }
	answered := func(s string) Content { return with(func(c *Content) { c.ReferenceAnswer = s }) }
	for _, c := range []struct {
		name   string
		record recipe.Record
		want   Content
	}{
		{"fields as they are", base(func(*recipe.Record) {}), plain},
		{"a field in brackets", answer(`row["a"]`), plain},
		{"a name with dots", answer(`row["a.b"]`), answered("dots")},
		{"a path by a name with dots", answer(`row["meta.deep.k"]`), answered("v")},
		{"a path", answer(`row.meta.deep.k`), answered("v")},
		{"a path and a part of it", answer(`row["meta.deep.k"] + row.meta.id + row.meta.deep.k`), answered("vm1v")},
		{"an optional path", answer(`row.?meta.?deep.?k`), answered("v")},
		{"an optional path that ends", answer(`row.?meta.?gone.?k.orValue("?")`), answered("?")},
		{"a default", answer(`row.?gone.orValue("none")`), answered("none")},
		{"null is absent", answer(`row.?none.orValue("none")`), answered("none")},
		{"the first of several", answer(`row.?gone.or(row.?none).or(row.?a)`), plain},
		{"has", answer(`has(row.gone) ? row.gone : row.a`), plain},
		{"has not null", answer(`has(row.none) ? "there" : "gone"`), answered("gone")},
		{"a number as the answer, as it is written", answer(`row.score`), answered("0.10")},
		{"a number of any length as the answer", answer(`row.big`), answered("123456789012345678901234567890")},
		{"a number that is computed", answer(`row.n * 6`), answered("42")},
		{"a double that is computed", answer(`row.score * 5.0`), answered("0.5")},
		{"a number of any length through an expression", answer(`row.keep ? row.big : row.n`), answered("123456789012345678901234567890")},
		{"a number of any length is equal to itself alone", answer(`row.big == row.big && row.big != 5 && 5 != row.big && row.big != row.n ? "ok" : "no"`), answered("ok")},
		{"a comprehension", answer(`row.tags.filter(t, t != "x")[0]`), answered("y")},
		{"an answer type by an expression", base(func(r *recipe.Record) { r.AnswerType = `row.keep ? "code" : "text"` }), with(func(c *Content) { c.AnswerType = record.Code })},
		{"an answer type in quotes", base(func(r *recipe.Record) { r.AnswerType = `"numeric"` }), with(func(c *Content) { c.AnswerType = record.Numeric })},
		{"an id", base(func(r *recipe.Record) {
			r.Metadata = []recipe.Metadata{{Name: record.KeyOriginalID, Value: `row.meta.id`}}
		}), with(func(c *Content) { c.OriginalID = "m1" })},
		{"an id that is a number", base(func(r *recipe.Record) { r.Metadata = []recipe.Metadata{{Name: record.KeyOriginalID, Value: `row.n`}} }), with(func(c *Content) { c.OriginalID = "7" })},
		{"a group", base(func(r *recipe.Record) { r.GroupBy = `row.meta.id` }), with(func(c *Content) { c.Group = "m1" })},
		{"a group that is a number", base(func(r *recipe.Record) { r.GroupBy = `row.n % 4` }), with(func(c *Content) { c.Group = "3" })},
		{"no group", base(func(r *recipe.Record) { r.GroupBy = `row.?gone` }), plain},
		{"a row that is kept", base(func(r *recipe.Record) { r.Where = `row.keep && row.n > 5` }), plain},
		{"a string", metadata(`"é" + row.a`), kept(`"éA"`)},
		{"a number keeps its digits", metadata(`row.score`), kept(`0.10`)},
		{"an int", metadata(`row.n + 1`), kept(`8`)},
		{"a double", metadata(`row.score + 0.5`), kept(`0.6`)},
		{"a uint", metadata(`18446744073709551615u`), kept(`18446744073709551615`)},
		{"a bool", metadata(`row.n == 7`), kept(`true`)},
		{"a list keeps its digits", metadata(`row.nums`), kept(`[1.50,2]`)},
		{"a list that is made", metadata(`[row.n, "x", [true]]`), kept(`[7,"x",[true]]`)},
		{"an object", metadata(`row.meta`), kept(`{"deep":{"k":"v"},"id":"m1","level":3}`)},
		{"an object that is made", metadata(`{"b": row.a, "a": {"n": row.n}}`), kept(`{"a":{"n":7},"b":"A"}`)},
		{"the keys of an object in one order", metadata(`row.meta.map(k, k)`), kept(`["deep","id","level"]`)},
		{"the keys of a map in one order", metadata(`{"z":1,"y":2,"x":3,"w":4}.map(k, k)`), kept(`["w","x","y","z"]`)},
		{"null is no member", metadata(`null`), plain},
		{"none is no member", metadata(`optional.none()`), plain},
		{"absent is no member", metadata(`row.?gone`), plain},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, err := mapped(t, c.record, row)
			if err != nil {
				t.Fatal(err)
			}
			if len(got.Metadata) == 0 {
				got.Metadata = nil
			}
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestFields(t *testing.T) {
	for _, c := range []struct {
		name   string
		record recipe.Record
		want   []decoded.Field
	}{
		{"each once", base(func(r *recipe.Record) { r.GroupBy = `row.q` }), decoded.Required("q", "a")},
		{"has and ? make it optional", base(func(r *recipe.Record) {
			r.ReferenceAnswer = `has(row.a) ? row.a : row[?"b"].orValue(string(row.c))`
		}), []decoded.Field{{Name: "q"}, {Name: "a", Optional: true}, {Name: "b", Optional: true}, {Name: "c"}}},
		{"a path asks for the whole, since a column may have the dots in its name", base(func(r *recipe.Record) { r.ReferenceAnswer = `row.x.y` }), decoded.Required("q", "x")},
		{"dots in brackets", base(func(r *recipe.Record) { r.ReferenceAnswer = `row["x.y"]` }), decoded.Required("q", "x.y")},
		{"in a comprehension", base(func(r *recipe.Record) { r.Where = `row.l.exists(x, x == row.m)` }), decoded.Required("l", "m", "q", "a")},
		{"where comes beside a preset", recipe.Record{Preset: "gsm8k", Where: `row.?split == optional.of("main")`}, []decoded.Field{{Name: "split", Optional: true}, {Name: "question"}, {Name: "answer"}}},
		{"a preset", recipe.Record{Preset: "squad2"}, []decoded.Field{
			{Name: "context"}, {Name: "question"}, {Name: "answers"}, {Name: "is_impossible", Optional: true}, {Name: "id", Optional: true}, {Name: "title", Optional: true}}},
	} {
		m, err := Compile(c.record)
		if err != nil {
			t.Errorf("%s: %v", c.name, err)
			continue
		}
		if diff := cmp.Diff(c.want, m.Fields()); diff != "" {
			t.Errorf("%s:\n%s", c.name, diff)
		}
	}
}

func TestCompileRefuses(t *testing.T) {
	question := func(s string) recipe.Record { return base(func(r *recipe.Record) { r.Question = s }) }
	metadata := func(name, value string) recipe.Record {
		return base(func(r *recipe.Record) { r.Metadata = []recipe.Metadata{{Name: name, Value: value}} })
	}
	for _, c := range []struct {
		name    string
		record  recipe.Record
		message string
	}{
		{"nothing", recipe.Record{}, "the expression of question, ``, cannot be used: it is not set"},
		{"a preset that is not there", recipe.Record{Preset: "gsm"}, `there is no preset "gsm"`},
		{"a preset and a question", recipe.Record{Preset: "gsm8k", Question: `row.q`}, "only where, groupBy, answers, keep, keepAsText, decontaminate and scorer may be set with a preset"},
		{"syntax", question(`row.q +`), "the expression of question, `row.q +`, cannot be used: at character 8: Syntax error"},
		{"the second line", question("row.q +\n  row.b ++ row.c"), "at line 2, character 10: Syntax error"},
		{"a function that is not there", question(`row.q.shout()`), "at character 12: undeclared reference to 'shout'; correct it in the data set's record"},
		{"a variable that is not there", question(`question`), "at character 1: undeclared reference to 'question'"},
		{"a type that is wrong", question(`"a" + 1`), "at character 5: found no matching overload for '_+_'"},
		{"a result of a wrong type", question(`1`), "it gives int and must give a string"},
		{"a number for a question", question(`size(row.q)`), "it gives int and must give a string"},
		{"where of a wrong type", base(func(r *recipe.Record) { r.Where = `"yes"` }), "of where, `\"yes\"`, cannot be used: it gives string and must give a bool"},
		{"where that may give nothing", base(func(r *recipe.Record) { r.Where = `row.?keep` }), "must give a bool"},
		{"an answer type that is not there", base(func(r *recipe.Record) { r.AnswerType = `"prose"` }), `it is "prose" and must be "numeric", "text" or "code"`},
		{"a word for an answer type", base(func(r *recipe.Record) { r.AnswerType = `prose` }), `undeclared reference to 'prose'`},
		{"bytes in the metadata", metadata("k", `b"x"`), "of metadata k, `b\"x\"`, cannot be used: it gives bytes and must give a value that JSON can hold"},
		{"the source", metadata(record.KeySource, `row.s`), `the name "source" cannot be used in the metadata`},
		{"no name", metadata("", `row.s`), `the name "" cannot be used`},
		{"a name twice", base(func(r *recipe.Record) {
			r.Metadata = []recipe.Metadata{{Name: "k", Value: `row.a`}, {Name: "k", Value: `row.b`}}
		}), `the name "k" is there twice`},
		{"too many", base(func(r *recipe.Record) { r.Metadata = make([]recipe.Metadata, 17) }), "17 members of metadata, and at most 16"},
		{"row as a whole", question(`string(row)`), "found no matching overload"},
		{"row as a value", metadata("k", `row`), "at character 1: row can only be used by the name of a field"},
		{"the keys of row", metadata("k", `row.map(k, k)`), "at character 1: row can only be used by the name of a field"},
		{"a computed name", question(`row["a" + "b"]`), "at character 1: row can only be used"},
		{"in row", base(func(r *recipe.Record) { r.Where = `"a" in row` }), "at character 8: row can only be used"},
		{"another row", question(`["x"].map(row, row)[0]`), "cannot"},
		{"loops in loops in loops", base(func(r *recipe.Record) {
			r.Where = `row.l.all(a, row.l.all(b, row.l.all(c, c == a)))`
		}), "comprehension exceeds nesting limit"},
		{"a regular expression that is none", base(func(r *recipe.Record) { r.Where = `row.q.matches("(")` }), "invalid matches argument"},
		{"too long", question(`"` + strings.Repeat("x", 1023) + `"`), "it has 1025 characters and may have at most 1024"},
		{"too deep", question(strings.Repeat("(", 200) + `row.q` + strings.Repeat(")", 200)), "recursion"},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := Compile(c.record)
			if contract.ReasonOf(err) != contract.InvalidTask || !strings.Contains(err.Error(), c.message) {
				t.Errorf("%s: %v\nshould say %s", contract.ReasonOf(err), err, c.message)
			}
		})
	}
}

func TestEvaluationRefuses(t *testing.T) {
	row := `{"many":"` + strings.Repeat("a,", 4000) + `","q":"Q?","a":"A","n":7,"keep":"yes","none":null,"calls":[{"content":null}],"l":[1,"x"],"o":{"k":1},"long":0.12345678901234567890}`
	answer := func(s string) recipe.Record { return base(func(r *recipe.Record) { r.ReferenceAnswer = s }) }
	for _, c := range []struct {
		name    string
		record  recipe.Record
		message string
	}{
		{"the row and the expression", answer(`row.a.number()`), "rows.jsonl, line 1: the expression of referenceAnswer, `row.a.number()`, fails: the field \"a\" is \"A\" and not a number; correct the row or the expression"},
		{"what a function made", answer(`(row.a + "x").number()`), "fails: `row.a + \"x\"` is \"Ax\" and not a number"},
		{"a list", answer(`row.l`), `the field "l" is a list and must be a string or a number`},
		{"a result", answer(`row.n == 7 ? row.l : row.a`), `the result is a list and must be a string or a number`},
		{"null", answer(`row.?none`), `the field "none" is absent or null and must be`},
		{"null in a text", answer(`has(row.none) ? "x" : row.none + "x"`), `the field "none" is absent or null`},
		{"none of several", answer(`row.?x.or(row.?none)`), `none of the fields ["x" "none"] is there`},
		{"an optional field in a text", answer(`row.?gone.trim()`), `the field "gone" is absent or null`},
		{"the last of nothing", answer(`row.l.filter(x, false).last().trim()`), "`row.l.filter(x, false).last()` is absent or null"},
		{"null below the last of a list", answer(`row.calls.last().content.trim()`), "`row.calls.last().content` is absent or null and must be a string"},
		{"a field that is not there", answer(`row.gone`), `there is no field "gone"`},
		{"a number and a text", answer(`row.n + row.a`), "`row.n + row.a` has no meaning for these types; the field \"n\" is a number; the field \"a\" is a string"},
		{"a key that is not there", answer(`row.o.x`), `there is no key "x"`},
		{"a place that is not there", answer(`row.l[5]`), `index out of bounds: 5`},
		{"a division", answer(`row.n / 0`), `division by zero`},
		{"a number that would be rounded", answer(`row.long + 1.0`), `the field "long" is the number 0.12345678901234567890, which has more digits than a 64-bit number holds`},
		{"a number that JSON has not", answer(`1.0 / 0.0`), `+Inf is not a number that JSON has`},
		{"a question that is empty", base(func(r *recipe.Record) { r.Question = `""` }), "the expression of question, `\"\"`, fails: the question is empty"},
		{"a question that is a number", base(func(r *recipe.Record) { r.Question = `row.n` }), `the field "n" is a number and must be a string`},
		{"an answer type", base(func(r *recipe.Record) { r.AnswerType = `row.a` }), `the answer type is "A" and must be numeric, text or code`},
		{"where", base(func(r *recipe.Record) { r.Where = `row.keep` }), "the expression of where, `row.keep`, fails: the field \"keep\" is a string and must be a bool"},
		{"where beside a preset", recipe.Record{Preset: "hotpotqa", Where: `row.keep`}, `there is no field "question"`},
		{"a group", base(func(r *recipe.Record) { r.GroupBy = `row.o` }), `the field "o" is an object and must be a string or a number`},
		{"a message of one's own", answer(`row.n > 6 ? fail("n is too great") : row.a`), `fails: n is too great; correct`},
		{"an object with keys that are no texts", base(func(r *recipe.Record) { r.Metadata = []recipe.Metadata{{Name: "k", Value: `{1: 2}`}} }), "a record cannot hold an object with a key of type int"},
		{"keys of bytes", base(func(r *recipe.Record) { r.Where = `size({row.a: 1, b"x": 2}) == 1` }), "a map has a key that is not a string, a number or a bool"},
		{"too many steps", base(func(r *recipe.Record) {
			r.Where = `row.many.split(",").exists(x, row.many.split(",").exists(y, y == x + "?"))`
		}), `more than 1000000 steps for one row`},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := mapped(t, c.record, row)
			if contract.ReasonOf(err) != contract.InvalidData || !strings.Contains(err.Error(), c.message) || !strings.HasPrefix(err.Error(), "rows.jsonl, line 1: ") {
				t.Errorf("%s: %v\nshould say %s", contract.ReasonOf(err), err, c.message)
			}
		})
	}
}

func TestDropped(t *testing.T) {
	for _, r := range []recipe.Record{
		base(func(r *recipe.Record) { r.Where = `row.n < 5` }),
		{Preset: "gsm8k", Where: `has(row.n) && row.n < 5`},
	} {
		m, err := Compile(r)
		if err != nil {
			t.Fatal(err)
		}
		row := source{"q": "Q", "a": "A", "question": "Q", "answer": "no mark", "n": decoded.Number("7")}
		_, _, err = Map(m, row.of(m), Origin{})
		if reason, dropped := IsDropped(err); !dropped || reason != DroppedByWhere || contract.ReasonOf(err) == contract.InvalidData {
			t.Errorf("%v: %v", r, err)
		}
		_, _, err = Map(m, row.with("n", decoded.Number("4")).of(m), Origin{})
		if _, dropped := IsDropped(err); dropped {
			t.Errorf("%v: %v", r, err)
		}
	}
	if _, dropped := IsDropped(nil); dropped {
		t.Error("no error is taken for a dropped row")
	}
}

// of puts a row's fields into the order of a mapping.
func (s source) of(m Mapping) decoded.Row {
	row := decoded.Row{Number: 7}
	for _, f := range m.Fields() {
		row.Values = append(row.Values, s[f.Name])
	}
	return row
}

func TestPresetBesideWhereIsThePreset(t *testing.T) {
	plain, err := Compile(recipe.Record{Preset: "squad2"})
	if err != nil {
		t.Fatal(err)
	}
	refined, err := Compile(recipe.Record{Preset: "squad2", Where: `row.answers.text != []`, GroupBy: `row.?title`})
	if err != nil {
		t.Fatal(err)
	}
	want, err := plain.Map(squadRow.of(plain))
	if err != nil {
		t.Fatal(err)
	}
	want.Group = "T"
	got, err := refined.Map(squadRow.of(refined))
	if diff := cmp.Diff(want, got); diff != "" || err != nil {
		t.Errorf("%v\n%s", err, diff)
	}
	if _, err := refined.Map(squadRow.with("answers", texts()).of(refined)); err != DroppedByWhere {
		t.Error(err)
	}
}

func TestExpressionsOfPresets(t *testing.T) {
	for _, p := range allPresets(t) {
		m, err := Compile(p.Record)
		if err != nil {
			t.Errorf("the expressions of %s, written into a manifest: %v", p.Name, err)
			continue
		}
		if diff := cmp.Diff(p.Fields(), m.Fields()); diff != "" {
			t.Error(diff)
		}
	}
}
