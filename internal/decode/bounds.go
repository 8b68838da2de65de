package decode

import (
	"fmt"

	"github.com/datasetmix/datasetmix/internal/decode/decoded"
	"github.com/datasetmix/datasetmix/internal/decode/jsonvalue"
	"github.com/datasetmix/datasetmix/internal/jsonscan"
)

var errManyNames = fmt.Errorf("an object of the row has more than %d names; make a list of them at the source, or name only files that hold rows", jsonvalue.MaxNames)

// boundedSpans returns an error where the wanted values of a row, which have a size together, are more than a row may bring into memory.
func boundedSpans(found []jsonvalue.Span, size int) error {
	values := 0
	if size > decoded.MaxValues && size <= decoded.MaxKept { // A value takes a byte at least.
		for _, f := range found {
			values++
			if !f.Plain {
				values += marks(f.Raw)
			}
		}
	}
	return decoded.Bounded(values, size)
}

// marks counts the brackets, commas and colons of a JSON value that are not in a text: about as many as it has values and names.
func marks(raw []byte) int {
	n := 0
	for at := 0; at < len(raw); at++ {
		switch raw[at] {
		case '"':
			at = jsonscan.SkipString(raw, at+1) - 1
		case '[', '{', ',', ':':
			n++
		}
	}
	return n
}
