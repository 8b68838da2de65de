package parquet_test

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"testing"

	"github.com/parquet-go/parquet-go"
	"github.com/parquet-go/parquet-go/compress"
	"github.com/parquet-go/parquet-go/encoding/thrift"
	"github.com/parquet-go/parquet-go/format"

	"github.com/datasetmix/datasetmix/internal/contract"
	"github.com/datasetmix/datasetmix/internal/decode/decoded"
	inside "github.com/datasetmix/datasetmix/internal/decode/parquet"
	"github.com/datasetmix/datasetmix/internal/testing/parquetfile"
)

// refooted returns a file with another footer.
func refooted(tb testing.TB, file []byte, change func(*format.FileMetaData)) []byte {
	tb.Helper()
	footer, err := inside.ReadFooter(bytes.NewReader(file), int64(len(file)))
	if err != nil {
		tb.Fatal(err)
	}
	var meta format.FileMetaData
	if err := thrift.Unmarshal(new(thrift.CompactProtocol), footer, &meta); err != nil {
		tb.Fatal(err)
	}
	change(&meta)
	changed, err := thrift.Marshal(new(thrift.CompactProtocol), &meta)
	if err != nil {
		tb.Fatal(err)
	}
	out := append(bytes.Clone(file[:len(file)-inside.FooterTail-len(footer)]), changed...)
	return append(binary.LittleEndian.AppendUint32(out, uint32(len(changed))), inside.Magic...)
}

// TestCodecOfAnotherKind: one bit in the footer makes pages of zstd pages of LZ4. The library's own unpacking doubles its memory
// for those until there is none, whatever the size of the file.
func TestCodecOfAnotherKind(t *testing.T) {
	const most = 64 << 20
	lines, _ := manyLines(1000)
	for _, written := range append(inside.PageCodecs, &parquet.Uncompressed) {
		for _, version := range []int{1, 2} {
			if written == &parquet.Uncompressed && version == 2 {
				continue // These pages say themselves that they are not packed, and are read.
			}
			file := parquetfile.Of(t, lines, parquet.Compression(written), parquet.DataPageVersion(version))
			for _, claimed := range append(inside.PageCodecs, &parquet.Uncompressed) {
				if claimed == written {
					continue
				}
				damaged := refooted(t, file, func(meta *format.FileMetaData) {
					for i := range meta.RowGroups[0].Columns {
						meta.RowGroups[0].Columns[i].MetaData.Codec = claimed.CompressionCodec()
					}
				})
				var err error
				took := inside.AllocatedBy(func() { _, err = read(damaged, decoded.Required("text", "words")) })
				if contract.ReasonOf(err) != contract.InvalidData || took > most {
					t.Errorf("%v as %v, pages of version %d: %d bytes, %v", written, claimed, version, took, err)
				}
			}
		}
	}
}

// TestColumnsOfOtherCodecs: each row group may have codecs of its own.
func TestColumnsOfOtherCodecs(t *testing.T) {
	lines, _ := manyLines(20)
	var parts [][]byte
	for _, codec := range []compress.Codec{&parquet.Zstd, &parquet.Snappy} {
		parts = append(parts, parquetfile.Of(t, lines, parquet.Compression(codec)))
	}
	footer, _ := inside.ReadFooter(bytes.NewReader(parts[1]), int64(len(parts[1])))
	var second format.FileMetaData
	if err := thrift.Unmarshal(new(thrift.CompactProtocol), footer, &second); err != nil {
		t.Fatal(err)
	}
	first, _ := inside.ReadFooter(bytes.NewReader(parts[0]), int64(len(parts[0])))
	shift := int64(len(parts[0]) - inside.FooterTail - len(first))
	// The second file lies behind the pages of the first, and the footer of the first gets its row group.
	both := append(bytes.Clone(parts[0][:shift]), parts[1]...)
	both = append(both, parts[0][shift:]...)
	both = refooted(t, both, func(meta *format.FileMetaData) {
		group := second.RowGroups[0]
		for i := range group.Columns {
			m := &group.Columns[i].MetaData
			m.DataPageOffset += shift
			if m.DictionaryPageOffset > 0 {
				m.DictionaryPageOffset += shift
			}
		}
		meta.RowGroups, meta.NumRows = append(meta.RowGroups, group), 2*meta.NumRows
	})
	rows, err := read(both, decoded.Required("text", "words", "id"))
	if err != nil || len(rows) != 40 || fmt.Sprint(rows[3].Values) != fmt.Sprint(rows[23].Values) {
		t.Errorf("%d rows, %v", len(rows), err)
	}
}
