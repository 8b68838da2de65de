package decode

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"unicode/utf8"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/datasetmix/datasetmix/internal/decode/decoded"
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
	errMore         = errors.New("there is more text after the end of the JSON value; correct it at the source")
	errSeveralLines = errors.New("the JSON ends before it is complete: the file is one JSON object over several lines; write each row on a line of its own")
	errTooLong      = fmt.Errorf("the row is longer than %d MiB; split it at the source, or name only files that hold rows", decoded.MaxRow>>20)
)

// isCut reports whether JSON text ended too early.
func isCut(err error) bool { return errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, io.EOF) }

// jsonError returns the error of JSON text in plain words. An error of the underlying reader is returned unchanged.
func jsonError(err error) error {
	var syntax *jsontext.SyntacticError
	var packing *packingError
	switch {
	case errors.As(err, &packing):
		return packing
	case errors.Is(err, errTooLong):
		return errTooLong
	case isCut(err):
		return fmt.Errorf("the JSON ends before it is complete: the file was cut short or a row goes over several lines; fetch it again or correct it at the source: %w", io.ErrUnexpectedEOF)
	case !errors.As(err, &syntax):
		return err
	case strings.Contains(syntax.Err.Error(), "'N'") || strings.Contains(syntax.Err.Error(), "'I'"):
		return fmt.Errorf("this is not valid JSON at byte %d, in %q: %w, as NaN and Infinity begin; write null for them at the source, or the rows as JSON Lines, where such numbers are read", syntax.ByteOffset, syntax.JSONPointer, syntax.Err)
	case syntax.JSONPointer != "":
		return fmt.Errorf("this is not valid JSON at byte %d, in %q: %w; correct it at the source", syntax.ByteOffset, syntax.JSONPointer, syntax.Err)
	default:
		return fmt.Errorf("this is not valid JSON at byte %d: %w; correct it at the source", syntax.ByteOffset, syntax.Err)
	}
}
