package language

import (
	"slices"
	"strings"

	"github.com/google/cel-go/common/ast"
	"github.com/google/cel-go/common/operators"
	"github.com/google/cel-go/common/types"
)

// People write `row.messages.last().content.trim()` and `row.?level == "hard"`, and CEL says that an optional value has no trim and is equal to no
// text; they write `row.tools == null`, and get an error for the field that is null. presence gives such expressions the intended meaning, before
// their types are checked. Nothing that CEL accepts changes its meaning, except comparisons of optional values with null, which are always unequal
// in CEL.
//
//   - Compared by ==, != or in, an optional value is what it holds, and null where it holds nothing.
//   - Passed to any other operator or function, it is what it holds, and an error where it holds nothing.
//   - A field, or a member below one, that is compared with null may be absent.
type presence struct {
	make   ast.ExprFactory
	info   *ast.SourceInfo
	nextID int64
}

func withPresence(of *ast.AST) {
	p := presence{make: ast.NewExprFactory(), info: of.SourceInfo(), nextID: ast.MaxID(of)}
	var calls []ast.Expr
	Walk(of.Expr(), func(e ast.Expr) {
		if e.Kind() == ast.CallKind || e.Kind() == ast.ComprehensionKind {
			calls = append(calls, e)
		}
	})
	for _, e := range slices.Backward(calls) {
		p.operandsOf(e)
	}
}

// takesOptional are the functions that an optional value is passed to as such.
var takesOptional = []string{"or", "orValue", "value", "hasValue", "optMap", "optFlatMap", "squadAnswer", operators.Index, operators.OptIndex, operators.OptSelect,
	operators.Conditional, operators.LogicalAnd, operators.LogicalOr, operators.LogicalNot, operators.NotStrictlyFalse}

func (p *presence) operandsOf(e ast.Expr) {
	if e.Kind() == ast.ComprehensionKind {
		p.unwrap(e.AsComprehension().IterRange())
		return
	}
	args, name := Operands(e), e.AsCall().FunctionName()
	switch {
	case name == operators.Equals || name == operators.NotEquals:
		p.compared(args[0], args[1])
	case name == operators.In:
		if isOptional(args[0]) {
			p.orNull(args[0])
		}
		p.unwrap(args[1])
	case !slices.Contains(takesOptional, name) && !strings.HasPrefix(name, "optional."):
		for _, arg := range args {
			p.unwrap(arg)
		}
	}
}

// compared rewrites the two sides of a comparison.
func (p *presence) compared(a, b ast.Expr) {
	switch {
	case isNull(b):
		p.maybeNull(a)
	case isNull(a):
		p.maybeNull(b)
	case isOptional(a) && !isOptional(b):
		p.orNull(a)
	case isOptional(b) && !isOptional(a):
		p.orNull(b)
	}
}

func isNull(e ast.Expr) bool { return e.Kind() == ast.LiteralKind && e.AsLiteral() == types.NullValue }

// maybeNull returns an operand that is compared with null: what is selected may be absent.
func (p *presence) maybeNull(e ast.Expr) {
	if !isOptional(e) && !p.selectOptional(e) {
		return
	}
	p.orNull(e)
}

// selectOptional makes the first selection of a chain optional, and with it all that follow.
func (p *presence) selectOptional(e ast.Expr) bool {
	of, name := selected(e)
	switch {
	case of == nil:
		return false
	case p.selectOptional(of):
		return true
	}
	e.SetKindCase(p.make.NewCall(e.ID(), operators.OptSelect, of, name(p)))
	return true
}

// selected returns the operand of which an expression selects a member by a name, and that name; nil if it does not.
func selected(e ast.Expr) (of ast.Expr, name func(*presence) ast.Expr) {
	switch e.Kind() {
	case ast.SelectKind:
		if s := e.AsSelect(); !s.IsTestOnly() {
			return s.Operand(), func(p *presence) ast.Expr { return p.make.NewLiteral(p.id(e), types.String(s.FieldName())) }
		}
	case ast.CallKind:
		if args := e.AsCall().Args(); e.AsCall().FunctionName() == operators.Index && args[1].Kind() == ast.LiteralKind {
			if _, text := args[1].AsLiteral().(types.String); text {
				return args[0], func(*presence) ast.Expr { return args[1] }
			}
		}
	}
	return nil, nil
}

// isOptional reports whether an expression returns an optional value, as far as that is known.
func isOptional(e ast.Expr) bool {
	switch e.Kind() {
	case ast.SelectKind:
		return !e.AsSelect().IsTestOnly() && isOptional(e.AsSelect().Operand())
	case ast.CallKind:
		call := e.AsCall()
		switch call.FunctionName() {
		case operators.OptSelect, operators.OptIndex, "optional.of", "optional.none", "optional.ofNonZeroValue":
			return true
		case operators.Index:
			return isOptional(call.Args()[0])
		case "first", "last":
			return call.IsMemberFunction() && len(call.Args()) == 0
		case "or":
			return call.IsMemberFunction() && isOptional(call.Target())
		}
	}
	return false
}

// unwrap replaces an optional value by what it holds.
func (p *presence) unwrap(e ast.Expr) {
	if isOptional(e) {
		e.SetKindCase(p.make.NewMemberCall(e.ID(), "value", p.moved(e)))
	}
}

// orNull replaces an optional value by what it holds, or null.
func (p *presence) orNull(e ast.Expr) {
	null := p.make.NewCall(p.id(e), "dyn", p.make.NewLiteral(p.id(e), types.NullValue))
	e.SetKindCase(p.make.NewMemberCall(e.ID(), "orValue", p.moved(e), null))
}

// moved returns an expression under another id, since another one made of it takes its place.
func (p *presence) moved(e ast.Expr) ast.Expr {
	id := p.id(e)
	if e.Kind() == ast.SelectKind {
		return p.make.NewSelect(id, e.AsSelect().Operand(), e.AsSelect().FieldName())
	}
	call := e.AsCall()
	if call.IsMemberFunction() {
		return p.make.NewMemberCall(id, call.FunctionName(), call.Target(), call.Args()...)
	}
	return p.make.NewCall(id, call.FunctionName(), call.Args()...)
}

// id returns a new id for an expression in the place of another.
func (p *presence) id(at ast.Expr) int64 {
	p.nextID++
	if place, ok := p.info.GetOffsetRange(at.ID()); ok {
		p.info.SetOffsetRange(p.nextID, place)
	}
	return p.nextID
}
