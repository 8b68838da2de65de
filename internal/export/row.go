package export

import (
	"bytes"
	"errors"

	"github.com/datasetmix/datasetmix/internal/jsonscan"
)

// row is a published row, taken apart. Raw members are unchanged parts of the line; the others are texts without escapes.
type row struct {
	id, dataset, domain, question, answer, answerType []byte

	rawQuestion, rawAnswer, rawType []byte // JSON strings
	metadata                        []byte // a JSON object
	kept                            []byte // the members behind it, each behind its comma

	plain []byte // the texts that had escapes
}

var errRow = errors.New("the line is not a unified record as it is published")

// read takes a line apart. It checks only what it needs, to be fast; record.Parse checks that the line is a published row.
func (r *row) read(line []byte) error {
	line = trimmed(line)
	r.plain = r.plain[:0]
	at := 0
	for _, member := range [...]struct {
		begin    string
		to, keep *[]byte
	}{
		{`{"id":`, &r.id, nil}, {`,"dataset":`, &r.dataset, nil}, {`,"domain":`, &r.domain, nil}, {`,"question":`, &r.question, &r.rawQuestion},
		{`,"reference_answer":`, &r.answer, &r.rawAnswer}, {`,"answer_type":`, &r.answerType, &r.rawType},
	} {
		if !hasPrefix(line[at:], member.begin) {
			return errRow
		}
		at += len(member.begin)
		end := jsonscan.SkipValue(line, at)
		if end < 0 || line[at] != '"' {
			return errRow
		}
		var err error
		if *member.to, err = r.text(line[at:end]); err != nil {
			return err
		}
		if member.keep != nil {
			*member.keep = line[at:end]
		}
		at = end
	}
	const begin = `,"metadata":`
	if !hasPrefix(line[at:], begin) {
		return errRow
	}
	at += len(begin)
	end := jsonscan.SkipValue(line, at)
	if end < 0 || end >= len(line) || line[at] != '{' || line[len(line)-1] != '}' {
		return errRow
	}
	r.metadata, r.kept = line[at:end], line[end:len(line)-1]
	return nil
}

// plainID returns the id with which a line begins, unless it has an escape.
func plainID(line []byte) ([]byte, bool) {
	const begin = `{"id":"`
	if !hasPrefix(line, begin) {
		return nil, false
	}
	end := bytes.IndexByte(line[len(begin):], '"')
	if end < 0 {
		return nil, false
	}
	id := line[len(begin):][:end]
	return id, bytes.IndexByte(id, '\\') < 0
}

// text returns what a JSON string means. The slice is valid until the next row.
func (r *row) text(raw []byte) ([]byte, error) {
	if bytes.IndexByte(raw, '\\') < 0 {
		return raw[1 : len(raw)-1], nil
	}
	begin := len(r.plain)
	plain, ok := jsonscan.AppendUnquoted(r.plain, raw[1:len(raw)-1])
	if !ok {
		return nil, errRow
	}
	r.plain = plain
	return plain[begin:len(plain):len(plain)], nil
}

// known are the members of the metadata that labels use, raw; an absent one is nil.
type known struct {
	answers, entryPoint, impossible, test, testImports, testList, testSetup []byte
}

// known goes through the metadata once.
func (r *row) known() (k known) {
	eachMember(r.metadata[1:], func(name, value []byte) bool {
		switch string(name) {
		case "answers":
			k.answers = value
		case "entry_point":
			k.entryPoint = value
		case "is_impossible":
			k.impossible = value
		case "test":
			k.test = value
		case "test_imports":
			k.testImports = value
		case "test_list":
			k.testList = value
		case "test_setup_code":
			k.testSetup = value
		}
		return true
	})
	return k
}

// keeps returns the raw value of a kept member of the source's row; nil if it is absent or null.
func (r *row) keeps(name string) []byte {
	if len(r.kept) == 0 {
		return nil
	}
	value := memberOf(r.kept[1:], name)
	if string(value) == "null" {
		return nil
	}
	return value
}

// memberOf finds a member in what follows the brace of an object.
func memberOf(object []byte, name string) (found []byte) {
	eachMember(object, func(key, value []byte) bool {
		if string(key) == name {
			found = value
		}
		return found == nil
	})
	return found
}

// eachMember calls each with the members in what follows the brace of an object, until each returns false.
func eachMember(object []byte, each func(name, value []byte) bool) {
	for at := 0; at < len(object) && object[at] == '"'; {
		end := jsonscan.SkipValue(object, at)
		if end < 0 || end >= len(object) || object[end] != ':' {
			return
		}
		key := object[at+1 : end-1]
		at = end + 1
		if end = jsonscan.SkipValue(object, at); end < 0 || !each(key, object[at:end]) {
			return
		}
		if at = end; at < len(object) && object[at] == ',' {
			at++
		}
	}
}

func trimmed(line []byte) []byte { return bytes.TrimSuffix(line, []byte("\n")) }

func hasPrefix(text []byte, prefix string) bool {
	return len(text) >= len(prefix) && string(text[:len(prefix)]) == prefix
}
