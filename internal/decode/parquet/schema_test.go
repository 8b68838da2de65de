package parquet

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/parquet-go/parquet-go"
	"github.com/parquet-go/parquet-go/deprecated"
	"github.com/parquet-go/parquet-go/encoding/thrift"
	"github.com/parquet-go/parquet-go/format"

	"github.com/datasetmix/datasetmix/internal/decode/decoded"
)

// element writes a schema element down shortly.
func element(name string, repetition format.FieldRepetitionType, children int32) format.SchemaElement {
	e := format.SchemaElement{Name: name, RepetitionType: thrift.New(repetition)}
	if children > 0 {
		e.NumChildren = thrift.New(children)
	} else {
		e.Type = thrift.New(format.Int32)
	}
	return e
}

func listElement(name string, repetition format.FieldRepetitionType) format.SchemaElement {
	e := element(name, repetition, 1)
	e.ConvertedType = thrift.New(deprecated.List)
	return e
}

// TestListForms has the forms of lists that old writers left, from the format's LogicalTypes.md.
func TestListForms(t *testing.T) {
	const optional, required, repeated = format.Optional, format.Required, format.Repeated
	value := func(v int32, rep, def int) parquet.Value { return parquet.Int32Value(v).Level(rep, def, 0) }
	empty := func(def int) []parquet.Value { return []parquet.Value{parquet.NullValue().Level(0, def, 0)} }
	one, two := decoded.Number("1"), decoded.Number("2")
	for _, c := range []struct {
		name   string
		schema []format.SchemaElement
		row    []parquet.Value
		want   any
	}{
		{"3 levels", []format.SchemaElement{listElement("x", optional), element("list", repeated, 1), element("element", optional, 0)},
			[]parquet.Value{value(1, 0, 3), value(2, 1, 3)}, []any{one, two}},
		{"3 levels, a null entry", []format.SchemaElement{listElement("x", optional), element("list", repeated, 1), element("element", optional, 0)},
			[]parquet.Value{value(1, 0, 3), parquet.NullValue().Level(1, 2, 0)}, []any{one, nil}},
		{"3 levels, empty", []format.SchemaElement{listElement("x", optional), element("list", repeated, 1), element("element", optional, 0)}, empty(1), []any{}},
		{"3 levels, null", []format.SchemaElement{listElement("x", optional), element("list", repeated, 1), element("element", optional, 0)}, empty(0), nil},
		{"3 levels, other names", []format.SchemaElement{listElement("x", required), element("bag", repeated, 1), element("item", required, 0)},
			[]parquet.Value{value(1, 0, 1), value(2, 1, 1)}, []any{one, two}},
		{"2 levels, a leaf", []format.SchemaElement{listElement("x", optional), element("element", repeated, 0)},
			[]parquet.Value{value(1, 0, 2), value(2, 1, 2)}, []any{one, two}},
		{"2 levels, empty", []format.SchemaElement{listElement("x", optional), element("element", repeated, 0)}, empty(1), []any{}},
		{"2 levels, array", []format.SchemaElement{listElement("x", optional), element("array", repeated, 1), element("y", required, 0)},
			[]parquet.Value{value(1, 0, 2)}, []any{map[string]any{"y": one}}},
		{"2 levels, tuple", []format.SchemaElement{listElement("x", optional), element("x_tuple", repeated, 1), element("y", required, 0)},
			[]parquet.Value{value(1, 0, 2)}, []any{map[string]any{"y": one}}},
		{"repeated without LIST", []format.SchemaElement{element("x", repeated, 0)}, []parquet.Value{value(1, 0, 1), value(2, 1, 1)}, []any{one, two}},
		{"lists in a list", []format.SchemaElement{listElement("x", required), element("list", repeated, 1), listElement("element", required), element("list", repeated, 1), element("element", required, 0)},
			[]parquet.Value{value(1, 0, 2), value(2, 2, 2), parquet.NullValue().Level(1, 1, 0), value(2, 1, 2)}, []any{[]any{one, two}, []any{}, []any{two}}},
		{"2 levels, lists in a list", []format.SchemaElement{listElement("x", optional), listElement("array", repeated), element("array", repeated, 0)},
			[]parquet.Value{value(1, 0, 3), value(2, 2, 3), value(1, 1, 3), parquet.NullValue().Level(1, 2, 0)}, []any{[]any{one, two}, []any{one}, []any{}}},
		{"2 levels, lists in a list of another name", []format.SchemaElement{listElement("x", optional), listElement("list", repeated), element("element", repeated, 0)},
			[]parquet.Value{value(1, 0, 3), value(2, 1, 3)}, []any{[]any{one}, []any{two}}},
		{"2 levels, a struct of one list", []format.SchemaElement{listElement("x", optional), element("list", repeated, 1), element("item", repeated, 0)},
			[]parquet.Value{value(1, 0, 3), value(2, 2, 3)}, []any{map[string]any{"item": []any{one, two}}}},
		{"a struct that is null above", []format.SchemaElement{element("x", optional, 1), element("y", required, 0)}, empty(0), nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, err := assemble(c.schema, c.row)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// assemble makes the value of the column x from the rows of its leaves; the last row is that of the leaves behind it as well.
func assemble(schema []format.SchemaElement, rows ...[]parquet.Value) (any, error) {
	root, err := newSchema(append([]format.SchemaElement{element("schema", format.Required, 1)}, schema...), decoded.NonFiniteBad)
	if err != nil {
		return nil, err
	}
	n, err := root.lookup(decoded.Field{Name: "x"})
	if err != nil {
		return nil, err
	}
	for i, leaf := range n.node.leaves() {
		leaf.values = &column{row: rows[min(i, len(rows)-1)]}
	}
	return n.value()
}

func TestLevelsThatDoNotFit(t *testing.T) {
	list := []format.SchemaElement{listElement("x", format.Optional), element("list", format.Repeated, 1), element("element", format.Required, 0)}
	for name, row := range map[string][]parquet.Value{
		"a second row":                   {parquet.Int32Value(1).Level(0, 2, 0), parquet.Int32Value(1).Level(0, 2, 0)},
		"an entry below an empty list":   {parquet.NullValue().Level(0, 1, 0), parquet.Int32Value(1).Level(1, 2, 0)},
		"a null where none can be":       {parquet.Int32Value(1).Level(0, 2, 0), parquet.NullValue().Level(1, 1, 0), parquet.NullValue().Level(1, 0, 0), parquet.NullValue().Level(1, 0, 0)},
		"a definition level above bound": {parquet.Int32Value(1).Level(0, 3, 0)},
	} {
		if v, err := assemble(list, row); err == nil && name != "a null where none can be" || err != nil && !strings.Contains(err.Error(), "do not fit the schema") {
			t.Errorf("%s: %v, %v", name, v, err)
		}
	}
}

func TestSchemaThatIsNotWellFormed(t *testing.T) {
	deep := []format.SchemaElement{}
	for range 2 * maxSchemaDepth {
		deep = append(deep, element("x", format.Required, 1))
	}
	for name, schema := range map[string][]format.SchemaElement{
		"empty":             {},
		"too few":           {element("root", format.Required, 2), element("x", format.Required, 0)},
		"too many":          {element("root", format.Required, 1), element("x", format.Required, 0), element("y", format.Required, 0)},
		"too deep":          deep,
		"an empty group":    {{Name: "root"}},
		"negative children": {element("root", format.Required, 1), {Name: "x", NumChildren: thrift.New[int32](-1)}},
	} {
		if _, err := newSchema(schema, decoded.NonFiniteBad); err != errSchema {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func marked(e format.SchemaElement, mark deprecated.ConvertedType) format.SchemaElement {
	e.ConvertedType = thrift.New(mark)
	return e
}

func textElement(name string, repetition format.FieldRepetitionType) format.SchemaElement {
	return format.SchemaElement{Name: name, RepetitionType: thrift.New(repetition), Type: thrift.New(format.ByteArray), ConvertedType: thrift.New(deprecated.UTF8)}
}

// TestMapForms has a MAP under the names that writers give its parts: the same object for the same pairs.
func TestMapForms(t *testing.T) {
	const optional, required, repeated = format.Optional, format.Required, format.Repeated
	key := func(k string, rep int) parquet.Value { return parquet.ByteArrayValue([]byte(k)).Level(rep, 2, 0) }
	number := func(v int32, rep, def int) parquet.Value { return parquet.Int32Value(v).Level(rep, def, 0) }
	null := func(rep, def int) parquet.Value { return parquet.NullValue().Level(rep, def, 0) }
	outer := marked(element("x", optional, 1), deprecated.Map)
	pairs := func(name string) []format.SchemaElement {
		return []format.SchemaElement{outer, element(name, repeated, 2), textElement("key", required), element("value", optional, 0)}
	}
	two := [][]parquet.Value{{key("a", 0), key("b", 1)}, {number(1, 0, 3), null(1, 2)}}
	want := map[string]any{"a": decoded.Number("1"), "b": nil}
	old := pairs("map")
	old[0], old[1] = marked(element("x", optional, 1), deprecated.MapKeyValue), marked(old[1], deprecated.MapKeyValue)
	logical := pairs("key_value")
	logical[0].ConvertedType, logical[0].LogicalType = thrift.Null[deprecated.ConvertedType]{}, format.LogicalType{Value: &format.MapType{}}
	named := pairs("entries")
	named[2].Name, named[3].Name = "k", "v"
	for _, c := range []struct {
		name   string
		schema []format.SchemaElement
		rows   [][]parquet.Value
		want   any
		err    string
	}{
		{"key_value", pairs("key_value"), two, want, ""},
		{"map", pairs("map"), two, want, ""},
		{"entries", pairs("entries"), two, want, ""},
		{"other names of key and value", named, two, want, ""},
		{"marked as old writers do", old, two, want, ""},
		{"marked by the logical type alone", logical, two, want, ""},
		{"empty", pairs("key_value"), [][]parquet.Value{{null(0, 1)}}, map[string]any{}, ""},
		{"null", pairs("key_value"), [][]parquet.Value{{null(0, 0)}}, nil, ""},
		{"keys without values", []format.SchemaElement{outer, element("key_value", repeated, 1), textElement("key", required)}, two[:1], map[string]any{"a": nil, "b": nil}, ""},
		{"keys that are numbers", []format.SchemaElement{outer, element("key_value", repeated, 2), element("key", required, 0), element("value", required, 0)},
			[][]parquet.Value{{number(7, 0, 2), number(-1, 1, 2)}}, map[string]any{"7": decoded.Number("7"), "-1": decoded.Number("-1")}, ""},
		{"lists of pairs in a MAP", []format.SchemaElement{outer, element("key_value", repeated, 2), textElement("key", required), listElement("value", required), element("list", repeated, 1), element("element", required, 0)},
			[][]parquet.Value{two[0], {number(1, 0, 3), number(2, 2, 3), null(1, 2)}}, map[string]any{"a": []any{decoded.Number("1"), decoded.Number("2")}, "b": []any{}}, ""},
		{"a key twice", pairs("key_value"), [][]parquet.Value{{key("a", 0), key("a", 1)}, {number(1, 0, 3), number(2, 1, 3)}}, nil, `the key "a" is twice in the MAP`},
		{"a key that is null", []format.SchemaElement{outer, element("key_value", repeated, 2), textElement("key", optional), element("value", required, 0)},
			[][]parquet.Value{{null(0, 2)}, {number(1, 0, 2)}}, nil, "a key of the MAP is null"},
		{"keys that are structs", []format.SchemaElement{outer, element("key_value", repeated, 2), element("key", required, 1), textElement("name", required), element("value", required, 0)},
			nil, nil, `column "x" is marked as a MAP and has no repeated pairs of a plain key`},
		{"of three columns", []format.SchemaElement{outer, element("key_value", repeated, 3), element("key", required, 0), element("value", required, 0), element("more", required, 0)},
			nil, nil, `column "x" is marked as a MAP`},
		{"that is not repeated", []format.SchemaElement{outer, element("key_value", optional, 2), element("key", required, 0), element("value", required, 0)}, nil, nil, `column "x" is marked as a MAP`},
		{"a LIST that is not repeated", []format.SchemaElement{listElement("x", optional), element("list", optional, 1), element("element", required, 0)}, nil, nil, `column "x" is marked as a LIST`},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, err := assemble(c.schema, c.rows...)
			if c.err != "" {
				if err == nil || !strings.Contains(err.Error(), c.err) {
					t.Errorf("%v\nshould say %s", err, c.err)
				}
				return
			}
			if diff := cmp.Diff(c.want, got); diff != "" || err != nil {
				t.Errorf("%v\n%s", err, diff)
			}
		})
	}
}

// TestTypesOfGroups: what a group is marked as is looked at before what is in it.
func TestTypesOfGroups(t *testing.T) {
	variant := element("x", format.Optional, 2)
	variant.LogicalType = format.LogicalType{Value: &format.VariantType{}}
	bytes := format.SchemaElement{RepetitionType: thrift.New(format.Required), Type: thrift.New(format.ByteArray)}
	metadata, value := bytes, bytes
	metadata.Name, value.Name = "metadata", "value"
	twice := []format.SchemaElement{element("root", format.Required, 2), element("x", format.Required, 0), element("x", format.Required, 0)}
	for _, c := range []struct {
		name, field string
		schema      []format.SchemaElement
		want        string
	}{
		{"VARIANT", "x", []format.SchemaElement{element("root", format.Required, 1), variant, metadata, value}, `column "x" has the Parquet type VARIANT`},
		{"a part of a VARIANT", "x.value", []format.SchemaElement{element("root", format.Required, 1), variant, metadata, value}, `column "x" has the Parquet type VARIANT`},
		{"a VARIANT in a struct", "y", []format.SchemaElement{element("root", format.Required, 1), element("y", format.Optional, 1), variant, metadata, value}, `column "y.x" has the Parquet type VARIANT`},
		{"two columns of a name", "x", twice, `column "x" is there twice`},
		{"two fields of a name in a struct", "y", append([]format.SchemaElement{element("root", format.Required, 1), element("y", format.Required, 2)}, twice[1:]...), `column "y.x" is there twice`},
	} {
		root, err := newSchema(c.schema, decoded.NonFiniteBad)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := root.lookup(decoded.Field{Name: c.field}); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v", c.name, err)
		}
	}
}
