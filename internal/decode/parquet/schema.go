package parquet

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/parquet-go/parquet-go"
	"github.com/parquet-go/parquet-go/deprecated"
	"github.com/parquet-go/parquet-go/format"

	"github.com/datasetmix/datasetmix/internal/decode/decoded"
)

// maxSchemaDepth bounds the nesting of a schema, which is untrusted input that is read by recursion.
const maxSchemaDepth = 100

var (
	errLevels = errors.New("the repetition and definition levels do not fit the schema; the file is damaged, fetch it again")
	errSchema = errors.New("the Parquet schema is not well formed; fetch the file again")
)

// node is one element of a Parquet schema with its levels, after Dremel (Melnik et al., 2010): a value's definition level
// says how many optional or repeated elements on its path are there, its repetition level at which of the repeated ones a
// new entry begins.
type node struct {
	name, path string
	kind       format.FieldRepetitionType
	def, rep   int // the levels of a value that is there in full
	above      int // the definition level at which everything above is there
	list       bool
	mapped     bool
	children   []*node
	below      []*node // the leaves, once they were asked for
	// refusal is why no value can be made of the node, empty if one can.
	refusal string

	// The rest is set for leaves only.
	column  int
	convert convert
	values  *column // where the values of the current row are
	at      int     // the next of them
}

// newSchema builds the tree from its depth-first list.
func newSchema(elements []format.SchemaElement, nonFinite decoded.NonFinite) (*node, error) {
	b := &schemaBuilder{elements: elements, nonFinite: nonFinite}
	root, err := b.build(nil, 0)
	if err == nil && len(b.elements) > 0 {
		err = errSchema
	}
	return root, err
}

type schemaBuilder struct {
	elements  []format.SchemaElement
	nonFinite decoded.NonFinite
	leaves    int
}

func (b *schemaBuilder) build(parent *node, depth int) (*node, error) {
	if len(b.elements) == 0 || depth > maxSchemaDepth {
		return nil, errSchema
	}
	e := b.elements[0]
	b.elements = b.elements[1:]
	n := &node{name: e.Name, path: e.Name, list: isList(e), mapped: isMap(e) && (parent == nil || !parent.mapped)}
	if parent != nil {
		n.kind, n.def, n.rep, n.above = e.RepetitionType.V, parent.def, parent.rep, parent.def
		if parent.path != "" {
			n.path = parent.path + "." + e.Name
		}
	} else {
		n.path = "" // The root's name is no part of a column's.
	}
	if n.kind != format.Required {
		n.def++
	}
	if n.kind == format.Repeated {
		n.rep++
	}
	if e.Type.Valid {
		n.column = b.leaves
		n.convert, n.refusal = conversion(e, b.nonFinite)
		b.leaves++
		return n, nil
	}
	for range e.NumChildren.V {
		child, err := b.build(n, depth+1)
		if err != nil {
			return nil, err
		}
		n.children = append(n.children, child)
	}
	if len(n.children) == 0 {
		return nil, errSchema
	}
	n.refusal = refusedGroup(e, n)
	return n, nil
}

// refusedGroup returns why no value can be made of a group, or empty.
func refusedGroup(e format.SchemaElement, n *node) string {
	if _, variant := e.LogicalType.Value.(*format.VariantType); variant {
		return noPlace(typeName(e))
	}
	for i, c := range n.children {
		if slices.ContainsFunc(n.children[:i], func(other *node) bool { return other.name == c.name }) {
			n.child(c.name).refusal = "is there twice; rename one of them at the source"
		}
	}
	repeated := len(n.children) == 1 && n.children[0].kind == format.Repeated
	switch {
	case n.list && !repeated:
		return "is marked as a LIST and has no repeated field alone in it; write the file again"
	case n.mapped && (!repeated || !n.children[0].isPair()):
		return "is marked as a MAP and has no repeated pairs of a plain key and a value in it; write it as a list of structs"
	}
	return ""
}

