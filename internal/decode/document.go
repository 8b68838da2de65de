package decode

import (
	"bytes"
	"fmt"
	"io"
	"strings"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/datasetmix/datasetmix/internal/decode/decoded"
	"github.com/datasetmix/datasetmix/internal/decode/jsonvalue"
)

const (
	// pathsShown bounds the paths that a message offers, pathDepth how deep they are looked for.
	pathsShown = 8
	pathDepth  = 8
)

// document is JSON text in which one array holds what matters: the whole text, or the array that a path leads to.
type document struct {
	stream  *limited
	dec     *jsontext.Decoder
	path    []string
	started bool
}

// newDocument leaves the comparison of names to the reader of the elements: a decoder would keep any number of names.
func newDocument(stream io.Reader, path []string) document {
	l := &limited{stream: stream, limit: decoded.MaxRow}
	return document{stream: l, dec: jsontext.NewDecoder(l, jsontext.AllowDuplicateNames(true)), path: path}
}

// element returns the next element, checked and valid until the next call; after the last, and a whole end of the text, io.EOF.
func (d *document) element() (jsontext.Value, error) {
	d.stream.since = 0
	if !d.started {
		d.started = true
		if err := d.enter(); err != nil {
			return nil, err
		}
	}
	if d.dec.PeekKind() == ']' {
		return nil, d.leave()
	}
	value, err := d.dec.ReadValue()
	switch {
	case err != nil:
		return nil, jsonError(err)
	case len(value) > d.stream.limit: // Part of it was read with the element before.
		return nil, errTooLong
	}
	return value, nil
}

// enter goes down the path and into the array.
func (d *document) enter() error {
	for i, name := range d.path {
		if kind := d.dec.PeekKind(); kind != '{' {
			return d.astray(kind, i, "an object")
		}
		if err := d.find(name, i); err != nil {
			return err
		}
	}
	if kind := d.dec.PeekKind(); kind != '[' {
		return d.astray(kind, len(d.path), "a list of rows")
	}
	if _, err := d.dec.ReadToken(); err != nil {
		return jsonError(err)
	}
	return nil
}

// astray returns the error that there is something else at the first i names of the path, or why there is nothing.
func (d *document) astray(kind jsontext.Kind, i int, want string) error {
	if kind == jsontext.KindInvalid {
		_, err := d.dec.ReadToken()
		return jsonError(err)
	}
	where := "at the top of the file"
	if i > 0 {
		where = fmt.Sprintf("at %q", strings.Join(d.path[:i], "."))
	}
	is := "a " + kindName(byte(kind))
	if kind == '{' {
		is = "an object"
	}
	return fmt.Errorf("the path %q does not fit the file: %s is %s and must be %s; set the path that leads to the rows", strings.Join(d.path, "."), where, is, want)
}

// find moves into the next object, to the value of a name.
func (d *document) find(name string, depth int) error {
	if _, err := d.dec.ReadToken(); err != nil {
		return jsonError(err)
	}
	var there []string
	for d.dec.PeekKind() == '"' {
		d.stream.since = 0
		token, err := d.dec.ReadToken()
		if err != nil {
			return jsonError(err)
		}
		found := token.String()
		if found == name {
			return nil
		}
		if len(there) < namesShown {
			there = append(there, fmt.Sprintf("%q", found))
		}
		if err := d.skip(); err != nil {
			return err
		}
	}
	if _, err := d.dec.ReadToken(); err != nil {
		return jsonError(err)
	}
	return fmt.Errorf("there is no %q in the file; the names in its place are %s; set the path that leads to the rows", strings.Join(d.path[:depth+1], "."), strings.Join(append(there, "no more"), ", "))
}

// skip reads over a value. A list may have any length; its elements, and any other value, are bounded like a row.
func (d *document) skip() error {
	if d.dec.PeekKind() != '[' {
		return d.skipOne()
	}
	if _, err := d.dec.ReadToken(); err != nil {
		return jsonError(err)
	}
	for kind := d.dec.PeekKind(); kind != ']' && kind != jsontext.KindInvalid; kind = d.dec.PeekKind() {
		if err := d.skipOne(); err != nil {
			return err
		}
	}
	_, err := d.dec.ReadToken()
	if err != nil {
		return jsonError(err)
	}
	return nil
}

func (d *document) skipOne() error {
	d.stream.since = 0
	if err := d.dec.SkipValue(); err != nil {
		return jsonError(err)
	}
	return nil
}

