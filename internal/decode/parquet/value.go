package parquet

import (
	"errors"
	"fmt"
	"math"
	"math/big"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/parquet-go/parquet-go"
	"github.com/parquet-go/parquet-go/deprecated"
	"github.com/parquet-go/parquet-go/format"

	"github.com/datasetmix/datasetmix/internal/decode/decoded"
)

// maxScale bounds the digits behind the point of a DECIMAL. The largest precision that is in use is 76.
const maxScale = 1000

const (
	dateText = "2006-01-02"
	timeText = "15:04:05.999999999"
	// julianEpoch is the Julian day of 1970-01-01, from which INT96 counts its days.
	julianEpoch = 2440588
)

// convert turns a leaf's value into a row's, exactly.
type convert func(parquet.Value) (any, error)

// conversion returns how a leaf is converted, or why it cannot be.
func conversion(e format.SchemaElement, nonFinite decoded.NonFinite) (c convert, refusal string) {
	c, known := logical(e)
	if !known {
		c = physical(e.Type.V, nonFinite)
	}
	if c == nil {
		return nil, noPlace(typeName(e))
	}
	return c, ""
}

// physical returns the conversion of a type without annotation, or nil.
func physical(t format.Type, nonFinite decoded.NonFinite) convert {
	switch t {
	case format.Boolean:
		return func(v parquet.Value) (any, error) { return v.Boolean(), nil }
	case format.Int32:
		return integer(t, 32, true)
	case format.Int64:
		return integer(t, 64, true)
	case format.Int96:
		return int96
	case format.Float:
		return func(v parquet.Value) (any, error) { return float(float64(v.Float()), 32, nonFinite) }
	case format.Double:
		return func(v parquet.Value) (any, error) { return float(v.Double(), 64, nonFinite) }
	case format.ByteArray:
		return binaryText
	}
	return nil
}

// logical returns the conversion of a logical type; known without one is a refusal: what has no place in a record, and what is on
// another physical type than it is defined for.
func logical(e format.SchemaElement) (c convert, known bool) {
	physical := e.Type.V
	switch t := e.LogicalType.Value.(type) {
	case nil:
		return converted(e)
	case *format.StringType, *format.EnumType, *format.JsonType:
		return only(physical, format.ByteArray, utf8Text), true
	case *format.IntType:
		return integer(physical, int(t.BitWidth), t.IsSigned), true
	case *format.DecimalType:
		return decimal(physical, t.Scale), true
	case *format.DateType:
		return only(physical, format.Int32, date), true
	case *format.TimeType:
		return timeOfDay(physical, unitOf(t.Unit)), true
	case *format.TimestampType:
		return only(physical, format.Int64, timestamp(unitOf(t.Unit), t.IsAdjustedToUTC)), true
	case *format.UUIDType:
		if e.TypeLength.V != 16 {
			return nil, true
		}
		return only(physical, format.FixedLenByteArray, uuid), true
	case *format.NullType:
		return null, true
	}
	return nil, true // FLOAT16, BSON, VARIANT, GEOMETRY, GEOGRAPHY, LIST and MAP of nothing
}

// converted does the same for the older annotation, which counts where there is no newer one. Its times are UTC.
func converted(e format.SchemaElement) (c convert, known bool) {
	if !e.ConvertedType.Valid {
		return nil, false
	}
	physical := e.Type.V
	switch t := e.ConvertedType.V; t {
	case deprecated.UTF8, deprecated.Enum, deprecated.Json:
		return only(physical, format.ByteArray, utf8Text), true
	case deprecated.Uint8, deprecated.Uint16, deprecated.Uint32, deprecated.Uint64:
		return integer(physical, 8<<(t-deprecated.Uint8), false), true
	case deprecated.Int8, deprecated.Int16, deprecated.Int32, deprecated.Int64:
		return integer(physical, 8<<(t-deprecated.Int8), true), true
	case deprecated.Decimal:
		return decimal(physical, e.Scale.V), true
	case deprecated.Date:
		return only(physical, format.Int32, date), true
	case deprecated.TimeMillis:
		return timeOfDay(physical, time.Millisecond), true
	case deprecated.TimeMicros:
		return timeOfDay(physical, time.Microsecond), true
	case deprecated.TimestampMillis:
		return only(physical, format.Int64, timestamp(time.Millisecond, true)), true
	case deprecated.TimestampMicros:
		return only(physical, format.Int64, timestamp(time.Microsecond, true)), true
	}
	return nil, true // BSON, INTERVAL, LIST and MAP of nothing
}

