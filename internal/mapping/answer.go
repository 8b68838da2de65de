package mapping

import (
	"errors"
	"fmt"
	"strings"
	"unicode"

	"github.com/google/cel-go/common/ast"

	"github.com/datasetmix/datasetmix/internal/mapping/language"
	"github.com/datasetmix/datasetmix/internal/recipe"
	"github.com/datasetmix/datasetmix/internal/record"
)

// Class is the kind of error of a row that a mapping refuses, for counts and reports.
type Class string

// The classes of rows that a mapping refuses.
const (
	Unmappable Class = "unmappable"   // no record can be made of the row
	NoAnswer   Class = "no-answer"    // there is no reference answer
	NotANumber Class = "not-a-number" // the answer type is numeric, and the reference answer is no number
)

// ClassOf returns the class of an error of Map.
func ClassOf(err error) Class {
	var refused *refusal
	if errors.As(err, &refused) {
		return refused.class
	}
	return Unmappable
}

// refusal is an error with its class.
type refusal struct {
	class Class
	error
}

func (r *refusal) Unwrap() error { return r.error }

// answers are the rules by which a mapping judges reference answers. The zero value accepts every string and every number, as the rule of the first
// releases does.
type answers struct {
	judged bool
	// optional accepts a row without an answer as well, which gets the empty one.
	optional bool
}

// answersOf returns the rules of a record for its answers. The constant "" for the reference answer means that the rows have none.
func (c *compiler) answersOf(r recipe.Record, answer *expression) answers {
	if c.err != nil || r.Rule == "" {
		return answers{}
	}
	how := answers{judged: true, optional: r.Answers == recipe.OptionalAnswers}
	if e := answer.checked.Expr(); e.Kind() == ast.LiteralKind {
		how.optional = how.optional || e.AsLiteral().Value() == ""
	}
	if how.optional && answer.path != nil {
		for _, name := range answer.path.names {
			c.guarded[name] = true
		}
	}
	return how
}

// answered returns the reference answer of a row, judged as the record asks.
func (m *mapping) answered(row *rowValue, answerType string) (string, error) {
	x := m.answer
	if !m.answers.judged {
		return x.textual(row, aScalar)
	}
	v, err := m.answerOf(row)
	if err != nil {
		return "", err
	}
	answer := ""
	if v != nil {
		if answer, err = x.textOf(v, aScalar); err != nil {
			return "", err
		}
	}
	switch {
	case blank(answer) && m.answers.optional:
		return "", nil
	case blank(answer):
		return "", x.refuse(NoAnswer, missingAnswer(x.subject().The(), v))
	case answerType == record.Numeric && !isNumeric(answer):
		return "", x.refuse(NotANumber, fmt.Sprintf("the answer type is numeric, and %s is %.40q, which is not one number alone, such as 72, -1.5, 1,234, 1e3 or 3/4", x.subject().The(), answer))
	}
	return answer, nil
}

// answerOf returns the value of the reference answer, nil if the row has none.
func (m *mapping) answerOf(row *rowValue) (any, error) {
	if x := m.answer; m.answers.optional && x.path != nil && x.path.ends(row) {
		return nil, nil
	}
	return m.answer.value(row)
}

// ends reports whether the path leads to nothing: to an absent field, or to a key that an object on the way lacks.
func (p *path) ends(row *rowValue) bool {
	v, _ := (&path{fields: p.fields}).take(row)
	for _, name := range p.below {
		object, ok := v.(map[string]any)
		if !ok {
			break
		}
		v = object[name]
	}
	return v == nil
}

func missingAnswer(what string, v any) string {
	is := "empty"
	switch v := v.(type) {
	case nil:
		is = "absent or null"
	case string:
		if v != "" {
			is = "nothing but white space"
		}
	}
	return "there is no reference answer: " + what + " is " + is + "; leave such rows out by where or onBadRow, or keep them with answers: Optional"
}

// refuse returns failure with a class.
func (x *expression) refuse(class Class, what string) error {
	return &refusal{class, x.failure(what)}
}

// blank reports whether a text is invisible: white space, and characters without a width.
func blank(s string) bool {
	if s != "" && s[0] > ' ' && s[0] < 0x7f {
		return false // as nearly every text
	}
	for _, r := range s {
		if !unicode.IsSpace(r) && !unicode.Is(unicode.Cf, r) && !unicode.Is(unicode.Cc, r) {
			return false
		}
	}
	return true
}

// The bounds of a number, those of the scoring of answers: what is longer cannot be compared exactly in bounded time.
const (
	maxDigits         = 60
	maxExponentDigits = 2
)

// isNumeric reports whether a text is one number, with nothing but white space around it: a decimal number, or a fraction of
// two integers. docs/mapping.md has the rule.
func isNumeric(s string) bool {
	s = strings.TrimSpace(s)
	if len(s) > 2*maxDigits {
		return false
	}
	for _, sign := range []string{"-", "+", "\u2212"} { // The last is the minus sign proper.
		if after, signed := strings.CutPrefix(s, sign); signed {
			s = after
			break
		}
	}
	if above, below, fraction := strings.Cut(s, "/"); fraction {
		return isWhole(above) && isWhole(below) && strings.Trim(below, "0,") != ""
	}
	mantissa, exponent, scientific := cutExponent(s)
	if scientific && (!language.IsDigits(exponent) || len(exponent) > maxExponentDigits) {
		return false
	}
	whole, decimals, point := strings.Cut(mantissa, ".")
	if point && !language.IsDigits(decimals) || len(whole)+len(decimals) > maxDigits {
		return false
	}
	return isWhole(whole) || point && whole == ""
}

// cutExponent cuts a number at its e, and drops the sign after it.
func cutExponent(s string) (mantissa, exponent string, scientific bool) {
	at := strings.IndexAny(s, "eE")
	if at < 0 {
		return s, "", false
	}
	exponent = s[at+1:]
	if strings.HasPrefix(exponent, "+") || strings.HasPrefix(exponent, "-") {
		exponent = exponent[1:]
	}
	return s[:at], exponent, true
}

// isWhole reports whether a text is digits, with commas between full groups of three or with none.
func isWhole(s string) bool {
	first, rest, grouped := strings.Cut(s, ",")
	if !language.IsDigits(first) || len(s) > maxDigits || grouped && len(first) > 3 {
		return false
	}
	for grouped {
		var group string
		if group, rest, grouped = strings.Cut(rest, ","); len(group) != 3 || !language.IsDigits(group) {
			return false
		}
	}
	return true
}
