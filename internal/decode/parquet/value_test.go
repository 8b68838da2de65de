package parquet

import (
	"math"
	"strings"
	"testing"
	"time"

	"github.com/parquet-go/parquet-go"
	"github.com/parquet-go/parquet-go/deprecated"
	"github.com/parquet-go/parquet-go/encoding/thrift"
	"github.com/parquet-go/parquet-go/format"

	"github.com/datasetmix/datasetmix/internal/decode/decoded"
)

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
		{"DECIMAL in bytes", decimal, parquet.ByteArrayValue([]byte{0xfe, 0xd4}), decoded.Number("-3.00"), ""},
		{"DECIMAL of no bytes", decimal, parquet.ByteArrayValue(nil), decoded.Number("0.00"), ""},
		{"DECIMAL with a huge scale", huge, parquet.Value{}, nil, "DECIMAL"},
		{"BSON", leaf(format.ByteArray, deprecated.Bson), parquet.Value{}, nil, "BSON"},
		{"INTERVAL", leaf(format.FixedLenByteArray, deprecated.Interval), parquet.Value{}, nil, "INTERVAL"},
		{"JSON", leaf(format.ByteArray, deprecated.Json), parquet.ByteArrayValue([]byte("{}")), "{}", ""},
		{"ENUM", leaf(format.ByteArray, deprecated.Enum), parquet.ByteArrayValue([]byte("A")), "A", ""},
		{"UINT_8", leaf(format.Int32, deprecated.Uint8), parquet.Int32Value(255), decoded.Number("255"), ""},
		{"UINT_32", leaf(format.Int32, deprecated.Uint32), parquet.Int32Value(-1), decoded.Number("4294967295"), ""},
		{"UINT_64", leaf(format.Int64, deprecated.Uint64), parquet.Int64Value(-1), decoded.Number("18446744073709551615"), ""},
		{"INT_8", leaf(format.Int32, deprecated.Int8), parquet.Int32Value(-128), decoded.Number("-128"), ""},
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
		convert, refused := conversion(c.element, decoded.NonFiniteBad)
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
		"an endless number":            second(float(math.Inf(1), 64, decoded.NonFiniteBad)),
		"no number":                    second(float(math.NaN(), 32, decoded.NonFiniteBad)),
		"a year of five digits":        second(date(parquet.Int32Value(math.MaxInt32))),
		"a year before 0":              second(timestamp(time.Millisecond, true)(parquet.Int64Value(math.MinInt64))),
		"a time after midnight":        second(day(parquet.Int64Value(24 * 3600e9))),
		"a time before midnight":       second(day(parquet.Int64Value(-1))),
		"INT96 with too much of a day": second(int96(parquet.Int96Value(deprecated.Int96{0, 1 << 31, julianEpoch}))),
		"bytes that are no text":       second(utf8Text(parquet.ByteArrayValue([]byte("\xff")))),
	} {
		if !decoded.IsBad(err) {
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
		want   decoded.Number
	}{
		{0.1, 64, "0.1"}, {float64(float32(0.1)), 32, "0.1"}, {float64(float32(0.1)), 64, "0.10000000149011612"}, {1, 64, "1"}, {-0.5, 64, "-0.5"},
		{1e21, 64, "1e+21"}, {1e-7, 64, "1e-7"}, {1.5e-6, 64, "0.0000015"}, {1234567, 64, "1234567"}, {100000, 64, "100000"}, {1 << 53, 64, "9007199254740992"}, {math.Copysign(0, -1), 64, "-0"}, {math.MaxFloat64, 64, "1.7976931348623157e+308"},
	} {
		if got, err := float(c.number, c.bits, decoded.NonFiniteBad); err != nil || got != c.want {
			t.Errorf("%v of %d bits: %v, %v", c.number, c.bits, got, err)
		}
	}
}
