package decode

import (
	"fmt"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/parquet-go/parquet-go"
	"github.com/parquet-go/parquet-go/deprecated"
	"github.com/parquet-go/parquet-go/encoding/thrift"
	"github.com/parquet-go/parquet-go/format"
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
	columns := Required("text", "small", "big", "single", "double", "yes")
	want, err := read(parquetFile(t, rows), columns)
	if err != nil || len(want) != len(rows) {
		t.Fatal(len(want), err)
	}
	if diff := cmp.Diff([]any{"text 4", Number("-46"), Number("4398046511104"), Number("1"), Number("1.3333333333333333"), false}, want[4].Values); diff != "" {
		t.Error(diff)
	}
	for _, version := range []int{1, 2} {
		page := parquet.DataPageVersion(version)
		for name, data := range map[string][]byte{
			"dictionary": parquetFile(t, dictionaries, page),
			"delta byte array, delta, byte stream split":     parquetFile(t, deltas, page, parquet.PageBufferSize(2000)),
			"delta length byte array, delta, byte by stream": parquetFile(t, deltas, page, parquet.DefaultEncodingFor(parquet.ByteArray, &parquet.DeltaLengthByteArray)),
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
			Legacy: deprecated.Int96{1, 0, julianEpoch + 1}},
		{Time: time.Unix(0, 0), Nanos: time.Unix(0, 0), Date: -1, Price: -5, Fixed: minus, Legacy: deprecated.Int96{0, 0, julianEpoch - 1}},
	}
	data := parquetFile(t, rows)
	for _, c := range []struct {
		column string
		want   [2]any
	}{
		{"date", [2]any{"2024-02-29", "1969-12-31"}},
		{"time", [2]any{"2024-02-29T23:59:59.123456Z", "1970-01-01T00:00:00Z"}},
		{"nanos", [2]any{"2024-02-29T23:59:59.123456789Z", "1970-01-01T00:00:00Z"}},
		{"local", [2]any{"2024-02-29T23:59:59.123", "1970-01-01T00:00:00"}},
		{"day", [2]any{"23:59:59.999", "00:00:00"}},
		{"price", [2]any{Number("1234.56"), Number("-0.05")}},
		{"small", [2]any{Number("-7"), Number("0")}},
		{"fixed", [2]any{Number("0.005"), Number("-0.001")}},
		{"id", [2]any{"12340000-0000-0000-0000-0000000000ff", "00000000-0000-0000-0000-000000000000"}},
		{"Legacy", [2]any{"1970-01-02T00:00:00.000000001", "1969-12-31T00:00:00"}},
	} {
		got, err := read(data, Required(c.column))
		if err != nil {
			t.Errorf("%s: %v", c.column, err)
			continue
		}
		if diff := cmp.Diff(c.want, [2]any{got[0].Values[0], got[1].Values[0]}); diff != "" {
			t.Errorf("%s: %s", c.column, diff)
		}
	}
}

