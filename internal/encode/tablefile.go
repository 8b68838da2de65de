package encode

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"

	"github.com/klauspost/compress/s2"
	"github.com/parquet-go/parquet-go/encoding/thrift"
	"github.com/parquet-go/parquet-go/format"
)

// tableCodec packs the pages. Snappy takes a third of the time of the fastest zstd, and every reader of Parquet has it.
const tableCodec = format.Snappy

// NewTable begins a table that is written.
func NewTable(w io.Writer, fields []Field) *Table {
	return newTable(fields, &pageWriter{to: w})
}

// CheckTable begins a table that is compared with a file: every byte of it must be what the rows make it, but for how its pages are
// packed.
func CheckTable(r io.Reader, size int64, fields []Field) *Table {
	return newTable(fields, &pageChecker{from: bufio.NewReaderSize(io.LimitReader(r, size), 64<<10), left: size})
}

// pageWriter packs pages and writes them.
type pageWriter struct {
	to     io.Writer
	packed []byte
}

func (p *pageWriter) magic() error {
	_, err := io.WriteString(p.to, parquetMagic)
	return err
}

func (p *pageWriter) page(header format.PageHeader, content []byte, again *[]byte) (head, packed int, err error) {
	bytes := p.pack(content, again)
	header.CompressedPageSize = int32(len(bytes))
	encoded, err := thrift.Marshal(new(thrift.CompactProtocol), &header)
	if err != nil {
		return 0, 0, err
	}
	for _, part := range [][]byte{encoded, bytes} {
		if _, err := p.to.Write(part); err != nil {
			return 0, 0, err
		}
	}
	return len(encoded), len(bytes), nil
}

// pack packs a page, unless it was packed for another column.
func (p *pageWriter) pack(content []byte, again *[]byte) []byte {
	if again != nil && len(*again) > 0 {
		return *again
	}
	p.packed = s2.EncodeSnappy(p.packed[:cap(p.packed)], content)
	if again != nil {
		*again = append((*again)[:0], p.packed...)
	}
	return p.packed
}

func (p *pageWriter) footer(encoded []byte) error {
	_, err := p.to.Write(binary.LittleEndian.AppendUint32(encoded, uint32(len(encoded))))
	return err
}

// pageChecker compares the pages with those of a file.
type pageChecker struct {
	from    *bufio.Reader
	left    int64 // bytes of the file
	packed  []byte
	content []byte
}

var (
	errOtherValues = errors.New("its values are not those of the rows")
	errCutShort    = errors.New("the file is cut short")
)

// same compares bytes that must be equal.
func (p *pageChecker) same(want []byte, other error) error {
	have := p.packed[:0]
	if int64(len(want)) > p.left {
		return errCutShort
	}
	have = append(have, make([]byte, len(want))...)
	p.packed = have
	if _, err := io.ReadFull(p.from, have); err != nil {
		return err
	}
	p.left -= int64(len(want))
	if !bytes.Equal(have, want) {
		return other
	}
	return nil
}

func (p *pageChecker) magic() error {
	return p.same([]byte(parquetMagic), errors.New("the file does not begin and end as Parquet"))
}

// page reads the size of the packed page from its header; all else in the header must follow from the rows.
func (p *pageChecker) page(header format.PageHeader, content []byte, again *[]byte) (head, packed int, err error) {
	ahead, err := p.from.Peek(int(min(p.left, maxPageHeader)))
	if err != nil {
		return 0, 0, err
	}
	size := packedSize(ahead)
	header.CompressedPageSize = int32(size)
	encoded, err := thrift.Marshal(new(thrift.CompactProtocol), &header)
	if err != nil {
		return 0, 0, err
	}
	if err := p.same(encoded, errOtherValues); err != nil {
		return 0, 0, err
	}
	if size < 0 || size > p.left {
		return 0, 0, errCutShort
	}
	p.left -= size
	if int64(cap(p.packed)) < size {
		p.packed = make([]byte, size)
	}
	p.packed = p.packed[:size]
	if _, err := io.ReadFull(p.from, p.packed); err != nil {
		return 0, 0, err
	}
	if err := p.unpacks(content, again); err != nil {
		return 0, 0, err
	}
	return len(encoded), int(size), nil
}

// unpacks returns an error unless a packed page is that of a content. A page that unpacks to more than it should is refused before there is room
// for it.
func (p *pageChecker) unpacks(content []byte, again *[]byte) (err error) {
	if again != nil && len(*again) > 0 && bytes.Equal(*again, p.packed) {
		return nil
	}
	if n, err := s2.DecodedLen(p.packed); err != nil || n != len(content) {
		return errOtherValues
	}
	if p.content, err = s2.Decode(p.content[:cap(p.content)], p.packed); err != nil {
		return fmt.Errorf("a page cannot be unpacked: %w", err)
	}
	if !bytes.Equal(p.content, content) {
		return errOtherValues
	}
	if again != nil {
		*again = append((*again)[:0], p.packed...)
	}
	return nil
}

// packedSize reads the packed size from a header in Thrift's compact protocol: the third of three integers, each behind the byte of its
// type and of its distance from the field before. Anything else was not written here, and is found when it is compared.
func packedSize(header []byte) int64 {
	const integer = 0x15
	var value int64
	for range 3 {
		if len(header) == 0 || header[0] != integer {
			return 0
		}
		var n int
		if value, n = binary.Varint(header[1:]); n <= 0 || value > math.MaxInt32 {
			return 0
		}
		header = header[1+n:]
	}
	return value
}

// maxPageHeader is more than the header of a page needs.
const maxPageHeader = 128

func (p *pageChecker) footer(encoded []byte) error {
	if err := p.same(binary.LittleEndian.AppendUint32(encoded, uint32(len(encoded))), errors.New("its footer is not the one of its pages, or there are more rows")); err != nil {
		return err
	}
	if p.left != int64(len(parquetMagic)) {
		return errors.New("there is something after its footer")
	}
	return nil
}
