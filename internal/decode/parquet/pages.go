package parquet

import (
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"math"

	"github.com/parquet-go/parquet-go"
	"github.com/parquet-go/parquet-go/encoding/thrift"
	"github.com/parquet-go/parquet-go/format"

	"github.com/datasetmix/datasetmix/internal/decode/decoded"
)

const (
	// maxPage is the most that a page may claim, in packed bytes, in unpacked bytes or in values. Writers aim at 1 MiB and
	// 20,000 rows.
	maxPage = decoded.MaxRow
	// headerBytes is what is read to parse the header of a page, headerMost the longest header there may be: its statistics hold whole values.
	headerBytes = 1 << 10
	headerMost  = 1 << 20
)

var errPageHeader = errors.New("the header of a page is damaged")

// pageReader reads and unpacks the pages of a column chunk and passes them to the library as if the file were not packed. The library trusts the
// length that a page claims, and unpacks without limit: with one damaged bit, which turns a chunk of zstd into one of LZ4, it allocates until
// memory runs out. Here every page is unpacked into as many bytes as its header claims, the claim is bounded, and so is what the encodings inside
// claim in turn.
type pageReader struct {
	src     io.ReaderAt
	leaf    *parquet.Column
	codec   format.CompressionCodec
	at, end int64 // where the next page begins in the file, and where the chunk ends
	given   int64 // bytes that the library has read

	header, body        []byte // of a page, as far as the library has not read them
	head, packed, plain []byte // memory that is used again
	booleans            []byte
	err                 error
}

func newPageReader(src io.ReaderAt, size int64, chunk *format.ColumnMetaData, leaf *parquet.Column) (*pageReader, error) {
	at, length := chunk.DataPageOffset, chunk.TotalCompressedSize
	if d := chunk.DictionaryPageOffset; d > 0 && d < at {
		at = d
	}
	if at < 0 || length < 0 || at > size || length > size-at {
		return nil, fmt.Errorf("its pages would be at %d to %d of a file of %d bytes; fetch the file again", at, at+length, size)
	}
	return &pageReader{src: src, leaf: leaf, codec: chunk.Codec, at: at, end: at + length, head: make([]byte, headerBytes)}, nil
}

// ReadAt returns what follows the previous read, as much as is available: the library reads in no other way.
func (r *pageReader) ReadAt(p []byte, off int64) (n int, err error) {
	if off != r.given && r.err == nil {
		// It goes back only for a dictionary that it did not find on its way.
		r.err = errors.New("a page needs a dictionary, and there is none before it")
	}
	for r.err == nil && len(r.header)+len(r.body) == 0 {
		if r.at >= r.end {
			return 0, io.EOF
		}
		r.err = r.turn()
	}
	if r.err != nil {
		return 0, r.err
	}
	if len(r.header) > 0 {
		n = copy(p, r.header)
		r.header = r.header[n:]
	} else {
		n = copy(p, r.body)
		r.body = r.body[n:]
	}
	r.given += int64(n)
	return n, nil
}

// turn reads and unpacks the next page.
func (r *pageReader) turn() error {
	header, length, err := pageHeader(r.src, r.at, &r.head)
	if err != nil {
		return err
	}
	if err := checkHeader(&header, r.end-r.at-int64(length)); err != nil {
		return err
	}
	packed := sized(&r.packed, int(header.CompressedPageSize))
	n, err := r.src.ReadAt(packed, r.at+int64(length))
	if n < len(packed) {
		if err == nil || err == io.EOF {
			err = io.ErrUnexpectedEOF
		}
		return err
	}
	r.at += int64(length + n)
	if header.CRC != 0 && uint32(header.CRC) != crc32.ChecksumIEEE(packed) {
		return errors.New("a page has another checksum than its header says")
	}
	plain, err := r.unpack(&header, packed)
	if err != nil {
		return err
	}
	if err := checkClaims(&header, plain, r.leaf); err != nil {
		return err
	}
	if plain, err = r.plainBooleans(&header, plain); err != nil {
		return err
	}
	r.header, err = plainHeader(&header, len(plain))
	r.body = plain
	return err
}

// unpack returns the body of a page. Levels in pages of version 2 come before the packed part. Such a page may claim that it is not packed, as
// Arrow's writers before 3.0 did for packed ones: it really is not only if it is as long as it claims to be unpacked.
func (r *pageReader) unpack(header *format.PageHeader, packed []byte) ([]byte, error) {
	levels, plainly := 0, r.codec == format.Uncompressed
	if v2 := header.DataPageHeaderV2; header.Type == format.DataPageV2 {
		levels = int(v2.V.RepetitionLevelsByteLength) + int(v2.V.DefinitionLevelsByteLength)
		marked := v2.V.IsCompressed.Valid && !v2.V.IsCompressed.V
		plainly = plainly || marked && header.CompressedPageSize == header.UncompressedPageSize
	}
	switch {
	case !plainly:
	case header.CompressedPageSize != header.UncompressedPageSize:
		return nil, errPageLength
	default:
		return packed, nil
	}
	plain := sized(&r.plain, int(header.UncompressedPageSize))
	copy(plain, packed[:levels])
	return plain, unpackPage(r.codec, plain[levels:], packed[levels:])
}