// isPair reports whether a node can be the pairs of a MAP: a key that is neither a group nor repeated, and at most one value.
func (n *node) isPair() bool {
	return len(n.children) > 0 && len(n.children) < 3 && len(n.children[0].children) == 0 && n.children[0].kind != format.Repeated
}

func noPlace(kind string) string {
	return fmt.Sprintf("has the Parquet type %s, which has no place in a record; write it as a string or an integer", kind)
}

// isMap reports whether a group is marked as a MAP. Old writers mark it as its pairs.
func isMap(e format.SchemaElement) bool {
	_, logical := e.LogicalType.Value.(*format.MapType)
	return logical || e.ConvertedType.Valid && (e.ConvertedType.V == deprecated.Map || e.ConvertedType.V == deprecated.MapKeyValue)
}

func isList(e format.SchemaElement) bool {
	_, logical := e.LogicalType.Value.(*format.ListType)
	return logical || e.ConvertedType.Valid && e.ConvertedType.V == deprecated.List
}

// found is where the value of a wanted field is: at a node, and below it by the keys of MAPs. Without a node it is an optional
// field that is not there.
type found struct {
	node *node
	keys []string
}

// lookup finds a wanted field: a column of that whole name, else by a path of names.
func (n *node) lookup(f decoded.Field) (found, error) {
	at := found{node: n.child(f.Name)}
	switch {
	case f.Raw && f.Name == "":
		at.node = n
	case at.node == nil && !f.Raw:
		at = n.follow(strings.Split(f.Name, "."))
	}
	switch {
	case at.node == nil && f.Optional:
		return at, nil
	case at.node == nil:
		return at, decoded.NoField(f.Name, columnNames(n.children))
	}
	return at, at.node.refused()
}

// refused returns the error that no value can be made of a node, or of one below it.
func (n *node) refused() error {
	if n.refusal != "" {
		return fmt.Errorf("column %q %s", n.path, n.refusal)
	}
	for _, c := range n.children {
		if err := c.refused(); err != nil {
			return err
		}
	}
	return nil
}

// follow goes down a path of names. A path ends at a list: below it there are many values, not one. What follows on a MAP are
// its keys. Nothing is below a node that is refused.
func (n *node) follow(path []string) found {
	at := n
	for i, name := range path {
		switch {
		case i > 0 && at.refusal != "":
			return found{node: at}
		case i > 0 && at.mapped:
			return found{node: at, keys: path[i:]}
		case i > 0 && (at.list || at.kind == format.Repeated):
			return found{}
		}
		if at = at.child(name); at == nil {
			return found{}
		}
	}
	return found{node: at}
}

func (n *node) child(name string) *node {
	for _, c := range n.children {
		if c.name == name {
			return c
		}
	}
	return nil
}

// leaves lists the leaf columns of a node, from left to right; none of nil.
func (n *node) leaves() []*node {
	if n == nil {
		return nil
	}
	if n.below == nil && len(n.children) == 0 {
		n.below = []*node{n}
	}
	if n.below == nil {
		for _, c := range n.children {
			n.below = append(n.below, c.leaves()...)
		}
	}
	return n.below
}

// value assembles the value that a wanted field has in the current row.
func (f found) value() (any, error) {
	v, err := f.node.field()
	for _, key := range f.keys {
		object, _ := v.(map[string]any)
		v = object[key]
	}
	return v, err
}

// field assembles the value that a wanted node has in the current row.
func (n *node) field() (any, error) {
	leaves := n.leaves()
	for _, leaf := range leaves {
		leaf.at = 0
	}
	// A struct above may be null, and then so is the field.
	if v, ok := leaves[0].front(); ok && v.DefinitionLevel() < n.above {
		return nil, nil
	}
	v, err := n.value()
	if err != nil {
		return nil, err
	}
	for _, leaf := range leaves {
		if leaf.at != len(leaf.values.row) {
			return nil, errLevels
		}
	}
	return v, nil
}

