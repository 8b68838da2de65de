package mapping

import (
	"strings"

	"github.com/google/cel-go/common/ast"
	"github.com/google/cel-go/common/operators"
	"github.com/google/cel-go/common/overloads"
	"github.com/google/cel-go/common/types"
	"github.com/google/cel-go/common/types/ref"
	"github.com/google/cel-go/common/types/traits"

	"github.com/datasetmix/datasetmix/internal/mapping/language"
)

// plan computes the value of an expression without CEL's interpreter, which takes several microseconds for the simplest one: more than all else
// that is done with a row. It is made from the checked expression, and knows fields, constants, the usual operators and the functions of the
// language. It may give up at any row, and does where anything is unusual: a value of another type, an error, a long text. CEL then evaluates the
// expression, so a plan is never a second meaning; a fuzz target compares the two. It has no loops, so what it costs is bounded by the lengths of
// expression and row.
type plan func(row *rowValue) (v ref.Val, ok bool)

// planOf returns nil for an expression that it does not know.
func (c *compiler) planOf(e ast.Expr) plan {
	if name, optional, of := fieldOf(e); of != nil && optional && e.Kind() == ast.SelectKind {
		return hasPlan(c.index(name))
	}
	if p := c.direct(e); p != nil {
		return fieldPlan(p)
	}
	switch e.Kind() {
	case ast.LiteralKind:
		constant := e.AsLiteral()
		return func(*rowValue) (ref.Val, bool) { return constant, true }
	case ast.IdentKind:
		if named, ok := typeNames[e.AsIdent()]; ok {
			return always(named)
		}
	case ast.ListKind:
		elements := c.plansOf(e.AsList().Elements())
		if elements == nil || len(e.AsList().OptionalIndices()) > 0 {
			return nil
		}
		return listPlan(elements)
	case ast.CallKind:
		if e.AsCall().FunctionName() == operators.Add {
			if texts := c.plansOf(addends(e)); texts != nil {
				return concatPlan(texts)
			}
			return nil
		}
		if args := c.plansOf(language.Operands(e)); args != nil {
			return operatorPlan(e.AsCall().FunctionName(), args)
		}
	}
	return nil
}

// plansOf returns nil if one of the expressions is not known.
func (c *compiler) plansOf(of []ast.Expr) []plan {
	plans := make([]plan, len(of))
	for i, e := range of {
		if plans[i] = c.planOf(e); plans[i] == nil {
			return nil
		}
	}
	return plans
}

func operatorPlan(name string, args []plan) plan {
	switch name {
	case operators.Equals:
		return equalPlan(args[0], args[1], types.True)
	case operators.NotEquals:
		return equalPlan(args[0], args[1], types.False)
	case operators.LogicalNot:
		return conditionPlan(args[0], always(types.False), always(types.True))
	case operators.LogicalAnd:
		return conditionPlan(args[0], boolPlan(args[1]), always(types.False))
	case operators.LogicalOr:
		return conditionPlan(args[0], always(types.True), boolPlan(args[1]))
	case operators.Conditional:
		return conditionPlan(args[0], args[1], args[2])
	}
	if of, ok := ofValues[name]; ok {
		return valuePlan(args, of)
	}
	if call := language.Function(name, len(args)); call != nil {
		return valuePlan(args, call)
	}
	return nil
}

// typeNames are the types that an expression may compare a value's type with.
var typeNames = map[string]ref.Val{
	"string": types.StringType, "bool": types.BoolType, "int": types.IntType, "double": types.DoubleType, "list": types.ListType, "map": types.MapType, "null_type": types.NullType,
}

// valuePlan computes a value of others; nil, and an error, are left to CEL.
func valuePlan(args []plan, of func(...ref.Val) ref.Val) plan {
	return func(row *rowValue) (ref.Val, bool) {
		values, ok := evaluated(args, row)
		if !ok {
			return nil, false
		}
		v := of(values...)
		return v, v != nil && !types.IsError(v)
	}
}

