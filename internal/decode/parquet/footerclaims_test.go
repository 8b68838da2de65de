package parquet

import (
	"encoding/binary"
	"errors"
	"strings"
	"testing"
)

// TestFootersAreNotBelieved: a list may claim no more elements than bytes are left, wherever it stands.
func TestFootersAreNotBelieved(t *testing.T) {
	huge := string(binary.AppendUvarint(nil, 1<<40))
	for name, c := range map[string]struct {
		footer string
		whole  bool
	}{
		"nothing":               {"", false},
		"an empty struct":       {"\x00", true},
		"a number":              {"\x15\x02\x00", true},
		"no end":                {"\x15\x02", false},
		"a list of two numbers": {"\x19\x25\x02\x04\x00", true},
		"a huge list":           {"\x19\xfc" + huge + "\x00", false},
		"one in a list":         {"\x19\x1c\x19\xf5" + huge + "\x00\x00", false},
		"a huge text":           {"\x18" + huge + "\x00", false},
		"an unknown kind":       {"\x1e\x00", false},
		"without an end inside": {strings.Repeat("\x1c", 1000), false},
		"too deep":              {strings.Repeat("\x1c", 100) + strings.Repeat("\x00", 101), false},
		"bools":                 {"\x11\x12\x19\x21\x01\x02\x00", true},
	} {
		got, err := trimFooter([]byte(c.footer), nil)
		if (err == nil) != c.whole || err != nil && !errors.Is(err, errFooter) {
			t.Errorf("%s: %v", name, err)
		}
		if c.whole && string(got) != c.footer {
			t.Errorf("%s: %q was kept of %q", name, got, c.footer)
		}
	}
}
