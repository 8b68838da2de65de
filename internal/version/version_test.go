package version

import (
	"strings"
	"testing"
)

func TestRelease(t *testing.T) {
	tests := map[string]struct {
		want [3]int
		ok   bool
	}{
		"v1.2.3": {[3]int{1, 2, 3}, true}, "v0.10.0-rc.1": {[3]int{0, 10, 0}, true}, "v1.2.3+meta": {[3]int{1, 2, 3}, true},
		"1.2.3": {}, "dev": {}, "v1.2": {}, "v1.2.x": {[3]int{1, 2, 0}, false}, "latest": {}, "": {},
	}
	for text, test := range tests {
		if got, ok := Release(text); got != test.want || ok != test.ok {
			t.Errorf("%q: %v %v, want %v %v", text, got, ok, test.want, test.ok)
		}
	}
}

func TestSkew(t *testing.T) {
	tests := []struct{ client, manager, want string }{
		{"v1.2.3", "v1.2.9", ""},
		{"v1.2.3", "v1.3.0", "newer"},
		{"v1.2.3", "v2.0.0", "newer"},
		{"v1.10.0", "v1.9.4", "older"},
		{"dev", "v1.9.4", ""},
		{"v1.9.4", "latest", ""},
	}
	for _, test := range tests {
		if got := Skew(test.client, test.manager); (got == "") != (test.want == "") || !strings.Contains(got, test.want) {
			t.Errorf("client %s, manager %s: %q, want %q", test.client, test.manager, got, test.want)
		}
	}
}
