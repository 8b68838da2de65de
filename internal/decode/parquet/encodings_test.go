package parquet_test

import (
	"bytes"
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/parquet-go/parquet-go"
	"github.com/parquet-go/parquet-go/deprecated"

	"github.com/datasetmix/datasetmix/internal/decode"
	"github.com/datasetmix/datasetmix/internal/decode/decoded"
	"github.com/datasetmix/datasetmix/internal/testing/parquetfile"
)

// TestParquetEncodings writes the same rows in every encoding that there is for their types.
func TestParquetEncodings(t *testing.T) {
	type plain struct {
		Text   string  `parquet:"text,plain"`
		Small  int32   `parquet:"small,plain"`
		Big    int64   `parquet:"big,plain"`
		Single float32 `parquet:"single,plain"`
		Double float64 `parquet:"double,plain"`
		Yes    bool    `parquet:"yes"`
	}
	type dictionary struct {
		Text   string  `parquet:"text,dict"`
		Small  int32   `parquet:"small,dict"`
		Big    int64   `parquet:"big,dict"`
		Single float32 `parquet:"single,dict"`
		Double float64 `parquet:"double,dict"`
		Yes    bool    `parquet:"yes"`
	}
	type delta struct {
		Text   string  `parquet:"text,delta"`
		Small  int32   `parquet:"small,delta"`
		Big    int64   `parquet:"big,delta"`
		Single float32 `parquet:"single,split"`
		Double float64 `parquet:"double,split"`
		Yes    bool    `parquet:"yes"`
	}
	rows := make([]plain, 3000)
	dictionaries, deltas := make([]dictionary, len(rows)), make([]delta, len(rows))
	for i := range rows {
		rows[i] = plain{fmt.Sprint("text ", i%700), int32(i - 50), int64(i) << 40, float32(i) / 4, float64(i) / 3, i%3 == 0}
		dictionaries[i], deltas[i] = dictionary(rows[i]), delta(rows[i])
	}
	columns := decoded.Required("text", "small", "big", "single", "double", "yes")
	want, err := read(parquetfile.Of(t, rows), columns)
	if err != nil || len(want) != len(rows) {
		t.Fatal(len(want), err)
	}
	if diff := cmp.Diff([]any{"text 4", decoded.Number("-46"), decoded.Number("4398046511104"), decoded.Number("1"), decoded.Number("1.3333333333333333"), false}, want[4].Values); diff != "" {
		t.Error(diff)
	}
	for _, version := range []int{1, 2} {
		page := parquet.DataPageVersion(version)
		for name, data := range map[string][]byte{
			"dictionary": parquetfile.Of(t, dictionaries, page),
			"delta byte array, delta, byte stream split":     parquetfile.Of(t, deltas, page, parquet.PageBufferSize(2000)),
			"delta length byte array, delta, byte by stream": parquetfile.Of(t, deltas, page, parquet.DefaultEncodingFor(parquet.ByteArray, &parquet.DeltaLengthByteArray)),
		} {
			got, err := read(data, columns)
			if err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("%s:\n%.1000s", name, diff)
			}
		}
	}
}

func TestParquetTimesAndDecimals(t *testing.T) {
	type row struct {
		Date   int32     `parquet:"date,date"`
		Time   time.Time `parquet:"time,timestamp(microsecond)"`
		Nanos  time.Time `parquet:"nanos,timestamp(nanosecond)"`
		Local  int64     `parquet:"local,timestamp(millisecond:local)"`
		Day    int32     `parquet:"day,time(millisecond)"`
		Price  int64     `parquet:"price,decimal(2:10)"`
		Small  int32     `parquet:"small,decimal(0:9)"`
		Fixed  [16]byte  `parquet:"fixed,decimal(3:38)"`
		ID     [16]byte  `parquet:"id,uuid"`
		Legacy deprecated.Int96
	}
	at := time.Date(2024, 2, 29, 23, 59, 59, 123456789, time.UTC)
	minus := [16]byte{}
	for i := range minus {
		minus[i] = 0xff
	}
	rows := []row{
		{Date: 19782, Time: at, Nanos: at, Local: at.UnixMilli(), Day: 86399999, Price: 123456, Small: -7, Fixed: [16]byte{15: 5}, ID: [16]byte{0x12, 0x34, 15: 0xff},
			Legacy: deprecated.Int96{1, 0, 2440588 + 1}},
		{Time: time.Unix(0, 0), Nanos: time.Unix(0, 0), Date: -1, Price: -5, Fixed: minus, Legacy: deprecated.Int96{0, 0, 2440588 - 1}},
	}
	data := parquetfile.Of(t, rows)
	for _, c := range []struct {
		column string
		want   [2]any
	}{
		{"date", [2]any{"2024-02-29", "1969-12-31"}},
		{"time", [2]any{"2024-02-29T23:59:59.123456Z", "1970-01-01T00:00:00Z"}},
		{"nanos", [2]any{"2024-02-29T23:59:59.123456789Z", "1970-01-01T00:00:00Z"}},
		{"local", [2]any{"2024-02-29T23:59:59.123", "1970-01-01T00:00:00"}},
		{"day", [2]any{"23:59:59.999", "00:00:00"}},
		{"price", [2]any{decoded.Number("1234.56"), decoded.Number("-0.05")}},
		{"small", [2]any{decoded.Number("-7"), decoded.Number("0")}},
		{"fixed", [2]any{decoded.Number("0.005"), decoded.Number("-0.001")}},
		{"id", [2]any{"12340000-0000-0000-0000-0000000000ff", "00000000-0000-0000-0000-000000000000"}},
		{"Legacy", [2]any{"1970-01-02T00:00:00.000000001", "1969-12-31T00:00:00"}},
	} {
		got, err := read(data, decoded.Required(c.column))
		if err != nil {
			t.Errorf("%s: %v", c.column, err)
			continue
		}
		if diff := cmp.Diff(c.want, [2]any{got[0].Values[0], got[1].Values[0]}); diff != "" {
			t.Errorf("%s: %s", c.column, diff)
		}
	}
}

// FuzzParquet damages a file: rows or an error, never a panic, and never more rows than the file has.
func FuzzParquet(f *testing.F) {
	lines, _ := manyLines(40)
	whole := parquetfile.Of(f, lines, parquet.Compression(&parquet.Snappy), parquet.MaxRowsPerRowGroup(15), parquet.PageBufferSize(200))
	shaped := parquetfile.Of(f, twoShapes())
	for at := 4; at < len(whole); at += 97 {
		f.Add(false, at, []byte{0xa5, 0, 0xff})
	}
	for at := 4; at < len(shaped); at += 197 {
		f.Add(true, at, []byte{0x15, 0x80})
	}
	f.Fuzz(func(t *testing.T, shapes bool, at int, patch []byte) {
		data, fields := append([]byte(nil), whole...), decoded.Optional("id", "text", "words")
		if shapes {
			data, fields = append([]byte(nil), shaped...), decoded.Optional("text", "list", "answers", "extra_info", "facts", "double")
		}
		if at < 0 || at >= len(data) {
			t.Skip()
		}
		copy(data[at:], patch)
		rows := 0
		for _, err := range decode.Rows(t.Context(), decode.File{Data: bytes.NewReader(data), Size: int64(len(data))}, fields) {
			if err == nil || decoded.IsBad(err) {
				rows++
			}
		}
		if rows > 10_000 {
			t.Fatalf("%d rows", rows)
		}
	})
}