// only returns c if the physical type is the one that the logical type is defined for, else nil.
func only(physical, want format.Type, c convert) convert {
	if physical != want {
		return nil
	}
	return c
}

func typeName(e format.SchemaElement) string {
	switch {
	case e.LogicalType.Value != nil:
		return fmt.Sprintf("%v on %v", e.LogicalType.Value, e.Type.V)
	case e.ConvertedType.Valid && e.ConvertedType.V >= 0 && int(e.ConvertedType.V) < len(convertedNames):
		return fmt.Sprintf("%s on %v", convertedNames[e.ConvertedType.V], e.Type.V)
	case e.ConvertedType.Valid:
		return fmt.Sprintf("%d of ConvertedType on %v", e.ConvertedType.V, e.Type.V)
	default:
		return e.Type.V.String()
	}
}

// convertedNames are those of parquet.thrift, in its order.
var convertedNames = [...]string{"UTF8", "MAP", "MAP_KEY_VALUE", "LIST", "ENUM", "DECIMAL", "DATE", "TIME_MILLIS", "TIME_MICROS", "TIMESTAMP_MILLIS", "TIMESTAMP_MICROS",
	"UINT_8", "UINT_16", "UINT_32", "UINT_64", "INT_8", "INT_16", "INT_32", "INT_64", "JSON", "BSON", "INTERVAL"}

func unitOf(u format.TimeUnit) time.Duration {
	if u.Value == nil {
		return 0
	}
	return u.Value.Duration()
}

// integer returns the conversion of a number of so many bits. Those of 8 and 16 bits are stored in 32, which may hold a larger one.
func integer(physical format.Type, bits int, signed bool) convert {
	switch {
	case physical == format.Int64 && bits == 64 && signed:
		return func(v parquet.Value) (any, error) { return decoded.Number(strconv.FormatInt(v.Int64(), 10)), nil }
	case physical == format.Int64 && bits == 64:
		return func(v parquet.Value) (any, error) { return decoded.Number(strconv.FormatUint(v.Uint64(), 10)), nil }
	case physical != format.Int32 || bits != 8 && bits != 16 && bits != 32:
		return nil
	}
	return func(v parquet.Value) (any, error) {
		n, low, high := int64(v.Int32()), int64(-1)<<(bits-1), int64(1)<<(bits-1)
		if !signed {
			n, low, high = int64(v.Uint32()), 0, int64(1)<<bits
		}
		if n < low || n >= high {
			return nil, decoded.Badf(decoded.Malformed, "the number %d does not fit the %d bits of its type; correct it at the source", n, bits)
		}
		return decoded.Number(strconv.FormatInt(n, 10)), nil
	}
}

func utf8Text(v parquet.Value) (any, error) {
	text := string(v.ByteArray())
	if !utf8.ValidString(text) {
		return nil, decoded.Bad(decoded.InvalidUTF8, errors.New("the text is not UTF-8; correct it at the source"))
	}
	return text, nil
}

// binaryText returns the text of a BYTE_ARRAY that is not marked as text, as in files of older writers.
func binaryText(v parquet.Value) (any, error) {
	text, err := utf8Text(v)
	if err != nil {
		return nil, decoded.Bad(decoded.InvalidUTF8, errBinary)
	}
	return text, nil
}

var errBinary = errors.New("it is a BYTE_ARRAY that is not marked as text, and the value is not UTF-8 (an image, or something else that is binary?), which a record cannot hold; " +
	"leave the column out of the record, or write it as text, for example in Base64")

// null returns the value of a column of UNKNOWN type, which has no others.
func null(parquet.Value) (any, error) {
	return nil, decoded.Badf(decoded.Malformed, "the type is UNKNOWN, of which all values are null, and this one is not; correct it at the source")
}

// float writes the shortest decimal that reads back as the same number of that size, the way of RFC 8785 (and ECMAScript):
// 1234567 and not 1.234567e+06, which would differ in a comparison of texts.
func float(f float64, bits int, nonFinite decoded.NonFinite) (any, error) {
	if f != f || f-f != 0 {
		return decoded.NotFinite(nonFinite)
	}
	if a := math.Abs(f); a == 0 || a >= 1e-6 && a < 1e21 {
		return decoded.Number(strconv.FormatFloat(f, 'f', -1, bits)), nil
	}
	mantissa, exponent, _ := strings.Cut(strconv.FormatFloat(f, 'e', -1, bits), "e")
	return decoded.Number(mantissa + "e" + exponent[:1] + strings.TrimLeft(exponent[1:], "0")), nil
}

