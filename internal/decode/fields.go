package decode

import (
	"bytes"
	"fmt"
	"slices"
	"strings"

	"github.com/go-json-experiment/json/jsontext"
)

// wanted is the tree of the names that a caller asked for: one node per name on a path.
type wanted struct {
	name string
	// quoted is the name as JSON writes it without escapes, for comparison with the bytes of a row.
	quoted []byte
	// plain is the name as the checker compares it.
	plain memberName
	// leaf is the index of the field that ends here, or -1.
	leaf     int
	children []*wanted
}

// absent marks a field that a row does not have, as opposed to null. It never leaves the package.
type absent struct{}

// selection is the fields that a caller asked for.
type selection struct {
	fields []Field
	root   *wanted
}

func selectFields(fields []Field) selection {
	root := &wanted{leaf: -1}
	for i, f := range fields {
		// The whole name first: a column may have dots in its own name.
		root.add([]string{f.Name}, i)
		if path := strings.Split(f.Name, "."); len(path) > 1 {
			root.add(path, i)
		}
	}
	return selection{fields: fields, root: root}
}

func (w *wanted) add(path []string, leaf int) {
	at := slices.IndexFunc(w.children, func(c *wanted) bool { return c.name == path[0] })
	if at < 0 {
		quoted, _ := jsontext.AppendQuote(nil, path[0]) // A name that is not UTF-8 matches nothing.
		w.children = append(w.children, &wanted{name: path[0], quoted: quoted, plain: memberName{[]byte(path[0]), keyOf([]byte(path[0]))}, leaf: -1})
		at = len(w.children) - 1
	}
	if len(path) == 1 {
		w.children[at].leaf = leaf
		return
	}
	w.children[at].add(path[1:], leaf)
}

// find gives the node of a name as it stands in a row, quotes and escapes included, or nil.
func (w *wanted) find(quoted []byte) *wanted {
	for _, c := range w.children {
		if bytes.Equal(c.quoted, quoted) {
			return c
		}
	}
	if bytes.IndexByte(quoted, '\\') < 0 {
		return nil
	}
	name, err := jsontext.AppendUnquote(nil, quoted)
	if err != nil {
		return nil
	}
	return w.child(string(name))
}

func (w *wanted) child(name string) *wanted {
	for _, c := range w.children {
		if c.name == name {
			return c
		}
	}
	return nil
}

// put stores a materialised value at its node and at the nodes below it. A field found by a path yields to a column that
// has the whole path for its name, which is always a child of the root.
func (s *selection) put(w *wanted, v any, values []any) {
	if w.leaf >= 0 {
		if _, free := values[w.leaf].(absent); free || s.root.child(w.name) == w && w.name == s.fields[w.leaf].Name {
			values[w.leaf] = v
		}
	}
	object, ok := v.(map[string]any)
	if !ok {
		return
	}
	for _, c := range w.children {
		if inner, ok := object[c.name]; ok {
			s.put(c, inner, values)
		}
	}
}

func clearValues(values []any) {
	for i := range values {
		values[i] = absent{}
	}
}

// settle turns absent optional fields to nil and finds a required one that is absent or null; fields of the same format that
// are there are listed for the message.
func (s *selection) settle(values []any, there []string) error {
	for i, v := range values {
		_, absent := v.(absent)
		switch {
		case !absent && v != nil:
		case s.fields[i].Optional:
			values[i] = nil
		case absent:
			return bad(MissingField, missingField(s.fields[i].Name, there))
		default:
			return bad(MissingField, nullField(s.fields[i].Name))
		}
	}
	return nil
}

func nullField(name string) error {
	return fmt.Errorf("the field %q is null and must have a value; correct it at the source", name)
}

func missingField(name string, there []string) error {
	if len(there) == 0 {
		there = []string{"none"}
	}
	return fmt.Errorf("there is no field %q; the fields of the file are %s; choose the preset or mapping that fits them", name, strings.Join(there, ", "))
}
