package decode

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/datasetmix/datasetmix/internal/decode/decoded"
	"github.com/datasetmix/datasetmix/internal/decode/jsonvalue"
)

// absent marks a field that a row does not have, as opposed to null. It never leaves the package.
type absent struct{}

// selection is the fields that a caller asked for.
type selection struct {
	fields []decoded.Field
	root   *jsonvalue.Wanted
	// whole is the index of the field that wants the whole row, or -1.
	whole int
}

func selectFields(fields []decoded.Field) selection {
	root, whole := jsonvalue.NewWanted(""), -1
	for i, f := range fields {
		switch {
		case f.Raw && f.Name == "":
			whole = i
		case f.Raw:
			root.Node(f.Name).Raw = i
		}
		if f.Ordered || f.Raw {
			continue
		}
		// The whole name first: a column may have dots in its own name.
		root.Add([]string{f.Name}, i)
		if path := strings.Split(f.Name, "."); len(path) > 1 {
			root.Add(path, i)
		}
	}
	for i, f := range fields {
		if at := root.Child(f.Name); f.Ordered && at != nil && at.Leaf >= 0 {
			at.Text = i
		}
	}
	for _, w := range root.Children {
		w.Own = w.Leaf >= 0 && !strings.Contains(w.Name, ".")
	}
	return selection{fields: fields, root: root, whole: whole}
}

// put stores a materialised value at its node and at the nodes below it. A field found by a path yields to a column that
// has the whole path for its name, which is always a child of the root.
func (s *selection) put(w *jsonvalue.Wanted, v any, values []any) {
	if w.Leaf >= 0 {
		if _, free := values[w.Leaf].(absent); free || s.root.Child(w.Name) == w && w.Name == s.fields[w.Leaf].Name {
			values[w.Leaf] = v
		}
	}
	object, ok := v.(map[string]any)
	if !ok {
		return
	}
	for _, c := range w.Children {
		if inner, ok := object[c.Name]; ok {
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
