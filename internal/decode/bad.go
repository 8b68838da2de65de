package decode

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"unicode/utf8"

	"github.com/go-json-experiment/json/jsontext"
)

// Class says in one word what is wrong with a row, for counts and reports. docs/contributing/decoding.md lists the classes.
type Class string

// The classes of bad rows.
const (
	Malformed     Class = "malformed"      // not the grammar of the format, or a value that no row can hold
	InvalidUTF8   Class = "invalid-utf8"   // bytes that are not UTF-8
	DuplicateName Class = "duplicate-name" // a name twice in one object
	MissingField  Class = "missing-field"  // a required field that is absent or null
	WrongShape    Class = "wrong-shape"    // valid, but no object, or with another number of fields than the header
	TooLong       Class = "too-long"       // longer than MaxRow, or more in it than a row may bring into memory
)

// BadRow is the error of one row in a file that can be read on: a caller that keeps ranging gets the next row. An error of
// Rows in which errors.As finds none ends the file.
type BadRow struct {
	Class Class
	// Where names the row, as Row.Where does.
	Where string
	// Err says what is wrong and what to do.
	Err error
}

func (b *BadRow) Error() string { return b.Where + ": " + b.Err.Error() }

func (b *BadRow) Unwrap() error { return b.Err }

// bad is the error of a row for a format to give; Rows adds the place.
func bad(class Class, err error) error { return &BadRow{Class: class, Err: err} }

func badf(class Class, format string, args ...any) error {
	return bad(class, fmt.Errorf(format, args...))
}

func isBad(err error) bool {
	var row *BadRow
	return errors.As(err, &row)
}

// badJSON is the error of a whole text that was to be one row.
func badJSON(text []byte, err error) error {
	class := Malformed
	switch {
	case errors.Is(err, jsontext.ErrDuplicateName):
		class = DuplicateName
	case !utf8.Valid(text):
		class = InvalidUTF8
	}
	return bad(class, jsonError(err))
}

var (
	errMore         = errors.New("there is more text after the end of the JSON value; correct it at the source")
	errSeveralLines = errors.New("the JSON ends before it is complete: the file is one JSON object over several lines; write each row on a line of its own")
	errTooLong      = fmt.Errorf("the row is longer than %d MiB; split it at the source, or name only files that hold rows", MaxRow>>20)
)

// isCut says whether JSON text ended too early.
func isCut(err error) bool { return errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, io.EOF) }

// jsonError says in words what is wrong with JSON text. Trouble below the text comes through as it is.
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
