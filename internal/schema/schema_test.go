package schema

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// seen returns the fields of rows that are given as JSON objects.
func seen(t *testing.T, rows ...string) *Fields {
	t.Helper()
	f := &Fields{}
	for i, row := range rows {
		if err := f.AddRest(int64(i), []byte(row[1:])); err != nil {
			t.Fatalf("%s: %v", row, err)
		}
	}
	return f
}

func TestJudge(t *testing.T) {
	for _, c := range []struct {
		rows []string
		want string
	}{
		{[]string{`{"a":1}`, `{"b":"x"}`}, `{"a":"int64","b":"string"}`},
		{[]string{`{"a":1}`, `{"a":2.5}`, `{"a":null}`}, `{"a":"float64"}`},
		{[]string{`{"a":1e5}`}, `{"a":"float64"}`},
		{[]string{`{"a":9007199254740993}`}, `{"a":"int64"}`},
		{[]string{`{"a":null}`, `{"a": [ ] }`}, `{"a":["null"]}`},
		{[]string{`{"a":[[1],[]]}`, `{"a":[[{"b":true}]]}`}, "m.a[][] is an integer in row 0 of data set d and an object in row 1 of data set d"},
		{[]string{`{"a":[{"b":true},{"c":"\\\""}]}`}, `{"a":[{"b":"bool","c":"string"}]}`},
		{[]string{`{"a":{}}`}, `{"a":{}}`},
		{[]string{`{"a":"2024-01-31"}`}, `{"a":"date"}`},
		{[]string{`{"a":"2024-01-31T10:00:00Z"}`, `{"a":"soon"}`}, `{"a":"date"}`},
		{[]string{`{"a":"2024-01-31, or so"}`}, `{"a":"string"}`},
		{[]string{`{"a":1}`, `{"a":2}`, `{"a":"3"}`}, "m.a is an integer in row 0 of data set d and text in row 2 of data set d"},
		{[]string{`{"a":9007199254740993}`, `{"a":0.5}`}, "m.a is an integer above 2⁵³ in row 0 of data set d and a number with a fraction in row 1"},
		{[]string{`{"a":99999999999999999999}`}, "no column of numbers holds it"},
		{[]string{`{"\u0061":1}`, `{"a":"x"}`}, "m.a is an integer in row 0"},
	} {
		var rows []string
		for _, row := range c.rows {
			rows = append(rows, `{"m":`+row+`}`)
		}
		whole, err := Judge("m", Set{"d", seen(t, rows...)})
		got := whole.Members["m"]
		if strings.HasPrefix(c.want, "{") {
			encoded, _ := json.Marshal(got)
			if err != nil || string(encoded) != c.want {
				t.Errorf("%v: %s, %v, want %s", c.rows, encoded, err, c.want)
			}
			var back Type
			if err := json.Unmarshal(encoded, &back); err != nil || cmp.Diff(got, back) != "" {
				t.Errorf("%s is read as %+v, %v", encoded, back, err)
			}
			if !whole.Covers(seen(t, rows...)) {
				t.Errorf("%s does not cover what it is of", encoded)
			}
			continue
		}
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%v: %v, want %s", c.rows, err, c.want)
		}
	}
}

// TestJudgeSeveral: one type over all data sets, or both places; what need not have one is Any.
func TestJudgeSeveral(t *testing.T) {
	a, b := seen(t, `{"x":1}`, `{"m":{"k":[]}}`), seen(t, `{"x":0.5}`, `{"m":{"k":["y"]}}`)
	got, err := Judge("m", Set{"a", a}, Set{"b", b})
	if encoded, _ := json.Marshal(got); err != nil || string(encoded) != `{"m":{"k":["string"]},"x":"float64"}` || !got.Certain() {
		t.Errorf("%s, %v", encoded, err)
	}
	of := func(f *Fields) Type {
		one, err := Judge("m", Set{"one", f})
		if err != nil {
			t.Fatal(err)
		}
		return one
	}
	if union := Union(of(a), of(b)); cmp.Diff(got, union) != "" {
		t.Errorf("the union is %+v", union)
	}
	if of(a).Covers(b) || !got.Covers(b) {
		t.Error("a type covers what is not of it, or not what is")
	}
	c := seen(t, `{"x":true}`)
	if got, err = Judge("m", Set{"a", a}, Set{"c", c}); err != nil || got.Members["x"].Scalar != Any || got.Certain() || !got.Covers(c) {
		t.Errorf("%+v, %v", got, err)
	}
	if union := Union(of(a), of(c)); union.Members["x"].Scalar != Any {
		t.Errorf("the union is %+v", union)
	}
	_, err = Judge("x", Set{"a", a}, Set{"c", c})
	if err == nil || !strings.Contains(err.Error(), "x is true or false in row 0 of data set c and an integer in row 0 of data set a") {
		t.Error(err)
	}
}

