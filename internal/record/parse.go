package record

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/datasetmix/datasetmix/internal/contract"
	"github.com/datasetmix/datasetmix/internal/decode/jsonvalue"
	"github.com/datasetmix/datasetmix/internal/jsonscan"
	"github.com/datasetmix/datasetmix/internal/recipe"
)

// Parse reads one published line, without its line end. It is strict: what AppendJSON would not have written, even a space, an unnecessary escape
// or a key out of order, is an InvalidData failure that names the byte. The record keeps nothing of line.
//
// A verifier reads every published row, so this is not a JSON parser: the published form leaves no choices, which makes it many times as fast as
// one. A test compares it with a slow one on any input.
func Parse(line []byte) (Record, error) {
	p := parser{text: string(line)}
	r, err := p.record()
	if err == nil && !utf8.ValidString(p.text) {
		err = errors.New("it is not UTF-8")
	}
	if err != nil {
		return Record{}, contract.Failf(contract.InvalidData, "the line is not a unified record as it is published, at byte %d: %w; it was not written by this program, or was changed since", p.at, err)
	}
	return r, nil
}

// Rest returns where, in the published form of the record, the members after the texts begin.
func (r *Record) Rest() int {
	bare := Record{ID: r.ID, Dataset: r.Dataset, Domain: r.Domain, Question: r.Question, ReferenceAnswer: r.ReferenceAnswer, AnswerType: r.AnswerType}
	return len(bare.AppendJSON(nil)) - len(`"metadata":{}}`)
}

// maxDepth bounds the nesting of a value in the metadata, as jsontext bounds that of a source row.
const maxDepth = 10000

// parser walks along a line. Strings without escapes are parts of text, not copies.
type parser struct {
	text string
	at   int
	// scratch is where escapes are undone.
	scratch []byte
}

func (p *parser) record() (r Record, err error) {
	for _, member := range [...]struct {
		begin string
		to    *string
	}{
		{`{"id":`, &r.ID},
		{`,"dataset":`, &r.Dataset},
		{`,"domain":`, &r.Domain},
		{`,"question":`, &r.Question},
		{`,"reference_answer":`, &r.ReferenceAnswer},
		{`,"answer_type":`, &r.AnswerType},
	} {
		if err := p.literal(member.begin); err != nil {
			return r, err
		}
		if *member.to, err = p.str(); err != nil {
			return r, err
		}
	}
	if r.Metadata, err = p.metadata(); err != nil {
		return r, err
	}
	if r.Kept, err = p.kept(); err != nil {
		return r, err
	}
	if p.at != len(p.text) {
		return r, errors.New("there is more text after the end of the record")
	}
	return r, nil
}

func (p *parser) metadata() (entries []Entry, err error) {
	if err := p.literal(`,"metadata":{`); err != nil {
		return nil, err
	}
	for p.peek() != '}' {
		if len(entries) > 0 {
			if err := p.literal(","); err != nil {
				return nil, err
			}
		}
		name, err := p.name()
		if err != nil {
			return nil, err
		}
		for _, e := range entries {
			if e.Key == name {
				return nil, fmt.Errorf("the key %q is there twice", name)
			}
		}
		start := p.at
		if err := p.value(0); err != nil {
			return nil, err
		}
		if entries == nil {
			entries = make([]Entry, 0, 8)
		}
		entries = append(entries, Entry{Key: name, Value: JSON(p.text[start:p.at])})
	}
	return entries, p.literal("}")
}

// kept reads the members after those of every row. Their values are as the source has them, checked by the rules of decode.
func (p *parser) kept() (entries []Entry, err error) {
	for !p.skip("}") {
		if !p.skip(",") {
			return nil, errors.New("a comma or the closing brace should be here")
		}
		name, err := p.name()
		if err != nil {
			return nil, err
		}
		if n := len(entries); slices.Contains(recipe.OwnMembers, name) || n > 0 && entries[n-1].Key >= name {
			return nil, fmt.Errorf("the member %q is there twice, or not in the order of names", name)
		}
		length, err := jsonvalue.Checked(p.text[p.at:])
		if err != nil {
			return nil, err
		}
		entries = append(entries, Entry{Key: name, Value: JSON(p.text[p.at : p.at+length])})
		p.at += length
	}
	return entries, nil
}