// value removes one instance of the node from the front of its leaves' values.
func (n *node) value() (any, error) {
	if n.kind == format.Required {
		return n.present()
	}
	first := n.leaves()[0]
	level, ok := first.front()
	switch {
	case !ok:
		return nil, errLevels
	case level.DefinitionLevel() < n.def:
		if err := n.skip(); err != nil {
			return nil, err
		}
		if n.kind == format.Repeated {
			return []any{}, nil
		}
		return nil, nil
	case n.kind == format.Optional:
		return n.present()
	}
	entries := []any{}
	for again := true; again; {
		entry, err := n.present()
		if err != nil {
			return nil, err
		}
		entries = append(entries, entry)
		level, ok = first.front()
		again = ok && level.RepetitionLevel() == n.rep
	}
	return entries, nil
}

// present removes one instance that is known to be there, without the node's own optionality or repetition.
func (n *node) present() (any, error) {
	switch {
	case len(n.children) == 0:
		return n.scalar()
	case n.list:
		return n.children[0].entries(n.name)
	case n.mapped:
		return n.children[0].pairs()
	}
	object := make(map[string]any, len(n.children))
	for _, c := range n.children {
		v, err := c.value()
		if err != nil {
			return nil, err
		}
		object[c.name] = v
	}
	return object, nil
}

// entries returns the list of a repeated node inside a LIST. In the 3-level form the repeated node is a wrapper around the
// element; the 2-level forms of old writers are recognized by the rules of the format's LogicalTypes.md (backward compatibility).
func (n *node) entries(parent string) (any, error) {
	v, err := n.value()
	entries, ok := v.([]any)
	if err != nil || !ok || !n.wraps(parent) {
		return v, err
	}
	element := n.children[0].name
	for i, e := range entries {
		entries[i] = e.(map[string]any)[element]
	}
	return entries, nil
}

// wraps reports whether a repeated node of a LIST only wraps its one child.
func (n *node) wraps(parent string) bool {
	one := len(n.children) == 1 && n.children[0].kind != format.Repeated
	return one && n.name != "array" && n.name != parent+"_tuple" && !n.list && !n.mapped
}

// pairs returns the object of a repeated node inside a MAP, whatever the node, its key and its value are called. Without a value it is
// null.
func (n *node) pairs() (any, error) {
	v, err := n.value()
	if err != nil {
		return nil, err
	}
	object := map[string]any{}
	for _, pair := range v.([]any) {
		members := pair.(map[string]any)
		key, ok := keyText(members[n.children[0].name])
		if !ok {
			return nil, decoded.Badf(decoded.Malformed, "a key of the MAP is null; correct it at the source")
		}
		if _, there := object[key]; there {
			return nil, decoded.Badf(decoded.DuplicateName, "the key %q is twice in the MAP; correct it at the source", key)
		}
		object[key] = nil
		if len(n.children) == 2 {
			object[key] = members[n.children[1].name]
		}
	}
	return object, nil
}

// keyText returns a MAP's key as the name of a member.
func keyText(key any) (text string, ok bool) {
	switch k := key.(type) {
	case string:
		return k, true
	case decoded.Number:
		return string(k), true
	case bool:
		return strconv.FormatBool(k), true
	default:
		return "", false
	}
}

func (n *node) front() (parquet.Value, bool) {
	if n.at >= len(n.values.row) {
		return parquet.Value{}, false
	}
	return n.values.row[n.at], true
}

// skip removes the one value that each leaf has for an instance that is null or empty.
func (n *node) skip() error {
	for _, leaf := range n.leaves() {
		if _, ok := leaf.front(); !ok {
			return errLevels
		}
		leaf.at++
	}
	return nil
}

func (n *node) scalar() (any, error) {
	v, ok := n.front()
	if !ok || v.DefinitionLevel() != n.def {
		return nil, errLevels
	}
	n.at++
	return n.convert(v)
}