// TestOrderDoesNotMatter: rows in any order, in any number of parts, are the same fields.
func TestOrderDoesNotMatter(t *testing.T) {
	var rows []string
	for i := range 60 {
		rows = append(rows, fmt.Sprintf(`{"a%d":%d,"b":{"c":["%d",null]},"d":%v}`, i%7, i, i, []any{1.5, 2, "null"}[i%3]))
	}
	whole, err := json.Marshal(seen(t, rows...))
	if err != nil {
		t.Fatal(err)
	}
	random := rand.New(rand.NewPCG(1, 2))
	for range 20 {
		parts := []*Fields{{}, {}, {}}
		for _, i := range random.Perm(len(rows)) {
			if err := parts[random.IntN(3)].AddRest(int64(i), []byte(rows[i][1:])); err != nil {
				t.Fatal(err)
			}
		}
		parts[0].Merge(parts[1])
		parts[2].Merge(parts[0])
		if merged, _ := json.Marshal(parts[2]); string(merged) != string(whole) {
			t.Fatalf("%s\n%s", merged, whole)
		}
	}
}

// TestDataInPlaceOfNames: a map with as many names as rows is no table, and takes no memory beyond the bound.
func TestDataInPlaceOfNames(t *testing.T) {
	f := &Fields{}
	for i := range 5 * maxMembers {
		if err := f.Add(int64(i), fmt.Sprintf(`{"user-%d":1}`, i), "metadata", "votes"); err != nil {
			t.Fatal(err)
		}
	}
	if n := len(f.Root.Members["metadata"].Members["votes"].Members); n > maxMembers {
		t.Errorf("%d members are kept", n)
	}
	if _, err := Judge("metadata", Set{"d", f}); err == nil || !strings.Contains(err.Error(), "metadata.votes has, in row 998 of data set d, more than 1000 different members") {
		t.Error(err)
	}
	deep := strings.Repeat(`{"a":`, 100) + "1" + strings.Repeat("}", 100)
	if of, err := Judge("m", Set{"d", seen(t, deep)}); err != nil || of.Certain() {
		t.Error("any depth has a type")
	}
}

func TestMalformed(t *testing.T) {
	for _, value := range []string{"", "{", `{"a"}`, `{"a":}`, `[1`, `[1,]`, `"a`, "tru", "1 2", "-", `{"a":1,}`} {
		if err := new(Fields).Add(0, value, "a"); err == nil {
			t.Errorf("%q is taken", value)
		}
	}
	for _, text := range []string{`"x"`, `["a","b"]`, `[]`, `"int"`, `[{"a":"no"}]`} {
		var of Type
		if err := json.Unmarshal([]byte(text), &of); err == nil {
			t.Errorf("%s is the type %+v", text, of)
		}
	}
}

func FuzzAdd(f *testing.F) {
	f.Add(`{"a":[1,"x",{"b":null}]}`)
	f.Add(`[1e5,-0.0,{"\u0061":"2024-01-31"}]`)
	f.Fuzz(func(t *testing.T, value string) {
		fields := &Fields{}
		err := fields.Add(3, value, "metadata", "x")
		if json.Valid([]byte(value)) && err != nil {
			t.Fatalf("%q: %v", value, err)
		}
		if of, err := Judge("metadata", Set{"d", fields}); err == nil && !of.Covers(fields) {
			t.Fatalf("%q: %+v does not cover it", value, of)
		}
	})
}

// TestMembersInOtherOrders: a member is the same wherever it is in its object.
func TestMembersInOtherOrders(t *testing.T) {
	want, _ := json.Marshal(seen(t, `{"a":1,"b":{"x":"1","y":2}}`, `{"a":2.5,"b":{"x":"2","y":3}}`, `{"b":{"z":null},"c":[]}`))
	got, _ := json.Marshal(seen(t, `{"a":1,"b":{"x":"1","y":2}}`, `{"b":{"y":3,"x":"2"},"a":2.5}`, `{"c":[],"b":{"z":null}}`))
	if diff := cmp.Diff(string(want), string(got)); diff != "" {
		t.Error(diff)
	}
}
