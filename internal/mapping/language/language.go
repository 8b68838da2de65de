// Package language is the language of mappings: CEL, with additional functions, within bounds, and with absent values treated as users mean them.
// It shows decoded values to CEL and makes decoded values of what CEL returns. It does not know what an expression is for.
package language

import (
	"fmt"
	"sync"

	"github.com/google/cel-go/cel"
	"github.com/google/cel-go/common/ast"
	"github.com/google/cel-go/common/decls"
	"github.com/google/cel-go/common/operators"
	"github.com/google/cel-go/common/overloads"
	"github.com/google/cel-go/common/types"
	"github.com/google/cel-go/common/types/ref"
	"github.com/google/cel-go/common/types/traits"
	"github.com/google/cel-go/interpreter"
)

// The bounds of an expression. docs/mapping.md states them.
const (
	// MaxExpression is its length in characters, as in the schema.
	MaxExpression = 1024
	// maxNesting is the depth of its syntax, and maxLoops that of its comprehensions.
	maxNesting = 64
	maxLoops   = 2
	// MaxCost bounds the evaluation for one row: about one unit per operator and function, per element of a list and per 100 bytes of text that one
	// touches. A unit takes about a microsecond, and CEL keeps what it has counted in memory, so a million is a second and some 50 MB at worst;
	// Kubernetes has the same bound for its own rules.
	MaxCost = 1_000_000
	// bytesPerCost is how many bytes of text are one unit, and bytesPerMatch how many of them a regular expression reads.
	bytesPerCost  = 100
	bytesPerMatch = 10
	// MaxText and maxParts bound the result of one call of replace, split or join, since cost is counted after the call.
	MaxText  = 128 << 20
	maxParts = 1 << 20
)

// RowName is the variable of an expression that holds the row; FileName is the other one.
const RowName = "row"

// Env is the environment that every expression is compiled in: CEL's standard library and macros, its optional values,
// and the functions of this package.
var Env = sync.OnceValues(func() (*cel.Env, error) {
	options := []cel.EnvOption{
		cel.Variable(RowName, cel.MapType(cel.StringType, cel.DynType)),
		cel.Variable(FileName, cel.MapType(cel.StringType, cel.DynType)),
		cel.CustomTypeAdapter(Adapter{}),
		cel.OptionalTypes(cel.OptionalTypesVersion(2)),
		cel.EnableMacroCallTracking(), // so that messages show what was written
		cel.ParserRecursionLimit(maxNesting),
		cel.ParserExpressionSizeLimit(MaxExpression),
		cel.ASTValidators(cel.ValidateRegexLiterals(), cel.ValidateComprehensionNestingLimit(maxLoops)),
	}
	for _, f := range functions {
		options = append(options, f.declare())
	}
	return cel.NewEnv(options...)
})

// function is a function of the language, beyond those of CEL.
type function struct {
	name   string
	member bool
	args   []*cel.Type
	result *cel.Type
	call   func(...ref.Val) ref.Val
}

var (
	aText    = cel.StringType
	textList = cel.ListType(cel.StringType)
)

var functions = []function{
	{"afterLast", true, []*cel.Type{aText, aText}, aText, afterLast},
	{"number", true, []*cel.Type{aText}, aText, onText(number)},
	{"boxed", true, []*cel.Type{aText}, aText, onText(boxed)},
	{"json", true, []*cel.Type{aText}, cel.DynType, onText(openJSON)},
	{"jsonText", false, []*cel.Type{cel.DynType}, aText, jsonText},
	{"turns", true, []*cel.Type{cel.DynType}, textList, turns},
	{"turns", true, []*cel.Type{cel.DynType, aText}, textList, turns},
	{"trim", true, []*cel.Type{aText}, aText, onText(trim)},
	{"split", true, []*cel.Type{aText, aText}, textList, split},
	{"join", true, []*cel.Type{textList, aText}, aText, join},
	{"replace", true, []*cel.Type{aText, aText, aText}, aText, replace},
	{"fail", false, []*cel.Type{aText}, cel.DynType, onText(fail)},
	{"squadAnswer", false, []*cel.Type{cel.DynType, cel.OptionalType(cel.DynType)}, aText, squadAnswer},
	{"hotpotParagraphs", false, []*cel.Type{cel.DynType}, aText, hotpotParagraphs},
}

