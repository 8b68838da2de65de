package decoded

import (
	"fmt"
)

// The bounds of a row in memory. A value takes up to about a hundred bytes there, so that a list of numbers needs thirty times
// the memory of its text; a text is held in about five forms on its way to the volume.
const (
	// MaxValues is how many values the wanted fields of a row may have, those in lists and objects and the names of objects
	// included; and how many columns a table.
	MaxValues = 1 << 20
	// MaxKept is the most bytes that the wanted fields of a row may have together in the file.
	MaxKept = 16 << 20
)

var (
	errManyValues = fmt.Errorf("the fields of the row that the record wants have more than %d values; want fewer of them, or split the row at the source", MaxValues)
	errKept       = fmt.Errorf("the fields of the row that the record wants are longer than %d MiB; want fewer of them, or split the row at the source", MaxKept>>20)
)

// Bounded returns an error where the wanted fields of a row have more values, or more bytes, than a row may have in memory.
func Bounded(values, size int) error {
	switch {
	case size > MaxKept:
		return Bad(TooLong, errKept)
	case values > MaxValues:
		return Bad(TooLong, errManyValues)
	}
	return nil
}
