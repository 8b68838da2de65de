package mapping

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/google/cel-go/cel"
	"github.com/google/cel-go/common/ast"
	"github.com/google/cel-go/common/operators"
	"github.com/google/cel-go/common/types"

	"github.com/datasetmix/datasetmix/internal/decode/decoded"
	"github.com/datasetmix/datasetmix/internal/mapping/language"
)

// failure returns the error of an expression: what is wrong, in which one if it is not a preset's, and what to do.
func (x *expression) failure(what string) error {
	if x.preset != "" {
		return errors.New(what + "; correct the row or choose another preset")
	}
	return fmt.Errorf("the expression of %s, %s, fails: %s; correct the row or the expression", x.part, quoted(x.text), what)
}

// quoted returns an expression on one line, not too long for a condition's message.
func quoted(text string) string {
	text = strings.Join(strings.Fields(text), " ")
	if short := []rune(text); len(short) > 200 {
		text = string(short[:200]) + "…"
	}
	return "`" + text + "`"
}

// explain returns why an evaluation failed, by the part of the expression in which it did.
func (x *expression) explain(err error, row *rowValue) string {
	at, it := x.where(err)
	what := language.Problem(err, it)
	key, missing := strings.CutPrefix(what, "no such key: ")
	switch {
	case missing && slices.ContainsFunc(row.names, func(f decoded.Field) bool { return f.Name == key }) && row.get(key) == nil:
		return language.Subject{Field: key}.The() + " is absent or null"
	case (missing || strings.Contains(what, "expected iterable type")) && x.closed(row) != "":
		return fmt.Sprintf("the field %q is a string, and nothing can be taken out of it; if it holds JSON, open it first: row.%[1]s.json()", x.closed(row))
	case missing:
		return fmt.Sprintf("there is no key %q", key)
	case at != nil && strings.HasPrefix(what, "no such overload"):
		return x.mismatch(at, row)
	case strings.Contains(what, "optional.none()"):
		return it.The() + " is absent or null"
	case strings.Contains(what, "unhashable"): // CEL returns the panic of Go's own map.
		return "a map has a key that is not a string, a number or a bool"
	case strings.Contains(what, "cost limit exceeded"):
		return fmt.Sprintf("it costs more than %d steps for one row", language.MaxCost)
	}
	return what
}

// where returns the part of the expression that failed, nil if it is not known, and what that part is about.
func (x *expression) where(err error) (at ast.Expr, it language.Subject) {
	var located *types.Err
	if errors.As(err, &located) {
		at = x.find(located.NodeID())
	}
	if at != nil && at.Kind() == ast.CallKind {
		if args := language.Operands(at); len(args) > 0 {
			return at, x.about(args[0])
		}
	}
	return at, language.Subject{Text: "the value"}
}

// closed returns a field that is used as a list or an object, but is a text in this row; "" if there is none.
func (x *expression) closed(row *rowValue) (field string) {
	language.Walk(x.checked.Expr(), func(e ast.Expr) {
		of := ast.Expr(nil)
		switch {
		case e.Kind() == ast.SelectKind:
			of = e.AsSelect().Operand()
		case e.Kind() == ast.CallKind && slices.Contains([]string{operators.Index, operators.OptIndex, operators.OptSelect}, e.AsCall().FunctionName()):
			of = e.AsCall().Args()[0]
		case e.Kind() == ast.ComprehensionKind:
			of = e.AsComprehension().IterRange()
		default:
			return
		}
		if name, _, in := fieldOf(of); in != nil {
			if _, text := row.get(name).(string); text {
				field = name
			}
		}
	})
	return field
}

// mismatch explains CEL's "no such overload", which does not name the types that the row had.
func (x *expression) mismatch(at ast.Expr, row *rowValue) string {
	what := []string{x.unparse(at) + " has no meaning for these types"}
	for _, arg := range language.Operands(at) {
		if name, _, of := fieldOf(arg); of != nil {
			kind := language.Describe(row.get(name))
			if n, ok := row.get(name).(decoded.Number); ok && language.IsLong(n) {
				kind = fmt.Sprintf("the number %.40s, which has more digits than a 64-bit number holds", string(n))
			}
			if s, ok := row.get(name).(string); ok && looksLikeJSON(s) {
				kind += ", which seems to hold JSON: .json() opens it"
			}
			what = append(what, fmt.Sprintf("the field %q is %s", name, kind))
		}
	}
	return strings.Join(what, "; ")
}

func (x *expression) find(id int64) (found ast.Expr) {
	language.Walk(x.checked.Expr(), func(e ast.Expr) {
		if e.ID() == id && found == nil {
			found = e
		}
	})
	return found
}

// subject returns what the whole expression is about.
func (x *expression) subject() language.Subject {
	if x.path == nil {
		return language.Subject{Text: "the result"}
	}
	names := append([]string{strings.Join(x.path.names, " or ")}, x.path.below...)
	return language.Subject{Field: strings.Join(names, ".")}
}

// about returns the subject of a part of an expression for a message.
func (x *expression) about(e ast.Expr) language.Subject {
	if name, _, of := fieldOf(e); of != nil {
		return language.Subject{Field: name}
	}
	if e.Kind() == ast.CallKind && e.AsCall().FunctionName() == "afterLast" {
		args := language.Operands(e)
		if mark := args[1]; mark.Kind() == ast.LiteralKind {
			return language.Subject{Text: fmt.Sprintf("what follows %q in %s", mark.AsLiteral().Value(), x.about(args[0]))}
		}
	}
	return language.Subject{Text: x.unparse(e)}
}

func (x *expression) unparse(e ast.Expr) string {
	text, err := cel.ExprToString(e, x.checked.SourceInfo())
	if err != nil {
		return "a part of it"
	}
	for _, made := range []string{".value()", ".orValue(dyn(null))"} { // by withPresence
		if !strings.Contains(x.text, made) {
			text = strings.ReplaceAll(text, made, "")
		}
	}
	return quoted(text)
}

// looksLikeJSON reports whether a text begins as a list or an object of JSON does.
func looksLikeJSON(s string) bool {
	s = strings.TrimSpace(s)
	return strings.HasPrefix(s, "[") || strings.HasPrefix(s, "{")
}
