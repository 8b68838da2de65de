package decoded

import (
	"errors"
	"fmt"
	"strings"
)

// Class is the kind of error of a bad row, for counts and reports. docs/contributing/decoding.md lists the classes.
type Class string

// The classes of bad rows.
const (
	Malformed     Class = "malformed"      // not the grammar of the format, or a value that no row can hold
	InvalidUTF8   Class = "invalid-utf8"   // bytes that are not UTF-8
	DuplicateName Class = "duplicate-name" // a name twice in one object
	MissingField  Class = "missing-field"  // a required field that is absent or null
	WrongShape    Class = "wrong-shape"    // valid, but no object, or with another number of fields than the header
	TooLong       Class = "too-long"       // longer than MaxRow, or larger than a row may be in memory
)

// BadRow is the error of one row in a file that can be read on: a caller that keeps ranging gets the next row. An error of
// decode.Rows in which errors.As finds none ends the file.
type BadRow struct {
	Class Class
	// Where names the row, as Row.Where does.
	Where string
	// Err is the error, with what to do.
	Err error
}

func (b *BadRow) Error() string { return b.Where + ": " + b.Err.Error() }

func (b *BadRow) Unwrap() error { return b.Err }

// Bad returns the error of a row for a format to return; its caller adds the place.
func Bad(class Class, err error) error { return &BadRow{Class: class, Err: err} }

// Badf returns Bad of a formatted text.
func Badf(class Class, format string, args ...any) error {
	return Bad(class, fmt.Errorf(format, args...))
}

// IsBad reports whether there is a BadRow in an error.
func IsBad(err error) bool {
	var row *BadRow
	return errors.As(err, &row)
}

// NullField returns the error of a required field that is null.
func NullField(name string) error {
	return fmt.Errorf("the field %q is null and must have a value; correct it at the source", name)
}

// NoField returns the error of a required field that a file does not have, with those that it has.
func NoField(name string, there []string) error {
	meant := ""
	if near := nearest(name, there); near != "" {
		meant = "; did you mean " + near + "?"
	}
	return fmt.Errorf("there is no field %q; the fields of the file are %s%s; choose the preset or mapping that fits them", name, Listed(there), meant)
}

// Listed returns names for a message.
func Listed(names []string) string {
	if len(names) == 0 {
		return "none"
	}
	return strings.Join(names, ", ")
}

// nearest returns the name that a person probably meant, "" if no name is similar. A similar name differs in case, in separators, or in at
// most one letter of three.
func nearest(name string, among []string) string {
	best, least := "", 0
	plain := func(s string) string {
		return strings.ToLower(strings.NewReplacer(`"`, "", "_", "", "-", "", " ", "").Replace(s))
	}
	for _, other := range among {
		if d := distance(plain(name), plain(other)); d <= len(plain(name))/3 && (best == "" || d < least) {
			best, least = other, d
		}
	}
	return best
}

// distance returns the Levenshtein distance: how many bytes have to be inserted, deleted or replaced to turn a into b. Names are short, and few.
func distance(a, b string) int {
	if len(a) > longName || len(b) > longName {
		return longName
	}
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := diagonal
			if a[i] != b[j] {
				cost++
			}
			diagonal = row[j+1]
			row[j+1] = min(cost, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(b)]
}

// longName is the length from which names are not compared.
const longName = 64
