package language

import (
	"fmt"
	"strings"
	"testing"

	"github.com/datasetmix/datasetmix/internal/decode/decoded"
)

// TestNumbers: what CEL sees of a number is exactly the number, or an error.
func TestNumbers(t *testing.T) {
	for _, c := range []struct {
		number decoded.Number
		want   string // the type and value in CEL, "" for a longNumber
	}{
		{"0", "int 0"}, {"-5", "int -5"}, {"9223372036854775807", "int 9223372036854775807"}, {"-9223372036854775808", "int -9223372036854775808"},
		{"9223372036854775808", ""}, {"10000000000000000000000", "double 1e+22"}, {"1.0", "double 1"}, {"1e3", "double 1000"}, {"-0", "double -0"}, {"0.0", "double 0"}, {"0e5", "double 0"},
		{"0.1", "double 0.1"}, {"0.10", "double 0.1"}, {"-1.50e-3", "double -0.0015"}, {"123.456E2", "double 12345.6"}, {"0.30000000000000004", "double 0.30000000000000004"},
		{"0.300000000000000041", ""}, {"1e400", ""}, {"1e-400", ""}, {"3.14159265358979323846", ""}, {"1.7976931348623157e308", "double 1.7976931348623157e+308"}, {"1e99999999999999999999", ""},
	} {
		v := numberOf(c.number)
		got := ""
		if _, long := v.(longNumber); !long {
			got = v.Type().TypeName() + " " + strings.TrimSuffix(strings.TrimSpace(fmt.Sprint(v.Value())), ".0")
		}
		if got != c.want {
			t.Errorf("%s is %q, not %q", c.number, got, c.want)
		}
	}
}
