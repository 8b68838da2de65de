// Package record holds the unified record, its one published form and its content identity.
//
// The published form of a record is one line of JSON without spaces, in one order of keys, in UTF-8: only what JSON must escape is escaped.
// AppendJSON writes it and Parse accepts nothing else, so equal records have equal bytes.
package record

import (
	"crypto/sha256"
	"encoding/binary"
	"sync"

	"github.com/datasetmix/datasetmix/internal/jsonscan"
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
	// Kept are members of the source's row, published unchanged, in ascending order of their names.
	Kept []Entry
}

// Entry is one member of the metadata, or of those of the source's row that are kept.
type Entry struct {
	Key   string
	Value JSON
}

// JSON is a JSON value as text on one line. That of the metadata is in the published form: no spaces, strings with the fewest escapes. One
// that is kept is as its source has it.
type JSON string

// AppendJSON appends the record in its published form, without a line end. A string that is not UTF-8, which no source has, gets U+FFFD in place of
// the wrong bytes.
func (r *Record) AppendJSON(dst []byte) []byte {
	for _, member := range [...]struct{ begin, value string }{
		{`{"id":`, r.ID},
		{`,"dataset":`, r.Dataset},
		{`,"domain":`, r.Domain},
		{`,"question":`, r.Question},
		{`,"reference_answer":`, r.ReferenceAnswer},
		{`,"answer_type":`, r.AnswerType},
	} {
		dst = jsonscan.AppendString(append(dst, member.begin...), member.value)
	}
	dst = r.AppendMetadata(append(dst, `,"metadata":`...))
	for _, e := range r.Kept {
		dst = append(jsonscan.AppendString(append(dst, ','), e.Key), ':')
		dst = append(dst, e.Value...)
	}
	return append(dst, '}')
}

// AppendMetadata appends the metadata in the published form.
func (r *Record) AppendMetadata(dst []byte) []byte {
	dst = append(dst, '{')
	for i, e := range r.Metadata {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = append(jsonscan.AppendString(dst, e.Key), ':')
		dst = append(dst, e.Value...)
	}
	return append(dst, '}')
}

// Digests identify equal rows. Each is a SHA-256, and each but the first is made of the one before, so that long
// texts are hashed once.
type Digests struct {
	// Question is that of the question's bytes: equal questions, whatever their answers.
	Question [sha256.Size]byte
	// Pair is that of question and reference answer: the same question with the same answer, in whatever data set.
	Pair [sha256.Size]byte
	// Identity is that of the content of the record, wherever it comes from and whatever its data set is called: question, reference
	// answer, answer type, and the metadata without source and original_id, in their order.
	Identity [sha256.Size]byte
}

// The messages of Pair and Identity begin with their versions, so that a later encoding cannot meet these.
const (
	pairVersion     = "datasetmix/pair/v1\n"
	identityVersion = "datasetmix/identity/v2\n"
)

// Digests returns the digests of the record. In the messages of Pair and Identity each string comes after its length in 8 bytes, big endian, so
// that no two contents have the same encoding.
func (r *Record) Digests() (d Digests) {
	buffer := messages.Get().(*[]byte)
	defer messages.Put(buffer)
	message := d.Begin((*buffer)[:0], r.Question, r.ReferenceAnswer, r.AnswerType)
	for _, e := range r.Metadata {
		if e.Key != KeySource && e.Key != KeyOriginalID {
			message = AppendSized(AppendSized(message, e.Key), string(e.Value))
		}
	}
	message = AppendKept(message, r.Kept)
	d.End(message)
	*buffer = message
	return d
}

// End makes the digest of the identity of its whole message.
func (d *Digests) End(message []byte) { d.Identity = sha256.Sum256(message) }

// AppendKept appends what the members that are kept add to the message of an identity.
func AppendKept(message []byte, kept []Entry) []byte {
	if len(kept) > 0 {
		message = AppendSized(message, "") // With it, the number of strings after the metadata, which has two for each member, is odd.
		for _, e := range kept {
			message = AppendSized(AppendSized(message, e.Key), string(e.Value))
		}
	}
	return message
}

// Begin makes the digests of question and pair, and returns the beginning of the message of the identity, in the same memory.
func (d *Digests) Begin(message []byte, question, answer, answerType string) []byte {
	message = append(message, question...)
	d.Question = sha256.Sum256(message)
	message = append(append(message[:0], pairVersion...), d.Question[:]...)
	message = AppendSized(message, answer)
	d.Pair = sha256.Sum256(message)
	message = append(append(message[:0], identityVersion...), d.Pair[:]...)
	return AppendSized(message, answerType)
}

// AppendSized appends a string of a message that is hashed, after its length in 8 bytes, big endian.
func AppendSized[T string | []byte](dst []byte, s T) []byte {
	dst = binary.BigEndian.AppendUint64(dst, uint64(len(s)))
	return append(dst, s...)
}

// messages keeps the buffers for what is made of every row: digests, and values of the metadata.
var messages = sync.Pool{New: func() any { return new([]byte) }}
