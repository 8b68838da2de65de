package language

import (
	"cmp"
	"fmt"
	"math"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"github.com/google/cel-go/common/types"
	"github.com/google/cel-go/common/types/ref"
	"github.com/google/cel-go/common/types/traits"

	"github.com/datasetmix/datasetmix/internal/decode/decoded"
)

// Adapter shows decoded values to CEL: strings, booleans, lists and objects as what they are, null as null, numbers as numberOf returns them.
type Adapter struct{}

// NativeToValue returns a decoded value as CEL sees it.
func (a Adapter) NativeToValue(v any) ref.Val {
	switch v := v.(type) {
	case string:
		return types.String(v)
	case ref.Val:
		return v
	case nil:
		return types.NullValue
	case bool:
		return types.Bool(v)
	case decoded.Number:
		return numberOf(v)
	case []any:
		return types.NewDynamicList(a, v)
	case map[string]any:
		return sorted{types.NewStringInterfaceMap(a, v)}
	case map[ref.Val]ref.Val:
		return sorted{types.NewRefValMap(a, v)}
	}
	return types.DefaultTypeAdapter.NativeToValue(v)
}

// sorted is a map whose keys come in one order: an expression that ranges over them has the same value every time.
type sorted struct{ traits.Mapper }

func (s sorted) Iterator() traits.Iterator {
	keys := make([]ref.Val, 0, 8)
	for it := s.Mapper.Iterator(); it.HasNext() == types.True; {
		keys = append(keys, it.Next())
	}
	slices.SortFunc(keys, func(a, b ref.Val) int {
		return cmp.Or(strings.Compare(fmt.Sprint(a.Value()), fmt.Sprint(b.Value())), strings.Compare(a.Type().TypeName(), b.Type().TypeName()))
	})
	return types.NewRefValList(Adapter{}, keys).Iterator()
}

// numberOf returns how CEL sees a number: an int where it is written as one and fits 64 bits; a double where it is exactly this number, that is,
// where its shortest decimal form is equal to it; else a longNumber.
func numberOf(n decoded.Number) ref.Val {
	if i, err := strconv.ParseInt(string(n), 10, 64); err == nil && n != "-0" {
		return types.Int(i)
	}
	if f, err := strconv.ParseFloat(string(n), 64); err == nil {
		digits, exponent := significant(string(n))
		shortest, at := significant(strconv.FormatFloat(f, 'e', -1, 64))
		if digits == shortest && exponent == at {
			return types.Double(f)
		}
	}
	return longNumber(n)
}

// longNumber is a number of more digits than a 64-bit number holds, or out of its range. It can only be passed on and compared for equality:
// computing with it would silently round it.
type longNumber decoded.Number

// IsLong reports whether a number is only passed on and compared, since no 64-bit number is equal to it.
func IsLong(n decoded.Number) bool {
	_, long := numberOf(n).(longNumber)
	return long
}

var longNumberType = types.NewOpaqueType("number")

// ConvertToNative and ConvertToType refuse every type: none can hold the value without a loss.
func (n longNumber) ConvertToNative(reflect.Type) (any, error) {
	return nil, fmt.Errorf("the number %.40s cannot be converted", string(n))
}

func (n longNumber) ConvertToType(ref.Type) ref.Val {
	return types.NewErr("the number %.40s has more digits than a 64-bit number holds", string(n))
}

// Equal compares with another of its kind; no other value of CEL is equal to it.
func (n longNumber) Equal(other ref.Val) ref.Val {
	o, ok := other.(longNumber)
	if !ok {
		return types.False
	}
	digits, exponent := significant(string(n))
	others, at := significant(string(o))
	return types.Bool(digits == others && exponent == at && strings.HasPrefix(string(n), "-") == strings.HasPrefix(string(o), "-"))
}

func (n longNumber) Type() ref.Type { return longNumberType }

func (n longNumber) Value() any { return decoded.Number(n) }

// significant writes a decimal number as 0.digits times ten to the exponent, with no zero at either end of digits; zero has
// no digits. The sign is left out: a parsed number keeps it.
func significant(number string) (digits string, exponent int) {
	mantissa, power, _ := strings.Cut(strings.ToLower(strings.TrimPrefix(number, "-")), "e")
	exponent, _ = strconv.Atoi(power) // A power that does not fit is not a double either.
	whole, fraction, _ := strings.Cut(mantissa, ".")
	digits = strings.TrimLeft(whole+fraction, "0")
	if digits == "" {
		return "", 0
	}
	exponent += len(whole) - (len(whole+fraction) - len(digits))
	return strings.TrimRight(digits, "0"), exponent
}

// Native returns the decoded form of a value: what ValueOf writes. What a row holds comes back unchanged, with every digit.
func Native(v ref.Val) (any, error) {
	switch v := v.(type) {
	case types.String:
		return string(v), nil
	case types.Bool:
		return bool(v), nil
	case types.Null:
		return nil, nil
	case types.Int:
		return decoded.Number(strconv.FormatInt(int64(v), 10)), nil
	case types.Uint:
		return decoded.Number(strconv.FormatUint(uint64(v), 10)), nil
	case types.Double:
		return numberText(float64(v))
	case longNumber:
		return decoded.Number(v), nil
	case *types.Optional:
		if !v.HasValue() {
			return nil, nil
		}
		return Native(v.GetValue())
	case traits.Mapper:
		return nativeMap(v)
	case traits.Lister:
		return nativeList(v)
	}
	return nil, fmt.Errorf("a record cannot hold a value of type %s", v.Type().TypeName())
}

// numberText returns the shortest form of a double, as JSON writes it.
func numberText(f float64) (any, error) {
	if math.IsInf(f, 0) || math.IsNaN(f) {
		return nil, fmt.Errorf("%v is not a number that JSON has", f)
	}
	format := byte('f')
	if a := math.Abs(f); a != 0 && (a < 1e-6 || a >= 1e21) {
		format = 'e'
	}
	return decoded.Number(strconv.FormatFloat(f, format, -1, 64)), nil
}

func nativeList(l traits.Lister) (any, error) {
	if whole, ok := l.Value().([]any); ok {
		return whole, nil
	}
	list := []any{}
	for it := l.Iterator(); it.HasNext() == types.True; {
		element, err := Native(it.Next())
		if err != nil {
			return nil, err
		}
		list = append(list, element)
	}
	return list, nil
}

func nativeMap(m traits.Mapper) (any, error) {
	if whole, ok := m.Value().(map[string]any); ok {
		return whole, nil
	}
	object := map[string]any{}
	for it := m.Iterator(); it.HasNext() == types.True; {
		key := it.Next()
		name, ok := key.(types.String)
		if !ok {
			return nil, fmt.Errorf("a record cannot hold an object with a key of type %s", key.Type().TypeName())
		}
		value, err := Native(m.Get(key))
		if err != nil {
			return nil, err
		}
		object[string(name)] = value
	}
	return object, nil
}
