package verify

import (
	"bytes"
	"encoding/binary"
	"math/bits"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/datasetmix/datasetmix/internal/decode"
	"github.com/datasetmix/datasetmix/internal/recipe"
	"github.com/datasetmix/datasetmix/internal/record"
)

// form is how every row of one data set begins. Knowing that, a row is checked without making anything of it: the published
// form leaves no choices, so a string's bytes in JSON tell it as well as its value does.
//
// What is recognised here is a part of what record.Parse accepts (a fuzz test holds one against the other); where a row is not
// recognised, Parse decides and finds the words.
type form struct {
	begin, rest []byte
}

func newForm(dataset, domain string) form {
	quoted := func(s string) []byte { return []byte(record.StringOf(s)) }
	name := quoted(dataset)
	return form{
		begin: bytes.Join([][]byte{[]byte(`{"id":`), name[:len(name)-1], []byte("_")}, nil),
		rest:  bytes.Join([][]byte{[]byte(`","dataset":`), name, []byte(`,"domain":`), quoted(domain), []byte(`,"question":"`)}, nil),
	}
}

// said is what is compared of a row: the number in its id, and question and reference answer as they stand in JSON, without
// their quotes.
type said struct {
	number           int64
	question, answer []byte
	// rest are the members after the answer type, and the end of the row; nil where the row was not recognised.
	rest []byte
	// kind is the type of the answer.
	kind []byte
}

// row is what a row says. ok is false where the row is not recognised.
func (f *form) row(line []byte) (row said, ok bool) {
	if !bytes.HasPrefix(line, f.begin) {
		return said{}, false
	}
	number, at := digits(line, len(f.begin))
	if at < 0 || !bytes.HasPrefix(line[at:], f.rest) {
		return said{}, false
	}
	at += len(f.rest)
	end := text(line, at)
	if end < 0 {
		return said{}, false
	}
	row = said{number: number, question: line[at:end]}
	const answerKey, typeKey = `","reference_answer":"`, `","answer_type":"`
	at = end + len(answerKey)
	if end = member(line, end, answerKey); end < 0 {
		return said{}, false
	}
	row.answer = line[at:end]
	at = end + len(typeKey)
	if end = member(line, end, typeKey); end < 0 {
		return said{}, false
	}
	if !kept(line, metadata(line, end)) || !utf8.Valid(line) {
		return said{}, false
	}
	row.rest = line[end+len(`",`):]
	row.kind = line[at:end]
	return row, true
}

// kept checks the members of the source's row behind the metadata, to the end of the row. A name with an escape is left to Parse.
func kept(line []byte, at int) bool {
	if at < 0 || at >= len(line) || line[at] == '}' {
		return at >= 0 && at == len(line)-1
	}
	values := decode.NewValues(line)
	defer values.Close()
	for before := []byte(nil); at < len(line) && line[at] == ','; {
		name, value := quotedName(line, at+1)
		if !mayBeKept(name, before) {
			return false
		}
		before, at = name, values.End(value)
		if at < 0 {
			return false
		}
	}
	return at == len(line)-1 && line[at] == '}'
}

// quotedName reads a name and its colon. name is nil where there is none; value is the place behind the colon.
func quotedName(line []byte, at int) (name []byte, value int) {
	if at >= len(line) || line[at] != '"' {
		return nil, -1
	}
	end := text(line, at+1)
	if end < 0 || end+1 >= len(line) || line[end+1] != ':' {
		return nil, -1
	}
	return line[at+1 : end], end + 2
}

// mayBeKept reports whether a member of that name may stand behind another one, which is nil for the first. What has an escape is left to
// Parse.
func mayBeKept(name, before []byte) bool {
	return name != nil && bytes.IndexByte(name, '\\') < 0 && (before == nil || bytes.Compare(before, name) < 0) && !slices.Contains(recipe.OwnMembers, string(name))
}

// digits reads a number without leading zeros. at is the byte after it, -1 if there is none.
func digits(line []byte, from int) (number int64, at int) {
	for at = from; at < len(line) && '0' <= line[at] && line[at] <= '9'; at++ {
		number = number*10 + int64(line[at]-'0')
	}
	if at == from || at-from > 18 || line[from] == '0' && at > from+1 {
		return 0, -1
	}
	return number, at
}

