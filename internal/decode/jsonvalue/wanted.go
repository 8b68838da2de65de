package jsonvalue

import (
	"bytes"

	"github.com/datasetmix/datasetmix/internal/jsonscan"
)

// Wanted is the tree of the names that a caller asked for: one node per name on a path.
type Wanted struct {
	Name string
	// quoted is the name as JSON writes it without escapes, for comparison with the bytes of a row.
	quoted []byte
	// plain is the name as the checker compares it.
	plain memberName
	// Leaf is the index of the field that ends here, or -1.
	Leaf int
	// Text is the index of the field that wants the text of what ends here, or -1. It is set only together with a leaf.
	Text int
	// Raw is the index of the field that wants the JSON text of what ends here, or -1. It is set only at the top.
	Raw int
	// Own reports that what ends here is the value of its field whatever else a row has: no path leads to the field besides its name.
	Own      bool
	Children []*Wanted
}

// NewWanted returns a node of which nothing is wanted.
func NewWanted(name string) *Wanted {
	quoted := jsonscan.AppendString(nil, name) // A name that is not UTF-8 matches nothing.
	return &Wanted{Name: name, quoted: quoted, plain: memberName{[]byte(name), keyOf([]byte(name))}, Leaf: -1, Text: -1, Raw: -1}
}

// Bare reports whether a value is wanted only in the form in which it is written.
func (w *Wanted) Bare() bool { return w.Leaf < 0 && len(w.Children) == 0 }

// Add adds a field: a path of names, and the index of the field.
func (w *Wanted) Add(path []string, leaf int) {
	at := w.Node(path[0])
	if len(path) == 1 {
		at.Leaf = leaf
		return
	}
	at.Add(path[1:], leaf)
}

// Node returns the child of a name, and creates it if it does not exist.
func (w *Wanted) Node(name string) *Wanted {
	at := w.Child(name)
	if at == nil {
		at = NewWanted(name)
		w.Children = append(w.Children, at)
	}
	return at
}

// Find returns the node of a name that is given as in the row, with quotes and escapes; nil if it does not exist.
func (w *Wanted) Find(quoted []byte) *Wanted {
	for _, c := range w.Children {
		if bytes.Equal(c.quoted, quoted) {
			return c
		}
	}
	if bytes.IndexByte(quoted, '\\') < 0 {
		return nil
	}
	return w.Child(string(Unquoted(quoted)))
}

// Child returns the child of a name, nil if it does not exist.
func (w *Wanted) Child(name string) *Wanted {
	for _, c := range w.Children {
		if c.Name == name {
			return c
		}
	}
	return nil
}
