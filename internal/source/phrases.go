package source

import (
	"fmt"
	"slices"
	"strings"

	"github.com/datasetmix/datasetmix/internal/contract"
)

// Plural returns a number with its noun: "1 file", "2 files".
func Plural(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}

// Capital returns a text as it begins a sentence.
func Capital(s string) string { return strings.ToUpper(s[:1]) + s[1:] }

// Enumerate returns names for a message, a dozen at most.
func Enumerate(names []string) string {
	const most = 12
	if len(names) == 0 {
		return "none"
	}
	sorted := slices.Sorted(slices.Values(names))
	more := len(sorted) - most
	sorted = sorted[:min(len(sorted), most)]
	for i, name := range sorted {
		sorted[i] = contract.Clean(name, 100)
	}
	if more <= 0 {
		return strings.Join(sorted, ", ")
	}
	return fmt.Sprintf("%s and %d more", strings.Join(sorted, ", "), more)
}
