package mapping

import (
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/google/cel-go/cel"
	"github.com/google/cel-go/common/ast"
	"github.com/google/cel-go/common/operators"
	"github.com/google/cel-go/common/types"

	"github.com/datasetmix/datasetmix/internal/contract"
	"github.com/datasetmix/datasetmix/internal/decode/decoded"
	"github.com/datasetmix/datasetmix/internal/mapping/language"
	"github.com/datasetmix/datasetmix/internal/recipe"
	"github.com/datasetmix/datasetmix/internal/record"
)

// maxMetadata is how many members a mapping may keep, as in the schema.
const maxMetadata = 16

// Compile makes the mapping of a data set's record: a preset, a preset with additions, or expressions. What does not
// compile is an InvalidTask failure that names the expression, the place in it and the reason. It needs no data.
func Compile(r recipe.Record) (Mapping, error) {
	if r.Preset == "" {
		return compile(r, "", r.Kept())
	}
	p, err := find(r.Preset)
	if err != nil {
		return nil, err
	}
	if r.Question != "" || r.ReferenceAnswer != "" || r.AnswerType != "" || len(r.Metadata) > 0 {
		return nil, contract.Failf(contract.InvalidTask, "the record has the preset %q and expressions of its own; only where, groupBy, answers, keep, keepAsText, decontaminate and scorer may be set with a preset", r.Preset)
	}
	return compile(r.Resolved(), p.Name, r.Kept())
}

// result is what an expression may return.
type result struct {
	words string
	kinds []types.Kind
}

var (
	aString   = result{"a string", []types.Kind{types.StringKind}}
	aScalar   = result{"a string or a number", []types.Kind{types.StringKind, types.IntKind, types.UintKind, types.DoubleKind}}
	aBool     = result{"a bool", []types.Kind{types.BoolKind}}
	aJSON     = result{"a value that JSON can hold", []types.Kind{types.StringKind, types.IntKind, types.UintKind, types.DoubleKind, types.BoolKind, types.NullTypeKind, types.ListKind, types.MapKind}}
	someTexts = result{"a string or a list of strings", []types.Kind{types.StringKind, types.NullTypeKind, types.ListKind}}
	something = []types.Kind{types.DynKind, types.AnyKind, types.TypeParamKind}
)

// compiler collects the fields that the expressions of one mapping name.
type compiler struct {
	env    *cel.Env
	preset string
	fix    string // where the user corrects the expression
	fields []decoded.Field
	// guarded are the fields that some expression names with has or ?: they may be absent, even if they are also named without, since one use
	// guards the other.
	guarded map[string]bool
	err     error
}

// compile makes a mapping of a record of expressions, its own or those of a preset.
func compile(r recipe.Record, preset string, kept []recipe.KeptMember) (*mapping, error) {
	env, err := language.Env()
	if err != nil {
		return nil, fmt.Errorf("the mapping language cannot be set up: %w", err)
	}
	if r.Rule != "" && r.Rule != recipe.RecordRule {
		return nil, contract.Failf(contract.InvalidTask, "the record was made by the rule %q, which this release does not know; it knows %q", r.Rule, recipe.RecordRule)
	}
	if len(r.Metadata) > maxMetadata {
		return nil, contract.Failf(contract.InvalidTask, "the record has %d members of metadata, and at most %d are kept", len(r.Metadata), maxMetadata)
	}
	c := compiler{env: env, preset: preset, fix: "the data set's record", guarded: map[string]bool{}}
	m := &mapping{}
	if r.Where != "" {
		m.where = c.expression("where", r.Where, aBool)
	}
	m.question = c.expression("question", r.Question, aString)
	m.answer = c.expression("referenceAnswer", r.ReferenceAnswer, aScalar)
	m.answers = c.answersOf(r, m.answer)
	m.answerType = c.answerType(r.AnswerType)
	m.metadata = c.metadata(r.Metadata)
	if i := slices.IndexFunc(m.metadata, func(k member) bool { return k.name == record.KeyOriginalID }); i >= 0 {
		m.original = m.metadata[i].value
		m.metadata = slices.Delete(m.metadata, i, i+1)
	}
	if r.GroupBy != "" {
		m.group = c.expression("groupBy", r.GroupBy, aScalar)
	}
	if c.err == nil && r.Rule != "" {
		c.textsOf(m.metadata)
	}
	m.others = c.others(r.Decontaminate)
	m.kept = c.keep(kept)
	if m.fields, err = c.done(); err != nil {
		return nil, err
	}
	return m, nil
}

