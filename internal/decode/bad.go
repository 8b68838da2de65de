package decode

import (
	"errors"
	"fmt"
	"unicode/utf8"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/datasetmix/datasetmix/internal/decode/decoded"
	"github.com/datasetmix/datasetmix/internal/decode/jsonvalue"
)

// badJSON returns the BadRow of a text that is not one row of JSON.
func badJSON(text []byte, err error) error {
	class := decoded.Malformed
	switch {
	case errors.Is(err, jsontext.ErrDuplicateName):
		class = decoded.DuplicateName
	case !utf8.Valid(text):
		class = decoded.InvalidUTF8
	}
	return decoded.Bad(class, jsonError(err))
}

var (
	errSeveralLines = errors.New("the JSON ends before it is complete: the file is one JSON object over several lines; write each row on a line of its own")
	errTooLong      = fmt.Errorf("the row is longer than %d MiB; split it at the source, or name only files that hold rows", decoded.MaxRow>>20)
)

// jsonError returns the error of JSON text in plain words. An error of the underlying reader is returned unchanged.
func jsonError(err error) error {
	var packing *packingError
	switch {
	case errors.As(err, &packing):
		return packing
	case errors.Is(err, errTooLong):
		return errTooLong
	}
	return jsonvalue.Error(err)
}