func (p *parser) literal(want string) error {
	if !strings.HasPrefix(p.text[p.at:], want) {
		return fmt.Errorf("%s should be here", want)
	}
	p.at += len(want)
	return nil
}

// peek returns the next byte, 0 at the end.
func (p *parser) peek() byte {
	if p.at == len(p.text) {
		return 0
	}
	return p.text[p.at]
}

// name returns a string and the colon after it.
func (p *parser) name() (string, error) {
	name, err := p.str()
	if err != nil {
		return "", err
	}
	return name, p.literal(":")
}

// str reads a string and returns what it means.
func (p *parser) str() (string, error) {
	if err := p.literal(`"`); err != nil {
		return "", err
	}
	start := p.at
	end, escaped := jsonscan.EndOfPublished(p.text, start)
	if end < 0 {
		p.at = ^end
		return "", errors.New(p.wrong())
	}
	p.at = end
	if !escaped {
		return p.text[start : end-1], nil
	}
	p.scratch, _ = jsonscan.AppendUnquoted(p.scratch[:0], p.text[start:end-1])
	return string(p.scratch), nil
}

// wrong returns why a string may not go on as it does.
func (p *parser) wrong() string {
	switch {
	case p.at == len(p.text):
		return "a string does not end"
	case p.text[p.at] == '\\':
		return "an escape is not needed, or not in this form"
	}
	return "a control character has no escape"
}

// value walks over any JSON value in the published form. The names of an object may be in any order, that of the source or an ascending one,
// without duplicates.
func (p *parser) value(depth int) error {
	if depth > maxDepth {
		return errors.New("the value is nested too deeply")
	}
	switch c := p.peek(); c {
	case '"':
		_, err := p.str()
		return err
	case '[':
		return p.list(depth)
	case '{':
		return p.object(depth)
	case 'n':
		return p.literal("null")
	case 't':
		return p.literal("true")
	case 'f':
		return p.literal("false")
	default:
		return p.number()
	}
}

func (p *parser) list(depth int) error {
	p.at++
	for first := true; p.peek() != ']'; first = false {
		if !first {
			if err := p.literal(","); err != nil {
				return err
			}
		}
		if err := p.value(depth + 1); err != nil {
			return err
		}
	}
	p.at++
	return nil
}

func (p *parser) object(depth int) error {
	p.at++
	var names nameSet
	for first := true; p.peek() != '}'; first = false {
		if !first {
			if err := p.literal(","); err != nil {
				return err
			}
		}
		name, err := p.name()
		if err != nil {
			return err
		}
		if !names.add(name) {
			return fmt.Errorf("the key %q is there twice", name)
		}
		if err := p.value(depth + 1); err != nil {
			return err
		}
	}
	p.at++
	return nil
}

// nameSet holds the names of an object. Of ascending names, the usual case, it keeps the last; of others it keeps all.
type nameSet struct {
	ascending []string
	last      string
	all       map[string]bool
}

// add reports whether the name is new.
func (s *nameSet) add(name string) bool {
	if s.all == nil {
		if len(s.ascending) == 0 || name > s.last {
			s.ascending, s.last = append(s.ascending, name), name
			return true
		}
		s.all = make(map[string]bool, len(s.ascending)+1)
		for _, n := range s.ascending {
			s.all[n] = true
		}
	}
	if s.all[name] {
		return false
	}
	s.all[name] = true
	return true
}

func (p *parser) number() error {
	start, end := p.at, jsonscan.EndOfNumber(p.text, p.at)
	if p.at = max(end, ^end); end >= 0 {
		return nil
	}
	if p.at > start+1 {
		return errors.New("a number lacks a digit")
	}
	return errors.New("a value should be here")
}

// skip moves over one byte if it is one of the given ones.
func (p *parser) skip(of string) bool {
	c := p.peek()
	if c == 0 || strings.IndexByte(of, c) < 0 {
		return false
	}
	p.at++
	return true
}
