// Package record holds the unified record, its one published form, its content identity, and the presets that map the rows
// of known data sets to it.
//
// The published form of a record is one line of JSON without spaces, in one order of keys, UTF-8 as it is: only what JSON
// must escape is escaped. AppendJSON writes it and Parse accepts nothing else, so equal records have equal bytes.
package record

import (
	"crypto/sha256"
	"encoding/binary"
	"sync"
	"unicode/utf8"

	"github.com/go-json-experiment/json/jsontext"
)

// The answer types: how an evaluator compares an answer with the reference answer.
const (
	Numeric = "numeric" // a number, without digit group separators
	Text    = "text"
	Code    = "code"
)

// The keys of the metadata that every record has, before those of its mapping.
const (
	KeySource     = "source"      // the name of the data set
	KeyOriginalID = "original_id" // the source's own id of the row, else the row number
)

// Record is one row of every published file.
type Record struct {
	// ID is unique in a mix: the data set's name, "_" and the row number at the source.
	ID string
	// Dataset and Domain are the names in the mix.
	Dataset, Domain string
	// Question is the whole prompt, byte for byte; ReferenceAnswer what is held to be right.
	Question, ReferenceAnswer string
	// AnswerType is Numeric, Text or Code.
	AnswerType string
	// Metadata in its order: source, original_id, then what the mapping keeps.
	Metadata []Entry
}

// Entry is one member of the metadata.
type Entry struct {
	Key   string
	Value JSON
}

// JSON is a JSON value as text in the published form: no spaces, strings with the fewest escapes.
type JSON string

// AppendJSON appends the record in its published form, without a line end. A string that is not UTF-8, which no source
// gives, gets U+FFFD in place of the bytes that are wrong.
func (r *Record) AppendJSON(dst []byte) []byte {
	for _, member := range [...]struct{ begin, value string }{
		{`{"id":`, r.ID},
		{`,"dataset":`, r.Dataset},
		{`,"domain":`, r.Domain},
		{`,"question":`, r.Question},
		{`,"reference_answer":`, r.ReferenceAnswer},
		{`,"answer_type":`, r.AnswerType},
	} {
		dst = appendString(append(dst, member.begin...), member.value)
	}
	dst = append(dst, `,"metadata":{`...)
	for i, e := range r.Metadata {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = append(appendString(dst, e.Key), ':')
		dst = append(dst, e.Value...)
	}
	return append(dst, `}}`...)
}

// appendString quotes a string with the fewest escapes, as jsontext does it (a fuzz target compares them), in runs of bytes
// that stand for themselves, which are nearly all.
func appendString(dst []byte, s string) []byte {
	if !utf8.ValidString(s) {
		dst, _ = jsontext.AppendQuote(dst, s) // Which mends it, and gives an error that says so.
		return dst
	}
	dst = append(dst, '"')
	start := 0
	for i := range len(s) {
		if c := s[i]; c < ' ' || c == '"' || c == '\\' {
			dst = appendEscape(append(dst, s[start:i]...), c)
			start = i + 1
		}
	}
	dst = append(dst, s[start:]...)
	return append(dst, '"')
}

// escapes are the names of the bytes that have one, each before its byte.
const escapes = "b\bt\tn\nf\fr\r\"\"\\\\"

func appendEscape(dst []byte, c byte) []byte {
	const hex = "0123456789abcdef"
	for i := 0; i < len(escapes); i += 2 {
		if escapes[i+1] == c {
			return append(dst, '\\', escapes[i])
		}
	}
	return append(dst, '\\', 'u', '0', '0', hex[c>>4], hex[c&0xf])
}

// named is the byte of a name, a space when there is none.
func named(name byte) byte {
	for i := 0; i < len(escapes); i += 2 {
		if escapes[i] == name {
			return escapes[i+1]
		}
	}
	return ' '
}

// QuestionDigest is the SHA-256 of the question's bytes: equal questions, whatever their answers, have equal digests.
func (r *Record) QuestionDigest() [sha256.Size]byte {
	return hashed(func(message []byte) []byte { return append(message, r.Question...) })
}

// identityVersion begins the message of Identity, so that a later encoding cannot meet this one.
const identityVersion = "datasetmix/identity/v1\n"

// Identity is the SHA-256 of what the record says, free of where it stood and what its data set is called: question,
// reference answer, answer type, and the metadata without source and original_id, in their order. Each string comes after
// its length in 8 bytes, big endian, so that no two contents have the same encoding.
func (r *Record) Identity() [sha256.Size]byte {
	return hashed(func(message []byte) []byte {
		message = append(message, identityVersion...)
		message = appendSized(appendSized(appendSized(message, r.Question), r.ReferenceAnswer), r.AnswerType)
		for _, e := range r.Metadata {
			if e.Key != KeySource && e.Key != KeyOriginalID {
				message = appendSized(appendSized(message, e.Key), string(e.Value))
			}
		}
		return message
	})
}

func appendSized(dst []byte, s string) []byte {
	dst = binary.BigEndian.AppendUint64(dst, uint64(len(s)))
	return append(dst, s...)
}

// messages keeps the buffers of hashed: a digest is taken of every row, and the digest functions want bytes.
var messages = sync.Pool{New: func() any { return new([]byte) }}

func hashed(encode func([]byte) []byte) [sha256.Size]byte {
	buffer := messages.Get().(*[]byte)
	defer messages.Put(buffer)
	*buffer = encode((*buffer)[:0])
	return sha256.Sum256(*buffer)
}
