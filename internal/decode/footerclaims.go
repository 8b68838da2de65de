package decode

import (
	"encoding/binary"
	"errors"
)

// errFooter is for footers that are not whole, or have lists that are longer than what is left of them: the library takes memory
// for as many elements as a list claims.
var errFooter = errors.New("the Parquet file is damaged: its footer is cut short, or a list in it claims more than is there; fetch it again")

// deepest is how far structs and lists may stand in one another; those of a footer do to about ten.
const deepest = 64

// checkFooter walks over a struct in Thrift's compact protocol
// (https://github.com/apache/thrift/blob/master/doc/specs/thrift-compact-protocol.md).
func checkFooter(footer []byte) error {
	if w := (compactWalk{rest: footer}); !w.structure(0) {
		return errFooter
	}
	return nil
}

// compactWalk is what is left to walk over. Its methods are false at what is broken.
type compactWalk struct{ rest []byte }

func (w *compactWalk) structure(depth int) bool {
	if depth > deepest {
		return false
	}
	for {
		head, ok := w.byte()
		if !ok || head == 0 { // the end of the struct
			return ok
		}
		if head>>4 == 0 { // the field's number follows
			if _, ok := w.varint(); !ok {
				return false
			}
		}
		if kind := head & 15; kind > 2 && !w.value(kind, depth) { // a bool has its value in its kind
			return false
		}
	}
}

// value walks over a value that is not the bool of a field: those of a list take a byte.
func (w *compactWalk) value(kind byte, depth int) bool {
	switch kind {
	case 1, 2, 3: // bool, byte
		return w.skip(1)
	case 4, 5, 6: // i16, i32, i64
		_, ok := w.varint()
		return ok
	case 7: // double
		return w.skip(8)
	case 8: // binary
		n, ok := w.varint()
		return ok && w.skip(n)
	case 9, 10: // list, set
		return w.list(depth + 1)
	case 12:
		return w.structure(depth + 1)
	default: // a footer has no maps
		return false
	}
}

func (w *compactWalk) list(depth int) bool {
	head, ok := w.byte()
	n := uint64(head >> 4)
	if ok && n == 15 {
		n, ok = w.varint()
	}
	if !ok || depth > deepest || n > uint64(len(w.rest)) { // an element takes a byte at least
		return false
	}
	for range n {
		if !w.value(head&15, depth) {
			return false
		}
	}
	return true
}

func (w *compactWalk) byte() (byte, bool) {
	if len(w.rest) == 0 {
		return 0, false
	}
	b := w.rest[0]
	w.rest = w.rest[1:]
	return b, true
}

func (w *compactWalk) varint() (uint64, bool) {
	v, n := binary.Uvarint(w.rest)
	if n <= 0 {
		return 0, false
	}
	w.rest = w.rest[n:]
	return v, true
}

func (w *compactWalk) skip(n uint64) bool {
	if n > uint64(len(w.rest)) {
		return false
	}
	w.rest = w.rest[n:]
	return true
}
