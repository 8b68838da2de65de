package decode

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/go-json-experiment/json/jsontext"
	"github.com/google/go-cmp/cmp"

	"github.com/datasetmix/datasetmix/internal/decode/decoded"
	"github.com/datasetmix/datasetmix/internal/decode/jsonvalue"
)

// The checker compares fewNames with each other one by one, and refuses more than maxDepth levels.
const (
	fewNames = 16
	maxDepth = 10000
)

// fastFields ask for values of all kinds: whole ones, ones inside objects, and both of the same object.
var fastFields = decoded.Optional("a", "b.c", "o", "o.p", "d.e", "ä", "")

// fastTexts returns the shapes of rows, right and wrong, that a checker has to tell apart.
func fastTexts() []string {
	texts := []string{
		`{}`, `{ }`, "{\t\r\n}", `{"a":1}`, `{"a" : 1 , "b" : 2}`, `{"a":1,}`, `{,"a":1}`, `{"a"}`, `{"a":}`, `{"a":1 "b":2}`, `{"a":1`, `{"a":`, `{"a"`, `{"a`, `{`,
		`{"a":1}}`, `{"a":1} {}`, `{"a":1]`, `{a:1}`, `{1:1}`, `{null:1}`, `{"a":1}x`, `[]`, `1`, `""`, `null`, ``,
		`{"a":[]}`, `{"a":[1,2]}`, `{"a":[1,]}`, `{"a":[,1]}`, `{"a":[1 2]}`, `{"a":[1}`, `{"a":[`, `{"a":[[[]]]}`, `{"a":[ [ ] , { } ]}`,
		`{"a":true,"b":false,"o":null}`, `{"a":tru}`, `{"a":nulll}`, `{"a":True}`, `{"a":t`, `{"a":falsey}`,
		`{"b":{"c":"x"},"o":{"p":[1,{"q":"y\n"}]},"d":{"e":{}}}`, `{"b":[{"c":1}]}`, `{"b":"c","d":7,"o":null}`, `{"b.c":1,"b":{"c":2}}`, `{"b":{"c":2},"b.c":1}`,
		`{"a":1,"a":1}`, `{"a":1,"\u0061":1}`, `{"x":{"a":1,"a":2}}`, `{"x":[{"y":1,"y":2}]}`, `{"a":{"a":{"a":1}}}`, `{"a":1,"A":2,"":3}`, `{"":1,"":2}`,
		`{"abcdefgh":1,"abcdefgi":2}`, `{"abcdefghi":1,"abcdefghj":2}`, `{"abcdefghi":1,"abcdefghi":2}`, `{"abcdefg":1,"abcdefg":2}`, `{"a\u0000":1,"a":2,"\u0000":3}`,
		`{"ä":1,"\u00e4":2}`, `{"ä":"ü😀\u00fc\ud83d\ude00","a":"\"\\\/\b\f\n\r\t"}`, "{\"a\":\"\xff\"}", "{\"\xc3\":1}", "{\"a\":\"\xed\xa0\x80\"}", "{\xc3\xa4:1}", "{\"a\":1\xc2\xa0}",
		"{\"a\":\"\x00\"}", "{\"a\":\"\x1f\"}", "{\"a\":\"\x7f\"}", "{\"a\":\"x\ty\"}", "{\"a\":\t\"xy\"}", "{\"a\":\x0c1}", "{\"a\ty\":1}", "{\t\"a\":\"ü\x1f\"}", "\ufeff{}",
	}
	for _, number := range []string{"0", "-0", "10", "01", "-", "-01", "1.", "1.5", ".5", "1e", "1e5", "1E+5", "1e-5", "1e+", "1.5e300", "1.e1", "0x1", "+1", "NaN", "--1", "0.0", "00", "1e5.5", "1 2", "-a", "9e999"} {
		texts = append(texts, `{"a":`+number+`}`, `{"a":[`+number+`]}`, `{"x":`+number+` }`)
	}
	for _, escape := range []string{`\`, `\x`, `\u`, `\u1`, `\u12`, `\u123`, `\u1234`, `\u00E9`, `\u00g0`, `\ud800`, `\udc00`, `\ud800x`, `\ud800\n`, `\ud800\u0041`, `\ud800\ud800`, `\udbff\udfff`, `\uDBFF\uDFFF`, `\ud800\udc0`, `\\`, `\\\`, `\"`, `\U0041`, `\u 041`, `\ud83d\\ude00`} {
		texts = append(texts, `{"a":"`+escape+`"}`, `{"x":"long enough for a word `+escape+` and more"}`, `{"`+escape+`":"a","a":2}`, `{"a":"`+escape)
	}
	for _, n := range []int{fewNames - 1, fewNames, fewNames + 1, 100} {
		var names []string
		for i := range n {
			names = append(names, fmt.Sprintf(`"name %d":%d`, i, i))
		}
		texts = append(texts, "{"+strings.Join(names, ",")+"}", "{"+strings.Join(append(names, names[n/2]), ",")+"}", `{"x":{`+strings.Join(names, ",")+`,"name 0":1}}`)
	}
	for n := range 80 { // Every place of an end inside a word and a block.
		texts = append(texts, `{"a":"`+strings.Repeat("x", n)+`"}`, `{"a":"`+strings.Repeat("x", n)+`ü","b":{"c":"\n`+strings.Repeat("y", n)+`"}}`, `{"`+strings.Repeat("n", n)+`":"`+strings.Repeat("z", n)+`\"`+"\t"+`"}`)
	}
	return texts
}

