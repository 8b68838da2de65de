package language

import (
	"errors"
	"fmt"

	"github.com/google/cel-go/common/types"
	"github.com/google/cel-go/common/types/ref"

	"github.com/datasetmix/datasetmix/internal/decode/decoded"
)

// Subject is what a message is about: a field of the row, or the text of an expression.
type Subject struct{ Field, Text string }

func (s Subject) String() string {
	if s.Field != "" {
		return fmt.Sprintf("field %q", s.Field)
	}
	return s.Text
}

// The returns String with the article that a field has within a sentence.
func (s Subject) The() string {
	if s.Field != "" {
		return "the " + s.String()
	}
	return s.Text
}

// complaint is what is wrong with a function's first argument. The function does not know what that is; the reporter of the complaint does.
type complaint func(it Subject) string

func (c complaint) Error() string { return c(Subject{Text: "the value"}) }

func wrong(c complaint) ref.Val { return types.WrapErr(c) }

// Problem returns the text of an error.
func Problem(err error, it Subject) string {
	var c complaint
	if errors.As(err, &c) {
		return c(it)
	}
	return err.Error()
}

// Describe returns the kind of a decoded value for a message.
func Describe(v any) string {
	switch v.(type) {
	case nil:
		return "absent or null"
	case string:
		return "a string"
	case decoded.Number:
		return "a number"
	case bool:
		return "a boolean"
	case []any:
		return "a list"
	default:
		return "an object"
	}
}

// describeValue returns the kind of a value of CEL.
func describeValue(v ref.Val) string {
	native, err := Native(v)
	if err != nil {
		return "a value of type " + v.Type().TypeName()
	}
	return Describe(native)
}
