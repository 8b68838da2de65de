// Package schema finds the types of the members of rows, so that a published data set declares them.
//
// A reader of JSON Lines guesses the types of members from the first rows, and fails, or reads other values, where later rows have others.
// Therefore the types are collected while rows are made: Seen holds what was seen of a member, Judge returns the one type of that, or where it has
// two. What is seen is a set, so the order of the rows does not matter, nor the number of parts in which they were read. Imports:
// internal/jsonscan.
package schema

import (
	"bytes"
	"errors"
	"strconv"

	"github.com/datasetmix/datasetmix/internal/jsonscan"
)

// kind is the kind of a JSON value, as far as a column of a table distinguishes values.
type kind int

// The kinds. A date is text that readers of tables convert to a time. An exact integer is one that a floating-point number
// holds; a long one fits in 64 bits and a huge one does not.
const (
	null kind = iota
	boolean
	exact
	long
	huge
	float
	text
	date
	list
	object
	kinds
)

// names are the names of the kinds in an error.
var names = [kinds]string{"null", "true or false", "an integer", "an integer above 2⁵³", "an integer of more than 64 bits",
	"a number with a fraction", "text", "text", "a list", "an object"}

// Bounds of what is collected. Members beyond them are data in the place of names, for which no table has columns.
const (
	maxMembers = 1000
	maxDepth   = 64
)

// Seen is what was seen of one member, in all rows so far.
type Seen struct {
	// First is, for each kind in the order of this package, the number of the first row that has it, plus one; 0 where none has.
	First [kinds]int64 `json:"first"`
	// Element is what was seen of the elements of lists.
	Element *Seen `json:"element,omitempty"`
	// Members are those of objects.
	Members map[string]*Seen `json:"members,omitempty"`
	// Beyond is the number of a row, plus one, whose members or depth exceed the bounds; 0 without one.
	Beyond int64 `json:"beyond,omitempty"`

	order []named // the members in the order in which they were first seen, which is that of most objects
}

// named is a member with its name.
type named struct {
	name string
	seen *Seen
}

// Fields are the members of the rows of one data set.
type Fields struct {
	Root Seen `json:"fields"`

	members map[string]int // different ones that are kept, within each member of the row
}

// Add notes one member of a row: its value as JSON, and its name, after those of the objects that it is a member of. It keeps nothing of either but
// names.
func (f *Fields) Add(row int64, value string, path ...string) error {
	seen := &f.Root
	for depth, name := range path {
		if seen == nil {
			return nil
		}
		seen.note(object, row)
		seen = seen.member(f, []byte(path[0]), []byte(name), row, depth)
	}
	s := scanner{fields: f, text: []byte(value), row: row, top: []byte(path[0])}
	return s.whole(seen)
}

// AddRest notes the members of a row from the first one in the text to the last one, after which the row ends: the text begins
// with a name, and ends with a closing brace.
func (f *Fields) AddRest(row int64, text []byte) error {
	s := scanner{fields: f, text: text, row: row}
	f.Root.note(object, row)
	if !s.members(&f.Root, 0) {
		return errMalformed
	}
	return nil
}

// Merge adds what others have seen.
func (f *Fields) Merge(other *Fields) {
	f.Root.merge(f, &other.Root, nil)
}

func earlier(a, b int64) int64 {
	if a == 0 || b != 0 && b < a {
		return b
	}
	return a
}

func (s *Seen) note(k kind, row int64) {
	if s.First[k] == 0 || row+1 < s.First[k] {
		s.First[k] = row + 1
	}
}

func (s *Seen) has(k kind) bool { return s.First[k] != 0 }

// member returns what was seen of a member; nil where there are too many to keep within the member top of the row.
func (s *Seen) member(f *Fields, top, name []byte, row int64, depth int) *Seen {
	if seen := s.Members[string(name)]; seen != nil {
		return seen
	}
	if f.members[string(top)] >= maxMembers || depth > maxDepth {
		s.Beyond = earlier(s.Beyond, row+1)
		return nil
	}
	if f.members == nil {
		f.members = map[string]int{}
	}
	if s.Members == nil {
		s.Members = map[string]*Seen{}
	}
	f.members[string(top)]++
	of := named{string(name), &Seen{}}
	s.Members[of.name], s.order = of.seen, append(s.order, of)
	return of.seen
}

func (s *Seen) merge(f *Fields, other *Seen, top []byte) {
	s.Beyond = earlier(s.Beyond, other.Beyond)
	for k, first := range other.First {
		s.First[k] = earlier(s.First[k], first)
	}
	if other.Element != nil {
		if s.Element == nil {
			s.Element = &Seen{}
		}
		s.Element.merge(f, other.Element, top)
	}
	for name, member := range other.Members {
		within := top
		if s == &f.Root {
			within = []byte(name)
		}
		if to := s.member(f, within, []byte(name), max(other.First[object], 1)-1, 0); to != nil {
			to.merge(f, member, within)
		}
	}
}

// scanner walks over the text of one value.
type scanner struct {
	fields *Fields
	text   []byte
	at     int
	row    int64
	top    []byte // the member of the row that this is in
}

var errMalformed = errors.New("the value of a member is not JSON")

