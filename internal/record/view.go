package record

import (
	"bytes"
	"slices"
	"strconv"
	"unicode/utf8"

	"github.com/datasetmix/datasetmix/internal/decode/jsonvalue"
	"github.com/datasetmix/datasetmix/internal/jsonscan"
	"github.com/datasetmix/datasetmix/internal/recipe"
)

// Form is how every row of one data set begins. Knowing that, a row is checked without parsing it: the published form leaves no choices, so a
// string's bytes in JSON identify it as well as its value does.
//
// What is recognized here is a part of what Parse accepts (a fuzz test compares the two); where a row is not recognized, Parse decides and explains.
type Form struct {
	begin, rest []byte
}

// NewForm returns the form of the rows of a data set in a domain.
func NewForm(dataset, domain string) Form {
	name := []byte(StringOf(dataset))
	return Form{
		begin: slices.Concat([]byte(`{"id":`), name[:len(name)-1], []byte("_")),
		rest:  slices.Concat([]byte(`","dataset":`), name, []byte(`,"domain":`), []byte(StringOf(domain)), []byte(`,"question":"`)),
	}
}

// View is the content of a row, as the line has it: strings without their quotes.
type View struct {
	// Number is that of the row at its source, which its id ends with.
	Number                       int64
	Question, Answer, AnswerType []byte
	// Rest are the members after the answer type, and the end of the row; nil where the row was not recognized.
	Rest []byte
}

// View returns the content of a row. ok is false where the row is not recognized.
func (f *Form) View(line []byte) (v View, ok bool) {
	number, at := f.number(line)
	if at < 0 || !bytes.HasPrefix(line[at:], f.rest) {
		return View{}, false
	}
	const answerKey, typeKey = `","reference_answer":"`, `","answer_type":"`
	question := at + len(f.rest)
	answer := member(line, question, answerKey)
	kind := member(line, answer, typeKey)
	if kind < 0 {
		return View{}, false
	}
	end, _ := jsonscan.EndOfPublished(line, kind)
	if !keptMembers(line, metadataMembers(line, end)) || !utf8.Valid(line) {
		return View{}, false
	}
	return View{
		Number:     number,
		Question:   line[question : answer-len(answerKey)],
		Answer:     line[answer : kind-len(typeKey)],
		AnswerType: line[kind : end-1],
		Rest:       line[end+len(`,`):],
	}, true
}

// Number returns the number in the id that a row of the data set begins with, -1 where it does not.
func (f *Form) Number(line []byte) int64 {
	number, at := f.number(line)
	if at < 0 {
		return -1
	}
	return number
}

// number reads the number without leading zeros in the id. at is the place after it, -1 without one.
func (f *Form) number(line []byte) (number int64, at int) {
	if !bytes.HasPrefix(line, f.begin) {
		return 0, -1
	}
	from := len(f.begin)
	for at = from; at < len(line) && '0' <= line[at] && line[at] <= '9'; at++ {
		number = number*10 + int64(line[at]-'0')
	}
	if at == from || at-from > 18 || line[from] == '0' && at > from+1 {
		return 0, -1
	}
	return number, at
}

// member moves from the beginning of one string's text to that of the next, with a key between; it returns -1 where there is anything else.
func member(line []byte, at int, key string) int {
	if at < 0 {
		return -1
	}
	end, _ := jsonscan.EndOfPublished(line, at)
	if end < 0 || !bytes.HasPrefix(line[end-1:], []byte(key)) {
		return -1
	}
	return end - 1 + len(key)
}

// quotedName reads a name and its colon. name is nil where the line has something else; value is the place after the colon.
func quotedName(line []byte, at int) (name []byte, value int) {
	end := publishedString(line, at)
	if end < 0 || end >= len(line) || line[end] != ':' {
		return nil, -1
	}
	return line[at+1 : end-1], end + 1
}

// publishedString returns the place after a string with its quotes, a negative one where the line has something else.
func publishedString(line []byte, at int) int {
	if at >= len(line) || line[at] != '"' {
		return -1
	}
	end, _ := jsonscan.EndOfPublished(line, at+1)
	return end
}

// maxMembers is how many members of the metadata are compared with one another; a record that has more is left to Parse.
const maxMembers = 16

// metadataMembers checks what follows the answer type: members whose values are strings or lists of strings, no key twice. It returns the place
// after them, -1 if they are anything else.
func metadataMembers(line []byte, at int) int {
	const begin = `,"metadata":{`
	if at < 0 || !bytes.HasPrefix(line[at:], []byte(begin)) {
		return -1
	}
	at += len(begin)
	var keys [maxMembers][]byte
	for n := range keys {
		name, value := quotedName(line, at)
		if name == nil {
			return -1
		}
		keys[n] = name
		for _, before := range keys[:n] {
			if bytes.Equal(before, name) {
				return -1
			}
		}
		if at = textOrTexts(line, value); at < 0 || at >= len(line) || line[at] != ',' && line[at] != '}' {
			return -1
		}
		at++
		if line[at-1] == '}' {
			return at
		}
	}
	return -1
}

// textOrTexts returns the place after a string or a list of strings, a negative one if there is neither.
func textOrTexts(line []byte, at int) int {
	if at >= len(line) || line[at] != '[' {
		return publishedString(line, at)
	}
	if at++; at < len(line) && line[at] == ']' {
		return at + 1
	}
	for {
		if at = publishedString(line, at); at < 0 || at >= len(line) {
			return -1
		}
		at++
		switch line[at-1] {
		case ']':
			return at
		case ',':
		default:
			return -1
		}
	}
}

// keptMembers checks the members of the source's row after the metadata, to the end of the row. A name with an escape is left to Parse.
func keptMembers(line []byte, at int) bool {
	if at < 0 || at >= len(line) || line[at] == '}' {
		return at >= 0 && at == len(line)-1
	}
	values := jsonvalue.NewValues(line)
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

// mayBeKept reports whether a member of that name may follow another one, which is nil for the first. A name with an escape is left to Parse.
func mayBeKept(name, before []byte) bool {
	return name != nil && bytes.IndexByte(name, '\\') < 0 && (before == nil || bytes.Compare(before, name) < 0) && !slices.Contains(recipe.OwnMembers, string(name))
}

// Number returns the number in an id of a data set's row, -1 if it is not of the published form.
func Number(id, dataset string) int64 {
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
