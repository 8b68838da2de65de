package contract

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
)

// DecodeStrict reads one JSON document. A member that the value does not have, and anything after the document, is an error: a release that
// ignored it would do something else than was asked.
func DecodeStrict(encoded []byte, value any) error {
	decoder := json.NewDecoder(bytes.NewReader(encoded))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(value); err != nil {
		return err
	}
	if _, err := decoder.Token(); !errors.Is(err, io.EOF) {
		return errors.New("something follows the JSON document")
	}
	return nil
}

// ParseQuestion reads the question that a command asks a worker.
func ParseQuestion[Q any](encoded string) (question Q, err error) {
	if err := DecodeStrict([]byte(encoded), &question); err != nil {
		return question, Failf(InvalidTask, "the worker does not understand the question: %w; use a command and a worker of the same release", err)
	}
	return question, nil
}
