package language

import (
	"errors"
	"testing"

	"github.com/datasetmix/datasetmix/internal/decode/decoded"
)

// TestFunctions: what each function makes of its arguments, and what it has against them.
func TestFunctions(t *testing.T) {
	const row = `{"gsm":"so\n#### 1,234 ","tags":["x",1],"n":7,"o":{"b":1.50,"a":[null]},"json":"{\"a\":[1.50]}","list":["T",["s"]],` +
		`"squad":{"text":["A","B"]},"none":{"text":[]},"pairs":[["T",["s ","t"]],["U",[]]],"columns":{"title":["T"],"sentences":[["s"]]},` +
		`"chat":[{"role":"User","content":"Q"},{"from":"gpt","value":[{"text":"A"},"B",{"type":"image"}]},{"role":"tool","content":null}]}`
	for expression, want := range map[string]string{
		`row.gsm.afterLast("####")`:                      `"1,234"`,
		`"a#b#".afterLast("#")`:                          `""`,
		`row.gsm.afterLast("$")`:                         `error: there is no "$" in it, so the answer cannot be found`,
		`row.n.afterLast("$")`:                           `error: it is a number and must be a string`,
		`row.gsm.afterLast(row.n)`:                       `error: it is a number and must be a string`,
		`row.gsm.afterLast("####").number()`:             `"1234"`,
		`" -1,000.50 ".number()`:                         `"-1000.50"`,
		`"5.".number()`:                                  `error: it is "5." and not a number`,
		`".5".number()`:                                  `error: it is ".5" and not a number`,
		`"-".number()`:                                   `error: it is "-" and not a number`,
		`"٣".number()`:                                   `error: it is "٣" and not a number`,
		`r"\boxed{1} and \boxed {\frac{1}{2}}.".boxed()`: `"\\frac{1}{2}"`,
		`r"\fbox{1} \boxedness{2}".boxed()`:              `"1"`,
		`r"$\boxed 2$".boxed()`:                          `"2"`,
		`r"\boxed{\{}".boxed()`:                          `"\\{"`,
		`r"\boxed{}".boxed()`:                            `""`,
		`r"\boxed".boxed()`:                              `error: nothing follows the last \boxed`,
		`r"\boxed{1\}".boxed()`:                          `error: the braces of the last \boxed do not close`,
		`"5".boxed()`:                                    `error: there is no \boxed in it, so the answer cannot be found`,
		`row.json.json().a`:                              `[1.50]`,
		`"7".json() + 1`:                                 `8`,
		`jsonText(row.o)`:                                `"{\"a\":[null],\"b\":1.50}"`,
		`jsonText(0.0 / 0.0)`:                            `error: NaN is not a number that JSON has`,
		`jsonText(b"x")`:                                 `error: a record cannot hold a value of type bytes`,
		`row.chat.turns()`:                               `["Q","A\nB"]`,
		`row.chat.turns("USER")`:                         `["Q"]`,
		`row.chat.turns("assistant")`:                    `["A\nB"]`,
		`"[]".turns()`:                                   `[]`,
		`row.o.turns()`:                                  `error: it is an object and must be a list of turns, or a text of JSON that holds one`,
		`row.tags.turns()`:                               `error: turn 1 of it is a string and must be an object with role and content, or from and value`,
		`[{"content": "x"}].turns()`:                     `error: turn 1 of it has no role, and no from, that is a string`,
		`[{"role": "user", "content": 1}].turns()`:       `error: turn 1 of it has a content that is a number and must be a string or a list of parts`,
		`" x\u00a0".trim()`:                              `"x"`,
		`"a,,b".split(",")`:                              `["a","","b"]`,
		`"ab".split("")`:                                 `error: it cannot be split at "": that is no separator, or gives more than 1048576 parts`,
		`["a", "", "b"].join(", ")`:                      `"a, , b"`,
		`[].join(",")`:                                   `""`,
		`row.tags.join(",")`:                             `error: it has an element that is a number and must be a string`,
		`row.n.join(",")`:                                `error: it is a number and must be a list of strings, joined by a string`,
		`"aXbX".replace("X", "-")`:                       `"a-b-"`,
		`"a".replace("", "-")`:                           `error: an empty text cannot be replaced`,
		`fail("no " + string(row.n))`:                    `error: no 7`,
		`squadAnswer(row.squad, optional.none())`:        `"A"`,
		`squadAnswer(row.none, optional.of(true))`:       `"unanswerable"`,
		`squadAnswer(row.squad, optional.of(true))`:      `error: is_impossible and answers contradict each other`,
		`squadAnswer(row.tags, optional.none())`:         `error: it is a list and must be an object with a list of texts`,
		`hotpotParagraphs(row.pairs)`:                    `"T\ns t\n\nU\n"`,
		`hotpotParagraphs(row.columns)`:                  `"T\ns"`,
		`hotpotParagraphs(row.list)`:                     `error: it must be a list of pairs of a title and sentences`,
		`hotpotParagraphs(row.o)`:                        `error: it is an object and must have paragraphs`,
		`file.folders.lang + " " + file.name`:            `"de a.jsonl"`,
	} {
		if got := given(t, expression, row); got != want {
			t.Errorf("%s: %s\nshould be %s", expression, got, want)
		}
	}
}

// TestProblemNamesItsSubject: a complaint is about what its reader knows it by, and says "the value" where that is not known.
func TestProblemNamesItsSubject(t *testing.T) {
	err := complaint(func(it Subject) string { return it.The() + " or " + it.String() })
	for want, got := range map[string]string{
		`the field "a" or field "a"`: Problem(err, Subject{Field: "a"}),
		"`x + y` or `x + y`":         Problem(err, Subject{Text: "`x + y`"}),
		"the value or the value":     err.Error(),
		"something else":             Problem(errors.New("something else"), Subject{Field: "a"}),
	} {
		if got != want {
			t.Errorf("%s\nshould be %s", got, want)
		}
	}
}

// TestKindsHaveNames: a value has the same name in a message whether it is a row's or CEL's.
func TestKindsHaveNames(t *testing.T) {
	for want, values := range map[string][]any{
		"absent or null": {nil}, "a string": {""}, "a boolean": {false}, "a list": {[]any{}}, "an object": {map[string]any{}},
		"a number": {decoded.Number("1"), decoded.Number("0.5"), decoded.Number("0.12345678901234567890")},
	} {
		for _, v := range values {
			if got, seen := Describe(v), describeValue(Adapter{}.NativeToValue(v)); got != want || seen != want {
				t.Errorf("%v is %s, and %s to CEL; should be %s", v, got, seen, want)
			}
		}
	}
}