// member moves from the quote that ends one string to the one that ends the next, with a key between. -1 is neither.
func member(line []byte, at int, key string) int {
	if at < 0 || !bytes.HasPrefix(line[at:], []byte(key)) {
		return -1
	}
	return text(line, at+len(key))
}

// maxMembers is how many members of the metadata are compared with one another; a record that has more is left to Parse.
const maxMembers = 16

// metadata checks what follows the answer type: members whose values are strings or lists of strings, no key twice. It gives the place behind
// them, -1 if they are anything else.
func metadata(line []byte, at int) int {
	const begin = `","metadata":{`
	if !bytes.HasPrefix(line[at:], []byte(begin)) {
		return -1
	}
	at += len(begin)
	var keys [maxMembers][]byte
	for n := 0; ; n++ {
		if n == maxMembers {
			return -1
		}
		name, begin := quotedName(line, at)
		if name == nil {
			return -1
		}
		keys[n] = name
		for _, before := range keys[:n] {
			if bytes.Equal(before, keys[n]) {
				return -1
			}
		}
		if at = value(line, begin); at < 0 {
			return -1
		}
		if at >= len(line) || line[at] != ',' && line[at] != '}' {
			return -1
		}
		if line[at] == '}' {
			return at + 1
		}
		at++
	}
}

// value moves over a string or a list of strings, -1 if there is neither.
func value(line []byte, at int) int {
	if at >= len(line) {
		return -1
	}
	if line[at] == '"' {
		return after(text(line, at+1))
	}
	if line[at] != '[' {
		return -1
	}
	if at++; at < len(line) && line[at] == ']' {
		return at + 1
	}
	for at < len(line) && line[at] == '"' {
		if at = after(text(line, at+1)); at < 0 || at >= len(line) {
			return -1
		}
		if line[at] == ']' {
			return at + 1
		}
		if line[at] != ',' {
			return -1
		}
		at++
	}
	return -1
}

func after(at int) int {
	if at < 0 {
		return -1
	}
	return at + 1
}

// text finds the quote that ends a string which begins at a byte, -1 if something in it is not as it is published. Eight
// bytes are looked at at once for the first that does not stand for itself (Mycroft's test for a zero byte; in the lowest
// byte that it marks it is exact).
func text(line []byte, at int) int {
	const ones, tops = 0x0101010101010101, 0x8080808080808080
	for {
		for ; at+8 <= len(line); at += 8 {
			w := binary.LittleEndian.Uint64(line[at:])
			quote, escape := w^'"'*ones, w^'\\'*ones
			if found := ((quote-ones)&^quote | (escape-ones)&^escape | (w-' '*ones)&^w) & tops; found != 0 {
				at += bits.TrailingZeros64(found) >> 3
				break
			}
		}
		for at < len(line) && line[at] >= ' ' && line[at] != '"' && line[at] != '\\' {
			at++
		}
		switch {
		case at >= len(line) || line[at] < ' ':
			return -1
		case line[at] == '"':
			return at
		}
		n := escaped(line[at:])
		if n == 0 {
			return -1
		}
		at += n
	}
}

// escaped is the length of the escape that begins here, 0 where it is none, not needed, or not in the published form.
func escaped(rest []byte) int {
	switch {
	case len(rest) >= 2 && strings.IndexByte(`"\bfnrt`, rest[1]) >= 0:
		return 2
	case len(rest) < 6 || !bytes.HasPrefix(rest, []byte(`\u00`)):
		return 0
	case rest[4] == '0' && strings.IndexByte("01234567bef", rest[5]) >= 0: // the others have a name
		return 6
	case rest[4] == '1' && strings.IndexByte("0123456789abcdef", rest[5]) >= 0:
		return 6
	default:
		return 0
	}
}

// number is the number in an id of a data set's row, -1 if it is not of the published form.
func number(id, dataset string) int64 {
	prefix := dataset + "_"
	if len(id) <= len(prefix) || id[:len(prefix)] != prefix {
		return -1
	}
	n, err := strconv.ParseInt(id[len(prefix):], 10, 64)
	if err != nil || prefix+strconv.FormatInt(n, 10) != id {
		return -1
	}
	return n
}
