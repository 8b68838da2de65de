package decode

import (
	"errors"
	"fmt"
	"strings"

	"github.com/parquet-go/parquet-go"
	"github.com/parquet-go/parquet-go/deprecated"
	"github.com/parquet-go/parquet-go/format"
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
	above      int // the definition level that says that everything above is there
	list       bool
	children   []*node
	below      []*node // the leaves, once they were asked for

	// The rest is set for leaves only.
	column  int
	convert convert
	refusal string
	values  *column // where the values of the current row stand
	at      int     // the next of them
}

// newSchema builds the tree from its depth-first list.
func newSchema(elements []format.SchemaElement) (*node, error) {
	b := &schemaBuilder{elements: elements}
	root, err := b.build(nil, 0)
	if err == nil && len(b.elements) > 0 {
		err = errSchema
	}
	return root, err
}

type schemaBuilder struct {
	elements []format.SchemaElement
	leaves   int
}

func (b *schemaBuilder) build(parent *node, depth int) (*node, error) {
	if len(b.elements) == 0 || depth > maxSchemaDepth {
		return nil, errSchema
	}
	e := b.elements[0]
	b.elements = b.elements[1:]
	n := &node{name: e.Name, path: e.Name, list: isList(e)}
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
		n.convert, n.refusal = conversion(e)
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
	return n, nil
}

func isList(e format.SchemaElement) bool {
	_, logical := e.LogicalType.Value.(*format.ListType)
	return logical || e.ConvertedType.Valid && e.ConvertedType.V == deprecated.List
}

// lookup finds a wanted field: a column of that whole name, else by a path of names. Nil is an optional field not there.
func (n *node) lookup(f Field) (*node, error) {
	found := n.child(f.Name)
	if found == nil {
		found = n.follow(strings.Split(f.Name, "."))
	}
	switch {
	case found == nil && f.Optional:
		return nil, nil
	case found == nil:
		return nil, missingField(f.Name, columnNames(n.children))
	}
	for _, leaf := range found.leaves() {
		if leaf.refusal != "" {
			return nil, fmt.Errorf("column %q has the Parquet type %s, which has no place in a record; write it as a string or an integer", leaf.path, leaf.refusal)
		}
	}
	return found, nil
}

// follow goes down a path of names. A path ends at a list: what is below one is many values and not one.
func (n *node) follow(path []string) *node {
	found := n
	for i, name := range path {
		if i > 0 && (found.list || found.kind == format.Repeated) {
			return nil
		}
		if found = found.child(name); found == nil {
			return nil
		}
	}
	return found
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

// value takes one instance of the node off the front of its leaves' values.
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

// present takes one instance that is known to be there, without the node's own optionality or repetition.
func (n *node) present() (any, error) {
	switch {
	case len(n.children) == 0:
		return n.scalar()
	case n.list && len(n.children) == 1 && n.children[0].kind == format.Repeated:
		return n.children[0].entries(n.name)
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

// entries is the list of a repeated node inside a LIST. In the 3-level form the repeated node is a wrapper around the
// element; the 2-level forms of old writers are told by the rules of the format's LogicalTypes.md (backward compatibility).
func (n *node) entries(parent string) (any, error) {
	v, err := n.value()
	entries, ok := v.([]any)
	if err != nil || !ok || len(n.children) != 1 || n.name == "array" || n.name == parent+"_tuple" {
		return v, err
	}
	element := n.children[0].name
	for i, e := range entries {
		entries[i] = e.(map[string]any)[element]
	}
	return entries, nil
}

func (n *node) front() (parquet.Value, bool) {
	if n.at >= len(n.values.row) {
		return parquet.Value{}, false
	}
	return n.values.row[n.at], true
}

// skip takes the one value that each leaf has for an instance that is null or empty.
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
