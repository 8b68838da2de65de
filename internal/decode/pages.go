package decode

import (
	"errors"
	"fmt"
	"io"

	"github.com/parquet-go/parquet-go/encoding/thrift"
	"github.com/parquet-go/parquet-go/format"
)

const (
	// maxPage is the most that a page may claim, in unpacked bytes or in values. Writers aim at 1 MiB and 20,000 rows.
	maxPage = MaxRow
	// headerBytes is what is read to look at the header of a page, headerMost the longest header there may be: statistics in
	// it hold whole values.
	headerBytes = 1 << 10
	headerMost  = 1 << 20
)

var errPageHeader = errors.New("the header of a page is damaged; fetch the file again")

// checkPages looks at the header of every page of a column chunk before the library does, which would allocate what they say.
func checkPages(src io.ReaderAt, chunk *format.ColumnMetaData) error {
	at := chunk.DataPageOffset
	if d := chunk.DictionaryPageOffset; d > 0 && d < at {
		at = d
	}
	buf := make([]byte, headerBytes)
	for end := at + chunk.TotalCompressedSize; at < end; {
		header, length, err := pageHeader(src, at, &buf)
		if err != nil {
			return err
		}
		at += int64(length) + int64(header.CompressedPageSize)
		values := max(header.DataPageHeader.V.NumValues, header.DataPageHeaderV2.V.NumValues, header.DictionaryPageHeader.V.NumValues)
		switch {
		case header.CompressedPageSize < 0 || at > end:
			return errPageHeader
		case header.UncompressedPageSize > maxPage || values > maxPage:
			return fmt.Errorf("a page has %d unpacked bytes and %d values, and the most is %d; write the file with smaller pages", header.UncompressedPageSize, values, maxPage)
		}
	}
	return nil
}

// pageHeader reads the header at an offset and gives its length.
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
