package jsonvalue

import (
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/go-json-experiment/json/jsontext"
)

// ErrMore is the error of a text with more than one value.
var ErrMore = errors.New("there is more text after the end of the JSON value; correct it at the source")

// IsCut reports whether JSON text ended too early.
func IsCut(err error) bool { return errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, io.EOF) }

// Error returns the error of JSON text in plain words. An error of the underlying reader is returned unchanged.
func Error(err error) error {
	var syntax *jsontext.SyntacticError
	switch {
	case IsCut(err):
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

// End checks that nothing follows the last value.
func End(dec *jsontext.Decoder) error {
	switch _, err := dec.ReadToken(); err {
	case io.EOF:
		return nil
	case nil:
		return ErrMore
	default:
		return err
	}
}