// TestConversions has what a Go struct cannot say: the older annotations, and types on the wrong physical type.
func TestConversions(t *testing.T) {
	leaf := func(physical format.Type, old deprecated.ConvertedType) format.SchemaElement {
		return format.SchemaElement{Name: "x", Type: thrift.New(physical), ConvertedType: thrift.New(old)}
	}
	decimal := leaf(format.ByteArray, deprecated.Decimal)
	decimal.Scale = thrift.New[int32](2)
	huge := decimal
	huge.Scale = thrift.New[int32](maxScale + 1)
	for _, c := range []struct {
		name    string
		element format.SchemaElement
		value   parquet.Value
		want    any
		refused string
	}{
		{"DATE", leaf(format.Int32, deprecated.Date), parquet.Int32Value(1), "1970-01-02", ""},
		{"DATE on INT64", leaf(format.Int64, deprecated.Date), parquet.Value{}, nil, "DATE"},
		{"TIME_MILLIS", leaf(format.Int32, deprecated.TimeMillis), parquet.Int32Value(1500), "00:00:01.5", ""},
		{"TIME_MICROS", leaf(format.Int64, deprecated.TimeMicros), parquet.Int64Value(1), "00:00:00.000001", ""},
		{"TIMESTAMP_MILLIS", leaf(format.Int64, deprecated.TimestampMillis), parquet.Int64Value(-1), "1969-12-31T23:59:59.999Z", ""},
		{"TIMESTAMP_MICROS", leaf(format.Int64, deprecated.TimestampMicros), parquet.Int64Value(1000), "1970-01-01T00:00:00.001Z", ""},
		{"TIMESTAMP on INT32", leaf(format.Int32, deprecated.TimestampMicros), parquet.Value{}, nil, "TIMESTAMP"},
		{"DECIMAL in bytes", decimal, parquet.ByteArrayValue([]byte{0xfe, 0xd4}), Number("-3.00"), ""},
		{"DECIMAL of no bytes", decimal, parquet.ByteArrayValue(nil), Number("0.00"), ""},
		{"DECIMAL with a huge scale", huge, parquet.Value{}, nil, "DECIMAL"},
		{"BSON", leaf(format.ByteArray, deprecated.Bson), parquet.Value{}, nil, "BSON"},
		{"INTERVAL", leaf(format.FixedLenByteArray, deprecated.Interval), parquet.Value{}, nil, "INTERVAL"},
		{"JSON", leaf(format.ByteArray, deprecated.Json), parquet.ByteArrayValue([]byte("{}")), "{}", ""},
		{"ENUM", leaf(format.ByteArray, deprecated.Enum), parquet.ByteArrayValue([]byte("A")), "A", ""},
		{"UINT_8", leaf(format.Int32, deprecated.Uint8), parquet.Int32Value(255), Number("255"), ""},
		{"UINT_32", leaf(format.Int32, deprecated.Uint32), parquet.Int32Value(-1), Number("4294967295"), ""},
		{"UINT_64", leaf(format.Int64, deprecated.Uint64), parquet.Int64Value(-1), Number("18446744073709551615"), ""},
		{"INT_8", leaf(format.Int32, deprecated.Int8), parquet.Int32Value(-128), Number("-128"), ""},
		{"INT_64 on INT32", leaf(format.Int32, deprecated.Int64), parquet.Value{}, nil, "INT_64 on INT32"},
		{"UTF8 on INT32", leaf(format.Int32, deprecated.UTF8), parquet.Value{}, nil, "UTF8 on INT32"},
		{"a MAP that is no group", leaf(format.Int32, deprecated.Map), parquet.Value{}, nil, "MAP on INT32"},
		{"an unknown mark", leaf(format.Int32, 99), parquet.Value{}, nil, "99 of ConvertedType on INT32"},
		{"a STRING on INT64", format.SchemaElement{Type: thrift.New(format.Int64), LogicalType: format.LogicalType{Value: &format.StringType{}}}, parquet.Value{}, nil, "STRING on INT64"},
		{"an integer of 8 bits on INT64", format.SchemaElement{Type: thrift.New(format.Int64), LogicalType: format.LogicalType{Value: &format.IntType{BitWidth: 8}}}, parquet.Value{}, nil, "INT(8,false) on INT64"},
		{"an integer of 24 bits", format.SchemaElement{Type: thrift.New(format.Int32), LogicalType: format.LogicalType{Value: &format.IntType{BitWidth: 24}}}, parquet.Value{}, nil, "INT(24,false)"},
		{"fixed bytes", leaf(format.FixedLenByteArray, deprecated.UTF8), parquet.Value{}, nil, "UTF8 on FIXED_LEN_BYTE_ARRAY"},
		{"FLOAT16", format.SchemaElement{Type: thrift.New(format.FixedLenByteArray), LogicalType: format.LogicalType{Value: &format.Float16Type{}}}, parquet.Value{}, nil, "FLOAT16"},
		{"TIME without a unit", format.SchemaElement{Type: thrift.New(format.Int64), LogicalType: format.LogicalType{Value: &format.TimeType{}}}, parquet.Value{}, nil, "TIME"},
		{"TIMESTAMP without a unit", format.SchemaElement{Type: thrift.New(format.Int64), LogicalType: format.LogicalType{Value: &format.TimestampType{}}}, parquet.Value{}, nil, "TIMESTAMP"},
		{"UUID of another length", format.SchemaElement{Type: thrift.New(format.FixedLenByteArray), LogicalType: format.LogicalType{Value: &format.UUIDType{}}}, parquet.Value{}, nil, "UUID"},
	} {
		convert, refused := conversion(c.element, NonFiniteBad)
		if c.refused != "" {
			if convert != nil || !strings.HasPrefix(refused, "has the Parquet type "+c.refused) {
				t.Errorf("%s: the refusal is %q", c.name, refused)
			}
			continue
		}
		if convert == nil {
			t.Errorf("%s: refused as %s", c.name, refused)
			continue
		}
		if got, err := convert(c.value); err != nil || got != c.want {
			t.Errorf("%s: %v, %v", c.name, got, err)
		}
	}
}