// done returns the fields that all expressions name together, or the first thing that is wrong with one.
func (c *compiler) done() ([]decoded.Field, error) {
	if c.err != nil {
		return nil, c.err
	}
	for i := range c.fields {
		c.fields[i].Optional = c.fields[i].Ordered || c.fields[i].Raw || c.guarded[c.fields[i].Name]
	}
	return c.fields, nil
}

func (c *compiler) answerType(text string) *expression {
	if isAnswerType(text) {
		return &expression{constant: text}
	}
	x := c.expression("answerType", text, aString)
	if c.err == nil && x.checked.Expr().Kind() == ast.LiteralKind {
		x.constant, _ = x.checked.Expr().AsLiteral().Value().(string)
		if !isAnswerType(x.constant) {
			c.refuse(x, `it is %q and must be "numeric", "text" or "code"`, x.constant)
		}
	}
	return x
}

func isAnswerType(s string) bool { return s == record.Numeric || s == record.Text || s == record.Code }

func (c *compiler) metadata(members []recipe.Metadata) (out []member) {
	for i, m := range members {
		name, x := m.Name, c.expression("metadata "+m.Name, m.Value, aJSON)
		switch {
		case name == "" || name == record.KeySource:
			c.refuse(x, "the name %q cannot be used in the metadata", name)
		case slices.ContainsFunc(members[:i], func(m recipe.Metadata) bool { return m.Name == name }):
			c.refuse(x, "the name %q is there twice", name)
		}
		out = append(out, member{name, x, -1})
	}
	return out
}

// textsOf requests the text of each field that is kept unchanged, so that its objects keep the order of their members.
func (c *compiler) textsOf(members []member) {
	for i, k := range members {
		p := k.value.path
		if p == nil || len(p.names) != 1 || len(p.below) > 0 {
			continue
		}
		want := decoded.Field{Name: p.names[0], Optional: true, Ordered: true}
		if members[i].text = slices.Index(c.fields, want); members[i].text < 0 {
			members[i].text = len(c.fields)
			c.fields = append(c.fields, want)
		}
	}
}

// expression compiles one expression. After the first that is wrong, the others are skipped.
func (c *compiler) expression(part, text string, want result) *expression {
	x := &expression{part: part, text: text, preset: c.preset}
	if part == "where" || part == "groupBy" {
		x.preset = ""
	}
	switch {
	case c.err != nil:
		return x
	case text == "":
		c.refuse(x, "it is not set; a record has a preset, or question, referenceAnswer and answerType")
		return x
	case utf8.RuneCountInString(text) > language.MaxExpression:
		c.refuse(x, "it has %d characters and may have at most %d", utf8.RuneCountInString(text), language.MaxExpression)
		return x
	}
	checked, issues := language.Check(c.env, text)
	if issues.Err() != nil {
		first := issues.Errors()[0]
		reason := strings.ReplaceAll(first.Message, " (in container '')", "")
		c.refuse(x, "%s: %.300s", position(text, first.Location.Line(), first.Location.Column()), reason)
		return x
	}
	if given := checked.OutputType(); !fits(given, want) {
		c.refuse(x, "it gives %s and must give %s", cel.FormatCELType(given), want.words)
		return x
	}
	x.checked = checked.NativeRep()
	c.collect(x)
	if c.err != nil {
		return x
	}
	if x.path = c.direct(x.checked.Expr()); x.path == nil {
		x.plan = c.planOf(x.checked.Expr())
	}
	for _, p := range c.partsOf(x.checked.Expr()) {
		if x.parts = append(x.parts, p); p.field >= 0 {
			x.fields |= 1 << p.field
		}
	}
	var err error
	if x.program, err = language.Program(c.env, checked); err != nil {
		c.refuse(x, "%w", err)
	}
	return x
}

// position returns a place in an expression for a message; CEL counts characters from 0.
func position(text string, line, column int) string {
	if !strings.Contains(text, "\n") {
		return fmt.Sprintf("at character %d", column+1)
	}
	return fmt.Sprintf("at line %d, character %d", line, column+1)
}

