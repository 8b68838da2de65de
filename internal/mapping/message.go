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
	"github.com/google/cel-go/common/types/ref"
	"github.com/google/cel-go/common/types/traits"

	"github.com/datasetmix/datasetmix/internal/decode/decoded"
)

// subject is what a message is about: a field of the row, or the text of an expression.
type subject struct{ field, text string }

func (s subject) String() string {
	if s.field != "" {
		return fmt.Sprintf("field %q", s.field)
	}
	return s.text
}

func (s subject) the() string {
	if s.field != "" {
		return "the " + s.String()
	}
	return s.text
}

// complaint is what a function has against its first argument. The function does not know what that is; whoever reports the
// complaint does.
type complaint func(it subject) string

func (c complaint) Error() string { return c(subject{text: "the value"}) }

func wrong(c complaint) ref.Val { return types.WrapErr(c) }

// problem is the text of an error.
func problem(err error, it subject) string {
	var c complaint
	if errors.As(err, &c) {
		return c(it)
	}
	return err.Error()
}

// failure says what is wrong, in which expression if it is not a preset's, and what to do.
func (x *expression) failure(what string) error {
	if x.preset != "" {
		return errors.New(what + "; correct the row or choose another preset")
	}
	return fmt.Errorf("the expression of %s, %s, fails: %s; correct the row or the expression", x.part, quoted(x.text), what)
}

// quoted is an expression on one line, not too long for a condition's message.
func quoted(text string) string {
	text = strings.Join(strings.Fields(text), " ")
	if short := []rune(text); len(short) > 200 {
		text = string(short[:200]) + "…"
	}
	return "`" + text + "`"
}

// explain says why an evaluation failed, by the part of the expression in which it did.
func (x *expression) explain(err error, row *rowValue) string {
	at, it := x.where(err)
	what := problem(err, it)
	key, missing := strings.CutPrefix(what, "no such key: ")
	switch {
	case missing && slices.ContainsFunc(row.names, func(f decoded.Field) bool { return f.Name == key }) && row.get(key) == nil:
		return subject{field: key}.the() + " is absent or null"
	case (missing || strings.Contains(what, "expected iterable type")) && x.closed(row) != "":
		return fmt.Sprintf("the field %q is a string, and nothing can be taken out of it; if it holds JSON, open it first: row.%[1]s.json()", x.closed(row))
	case missing:
		return fmt.Sprintf("there is no key %q", key)
	case at != nil && strings.HasPrefix(what, "no such overload"):
		return x.mismatch(at, row)
	case strings.Contains(what, "optional.none()"):
		return it.the() + " is absent or null"
	case strings.Contains(what, "unhashable"): // CEL gives back the panic of Go's own map.
		return "a map has a key that is not a string, a number or a bool"
	case strings.Contains(what, "cost limit exceeded"):
		return fmt.Sprintf("it costs more than %d steps for one row", maxCost)
	}
	return what
}

// where is the part of the expression that failed, nil if it is not known, and what that part is about.
func (x *expression) where(err error) (at ast.Expr, it subject) {
	var located *types.Err
	if errors.As(err, &located) {
		at = x.find(located.NodeID())
	}
	if at != nil && at.Kind() == ast.CallKind {
		if args := operands(at); len(args) > 0 {
			return at, x.about(args[0])
		}
	}
	return at, subject{text: "the value"}
}

// closed is a field from which something is taken as if it were a list or an object, and which is a text in this row; "" if there
// is none.
func (x *expression) closed(row *rowValue) (field string) {
	walk(x.checked.Expr(), func(e ast.Expr) {
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

// mismatch explains CEL's "no such overload", which says nothing of the types that the row gave.
func (x *expression) mismatch(at ast.Expr, row *rowValue) string {
	what := []string{x.unparse(at) + " has no meaning for these types"}
	for _, arg := range operands(at) {
		if name, _, of := fieldOf(arg); of != nil {
			kind := describe(row.get(name))
			if n, ok := row.get(name).(decoded.Number); ok && numberOf(n).Type() == longNumberType {
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

// operands are the target of a call, if it has one, and its arguments.
func operands(e ast.Expr) []ast.Expr {
	if e.Kind() != ast.CallKind {
		return nil
	}
	call := e.AsCall()
	if call.IsMemberFunction() {
		return append([]ast.Expr{call.Target()}, call.Args()...)
	}
	return call.Args()
}

func (x *expression) find(id int64) (found ast.Expr) {
	walk(x.checked.Expr(), func(e ast.Expr) {
		if e.ID() == id && found == nil {
			found = e
		}
	})
	return found
}

// subject is what the whole expression is about.
func (x *expression) subject() subject {
	if x.path == nil {
		return subject{text: "the result"}
	}
	return subject{field: fieldName(strings.Join(x.path.names, " or "), x.path.below...)}
}

// about is what a part of an expression is about, in the words of a message.
func (x *expression) about(e ast.Expr) subject {
	if name, _, of := fieldOf(e); of != nil {
		return subject{field: name}
	}
	if e.Kind() == ast.CallKind && e.AsCall().FunctionName() == "afterLast" {
		args := operands(e)
		if mark := args[1]; mark.Kind() == ast.LiteralKind {
			return subject{text: fmt.Sprintf("what follows %q in %s", mark.AsLiteral().Value(), x.about(args[0]))}
		}
	}
	return subject{text: x.unparse(e)}
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

func fieldName(name string, below ...string) string {
	return strings.Join(append([]string{name}, below...), ".")
}

// describe names the kind of a decoded value for a message.
func describe(v any) string {
	switch v.(type) {
	case nil:
		return "absent or null"
	case string:
		return "a string"
	case decoded.Number:
		return "a number"
	case bool:
		return "a boolean"
	case []any:
		return "a list"
	default:
		return "an object"
	}
}

// describeValue names the kind of a value of CEL.
func describeValue(v ref.Val) string {
	switch v.(type) {
	case types.Null:
		return "absent or null"
	case types.Int, types.Uint, types.Double, longNumber:
		return "a number"
	case types.Bool:
		return "a boolean"
	case types.String:
		return "a string"
	case traits.Mapper:
		return "an object"
	case traits.Lister:
		return "a list"
	}
	return "a value of type " + v.Type().TypeName()
}

// looksLikeJSON reports whether a text begins as a list or an object of JSON does.
func looksLikeJSON(s string) bool {
	s = strings.TrimSpace(s)
	return strings.HasPrefix(s, "[") || strings.HasPrefix(s, "{")
}