// decimal writes a DECIMAL with all the digits after the point that its scale has.
func decimal(physical format.Type, scale int32) convert {
	if scale < 0 || scale > maxScale {
		return nil
	}
	switch physical {
	case format.Int32:
		return func(v parquet.Value) (any, error) { return pointed(big.NewInt(int64(v.Int32())), int(scale)), nil }
	case format.Int64:
		return func(v parquet.Value) (any, error) { return pointed(big.NewInt(v.Int64()), int(scale)), nil }
	case format.ByteArray, format.FixedLenByteArray:
		return func(v parquet.Value) (any, error) { return pointed(twosComplement(v.ByteArray()), int(scale)), nil }
	}
	return nil
}

// twosComplement reads a signed number of any length, big endian.
func twosComplement(b []byte) *big.Int {
	n := new(big.Int).SetBytes(b)
	if len(b) > 0 && b[0] >= 0x80 {
		n.Sub(n, new(big.Int).Lsh(big.NewInt(1), uint(8*len(b))))
	}
	return n
}

func pointed(n *big.Int, scale int) decoded.Number {
	digits := new(big.Int).Abs(n).String()
	if scale > 0 {
		digits = strings.Repeat("0", max(0, scale+1-len(digits))) + digits
		digits = digits[:len(digits)-scale] + "." + digits[len(digits)-scale:]
	}
	if n.Sign() < 0 {
		digits = "-" + digits
	}
	return decoded.Number(digits)
}

func date(v parquet.Value) (any, error) {
	return moment(time.Unix(int64(v.Int32())*86400, 0), dateText)
}

// timestamp writes RFC 3339 with as many digits of the second as are not zero. A time that is not adjusted to UTC is a local one, and has no zone.
func timestamp(unit time.Duration, utc bool) convert {
	layout := dateText + "T" + timeText
	if utc {
		layout += "Z"
	}
	switch unit {
	case time.Millisecond:
		return func(v parquet.Value) (any, error) { return moment(time.UnixMilli(v.Int64()), layout) }
	case time.Microsecond:
		return func(v parquet.Value) (any, error) { return moment(time.UnixMicro(v.Int64()), layout) }
	case time.Nanosecond:
		return func(v parquet.Value) (any, error) { return moment(time.Unix(0, v.Int64()), layout) }
	}
	return nil
}

// int96 returns what Impala and old Spark wrote for a time: nanoseconds of the day in 8 bytes, the Julian day in 4.
func int96(v parquet.Value) (any, error) {
	i := v.Int96()
	nanos := int64(uint64(i[1])<<32 | uint64(i[0]))
	if nanos < 0 || nanos >= int64(24*time.Hour) {
		return nil, decoded.Badf(decoded.Malformed, "the INT96 time is not inside a day; correct it at the source")
	}
	return moment(time.Unix((int64(i[2])-julianEpoch)*86400, nanos), dateText+"T"+timeText)
}

// moment writes a time. RFC 3339 has years of four digits.
func moment(t time.Time, layout string) (any, error) {
	if t = t.UTC(); t.Year() < 0 || t.Year() > 9999 {
		return nil, decoded.Badf(decoded.Malformed, "the time is in the year %d, which cannot be written as a date; correct it at the source", t.Year())
	}
	return t.Format(layout), nil
}

func timeOfDay(physical format.Type, unit time.Duration) convert {
	of := func(n int64) (any, error) {
		if n < 0 || n >= int64(24*time.Hour/unit) {
			return nil, decoded.Badf(decoded.Malformed, "the time is not inside a day; correct it at the source")
		}
		return time.Unix(0, n*int64(unit)).UTC().Format(timeText), nil
	}
	switch {
	case unit == time.Millisecond:
		return only(physical, format.Int32, func(v parquet.Value) (any, error) { return of(int64(v.Int32())) })
	case unit > 0:
		return only(physical, format.Int64, func(v parquet.Value) (any, error) { return of(v.Int64()) })
	}
	return nil
}

func uuid(v parquet.Value) (any, error) {
	b := v.ByteArray()
	if len(b) != 16 {
		return nil, errLevels
	}
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:]), nil
}
