package record

import (
	"bytes"
	"fmt"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/datasetmix/datasetmix/internal/contract"
)

// Parse reads one published line, without its line end. It is strict: what AppendJSON would not have written, be it only a
// space, an escape too many or a key out of order, is an InvalidData failure. The record keeps nothing of line.
func Parse(line []byte) (Record, error) {
	r, err := parse(jsontext.NewDecoder(bytes.NewBuffer(line)))
	if err != nil {
		return Record{}, contract.Failf(contract.InvalidData, "the line is not a unified record: %w", err)
	}
	if again := r.AppendJSON(make([]byte, 0, len(line))); !bytes.Equal(again, line) {
		return Record{}, contract.Failf(contract.InvalidData, "the line is a unified record in another form, from byte %d on: it was not written by this program, or was changed since", difference(again, line))
	}
	return r, nil
}

func difference(a, b []byte) int {
	n := 0
	for n < len(a) && n < len(b) && a[n] == b[n] {
		n++
	}
	return n
}

func parse(dec *jsontext.Decoder) (r Record, err error) {
	if err := delimiter(dec, '{'); err != nil {
		return r, err
	}
	for _, member := range [...]struct {
		key string
		to  *string
	}{{"id", &r.ID}, {"dataset", &r.Dataset}, {"domain", &r.Domain}, {"question", &r.Question}, {"reference_answer", &r.ReferenceAnswer}, {"answer_type", &r.AnswerType}} {
		if err := key(dec, member.key); err != nil {
			return r, err
		}
		if *member.to, err = str(dec); err != nil {
			return r, fmt.Errorf("%q: %w", member.key, err)
		}
	}
	if err := key(dec, "metadata"); err != nil {
		return r, err
	}
	if r.Metadata, err = metadata(dec); err != nil {
		return r, err
	}
	return r, delimiter(dec, '}')
}

func metadata(dec *jsontext.Decoder) (entries []Entry, err error) {
	if err := delimiter(dec, '{'); err != nil {
		return nil, err
	}
	for dec.PeekKind() != '}' {
		name, err := str(dec)
		if err != nil {
			return nil, err
		}
		value, err := dec.ReadValue()
		if err != nil {
			return nil, err
		}
		published := value.Clone()
		if err := published.Format(); err != nil {
			return nil, err
		}
		entries = append(entries, Entry{Key: name, Value: JSON(published)})
	}
	return entries, delimiter(dec, '}')
}

func delimiter(dec *jsontext.Decoder, want jsontext.Kind) error {
	tok, err := dec.ReadToken()
	if err == nil && tok.Kind() != want {
		err = fmt.Errorf("there is a %s where a %s should be", tok.Kind(), want)
	}
	return err
}

func key(dec *jsontext.Decoder, want string) error {
	name, err := str(dec)
	if err == nil && name != want {
		err = fmt.Errorf("there is a key %q where %q should be", name, want)
	}
	return err
}

func str(dec *jsontext.Decoder) (string, error) {
	tok, err := dec.ReadToken()
	if err != nil {
		return "", err
	}
	if tok.Kind() != '"' {
		return "", fmt.Errorf("there is a %s where a string should be", tok.Kind())
	}
	return tok.String(), nil
}