// checkHeader checks what the header of a page claims, before memory is allocated for it. There are left bytes of the chunk.
func checkHeader(h *format.PageHeader, left int64) error {
	var values int32
	v2 := h.DataPageHeaderV2.V
	switch {
	case h.Type == format.DataPage && h.DataPageHeader.Valid:
		values = h.DataPageHeader.V.NumValues
	case h.Type == format.DataPageV2 && h.DataPageHeaderV2.Valid:
		values = v2.NumValues
		levels := int64(v2.RepetitionLevelsByteLength) + int64(v2.DefinitionLevelsByteLength)
		if min(v2.NumNulls, v2.NumRows, v2.RepetitionLevelsByteLength, v2.DefinitionLevelsByteLength) < 0 || v2.NumNulls > values ||
			levels > int64(min(h.CompressedPageSize, h.UncompressedPageSize)) {
			return errPageHeader
		}
	case h.Type == format.DictionaryPage && h.DictionaryPageHeader.Valid:
		values = h.DictionaryPageHeader.V.NumValues
	default:
		return errPageHeader
	}
	if min(values, h.CompressedPageSize, h.UncompressedPageSize) < 0 || int64(h.CompressedPageSize) > left {
		return errPageHeader
	}
	if max(values, h.CompressedPageSize, h.UncompressedPageSize) > maxPage {
		return fmt.Errorf("a page claims %d bytes, unpacked %d, and %d values, and the most is %d of each: it is damaged or has to be written in smaller pages",
			h.CompressedPageSize, h.UncompressedPageSize, values, maxPage)
	}
	return nil
}

// plainHeader returns the header of the page for a file that is not packed. Statistics are omitted: they are not used here.
func plainHeader(h *format.PageHeader, size int) ([]byte, error) {
	h.UncompressedPageSize, h.CompressedPageSize, h.CRC = int32(size), int32(size), 0
	h.DataPageHeader.V.Statistics, h.DataPageHeaderV2.V.Statistics = format.Statistics{}, format.Statistics{}
	h.DataPageHeaderV2.V.IsCompressed = thrift.New(false)
	return thrift.Marshal(new(thrift.CompactProtocol), h)
}

// pageHeader reads the header at an offset and returns it with its length.
func pageHeader(src io.ReaderAt, at int64, buf *[]byte) (header format.PageHeader, length int, err error) {
	for {
		n, err := src.ReadAt(*buf, at)
		if err != nil && err != io.EOF {
			return header, 0, err
		}
		r := new(thrift.CompactProtocol).NewReaderFromBytes((*buf)[:n])
		header = format.PageHeader{}
		if thrift.NewDecoder(r).Decode(&header) == nil {
			return header, r.BytesRead(), nil
		}
		if n < len(*buf) || len(*buf) >= headerMost {
			return header, 0, errPageHeader
		}
		*buf = make([]byte, 8*len(*buf))
	}
}

// plainFooter returns the footer of the file without its packing and with every chunk at the place where a pageReader begins.
func plainFooter(meta *format.FileMetaData) ([]byte, error) {
	plain := *meta
	plain.KeyValueMetadata = nil
	plain.RowGroups = make([]format.RowGroup, len(meta.RowGroups))
	for i, group := range meta.RowGroups {
		columns := make([]format.ColumnChunk, len(group.Columns))
		for k, chunk := range group.Columns {
			chunk.FilePath, chunk.CryptoMetadata, chunk.EncryptedColumnMetadata = "", format.ColumnCryptoMetaData{}, nil
			chunk.MetaData.Codec = format.Uncompressed
			chunk.MetaData.DataPageOffset, chunk.MetaData.DictionaryPageOffset = 0, 0
			chunk.MetaData.TotalCompressedSize = math.MaxInt64
			columns[k] = chunk
		}
		group.Columns = columns
		plain.RowGroups[i] = group
	}
	return thrift.Marshal(new(thrift.CompactProtocol), &plain)
}

// sized returns memory of a length, which is reused.
func sized(buf *[]byte, n int) []byte {
	if cap(*buf) < n {
		*buf = make([]byte, n)
	}
	return (*buf)[:n]
}