// declare declares a function to CEL. It has no runtime guards: it checks its arguments itself, with better messages than "no such overload".
func (f function) declare() cel.EnvOption {
	overload := cel.Overload
	if f.member {
		overload = cel.MemberOverload
	}
	var binding cel.OverloadOpt
	switch len(f.args) {
	case 1:
		binding = cel.UnaryBinding(func(v ref.Val) ref.Val { return f.call(v) })
	case 2:
		binding = cel.BinaryBinding(func(v, w ref.Val) ref.Val { return f.call(v, w) })
	default:
		binding = cel.FunctionBinding(f.call)
	}
	return cel.Function(f.name, decls.DisableTypeGuards(true), overload(fmt.Sprintf("datasetmix_%s_%d", f.name, len(f.args)), f.args, f.result, binding))
}

// Function returns the implementation of a function beyond those of CEL, by its name and the number of its arguments, including a target; nil if
// there is none.
func Function(name string, args int) func(...ref.Val) ref.Val {
	for _, f := range functions {
		if f.name == name && len(f.args) == args {
			return f.call
		}
	}
	return nil
}

// Check parses an expression and checks its types.
func Check(env *cel.Env, text string) (*cel.Ast, *cel.Issues) {
	parsed, issues := env.Parse(text)
	if issues.Err() != nil {
		return nil, issues
	}
	withPresence(parsed.NativeRep())
	return env.Check(parsed)
}

// Program prepares a checked expression for evaluation.
func Program(env *cel.Env, checked *cel.Ast) (cel.Program, error) {
	return env.Program(checked, cel.CustomDecoratorV2(sortMaps), cel.EvalOptions(cel.OptOptimize), cel.CostTracking(costs{}), cel.CostLimit(MaxCost))
}

// sortedMaps are the maps that an expression makes itself, with their keys in one order.
type sortedMaps struct {
	interpreter.InterpretableConstructor
}

func sortMaps(step interpreter.InterpretableV2) (interpreter.InterpretableV2, error) {
	if c, ok := step.(interpreter.InterpretableConstructor); ok && c.Type() == types.MapType {
		return sortedMaps{c}, nil
	}
	return step, nil
}

func (s sortedMaps) Exec(frame *interpreter.ExecutionFrame) ref.Val {
	v := s.InterpretableConstructor.Exec(frame)
	if m, ok := v.(traits.Mapper); ok {
		return sorted{m}
	}
	return v
}

func (s sortedMaps) Eval(vars interpreter.Activation) ref.Val {
	return s.Exec(interpreter.AsFrame(vars))
}

// costs charges every call for what it touches. CEL's own costs count a call whose argument types are not known before there is a row, as nearly
// all are here, as one unit whatever its size.
type costs struct{}

func (costs) CallCost(function, _ string, args []ref.Val, result ref.Val) *uint64 {
	cost := uint64(1)
	switch function {
	case operators.Equals, operators.NotEquals, operators.In:
		for _, arg := range args {
			cost += wholeSize(arg)
		}
	case overloads.Matches:
		cost += size(args[0]) * bytesPerCost / bytesPerMatch * (1 + size(args[1]))
	case operators.Index, overloads.Size:
	default:
		for _, arg := range args {
			cost += size(arg)
		}
		cost += size(result)
	}
	return &cost
}

// size returns the cost of walking along a value once, without what is in its elements.
func size(v ref.Val) uint64 {
	switch v := v.(type) {
	case types.String:
		return uint64(len(v)) / bytesPerCost
	case types.Bytes:
		return uint64(len(v)) / bytesPerCost
	case traits.Sizer:
		if n, ok := v.Size().(types.Int); ok {
			return uint64(n)
		}
	}
	return 0
}

// wholeSize returns the cost of comparing a value, with all that is in it.
func wholeSize(v ref.Val) uint64 {
	switch v.(type) {
	case traits.Lister, traits.Mapper:
		return nativeSize(v.Value())
	default:
		return size(v)
	}
}

func nativeSize(v any) (n uint64) {
	switch v := v.(type) {
	case string:
		return 1 + uint64(len(v))/bytesPerCost
	case []any:
		for _, element := range v {
			n += nativeSize(element)
		}
	case map[string]any:
		for _, value := range v {
			n += nativeSize(value)
		}
	case []ref.Val:
		for _, element := range v {
			n += 1 + wholeSize(element)
		}
	case map[ref.Val]ref.Val:
		for _, value := range v {
			n += 1 + wholeSize(value)
		}
	}
	return 1 + n
}

// Walk visits an expression and all below it.
func Walk(e ast.Expr, visit func(ast.Expr)) {
	ast.PreOrderVisit(e, ast.NewExprVisitor(visit))
}

// Operands returns the target of a call, if it has one, and its arguments.
func Operands(e ast.Expr) []ast.Expr {
	if e.Kind() != ast.CallKind {
		return nil
	}
	call := e.AsCall()
	if call.IsMemberFunction() {
		return append([]ast.Expr{call.Target()}, call.Args()...)
	}
	return call.Args()
}