// ofValues are operators and functions of CEL that a plan computes from all their arguments. nil is left to CEL.
var ofValues = map[string]func(...ref.Val) ref.Val{
	operators.In: func(v ...ref.Val) ref.Val {
		if list, ok := v[1].(traits.Container); ok {
			return list.Contains(v[0])
		}
		return nil
	},
	overloads.TypeConvertType: func(v ...ref.Val) ref.Val {
		t, _ := v[0].Type().(ref.Val)
		return t
	},
	"orValue": func(v ...ref.Val) ref.Val {
		if o, ok := v[0].(*types.Optional); ok && o.HasValue() {
			return o.GetValue()
		} else if ok {
			return v[1]
		}
		return nil
	},
	"value": func(v ...ref.Val) ref.Val {
		if o, ok := v[0].(*types.Optional); ok && o.HasValue() {
			return o.GetValue()
		}
		return nil
	},
	overloads.TypeConvertDyn: func(v ...ref.Val) ref.Val { return v[0] },
	"first":                  func(v ...ref.Val) ref.Val { return endOf(v, false) },
	"last":                   func(v ...ref.Val) ref.Val { return endOf(v, true) },
}

// endOf returns the first or the last element of a list, or none.
func endOf(v []ref.Val, last bool) ref.Val {
	list, ok := v[0].(traits.Lister)
	if !ok || len(v) != 1 {
		return nil
	}
	switch size, _ := list.Size().(types.Int); {
	case size == 0:
		return types.OptionalNone
	case last:
		return types.OptionalOf(list.Get(size - 1))
	default:
		return types.OptionalOf(list.Get(types.IntZero))
	}
}

func always(v ref.Val) plan { return func(*rowValue) (ref.Val, bool) { return v, true } }

func hasPlan(field int) plan {
	return func(row *rowValue) (ref.Val, bool) { return types.Bool(row.values[field] != nil), true }
}

func fieldPlan(p *path) plan {
	return func(row *rowValue) (ref.Val, bool) {
		v, ok := p.take(row)
		switch {
		case p.optional && v == nil:
			return types.OptionalNone, true
		case p.optional:
			value := language.Adapter{}.NativeToValue(v)
			return types.OptionalOf(value), !types.IsError(value)
		case !ok || v == nil:
			return nil, false
		}
		value := language.Adapter{}.NativeToValue(v)
		return value, !types.IsError(value)
	}
}

func listPlan(elements []plan) plan {
	if len(elements) == 0 {
		return always(types.NewRefValList(language.Adapter{}, nil))
	}
	return func(row *rowValue) (ref.Val, bool) {
		values, ok := evaluated(elements, row)
		return types.NewRefValList(language.Adapter{}, values), ok
	}
}

// addends returns the terms of a sum of any number, from left to right.
func addends(e ast.Expr) []ast.Expr {
	if e.Kind() != ast.CallKind || e.AsCall().FunctionName() != operators.Add {
		return []ast.Expr{e}
	}
	args := e.AsCall().Args()
	return append(addends(args[0]), addends(args[1])...)
}

// concatPlan joins texts at once. A sum of anything else is left to CEL.
func concatPlan(texts []plan) plan {
	return func(row *rowValue) (ref.Val, bool) {
		var few [4]string
		parts, size := few[:0], 0
		for _, text := range texts {
			value, ok := text(row)
			part, isText := value.(types.String)
			if size += len(part); !ok || !isText || size > language.MaxText {
				return nil, false
			}
			parts = append(parts, string(part))
		}
		return types.String(strings.Join(parts, "")), true
	}
}

func equalPlan(left, right plan, equal types.Bool) plan {
	return func(row *rowValue) (ref.Val, bool) {
		l, ok := left(row)
		if !ok {
			return nil, false
		}
		r, ok := right(row)
		if !ok {
			return nil, false
		}
		same, ok := types.Equal(l, r).(types.Bool)
		return types.Bool(same == equal), ok
	}
}

// conditionPlan evaluates one of two plans, as CEL does.
func conditionPlan(condition, yes, no plan) plan {
	return func(row *rowValue) (ref.Val, bool) {
		v, ok := condition(row)
		if b, isBool := v.(types.Bool); !ok || !isBool {
			return nil, false
		} else if b {
			return yes(row)
		}
		return no(row)
	}
}

func boolPlan(of plan) plan {
	return func(row *rowValue) (ref.Val, bool) {
		v, ok := of(row)
		_, isBool := v.(types.Bool)
		return v, ok && isBool
	}
}

func evaluated(plans []plan, row *rowValue) ([]ref.Val, bool) {
	values := make([]ref.Val, len(plans))
	for i, p := range plans {
		var ok bool
		if values[i], ok = p(row); !ok {
			return nil, false
		}
	}
	return values, true
}
