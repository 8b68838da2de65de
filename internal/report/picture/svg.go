package picture

import (
	"fmt"
	"html/template"
	"math/bits"
	"strconv"
	"strings"
)

// Patterns are fills by which parts are recognized without color. A page has them once, before its pictures.
const Patterns template.HTML = `<svg class="patterns" width="0" height="0" aria-hidden="true" focusable="false"><defs>` +
	`<pattern id="p-gone" width="6" height="6" patternUnits="userSpaceOnUse" patternTransform="rotate(45)"><rect class="p-gone-ground" width="6" height="6"/><rect class="p-gone-line" width="2" height="6"/></pattern>` +
	`<pattern id="p-again" width="6" height="6" patternUnits="userSpaceOnUse"><rect class="p-again-ground" width="6" height="6"/><circle class="p-again-dot" cx="2" cy="2" r="1.3"/></pattern>` +
	`<pattern id="p-rest" width="6" height="6" patternUnits="userSpaceOnUse"><rect class="p-rest-ground" width="6" height="6"/><rect class="p-rest-line" width="6" height="1.2" y="2"/></pattern>` +
	`</defs></svg>`

// drawing collects SVG.
type drawing struct{ out strings.Builder }

func (d *drawing) printf(format string, args ...any) { fmt.Fprintf(&d.out, format, args...) }

// text returns a text escaped for HTML.
func text(s string) string { return template.HTMLEscapeString(s) }

// px is a coordinate, in tenths of a pixel.
type px int64

// whole returns a number of whole pixels.
func whole(n int) px { return px(n) * 10 }

func (p px) String() string {
	sign := ""
	if p < 0 {
		sign, p = "-", -p
	}
	if p%10 == 0 {
		return sign + strconv.FormatInt(int64(p/10), 10)
	}
	return fmt.Sprintf("%s%d.%d", sign, p/10, p%10)
}

// part returns value/whole of a length, rounded down and at most the length; 0 if value or whole is not positive.
func part(length px, value, whole int64) px {
	if whole <= 0 || value <= 0 {
		return 0
	}
	high, low := bits.Mul64(uint64(length), uint64(min(value, whole)))
	quotient, _ := bits.Div64(high, low, uint64(whole))
	return px(quotient)
}
