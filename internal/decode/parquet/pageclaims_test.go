package parquet

import (
	"bytes"
	"encoding/binary"
	"math"
	"runtime"
	"strings"
	"testing"

	"github.com/klauspost/compress/snappy"
	"github.com/parquet-go/parquet-go"
	"github.com/parquet-go/parquet-go/compress"
	"github.com/parquet-go/parquet-go/encoding/thrift"
	"github.com/parquet-go/parquet-go/format"
)

// TestPagesUnpackToTheirLength: a page that goes on beyond what its header says is refused, and takes no memory for the rest.
func TestPagesUnpackToTheirLength(t *testing.T) {
	const most = 32 << 20
	bomb := make([]byte, 4*most)
	for _, codec := range pageCodecs {
		packed, err := codec.Encode(nil, bomb)
		if err != nil {
			t.Fatal(err)
		}
		took := allocatedBy(func() { err = unpackPage(codec.CompressionCodec(), make([]byte, 1000), packed) })
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
	var file bytes.Buffer
	w := parquet.NewGenericWriter[struct {
		Text string `parquet:"text"`
	}](&file)
	if err := w.Close(); err != nil {
		tb.Fatal(err)
	}
	opened, err := parquet.OpenFile(bytes.NewReader(file.Bytes()), int64(file.Len()))
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

var pageCodecs = []compress.Codec{&parquet.Snappy, &parquet.Gzip, &parquet.Brotli, &parquet.Zstd, &parquet.Lz4Raw}

// allocatedBy returns how many bytes f takes, given back or not.
func allocatedBy(f func()) uint64 {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	f()
	runtime.ReadMemStats(&after)
	return after.TotalAlloc - before.TotalAlloc
}

// TestRunsOfBits holds the bits to their bounds.
func TestRunsOfBits(t *testing.T) {
	for _, c := range []struct {
		name string
		runs []byte
		most int
		want []byte
		ok   bool
	}{
		{"nothing", nil, 0, nil, true},
		{"a run of true and one of false", []byte{5 << 1, 1, 4 << 1, 0}, 9, []byte{0x1f, 0}, true},
		{"packed bits behind a run", []byte{3 << 1, 1, 1<<1 | 1, 0xa5}, 11, []byte{0x2f, 0x05}, true},
		{"more than there may be", []byte{6 << 1, 1}, 5, nil, false},
		{"more packed bits than there may be", []byte{1<<1 | 1, 1}, 7, nil, false},
		{"cut short", []byte{5 << 1}, 5, nil, false},
		{"packed bits that are cut short", []byte{2<<1 | 1, 1}, 16, nil, false},
		{"a length without an end", []byte{0x80}, 5, nil, false},
	} {
		got, err := appendBits(nil, c.runs, c.most)
		if (err == nil) != c.ok || err == nil && !bytes.Equal(got, c.want) {
			t.Errorf("%s: %x, %v", c.name, got, err)
		}
	}
}

// TestPageThatSaysItIsNotPacked: the flag of a page of version 2 counts where the sizes agree with it.
func TestPageThatSaysItIsNotPacked(t *testing.T) {
	leaf, plain := requiredText(t), []byte(strings.Repeat("\x05\x00\x00\x00hello", 4))
	packed := snappy.Encode(nil, plain)
	for _, c := range []struct {
		name  string
		codec format.CompressionCodec
		body  []byte
		claim int
		ok    bool
	}{
		{"and is not", format.Snappy, plain, len(plain), true},
		{"and is, as its sizes say", format.Snappy, packed, len(plain), true},
		{"and is of another size than it claims", format.Snappy, packed, len(plain) - 4, false},
		{"and is longer than it claims, without a codec", format.Uncompressed, plain, len(plain) - 9, false},
	} {
		header := format.PageHeader{Type: format.DataPageV2, CompressedPageSize: int32(len(c.body)), UncompressedPageSize: int32(c.claim),
			DataPageHeaderV2: thrift.New(format.DataPageHeaderV2{NumValues: 4, NumRows: 4, IsCompressed: thrift.New(false)})}
		page := pageBytes(t, header) + string(c.body)
		r, err := newPageReader(strings.NewReader(page), int64(len(page)), &format.ColumnMetaData{Codec: c.codec, TotalCompressedSize: int64(len(page))}, leaf)
		if err != nil {
			t.Fatal(err)
		}
		err = r.turn()
		if (err == nil) != c.ok || c.ok && !bytes.Equal(r.body, plain) {
			t.Errorf("a page that says it is not packed %s: %v", c.name, err)
		}
	}
}
