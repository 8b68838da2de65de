package parquet

import (
	"encoding/binary"
	"errors"

	"github.com/parquet-go/parquet-go"
	"github.com/parquet-go/parquet-go/format"
)

var errBooleans = errors.New("the booleans of a page are cut short")

// plainBooleans returns a page of booleans in runs as one of plain bits, and any other page as it is. The library, up to version 0.32.0, reads a
// run of true as one true and seven false, and puts the values after a run that does not fill its byte in wrong places, without an error. Arrow
// writes such pages in version 2.
func (r *pageReader) plainBooleans(h *format.PageHeader, body []byte) ([]byte, error) {
	if r.leaf.Type().Kind() != parquet.Boolean || h.Type == format.DictionaryPage {
		return body, nil
	}
	_, _, values, encoding, count, err := sections(h, body, r.leaf)
	if err != nil || encoding != format.RLE || len(values) == 0 {
		return body, err
	}
	if len(values) < 4 || int64(binary.LittleEndian.Uint32(values)) > int64(len(values)-4) {
		return nil, errBooleans
	}
	r.booleans = append(r.booleans[:0], body[:len(body)-len(values)]...)
	runs := values[4 : 4+binary.LittleEndian.Uint32(values)]
	if r.booleans, err = appendBits(r.booleans, runs, count+padding); err != nil {
		return nil, err
	}
	h.DataPageHeader.V.Encoding, h.DataPageHeaderV2.V.Encoding = format.Plain, format.Plain
	return r.booleans, nil
}

// appendBits appends runs of one bit a value as plain bits, of which there are at most so many.
func appendBits(dst, runs []byte, most int) ([]byte, error) {
	done := 0
	put := func(bit byte) {
		if done%8 == 0 {
			dst = append(dst, 0)
		}
		dst[len(dst)-1] |= bit << (done % 8)
		done++
	}
	for len(runs) > 0 {
		run, n := binary.Uvarint(runs)
		if n <= 0 || run>>1 > uint64(most-done) {
			return nil, errBooleans
		}
		runs = runs[n:]
		packed, length := run&1 == 1, 1
		if packed {
			length = int(run >> 1)
		}
		if length > len(runs) || packed && 8*length > most-done {
			return nil, errBooleans
		}
		if packed {
			for _, bits := range runs[:length] {
				for i := range 8 {
					put(bits >> i & 1)
				}
			}
		} else {
			for range run >> 1 {
				put(runs[0] & 1)
			}
		}
		runs = runs[length:]
	}
	return dst, nil
}