// leave checks what follows the array, up to the end of the text.
func (d *document) leave() error {
	if _, err := d.dec.ReadToken(); err != nil {
		return jsonError(err)
	}
	for i := range d.path {
		for d.dec.PeekKind() == '"' {
			token, err := d.dec.ReadToken()
			if err != nil {
				return jsonError(err)
			}
			if path := d.path[:len(d.path)-i]; token.String() == path[len(path)-1] {
				return fmt.Errorf("there are two %q in the file, and the rows are in one of them; correct it at the source", strings.Join(path, "."))
			}
			if err := d.skip(); err != nil {
				return err
			}
		}
		if _, err := d.dec.ReadToken(); err != nil {
			return jsonError(err)
		}
	}
	if err := jsonvalue.End(d.dec); err != nil {
		return jsonError(err)
	}
	return io.EOF
}

// limited refuses a row that is longer than the limit, so that a decoder's buffer cannot grow without bound.
type limited struct {
	stream io.Reader
	limit  int
	since  int
}

func (l *limited) Read(p []byte) (int, error) {
	if l.since > l.limit {
		return 0, errTooLong
	}
	n, err := l.stream.Read(p[:min(len(p), l.limit-l.since+1)]) // A large buffer does not stretch the limit.
	l.since += n
	return n, err
}

// jsonArray is an array of objects, compact or indented.
type jsonArray struct {
	document
	elements jsonLines
	done     func()

	// An element that was read ahead.
	held      bool
	heldValue jsontext.Value
	heldErr   error
}

func openArray(stream io.Reader, done func(), f File, fields []decoded.Field) decoded.Reader {
	return &jsonArray{document: newDocument(stream, f.Path), elements: jsonLines{lines: &lines{}, scanner: scanner{selection: selectFields(fields), nonFinite: f.NonFinite}}, done: done}
}

func (a *jsonArray) Close() { a.done() }

func (a *jsonArray) Next(row *decoded.Row) error {
	row.Place.Format, row.Place.N = "element %d of the array", row.Number+1
	element, err := a.take()
	if err != nil {
		return err
	}
	err = a.elements.row(element, row.Values)
	if row.Plain = a.elements.scanner.plain; row.Number > 0 || !isRefused(err) {
		return err
	}
	if a.heldValue, a.heldErr = a.element(); a.heldErr == nil {
		err = oddFirst(err, a.heldValue)
	}
	a.held = true
	return err
}

// take returns the next element.
func (a *jsonArray) take() (jsontext.Value, error) {
	if a.held {
		a.held = false
		return a.heldValue, a.heldErr
	}
	return a.element()
}

// isDocument reports whether text begins a JSON object that goes over several lines. A truncated first line of a file with one row per line does
// not count: with the lines after it, it is not JSON.
func isDocument(text []byte) bool {
	line, _, several := bytes.Cut(text, []byte("\n"))
	if !several || !unfinished(line) {
		return false
	}
	dec := jsontext.NewDecoder(bytes.NewReader(text))
	_, err := dec.ReadValue()
	return err == nil || unfinished(text)
}

// unfinished reports whether text is the front part of a JSON value.
func unfinished(text []byte) bool {
	_, err := jsontext.NewDecoder(bytes.NewReader(text)).ReadValue()
	return jsonvalue.IsCut(err)
}

// documentError returns the error that a document needs a path, with the paths that would do.
func documentError(text []byte) error {
	if paths := arraysOfObjects(text); len(paths) > 0 {
		return fmt.Errorf("the file is one JSON object over several lines and not JSON Lines; %s", setPath(paths))
	}
	return errSeveralLines
}

func setPath(paths []string) string {
	if len(paths) == 1 {
		return fmt.Sprintf("its rows seem to be the list %q: set the path to it", paths[0])
	}
	return fmt.Sprintf("it has lists of objects at %q: set the path to the one with the rows", paths)
}

// arraysOfObjects lists the paths to arrays of objects in a document, as far as its text goes.
func arraysOfObjects(text []byte) []string {
	dec := jsontext.NewDecoder(bytes.NewReader(text))
	var found []string
	var walk func(path string, depth int) bool
	walk = func(path string, depth int) bool {
		if depth == pathDepth || !enter(dec, '{') {
			return dec.SkipValue() == nil
		}
		for dec.PeekKind() == '"' && len(found) < pathsShown {
			token, err := dec.ReadToken()
			if err != nil {
				return false
			}
			name := path + token.String()
			if dec.PeekKind() != '[' {
				if !walk(name+".", depth+1) {
					return false
				}
				continue
			}
			if _, err := dec.ReadToken(); err != nil {
				return false
			}
			if dec.PeekKind() == '{' {
				found = append(found, name)
			}
			if !skipRest(dec) {
				return false
			}
		}
		return enter(dec, '}')
	}
	walk("", 0)
	return found
}

// skipRest reads to the end of the array that was entered.
func skipRest(dec *jsontext.Decoder) bool {
	for kind := dec.PeekKind(); kind != ']'; kind = dec.PeekKind() {
		if dec.SkipValue() != nil {
			return false
		}
	}
	return enter(dec, ']')
}
