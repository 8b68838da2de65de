package decode

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
)

// maxScale bounds the digits behind the point of a DECIMAL. The largest precision that is in use is 76.
const maxScale = 1000

const (
	dateText = "2006-01-02"
	timeText = "15:04:05.999999999"
	// julianEpoch is the Julian day of 1970-01-01, from which INT96 counts its days.
	julianEpoch = 2440588
)

// convert makes a row's value of a leaf's, exactly.
type convert func(parquet.Value) (any, error)

// conversion chooses how a leaf is converted. Without one it gives the name of the type, for the refusal.
func conversion(e format.SchemaElement) (c convert, refused string) {
	if c, known := logical(e); known {
		if c == nil {
			return nil, typeName(e)
		}
		return c, ""
	}
	unsigned := isUnsigned(e)
	switch e.Type.V {
	case format.Boolean:
		return func(v parquet.Value) (any, error) { return v.Boolean(), nil }, ""
	case format.Int32:
		if unsigned {
			return func(v parquet.Value) (any, error) { return Number(strconv.FormatUint(uint64(v.Uint32()), 10)), nil }, ""
		}
		return func(v parquet.Value) (any, error) { return Number(strconv.FormatInt(int64(v.Int32()), 10)), nil }, ""
	case format.Int64:
		if unsigned {
			return func(v parquet.Value) (any, error) { return Number(strconv.FormatUint(v.Uint64(), 10)), nil }, ""
		}
		return func(v parquet.Value) (any, error) { return Number(strconv.FormatInt(v.Int64(), 10)), nil }, ""
	case format.Int96:
		return int96, ""
	case format.Float:
		return func(v parquet.Value) (any, error) { return float(float64(v.Float()), 32) }, ""
	case format.Double:
		return func(v parquet.Value) (any, error) { return float(v.Double(), 64) }, ""
	case format.ByteArray:
		return utf8Text, ""
	default:
		return nil, typeName(e)
	}
}

// logical gives the conversion of a logical type that changes what the physical one means; known without one is a refusal.
func logical(e format.SchemaElement) (c convert, known bool) {
	physical := e.Type.V
	switch t := e.LogicalType.Value.(type) {
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
	case *format.BsonType, *format.Float16Type, *format.VariantType, *format.GeometryType, *format.GeographyType:
		return nil, true
	case nil:
		return converted(e)
	}
	return nil, false
}

// converted does the same for the older annotation, which counts where the newer is not there. Its times are UTC.
func converted(e format.SchemaElement) (c convert, known bool) {
	if !e.ConvertedType.Valid {
		return nil, false
	}
	physical := e.Type.V
	switch e.ConvertedType.V {
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
	case deprecated.Bson, deprecated.Interval:
		return nil, true
	}
	return nil, false
}

// only is c where the physical type is the one that the logical type is defined for.
func only(physical, want format.Type, c convert) convert {
	if physical != want {
		return nil
	}
	return c
}

func typeName(e format.SchemaElement) string {
	switch {
	case e.LogicalType.Value != nil:
		return e.LogicalType.Value.String()
	case e.ConvertedType.Valid && convertedNames[e.ConvertedType.V] != "":
		return convertedNames[e.ConvertedType.V]
	default:
		return e.Type.V.String()
	}
}

// convertedNames are those that can be refused: by themselves, or on a physical type that they are not defined for.
var convertedNames = map[deprecated.ConvertedType]string{
	deprecated.Decimal: "DECIMAL", deprecated.Date: "DATE", deprecated.TimeMillis: "TIME", deprecated.TimeMicros: "TIME",
	deprecated.TimestampMillis: "TIMESTAMP", deprecated.TimestampMicros: "TIMESTAMP", deprecated.Bson: "BSON", deprecated.Interval: "INTERVAL",
}

func isUnsigned(e format.SchemaElement) bool {
	if t, ok := e.LogicalType.Value.(*format.IntType); ok {
		return !t.IsSigned
	}
	return e.ConvertedType.Valid && e.ConvertedType.V >= deprecated.Uint8 && e.ConvertedType.V <= deprecated.Uint64
}

func unitOf(u format.TimeUnit) time.Duration {
	if u.Value == nil {
		return 0
	}
	return u.Value.Duration()
}

func utf8Text(v parquet.Value) (any, error) {
	text := string(v.ByteArray())
	if !utf8.ValidString(text) {
		return nil, bad(InvalidUTF8, errors.New("the text is not UTF-8; correct it at the source"))
	}
	return text, nil
}

// float writes the shortest decimal that reads back as the same number of that size, the way of RFC 8785 (and ECMAScript):
// 1234567 and not 1.234567e+06, which would be another answer to whoever compares texts.
func float(f float64, bits int) (any, error) {
	if f != f || f-f != 0 {
		return nil, badf(Malformed, "the number is not finite, which JSON cannot hold; correct it at the source")
	}
	if a := math.Abs(f); a == 0 || a >= 1e-6 && a < 1e21 {
		return Number(strconv.FormatFloat(f, 'f', -1, bits)), nil
	}
	mantissa, exponent, _ := strings.Cut(strconv.FormatFloat(f, 'e', -1, bits), "e")
	return Number(mantissa + "e" + exponent[:1] + strings.TrimLeft(exponent[1:], "0")), nil
}

// decimal writes a DECIMAL with all the digits behind the point that its scale has, none without a point.
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

func pointed(n *big.Int, scale int) Number {
	digits := new(big.Int).Abs(n).String()
	if scale > 0 {
		digits = strings.Repeat("0", max(0, scale+1-len(digits))) + digits
		digits = digits[:len(digits)-scale] + "." + digits[len(digits)-scale:]
	}
	if n.Sign() < 0 {
		digits = "-" + digits
	}
	return Number(digits)
}

func date(v parquet.Value) (any, error) {
	return moment(time.Unix(int64(v.Int32())*86400, 0), dateText)
}

// timestamp writes RFC 3339 with as many digits of the second as are not zero. A time that is not adjusted to UTC is a local
// one of an unknown zone, and has none behind it.
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

// int96 is what Impala and old Spark wrote for a time: nanoseconds of the day in 8 bytes, the Julian day in 4.
func int96(v parquet.Value) (any, error) {
	i := v.Int96()
	nanos := int64(uint64(i[1])<<32 | uint64(i[0]))
	if nanos < 0 || nanos >= int64(24*time.Hour) {
		return nil, badf(Malformed, "the INT96 time is not inside a day; correct it at the source")
	}
	return moment(time.Unix((int64(i[2])-julianEpoch)*86400, nanos), dateText+"T"+timeText)
}

// moment writes a time. RFC 3339 has years of four digits.
func moment(t time.Time, layout string) (any, error) {
	if t = t.UTC(); t.Year() < 0 || t.Year() > 9999 {
		return nil, badf(Malformed, "the time is in the year %d, which cannot be written as a date; correct it at the source", t.Year())
	}
	return t.Format(layout), nil
}

func timeOfDay(physical format.Type, unit time.Duration) convert {
	of := func(n int64) (any, error) {
		if n < 0 || n >= int64(24*time.Hour/unit) {
			return nil, badf(Malformed, "the time is not inside a day; correct it at the source")
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
