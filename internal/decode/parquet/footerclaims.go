package parquet

import (
	"encoding/binary"
	"errors"
)

// errFooter is for footers that are truncated, or have lists that are longer than the rest of the footer: the library allocates as many elements as
// a list claims.
var errFooter = errors.New("the Parquet file is damaged: its footer is cut short, or a list in it claims more than is there; fetch it again")

// deepest is how deep structs and lists may be nested; those of a footer are to about ten.
const deepest = 64

// parts are the fields of a struct that are kept, by their numbers in parquet.thrift, and what is kept of each. nil keeps all.
type parts struct{ fields map[int16]*parts }

// kept returns fields that are kept whole.
func kept(numbers ...int16) *parts {
	fields := make(map[int16]*parts, len(numbers))
	for _, number := range numbers {
		fields[number] = nil
	}
	return &parts{fields}
}

// with adds a field that is kept in parts.
func (p *parts) with(number int16, inner *parts) *parts {
	p.fields[number] = inner
	return p
}

// of returns what is kept of a field, and whether it is.
func (p *parts) of(number int16) (inner *parts, wanted bool) {
	if p == nil {
		return nil, true
	}
	inner, wanted = p.fields[number]
	return inner, wanted
}

// footerParts is what reading rows takes: version, schema, rows and row groups, with each column's place, type and sizes. All else may be as other
// writers understand the format: a key without a value, an order of values that the library does not know.
var footerParts = kept(1, 2, 3).with(4,
	kept(2, 3).with(1, // columns
		kept(1, 2, 8, 9).with(3, kept(1, 2, 3, 4, 5, 6, 7, 9, 11))))

// trimFooter walks over a struct in Thrift's compact protocol
// (https://github.com/apache/thrift/blob/master/doc/specs/thrift-compact-protocol.md) and returns it with the parts that are kept.
func trimFooter(footer []byte, keep *parts) ([]byte, error) {
	w := compactWalk{rest: footer}
	if !w.structure(0, keep) {
		return nil, errFooter
	}
	return w.out, nil
}

// compactWalk is what is left to walk over, and what is kept of the rest. Its methods are false at what is broken.
type compactWalk struct{ rest, out []byte }

func (w *compactWalk) structure(depth int, keep *parts) bool {
	if depth > deepest {
		return false
	}
	for id, last := int16(0), int16(0); ; {
		mark := len(w.out)
		head, ok := w.byte()
		if !ok || head == 0 { // the end of the struct
			return ok
		}
		id += int16(head >> 4)
		if head>>4 == 0 { // the field's number follows
			n, ok := w.varint()
			if !ok {
				return false
			}
			id = int16(n>>1) ^ -int16(n&1)
		}
		kind := head & 15
		w.out = append(w.out[:mark], kind)
		w.out = binary.AppendVarint(w.out, int64(id))
		if delta := id - last; delta > 0 && delta < 16 {
			w.out = append(w.out[:mark], byte(delta)<<4|kind)
		}
		inner, wanted := keep.of(id)
		if kind > 2 && !w.value(kind, depth, inner) { // a bool has its value in its kind
			return false
		}
		if wanted {
			last = id
		} else {
			w.out = w.out[:mark]
		}
	}
}

// value walks over a value that is not the bool of a field: those of a list take a byte.
func (w *compactWalk) value(kind byte, depth int, keep *parts) bool {
	switch kind {
	case 1, 2, 3: // bool, byte
		return w.take(1)
	case 4, 5, 6: // i16, i32, i64
		_, ok := w.varint()
		return ok
	case 7: // double
		return w.take(8)
	case 8: // binary
		n, ok := w.varint()
		return ok && w.take(n)
	case 9, 10: // list, set
		return w.list(depth+1, keep)
	case 12:
		return w.structure(depth+1, keep)
	default: // a footer has no maps
		return false
	}
}

func (w *compactWalk) list(depth int, keep *parts) bool {
	head, ok := w.byte()
	n := uint64(head >> 4)
	if ok && n == 15 {
		n, ok = w.varint()
	}
	if !ok || depth > deepest || n > uint64(len(w.rest)) { // an element takes a byte at least
		return false
	}
	for range n {
		if !w.value(head&15, depth, keep) {
			return false
		}
	}
	return true
}

func (w *compactWalk) byte() (byte, bool) {
	if !w.take(1) {
		return 0, false
	}
	return w.out[len(w.out)-1], true
}

func (w *compactWalk) varint() (uint64, bool) {
	v, n := binary.Uvarint(w.rest)
	return v, n > 0 && w.take(uint64(n))
}

// take copies bytes to what is kept.
func (w *compactWalk) take(n uint64) bool {
	if n > uint64(len(w.rest)) {
		return false
	}
	w.out, w.rest = append(w.out, w.rest[:n]...), w.rest[n:]
	return true
}