// fits reports whether a type can be what is wanted. An optional value may take the place of what it holds, but not of a bool: it must be known
// whether to keep a row.
func fits(given *cel.Type, want result) bool {
	if given.Kind() == types.OpaqueKind && given.TypeName() == "optional_type" && want.words != aBool.words {
		given = given.Parameters()[0]
	}
	return slices.Contains(something, given.Kind()) || slices.Contains(want.kinds, given.Kind())
}

func (c *compiler) refuse(x *expression, format string, args ...any) {
	if c.err == nil {
		c.err = contract.Failf(contract.InvalidTask, "the expression of %s, %s, cannot be used: %w; correct it in %s", x.part, quoted(x.text), fmt.Errorf(format, args...), c.fix)
	}
}

// collect finds the fields that an expression names, and refuses a use of row that names none.
func (c *compiler) collect(x *expression) {
	named := map[int64]bool{}
	language.Walk(x.checked.Expr(), func(e ast.Expr) {
		if name, optional, row := fieldOf(e); row != nil {
			named[row.ID()] = true
			c.index(name)
			if optional {
				c.guarded[name] = true
			}
		}
		switch {
		case e.Kind() == ast.IdentKind && e.AsIdent() == language.RowName && !named[e.ID()]:
			at := x.checked.SourceInfo().GetStartLocation(e.ID())
			c.refuse(x, "%s: row can only be used by the name of a field, as in row.question, row[\"question\"], row.?question or has(row.question)", position(x.text, at.Line(), at.Column()))
		case e.Kind() == ast.ComprehensionKind && slices.Contains([]string{e.AsComprehension().IterVar(), e.AsComprehension().IterVar2(), e.AsComprehension().AccuVar()}, language.RowName):
			c.refuse(x, "the name row is taken and cannot be that of another variable")
		}
	})
}

// index returns the place of a field among those of the mapping.
func (c *compiler) index(name string) int {
	i := slices.IndexFunc(c.fields, func(f decoded.Field) bool { return f.Name == name && !f.Ordered && !f.Raw })
	if i < 0 {
		i = len(c.fields)
		c.fields = append(c.fields, decoded.Field{Name: name})
	}
	return i
}

// fieldOf returns the field that an expression selects from row, whether it may be absent, and the part that is row.
func fieldOf(e ast.Expr) (name string, optional bool, row ast.Expr) {
	switch e.Kind() {
	case ast.SelectKind:
		if s := e.AsSelect(); isRow(s.Operand()) {
			return s.FieldName(), s.IsTestOnly(), s.Operand()
		}
	case ast.CallKind:
		call := e.AsCall()
		switch call.FunctionName() {
		case operators.Index, operators.OptIndex, operators.OptSelect:
			if args := call.Args(); len(args) == 2 && isRow(args[0]) && args[1].Kind() == ast.LiteralKind {
				if name, ok := args[1].AsLiteral().(types.String); ok {
					return string(name), call.FunctionName() != operators.Index, args[0]
				}
			}
		}
	}
	return "", false, nil
}

func isRow(e ast.Expr) bool { return e.Kind() == ast.IdentKind && e.AsIdent() == language.RowName }

// direct recognizes an expression that selects a field, or what is in it at a path, or the first of several optional fields. Its value is read from
// the row without an evaluation: most expressions are of this kind, an evaluation costs more than all else that is done with a row, and this way a
// number keeps every digit.
func (c *compiler) direct(e ast.Expr) *path {
	if name, optional, row := fieldOf(e); row != nil {
		if e.Kind() == ast.SelectKind && e.AsSelect().IsTestOnly() {
			return nil
		}
		return &path{fields: []int{c.index(name)}, names: []string{name}, optional: optional}
	}
	switch e.Kind() {
	case ast.SelectKind:
		s := e.AsSelect()
		if p := c.direct(s.Operand()); p != nil && !p.optional && !s.IsTestOnly() {
			p.below = append(p.below, s.FieldName())
			return p
		}
	case ast.CallKind:
		if args := language.Operands(e); e.AsCall().IsMemberFunction() && e.AsCall().FunctionName() == "or" && len(args) == 2 {
			return c.direct(args[0]).or(c.direct(args[1]))
		}
	}
	return nil
}

// or returns the path that selects the first of two, nil if one of them is nil or not optional.
func (p *path) or(q *path) *path {
	if p == nil || q == nil || !p.optional || !q.optional {
		return nil
	}
	return &path{fields: slices.Concat(p.fields, q.fields), names: slices.Concat(p.names, q.names), optional: true}
}
