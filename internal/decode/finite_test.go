package decode

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/datasetmix/datasetmix/internal/decode/decoded"
)

func TestFiniteText(t *testing.T) {
	for text, want := range map[string]string{
		`{"a":NaN}`:                              `{"a":0.0}`,
		`{"a":[NaN,Infinity, -Infinity ,NaN]}`:   `{"a":[0.0,0.000000, -0.000000 ,0.0]}`,
		`{"NaN":"NaN, Infinity","b\"NaN":NaN}`:   `{"NaN":"NaN, Infinity","b\"NaN":0.0}`,
		`{"a":1NaN}`:                             `{"a":1NaN}`,
		`{"a":NaN5,"b":NaN.5,"c":-NaN,"d":xNaN}`: `{"a":NaN5,"b":NaN.5,"c":-NaN,"d":xNaN}`,
		`{"a":--Infinity,"b":Infinityx}`:         `{"a":--Infinity,"b":Infinityx}`,
		`{"a":"NaN`:                              `{"a":"NaN`,
		`{"a":"\`:                                ``,
	} {
		got, some := finiteText(nil, []byte(text))
		if diff := cmp.Diff(want, string(got)); diff != "" || some != (want != text && want != "") {
			t.Errorf("%s: %v\n%s", text, some, diff)
		}
	}
}

// TestNonFiniteNumbers: what the record does not want may be anything; what it wants is bad or null, as deep as it stands.
func TestNonFiniteNumbers(t *testing.T) {
	data := `{"a":"x"}` + "\n" + `{"a":"y","score":NaN,"more":{"s":[1,-Infinity,"NaN"]}}` + "\n" + `{"a":"z","score":2}` + "\n"
	readOn([]byte(data), decoded.Required("a")).check(t, []string{"x", "y", "z"}, "")
	readOn([]byte(data), append(decoded.Required("a"), decoded.Optional("score")...)).check(t, []string{"x", "malformed line 2", "z"}, "")
	readOn([]byte(data), append(decoded.Required("a"), decoded.Optional("more")...)).check(t, []string{"x", "malformed line 2", "z"}, "")
	file := memory([]byte(data))
	file.NonFinite = decoded.NonFiniteNull
	rows, err := readFile(file, decoded.Optional("a", "score", "more"))
	if err != nil {
		t.Fatal(err)
	}
	want := [][]any{{"x", nil, nil}, {"y", nil, map[string]any{"s": []any{decoded.Number("1"), nil, "NaN"}}}, {"z", decoded.Number("2"), nil}}
	for i, row := range rows {
		if diff := cmp.Diff(want[i], row.Values); diff != "" {
			t.Error(diff)
		}
	}
	file.Data = strings.NewReader(data) // The text of a value that is kept whole is JSON.
	rows, err = readFile(file, []decoded.Field{{Name: "more", Optional: true}, {Name: "more", Optional: true, Ordered: true}})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(decoded.JSON(`{"s":[1,null,"NaN"]}`), rows[1].Values[1]); diff != "" {
		t.Error(diff)
	}
	for _, wrong := range []string{`{"a":NaN,"a":1}`, `{"a":NaN,"b":}`, `{"a":Nan}`, `{"a":+Infinity}`, `{"a":NaN`, `{"a":"x",NaN:1}`} {
		file := memory([]byte(strings.Replace(data, "\n", "\n"+wrong+"\n", 1)))
		file.NonFinite = decoded.NonFiniteNull
		if out := collect(file, decoded.Optional("a")); len(out.Rows) != 4 || !strings.HasSuffix(out.Rows[1], " line 2") || out.End != "" {
			t.Errorf("%s: %q, %s", wrong, out.Rows, out.End)
		}
	}
}