// whole scans all of the text. If seen is nil, nothing is kept.
func (s *scanner) whole(seen *Seen) error {
	if !s.value(seen, 0) {
		return errMalformed
	}
	if s.space(); s.at != len(s.text) {
		return errMalformed
	}
	return nil
}

func (s *scanner) space() { s.at = jsonscan.SkipSpace(s.text, s.at) }

// skip moves over white space and the given byte, if that follows.
func (s *scanner) skip(c byte) bool {
	if s.at < len(s.text) && s.text[s.at] == c {
		s.at++
		return true
	}
	s.space()
	if s.at < len(s.text) && s.text[s.at] == c {
		s.at++
		return true
	}
	return false
}

func (s *scanner) value(seen *Seen, depth int) bool {
	s.space()
	if s.at >= len(s.text) {
		return false
	}
	var k kind
	switch c := s.text[s.at]; c {
	case '"':
		quoted, ok := s.quoted()
		if seen != nil && isDate(quoted) {
			seen.note(date, s.row)
		} else if seen != nil {
			seen.note(text, s.row)
		}
		return ok
	case '{':
		return s.object(seen, depth)
	case '[':
		return s.list(seen, depth)
	case 't', 'f', 'n':
		word := map[byte]string{'t': "true", 'f': "false", 'n': "null"}[c]
		if !bytes.HasPrefix(s.text[s.at:], []byte(word)) {
			return false
		}
		s.at += len(word)
		if k = boolean; c == 'n' {
			k = null
		}
	default:
		var ok bool
		if k, ok = s.number(); !ok {
			return false
		}
	}
	if seen != nil {
		seen.note(k, s.row)
	}
	return true
}

// quoted moves over a string and returns what is between its quotes.
func (s *scanner) quoted() ([]byte, bool) {
	start := s.at + 1
	end := jsonscan.SkipString(s.text, start)
	if end < 0 {
		return nil, false
	}
	s.at = end
	return s.text[start : end-1], true
}

func (s *scanner) object(seen *Seen, depth int) bool {
	s.at++
	if seen != nil {
		seen.note(object, s.row)
	}
	if s.skip('}') {
		return true
	}
	return s.members(seen, depth)
}

// members scans the members of an object that has at least one, up to its end.
func (s *scanner) members(seen *Seen, depth int) bool {
	for n := 0; ; n++ {
		s.space()
		if s.at >= len(s.text) || s.text[s.at] != '"' {
			return false
		}
		name, ok := s.quoted()
		if !ok || !s.skip(':') {
			return false
		}
		if bytes.IndexByte(name, '\\') >= 0 {
			if meaning, ok := jsonscan.AppendUnquoted(nil, name); ok { // else it is compared as it is written
				name = meaning
			}
		}
		var member *Seen
		if seen != nil {
			if seen == &s.fields.Root {
				s.top = name
			}
			if n < len(seen.order) && seen.order[n].name == string(name) {
				member = seen.order[n].seen
			} else {
				member = seen.member(s.fields, s.top, name, s.row, depth)
			}
		}
		if !s.value(member, depth+1) {
			return false
		}
		if s.skip('}') {
			return true
		}
		if !s.skip(',') {
			return false
		}
	}
}

func (s *scanner) list(seen *Seen, depth int) bool {
	s.at++
	if seen != nil {
		seen.note(list, s.row)
	}
	if s.skip(']') {
		return true
	}
	var element *Seen
	if seen != nil && depth <= maxDepth {
		if seen.Element == nil {
			seen.Element = &Seen{}
		}
		element = seen.Element
	} else if seen != nil {
		seen.Beyond = earlier(seen.Beyond, s.row+1)
	}
	for {
		if !s.value(element, depth+1) {
			return false
		}
		if s.skip(']') {
			return true
		}
		if !s.skip(',') {
			return false
		}
	}
}

// maxExact is the largest integer up to which a floating-point number holds every integer.
const maxExact = 1 << 53

func (s *scanner) number() (kind, bool) {
	start := s.at
	k := exact
	for ; s.at < len(s.text); s.at++ {
		switch c := s.text[s.at]; {
		case '0' <= c && c <= '9', c == '-' && s.at == start:
		case c == '.', c == 'e', c == 'E', c == '+', c == '-':
			k = float
		default:
			return size(k, s.text[start:s.at])
		}
	}
	return size(k, s.text[start:s.at])
}

// size returns the kind of a number.
func size(k kind, digits []byte) (kind, bool) {
	if k == float || len(digits) == 0 {
		return k, len(digits) > 0
	}
	n, err := strconv.ParseInt(string(digits), 10, 64)
	switch {
	case errors.Is(err, strconv.ErrRange):
		return huge, true
	case err != nil:
		return k, false
	case n > maxExact || n < -maxExact:
		return long, true
	}
	return exact, true
}

// isDate reports whether a text is a date by ISO 8601: 2024-01-31, or with a time after it.
func isDate(s []byte) bool {
	const form = "0000-00-00"
	if len(s) < len(form) || len(s) > len("2024-01-31T10:20:30.123456789+00:00") {
		return false
	}
	for i := range len(form) {
		if digit := '0' <= s[i] && s[i] <= '9'; digit != (form[i] == '0') || !digit && s[i] != '-' {
			return false
		}
	}
	return len(s) == len(form) || s[len(form)] == ' ' || s[len(form)] == 'T'
}