// agree compares the checker with jsontext: what is taken, and the values that come of it.
func agree(tb testing.TB, c *jsonvalue.Checker, text []byte) {
	tb.Helper()
	want := len(text) > 0 && text[0] == '{' && text[len(text)-1] == '}' && jsontext.Value(text).IsValid()
	s := scanner{selection: selectFields(fastFields)}
	if got := c.Object(text, s.root); got != want {
		tb.Fatalf("%q: the checker says %t, and jsontext %t", text, got, want)
	}
	if !want {
		return
	}
	slow, fast, again := make([]any, len(fastFields)), make([]any, len(fastFields)), make([]any, len(fastFields))
	errSlow, errFast := (&scanner{selection: s.selection}).row(text, slow), s.spans(text, c.Found, fast)
	if diff := cmp.Diff(slow, fast); diff != "" || fmt.Sprint(errSlow) != fmt.Sprint(errFast) {
		tb.Fatalf("%q: %v, %v\n%s", text, errSlow, errFast, diff)
	}
	if err := s.spans(text, c.Found, again); err != nil || cmp.Diff(fast, again) != "" {
		tb.Fatalf("%q: a second row like the first differs: %v", text, err)
	}
}

// TestCheckerIsJSONText gives both the texts themselves and what a few wrong bytes make of them.
func TestCheckerIsJSONText(t *testing.T) {
	var c jsonvalue.Checker
	random := rand.New(rand.NewPCG(1, 2))
	const bytes = "{}[]\",:\\ \t\n\x00\x1f\x7f\x80\xc3\xed\xffu0d8e1.-+ntf"
	for _, text := range fastTexts() {
		agree(t, &c, []byte(text))
		for range 100 {
			wrong := []byte(text)
			for range 1 + random.IntN(3) {
				at, b := random.IntN(len(wrong)+1), bytes[random.IntN(len(bytes))]
				switch random.IntN(3) {
				case 0:
					wrong = slices.Insert(wrong, at, b)
				case 1:
					wrong = slices.Delete(wrong, min(at, len(wrong)), min(at+1, len(wrong)))
				default:
					if at < len(wrong) {
						wrong[at] = b
					}
				}
			}
			agree(t, &c, wrong)
		}
	}
}

func TestCheckerDepth(t *testing.T) {
	var c jsonvalue.Checker
	for _, open := range []string{"[", `{"k":`} {
		closing := map[string]string{"[": "]", `{"k":`: "}"}[open]
		for _, depth := range []int{maxDepth - 1, maxDepth} {
			agree(t, &c, []byte(`{"x":`+strings.Repeat(open, depth)+"1"+strings.Repeat(closing, depth)+"}"))
			agree(t, &c, []byte(`{"a":1,"x":`+strings.Repeat(open, depth)))
		}
	}
}

// TestCheckerKeepsNothing goes from a text that is refused half way to one that is not.
func TestCheckerKeepsNothing(t *testing.T) {
	var c jsonvalue.Checker
	for _, text := range []string{`{"a":"x","b":{"c":"y","d":{"\u0065":[`, `{"a":"z"}`, "{\"a\":\"\t\"}", `{"a":"\u0061","b":1}`, `{"b":{"c":1}}`} {
		agree(t, &c, []byte(text))
	}
}

// FuzzChecker holds the checker to jsontext on any text, and a line and a value that are read to encoding/json.
func FuzzChecker(f *testing.F) {
	for _, text := range fastTexts() {
		f.Add([]byte(text))
	}
	for _, text := range []string{`{"a":"x","b":[1,{"a":2}]}`, `{"a":{"a":1.5e300}}`, `{"a":"\u00fc\ud83d\ude00"}`, `{"a":1,"a":2}`, `{"a":"\ud800"}`, `{"a":nul}`, `{"a":1}{}`, `{"x":"é","a":null}`,
		`{"a":[1,"\\\"",{"b":null}],"c":true}`, `["\u00e9\\",-1.5e3 , false]`, `{}`, `[[],{}]`, `"x"`, ` 1 `} {
		f.Add([]byte(text))
	}
	var c jsonvalue.Checker
	f.Fuzz(func(t *testing.T, text []byte) {
		agree(t, &c, bytes.Trim(text, " \t\r\n"))
		agreeOnLine(t, text)
		agreeOnValue(t, text)
	})
}

// TestValuesOfTheirOwn keeps the values of rows and looks at them when the buffers were used again; a caller may change lists
// and objects, and no other row sees it.
func TestValuesOfTheirOwn(t *testing.T) {
	var text strings.Builder
	for i := range 3000 {
		fmt.Fprintf(&text, `{"s":"text %d","e":"\t%d","same":"the same","n":%d,"l":["x%d",%d],"o":{"k%d":"v%d"},"none":[],"many":[[],[1]]}`+"\n", i, i, i, i, i, i%300, i)
	}
	rows, err := read([]byte(text.String()), decoded.Required("s", "e", "same", "n", "l", "o", "none", "many"))
	if err != nil || len(rows) != 3000 {
		t.Fatal(len(rows), err)
	}
	for _, row := range rows {
		list := row.Values[6].([]any)
		_ = append(list, "changed")
		row.Values[7].([]any)[1] = "changed"
	}
	for i, row := range rows {
		want := []any{fmt.Sprint("text ", i), fmt.Sprint("\t", i), "the same", decoded.Number(strconv.Itoa(i)), []any{fmt.Sprint("x", i), decoded.Number(strconv.Itoa(i))},
			map[string]any{fmt.Sprint("k", i%300): fmt.Sprint("v", i)}, []any{}, []any{[]any{}, "changed"}}
		if diff := cmp.Diff(want, row.Values); diff != "" {
			t.Fatal(diff)
		}
	}
}