// TestValuesThatNoRowCanHold: they are bad rows, and the rows next to them are not.
func TestValuesThatNoRowCanHold(t *testing.T) {
	day := timeOfDay(format.Int64, time.Nanosecond)
	for name, err := range map[string]error{
		"an endless number":            second(float(math.Inf(1), 64, NonFiniteBad)),
		"no number":                    second(float(math.NaN(), 32, NonFiniteBad)),
		"a year of five digits":        second(date(parquet.Int32Value(math.MaxInt32))),
		"a year before 0":              second(timestamp(time.Millisecond, true)(parquet.Int64Value(math.MinInt64))),
		"a time after midnight":        second(day(parquet.Int64Value(24 * 3600e9))),
		"a time before midnight":       second(day(parquet.Int64Value(-1))),
		"INT96 with too much of a day": second(int96(parquet.Int96Value(deprecated.Int96{0, 1 << 31, julianEpoch}))),
		"bytes that are no text":       second(utf8Text(parquet.ByteArrayValue([]byte("\xff")))),
	} {
		if !isBad(err) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func second(_ any, err error) error { return err }

// TestFloatsAreShortest: the fewest digits that read back as the same number of that size.
func TestFloatsAreShortest(t *testing.T) {
	for _, c := range []struct {
		number float64
		bits   int
		want   Number
	}{
		{0.1, 64, "0.1"}, {float64(float32(0.1)), 32, "0.1"}, {float64(float32(0.1)), 64, "0.10000000149011612"}, {1, 64, "1"}, {-0.5, 64, "-0.5"},
		{1e21, 64, "1e+21"}, {1e-7, 64, "1e-7"}, {1.5e-6, 64, "0.0000015"}, {1234567, 64, "1234567"}, {100000, 64, "100000"}, {1 << 53, 64, "9007199254740992"}, {math.Copysign(0, -1), 64, "-0"}, {math.MaxFloat64, 64, "1.7976931348623157e+308"},
	} {
		if got, err := float(c.number, c.bits, NonFiniteBad); err != nil || got != c.want {
			t.Errorf("%v of %d bits: %v, %v", c.number, c.bits, got, err)
		}
	}
}

// FuzzParquet damages a file: rows or an error, never a panic, and never more rows than the file has.
func FuzzParquet(f *testing.F) {
	lines, _ := manyLines(40)
	whole := parquetFile(f, lines, parquet.Compression(&parquet.Snappy), parquet.MaxRowsPerRowGroup(15), parquet.PageBufferSize(200))
	shaped := parquetFile(f, twoShapes())
	for at := 4; at < len(whole); at += 97 {
		f.Add(false, at, []byte{0xa5, 0, 0xff})
	}
	for at := 4; at < len(shaped); at += 197 {
		f.Add(true, at, []byte{0x15, 0x80})
	}
	f.Fuzz(func(t *testing.T, shapes bool, at int, patch []byte) {
		data, fields := append([]byte(nil), whole...), Optional("id", "text", "words")
		if shapes {
			data, fields = append([]byte(nil), shaped...), Optional("text", "list", "answers", "extra_info", "facts", "double")
		}
		if at < 0 || at >= len(data) {
			t.Skip()
		}
		copy(data[at:], patch)
		if o := readOn(data, fields); len(o.Rows) > 10_000 {
			t.Fatalf("%d rows", len(o.Rows))
		}
	})
}
