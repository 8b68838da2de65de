package parquet

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math/bits"

	"github.com/parquet-go/parquet-go"
	"github.com/parquet-go/parquet-go/format"
)

// errClaims is for pages whose runs or lengths add up to more than the page may hold: a run of two bytes can claim millions of values, and the
// library allocates them.
var errClaims = errors.New("a page has more values in it than its header says")

// padding is how many values a page may have in addition to its own: packed bits come in groups of 8, and writers may fill up a run of 63 groups.
const padding = 504

// checkClaims checks the levels and values of an unpacked page: the lengths in them, which the library trusts, not the values.
func checkClaims(h *format.PageHeader, body []byte, leaf *parquet.Column) error {
	if h.Type == format.DictionaryPage {
		// Values take a byte each at least.
		if int(h.DictionaryPageHeader.V.NumValues) > len(body) {
			return errClaims
		}
		return nil
	}
	repetition, definition, values, encoding, count, err := sections(h, body, leaf)
	if err != nil {
		return err
	}
	if !runsFit(repetition, leaf.MaxRepetitionLevel(), count) || !runsFit(definition, leaf.MaxDefinitionLevel(), count) {
		return errClaims
	}
	return checkValues(values, encoding, count, leaf)
}

// sections returns the parts of a data page.
func sections(h *format.PageHeader, body []byte, leaf *parquet.Column) (repetition, definition, values []byte, encoding format.Encoding, count int, err error) {
	if h.Type == format.DataPageV2 {
		v2 := h.DataPageHeaderV2.V
		end := int(v2.RepetitionLevelsByteLength)
		repetition, body = body[:end], body[end:]
		end = int(v2.DefinitionLevelsByteLength)
		return repetition, body[:end], body[end:], v2.Encoding, int(v2.NumValues), nil
	}
	v1 := h.DataPageHeader.V
	if repetition, body, err = levelsV1(body, leaf.MaxRepetitionLevel(), v1.RepetitionLevelEncoding); err != nil {
		return
	}
	definition, body, err = levelsV1(body, leaf.MaxDefinitionLevel(), v1.DefinitionLevelEncoding)
	return repetition, definition, body, v1.Encoding, int(v1.NumValues), err
}

// levelsV1 cuts levels with their length off the front of a page of version 1.
func levelsV1(body []byte, most int, encoding format.Encoding) (levels, rest []byte, err error) {
	if most == 0 {
		return nil, body, nil
	}
	if encoding != format.RLE {
		return nil, nil, fmt.Errorf("the levels of a page are in the encoding %v, which is not read; write the file again", encoding)
	}
	if len(body) < 4 || int64(binary.LittleEndian.Uint32(body)) > int64(len(body)-4) {
		return nil, nil, errors.New("the levels of a page are cut short")
	}
	end := 4 + int(binary.LittleEndian.Uint32(body))
	return body[4:end], body[end:], nil
}

func checkValues(values []byte, encoding format.Encoding, count int, leaf *parquet.Column) error {
	ok := true
	switch encoding {
	case format.RLEDictionary, plainDictionary:
		if len(values) > 0 {
			ok = runsOfWidth(values[1:], int(values[0]), count)
		}
	case format.RLE:
		if len(values) > 4 {
			ok = runsOfWidth(values[4:], 1, count)
		}
	case format.DeltaBinaryPacked, format.DeltaLengthByteArray:
		_, ok = deltaEnd(values, count)
	case format.DeltaByteArray:
		ok = prefixesFit(values, count)
	}
	if ok && leaf.Type().Kind() == parquet.FixedLenByteArray {
		// The library allocates this much whatever the page has.
		ok = int64(leaf.Type().Length())*int64(count) <= maxPage
	}
	if !ok {
		return errClaims
	}
	return nil
}

func runsFit(levels []byte, most, count int) bool {
	return most == 0 || runsOfWidth(levels, bits.Len(uint(most)), count)
}

// runsOfWidth walks over run lengths and packed bits. The library finds other damage.
func runsOfWidth(src []byte, width, count int) bool {
	total := uint64(0)
	for len(src) > 0 {
		run, n := binary.Uvarint(src)
		if n <= 0 {
			return true
		}
		values, length := run>>1, uint64(width+7)/8
		if values > maxPage {
			return false
		}
		if run&1 == 1 {
			values, length = 8*values, values*uint64(width)
		}
		if total += values; total > uint64(count+padding) {
			return false
		}
		src = src[min(uint64(n)+length, uint64(len(src))):]
	}
	return true
}

// deltaEnd walks over delta-packed numbers, finds where they end, and reports whether they are at most count. The library finds other damage.
func deltaEnd(src []byte, count int) (end int, ok bool) {
	var head [3]uint64 // values in a block, miniblocks in it, values in all
	for i := range head {
		v, n := binary.Uvarint(src[end:])
		if n <= 0 {
			return len(src), true
		}
		head[i], end = v, end+n
	}
	block, minis, total := head[0], head[1], head[2]
	if total > uint64(count) || block > maxPage {
		return 0, false
	}
	end = skipVarint(src, end)
	for done := uint64(1); done < total && end < len(src); {
		end = skipVarint(src, end)
		if minis == 0 || block < minis || uint64(len(src)-end) < minis {
			return len(src), true
		}
		widths := src[end : end+int(minis)]
		end += int(minis)
		for i := 0; i < len(widths) && done < total; i++ {
			end += int(block/minis) * int(widths[i]) / 8
			done += block / minis
		}
	}
	return min(end, len(src)), true
}

// skipVarint returns where the varint at a place ends.
func skipVarint(src []byte, at int) int {
	_, n := binary.Varint(src[at:])
	if n <= 0 {
		return len(src)
	}
	return at + n
}

// prefixesFit adds up the lengths of values that begin like the ones before them: a prefix takes no room in the page.
func prefixesFit(src []byte, count int) bool {
	total := int64(0)
	for range 2 { // the lengths of the prefixes, then those of the rest
		end, ok := deltaEnd(src, count)
		if !ok {
			return false
		}
		lengths, err := parquet.DeltaBinaryPacked.DecodeInt32(nil, src)
		if err != nil {
			return len(src) == 0
		}
		for _, n := range lengths {
			if total += int64(n); n < 0 || total > maxPage {
				return false
			}
		}
		src = src[end:]
	}
	return true
}

// plainDictionary is PLAIN_DICTIONARY of the format's parquet.thrift: deprecated, but common in older files.
const plainDictionary = format.Encoding(2)
