package decode

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/datasetmix/datasetmix/internal/decode/decoded"
	"github.com/datasetmix/datasetmix/internal/jsonscan"
)

// wanted is the tree of the names that a caller asked for: one node per name on a path.
type wanted struct {
	name string
	// quoted is the name as JSON writes it without escapes, for comparison with the bytes of a row.
	quoted []byte
	// plain is the name as the checker compares it.
	plain memberName
	// leaf is the index of the field that ends here, or -1.
	leaf int
	// text is the index of the field that wants the text of what ends here, or -1. It is set only together with a leaf.
	text int
	// raw is the index of the field that wants the JSON text of what ends here, or -1. It is set only at the top.
	raw int
	// own reports that what ends here is the value of its field whatever else a row has: no path leads to the field besides its name.
	own      bool
	children []*wanted
}

// newWanted returns a node of which nothing is wanted.
func newWanted(name string) *wanted {
	quoted := jsonscan.AppendString(nil, name) // A name that is not UTF-8 matches nothing.
	return &wanted{name: name, quoted: quoted, plain: memberName{[]byte(name), keyOf([]byte(name))}, leaf: -1, text: -1, raw: -1}
}

// bare reports whether a value is wanted only in the form in which it is written.
func (w *wanted) bare() bool { return w.leaf < 0 && len(w.children) == 0 }

// absent marks a field that a row does not have, as opposed to null. It never leaves the package.
type absent struct{}

// selection is the fields that a caller asked for.
type selection struct {
	fields []decoded.Field
	root   *wanted
	// whole is the index of the field that wants the whole row, or -1.
	whole int
}

func selectFields(fields []decoded.Field) selection {
	root, whole := newWanted(""), -1
	for i, f := range fields {
		switch {
		case f.Raw && f.Name == "":
			whole = i
		case f.Raw:
			root.node(f.Name).raw = i
		}
		if f.Ordered || f.Raw {
			continue
		}
		// The whole name first: a column may have dots in its own name.
		root.add([]string{f.Name}, i)
		if path := strings.Split(f.Name, "."); len(path) > 1 {
			root.add(path, i)
		}
	}
	for i, f := range fields {
		if at := root.child(f.Name); f.Ordered && at != nil && at.leaf >= 0 {
			at.text = i
		}
	}
	for _, w := range root.children {
		w.own = w.leaf >= 0 && !strings.Contains(w.name, ".")
	}
	return selection{fields: fields, root: root, whole: whole}
}

func (w *wanted) add(path []string, leaf int) {
	at := w.node(path[0])
	if len(path) == 1 {
		at.leaf = leaf
		return
	}
	at.add(path[1:], leaf)
}

// node returns the child of a name, and creates it if it does not exist.
func (w *wanted) node(name string) *wanted {
	at := w.child(name)
	if at == nil {
		at = newWanted(name)
		w.children = append(w.children, at)
	}
	return at
}

// find returns the node of a name that is given as in the row, with quotes and escapes; nil if it does not exist.
func (w *wanted) find(quoted []byte) *wanted {
	for _, c := range w.children {
		if bytes.Equal(c.quoted, quoted) {
			return c
		}
	}
	if bytes.IndexByte(quoted, '\\') < 0 {
		return nil
	}
	return w.child(string(plain(quoted)))
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

// fillOptional turns absent optional fields to nil and finds a required one that is absent or null. The text is the row's; first are the names of
// the file's first row, to tell what a row lacks from what the file lacks.
func (s *selection) fillOptional(values []any, text []byte, first []string) error {
	for i, v := range values {
		_, absent := v.(absent)
		switch {
		case !absent && v != nil:
		case s.fields[i].Optional:
			values[i] = nil
		case absent:
			lack := &lackingField{field: s.fields[i].Name, own: names(text)}
			return decoded.Bad(decoded.MissingField, lack.beside("the first row", first))
		default:
			return decoded.Bad(decoded.MissingField, decoded.NullField(s.fields[i].Name))
		}
	}
	return nil
}

// lackingField is the error of a row that lacks a field, with the names that it has.
type lackingField struct {
	field string
	own   []string
}

func (l *lackingField) Error() string { return decoded.NoField(l.field, l.own).Error() }

// beside returns the error compared with another row: if the other row has the field, the file has it, and only this row lacks it.
func (l *lackingField) beside(other string, names []string) error {
	if !hasName(names, l.field) || hasName(l.own, l.field) {
		return l
	}
	return fmt.Errorf("this row has no field %q, which %s has: this row has %s, %s has %s; correct the row at the source, or skip it as a bad row",
		l.field, other, decoded.Listed(l.own), other, decoded.Listed(names))
}

// oddFirst returns the error of a first row in view of the one after it, which is JSON and may be anything.
func oddFirst(err error, next []byte) error {
	var lack *lackingField
	if len(next) == 0 || next[0] != '{' || !errors.As(err, &lack) {
		return err
	}
	return decoded.Bad(decoded.MissingField, lack.beside("the row after it", names(next)))
}

// hasName reports whether a field is among quoted names, by its whole name or by the first name of a path.
func hasName(quoted []string, name string) bool {
	first, _, _ := strings.Cut(name, ".")
	return slices.Contains(quoted, `"`+name+`"`) || slices.Contains(quoted, `"`+first+`"`)
}
