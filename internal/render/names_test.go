package render

import (
	"testing"
)

// TestOverlap: two folders are in each other's way if they are the same or one lies in the other.
func TestOverlap(t *testing.T) {
	for _, test := range []struct {
		a, b string
		want bool
	}{
		{"mixes", "mixes", true}, {"mixes/a", "mixes", true}, {"mixes", "mixes/a/b", true},
		{"mixes", "mixes-2", false}, {"mixes/a", "mixes/b", false}, {"a", "b", false},
	} {
		if got := Overlap(test.a, test.b); got != test.want {
			t.Errorf("%s, %s: got %v, want %v", test.a, test.b, got, test.want)
		}
	}
}
