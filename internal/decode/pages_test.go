package decode

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math"
	"runtime"
	"strings"
	"testing"

	"github.com/parquet-go/parquet-go"
	"github.com/parquet-go/parquet-go/compress"
	"github.com/parquet-go/parquet-go/encoding/thrift"
	"github.com/parquet-go/parquet-go/format"

	"github.com/datasetmix/datasetmix/internal/contract"
)

var pageCodecs = []compress.Codec{&parquet.Snappy, &parquet.Gzip, &parquet.Brotli, &parquet.Zstd, &parquet.Lz4Raw}

// allocated is how many bytes f takes, given back or not.
func allocated(f func()) uint64 {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	f()
	runtime.ReadMemStats(&after)
	return after.TotalAlloc - before.TotalAlloc
}

// refooted is a file with another footer.
func refooted(tb testing.TB, file []byte, change func(*format.FileMetaData)) []byte {
	tb.Helper()
	footer, err := readFooter(bytes.NewReader(file), int64(len(file)))
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
	out := append(bytes.Clone(file[:len(file)-footerTail-len(footer)]), changed...)
	return append(binary.LittleEndian.AppendUint32(out, uint32(len(changed))), magicParquet...)
}

// TestCodecOfAnotherKind: one bit in the footer makes pages of zstd pages of LZ4. The library's own unpacking doubles its memory
// for those until there is none, whatever the size of the file.
func TestCodecOfAnotherKind(t *testing.T) {
	const most = 64 << 20
	lines, _ := manyLines(1000)
	for _, written := range append(pageCodecs, &parquet.Uncompressed) {
		for _, version := range []int{1, 2} {
			if written == &parquet.Uncompressed && version == 2 {
				continue // These pages say themselves that they are not packed, and are read.
			}
			file := parquetFile(t, lines, parquet.Compression(written), parquet.DataPageVersion(version))
			for _, claimed := range append(pageCodecs, &parquet.Uncompressed) {
				if claimed == written {
					continue
				}
				damaged := refooted(t, file, func(meta *format.FileMetaData) {
					for i := range meta.RowGroups[0].Columns {
						meta.RowGroups[0].Columns[i].MetaData.Codec = claimed.CompressionCodec()
					}
				})
				var err error
				took := allocated(func() { _, err = read(damaged, Required("text", "words")) })
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
		parts = append(parts, parquetFile(t, lines, parquet.Compression(codec)))
	}
	footer, _ := readFooter(bytes.NewReader(parts[1]), int64(len(parts[1])))
	var second format.FileMetaData
	if err := thrift.Unmarshal(new(thrift.CompactProtocol), footer, &second); err != nil {
		t.Fatal(err)
	}
	first, _ := readFooter(bytes.NewReader(parts[0]), int64(len(parts[0])))
	shift := int64(len(parts[0]) - footerTail - len(first))
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
	rows, err := read(both, Required("text", "words", "id"))
	if err != nil || len(rows) != 40 || fmt.Sprint(rows[3].Values) != fmt.Sprint(rows[23].Values) {
		t.Errorf("%d rows, %v", len(rows), err)
	}
}

// TestPagesUnpackToTheirLength: a page that goes on beyond what its header says is refused, and takes no memory for the rest.
func TestPagesUnpackToTheirLength(t *testing.T) {
	const most = 32 << 20
	bomb := make([]byte, 4*most)
	for _, codec := range pageCodecs {
		packed, err := codec.Encode(nil, bomb)
		if err != nil {
			t.Fatal(err)
		}
		took := allocated(func() { err = unpackPage(codec.CompressionCodec(), make([]byte, 1000), packed) })
		if err == nil || took > most {
			t.Errorf("%v: %d bytes, %v", codec, took, err)
		}
		packed, _ = codec.Encode(nil, []byte("short"))
		for length, want := range map[int]bool{0: true, 4: false, 5: true, 6: false} {
			if err := unpackPage(codec.CompressionCodec(), make([]byte, length), packed); (err == nil) != want {
				t.Errorf("%v: %d bytes: %v", codec, length, err)
			}
		}
	}
	for _, codec := range []format.CompressionCodec{format.LZO, format.Lz4, 99, -1} {
		if err := unpackPage(codec, make([]byte, 1), nil); err == nil || !strings.Contains(err.Error(), "which is not read") {
			t.Errorf("%v: %v", codec, err)
		}
	}
}

func pageBytes(t *testing.T, h format.PageHeader) string {
	t.Helper()
	b, err := thrift.Marshal(new(thrift.CompactProtocol), &h)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// TestPageHeaders: what a header claims is looked at before memory is taken for it.
func TestPageHeaders(t *testing.T) {
	leaf := requiredText(t)
	plain := func(values int32) thrift.Null[format.DataPageHeader] {
		return thrift.New(format.DataPageHeader{NumValues: values})
	}
	v2 := func(h format.DataPageHeaderV2) string {
		return pageBytes(t, format.PageHeader{Type: format.DataPageV2, UncompressedPageSize: 5, CompressedPageSize: 5, DataPageHeaderV2: thrift.New(h)}) + "01234"
	}
	for name, c := range map[string]struct{ data, want string }{
		"too large":           {pageBytes(t, format.PageHeader{UncompressedPageSize: math.MaxInt32, CompressedPageSize: 10, DataPageHeader: plain(1)}) + "0123456789", "unpacked 2147483647"},
		"too many values":     {pageBytes(t, format.PageHeader{CompressedPageSize: 1, DataPageHeader: plain(math.MaxInt32)}) + "0", "2147483647 values"},
		"beyond the chunk":    {pageBytes(t, format.PageHeader{CompressedPageSize: 1 << 30, DataPageHeader: plain(1)}), errPageHeader.Error()},
		"of negative size":    {pageBytes(t, format.PageHeader{CompressedPageSize: -5, DataPageHeader: plain(1)}), errPageHeader.Error()},
		"of negative length":  {pageBytes(t, format.PageHeader{UncompressedPageSize: -5, DataPageHeader: plain(1)}), errPageHeader.Error()},
		"of negative values":  {pageBytes(t, format.PageHeader{DataPageHeader: plain(-1)}), errPageHeader.Error()},
		"of no kind":          {pageBytes(t, format.PageHeader{}), errPageHeader.Error()},
		"an index":            {pageBytes(t, format.PageHeader{Type: format.IndexPage}), errPageHeader.Error()},
		"levels too long":     {v2(format.DataPageHeaderV2{RepetitionLevelsByteLength: 3, DefinitionLevelsByteLength: 3}), errPageHeader.Error()},
		"negative levels":     {v2(format.DataPageHeaderV2{DefinitionLevelsByteLength: -1}), errPageHeader.Error()},
		"more nulls than all": {v2(format.DataPageHeaderV2{NumValues: 1, NumNulls: 2}), errPageHeader.Error()},
		"another checksum":    {pageBytes(t, format.PageHeader{UncompressedPageSize: 1, CompressedPageSize: 1, CRC: 7, DataPageHeader: plain(1)}) + "0", "checksum"},
		"no header":           {"\xff\xff\xff\xff", errPageHeader.Error()},
		"cut":                 {pageBytes(t, format.PageHeader{CompressedPageSize: 5})[:3], errPageHeader.Error()},
		"endless":             {strings.Repeat("\x19\xfc\xff\xff\x03", 1<<19), errPageHeader.Error()},
	} {
		size := int64(len(c.data))
		r, err := newPageReader(strings.NewReader(c.data), size, &format.ColumnMetaData{TotalCompressedSize: size}, leaf)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := r.ReadAt(make([]byte, 10), 0); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
	for _, chunk := range []format.ColumnMetaData{{TotalCompressedSize: 11}, {DataPageOffset: -1}, {TotalCompressedSize: -1}, {DataPageOffset: 9, TotalCompressedSize: math.MaxInt64}} {
		if _, err := newPageReader(strings.NewReader("0123456789"), 10, &chunk, leaf); err == nil {
			t.Errorf("%+v is a chunk of 10 bytes", chunk)
		}
	}
}

func requiredText(tb testing.TB) *parquet.Column {
	tb.Helper()
	lines, _ := manyLines(1)
	file := parquetFile(tb, lines)
	opened, err := parquet.OpenFile(bytes.NewReader(file), int64(len(file)))
	if err != nil {
		tb.Fatal(err)
	}
	return opened.Root().Column("text")
}

func varints(numbers ...uint64) []byte {
	var out []byte
	for _, n := range numbers {
		out = binary.AppendUvarint(out, n)
	}
	return out
}

// TestPageClaims: a few bytes of runs or of lengths can claim any number of values.
func TestPageClaims(t *testing.T) {
	lengths := func(n ...int32) []byte {
		packed, err := parquet.DeltaBinaryPacked.EncodeInt32(nil, n)
		if err != nil {
			t.Fatal(err)
		}
		return packed
	}
	many := make([]int32, 1000)
	for i := range many {
		many[i] = int32(i * 7919 % 1000)
	}
	huge := []int32{math.MaxInt32, math.MaxInt32}
	text := requiredText(t)
	for name, c := range map[string]struct {
		encoding format.Encoding
		values   []byte
		count    int
		want     bool
	}{
		"a run":                    {format.RLEDictionary, append([]byte{8}, varints(100<<1, 5)...), 100, true},
		"a run that is too long":   {format.RLEDictionary, append([]byte{8}, varints(1<<23, 5)...), 100, false},
		"an endless run":           {format.RLEDictionary, append([]byte{8}, varints(math.MaxUint64-1, 5)...), 100, false},
		"many runs":                {format.RLEDictionary, append([]byte{0}, bytes.Repeat(varints(200<<1), 10)...), 100, false},
		"packed bits, filled up":   {plainDictionary, append([]byte{1}, varints(13<<1|1, 0, 0, 0)...), 100, true},
		"too many packed bits":     {plainDictionary, append([]byte{0}, varints(1000<<1|1)...), 100, false},
		"booleans":                 {format.RLE, append([]byte{3, 0, 0, 0}, varints(1<<23, 1)...), 100, false},
		"no values":                {format.RLEDictionary, nil, 100, true},
		"deltas":                   {format.DeltaBinaryPacked, lengths(many...), 1000, true},
		"too many deltas":          {format.DeltaBinaryPacked, varints(128, 4, 1<<30, 0), 100, false},
		"too many lengths":         {format.DeltaLengthByteArray, varints(128, 4, 1<<30, 0), 100, false},
		"prefixes":                 {format.DeltaByteArray, append(lengths(many...), lengths(many...)...), 1000, true},
		"prefixes that are long":   {format.DeltaByteArray, append(lengths(huge...), lengths(1, 1)...), 2, false},
		"rests that are long":      {format.DeltaByteArray, append(lengths(many...), lengths(huge...)...), 1000, false},
		"rests that are many":      {format.DeltaByteArray, append(lengths(1, 2), varints(128, 4, 1<<30, 0)...), 2, false},
		"prefixes that are broken": {format.DeltaByteArray, []byte{0x80, 1, 4, 2}, 2, false},
	} {
		if err := checkValues(c.values, c.encoding, c.count, text); (err == nil) != c.want {
			t.Errorf("%s: %v", name, err)
		}
		if end, ok := deltaEnd(append(bytes.Clone(c.values), "rest"...), c.count); name == "deltas" && (end != len(c.values) || !ok) {
			t.Errorf("%s end at %d of %d", name, end, len(c.values))
		}
	}
	dictionary := &format.PageHeader{Type: format.DictionaryPage, DictionaryPageHeader: thrift.New(format.DictionaryPageHeader{NumValues: 1 << 26})}
	if err := checkClaims(dictionary, []byte("short"), text); err == nil {
		t.Error("a dictionary of 5 bytes has many values")
	}
}
