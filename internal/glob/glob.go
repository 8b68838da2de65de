// Package glob reads the patterns by which a manifest, or the card of a repository, names files. It is pure: a mistake in a pattern is found before there is
// a file.
package glob

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/bmatcuk/doublestar/v4"

	"github.com/datasetmix/datasetmix/internal/contract"
)

// Limits of a pattern. The number of steps of a comparison is at most the product of the lengths of pattern and path, for each alternative.
const (
	// MaxLength is the number of bytes of a pattern, the same as in the schema.
	MaxLength       = 256
	maxAlternatives = 1024 // patterns without braces for one with braces
)

// Pattern is a valid pattern.
type Pattern struct {
	Written string
	// Alternatives are the patterns without braces that together match the same paths.
	Alternatives []string
	// Path is the path that the pattern matches, if it can match only one; else empty.
	Path string
}

// Parse reads a pattern. The text of its error follows the quoted pattern in a message.
func Parse(pattern string) (Pattern, error) {
	switch {
	case len(pattern) > MaxLength:
		return Pattern{}, fmt.Errorf("has %d bytes, and a pattern has at most %d", len(pattern), MaxLength)
	case pattern == "" || !utf8.ValidString(pattern) || !doublestar.ValidatePattern(pattern):
		return Pattern{}, errors.New("is not a valid pattern")
	}
	alternatives, err := alternativesOf(pattern)
	if err != nil {
		return Pattern{}, err
	}
	g := Pattern{Written: pattern, Alternatives: alternatives}
	for _, alternative := range alternatives {
		if mixesStars(alternative) {
			return Pattern{}, errors.New("has ** next to other characters, which some read as one folder's files and some as those of all folders: " +
				"write **/ for any folder, as in **/*.jsonl, and * for any name")
		}
	}
	if len(alternatives) == 1 && !strings.ContainsAny(alternatives[0], `*?[\`) {
		g.Path = alternatives[0]
	}
	return g, nil
}

// alternativesOf returns the patterns without braces for a valid pattern.
func alternativesOf(pattern string) ([]string, error) {
	var out []string
	for todo := []string{pattern}; len(todo) > 0; {
		next := todo[len(todo)-1]
		todo = todo[:len(todo)-1]
		begin, commas, end := braces(next)
		if end < 0 {
			out = append(out, next)
		}
		for from := begin + 1; end >= 0 && len(commas) > 0; commas = commas[1:] {
			todo = append(todo, next[:begin]+next[from:commas[0]]+next[end+1:])
			from = commas[0] + 1
		}
		if len(out)+len(todo) > maxAlternatives {
			return nil, fmt.Errorf("expands to more than %d patterns: write fewer alternatives in braces", maxAlternatives)
		}
	}
	return out, nil
}

// braces finds the first pair of braces in a pattern: the index at which it begins, those at which its alternatives end, and the one at which it ends, -1 if
// there are no braces.
func braces(pattern string) (begin int, ends []int, end int) {
	depth := 0
	for i := 0; i < len(pattern); i++ {
		switch pattern[i] {
		case '\\':
			i++
		case '[':
			i = afterClass(pattern, i) - 1
		case '{':
			if depth++; depth == 1 {
				begin = i
			}
		case ',':
			if depth == 1 {
				ends = append(ends, i)
			}
		case '}':
			if depth--; depth == 0 {
				return begin, append(ends, i), i
			}
		}
	}
	return 0, nil, -1
}

// afterClass returns the index after the character class that begins at i.
func afterClass(pattern string, i int) int {
	for i++; i < len(pattern) && pattern[i] != ']'; i++ {
		if pattern[i] == '\\' {
			i++
		}
	}
	return min(i+1, len(pattern))
}

// mixesStars reports whether ** is only a part of a name in a pattern.
func mixesStars(pattern string) bool {
	bare := make([]byte, 0, len(pattern))
	for i := 0; i < len(pattern); i++ {
		switch pattern[i] {
		case '\\':
			i++
			bare = append(bare, '.')
		case '[':
			i = afterClass(pattern, i) - 1
			bare = append(bare, '.')
		default:
			bare = append(bare, pattern[i])
		}
	}
	return slices.ContainsFunc(strings.Split(string(bare), "/"), func(name string) bool {
		return name != "**" && strings.Contains(name, "**")
	})
}

// Check returns an error for the first pattern that is not valid.
func Check(patterns []string) error {
	_, err := ParseAll(patterns)
	return err
}

// ParseAll reads patterns. It returns an InvalidTask failure for the first pattern that is not valid.
func ParseAll(patterns []string) ([]Pattern, error) {
	globs := make([]Pattern, len(patterns))
	for i, p := range patterns {
		var err error
		if globs[i], err = Parse(p); err != nil {
			return nil, contract.Failf(contract.InvalidTask, "The pattern %q in files %w.", contract.Clean(p, MaxLength), err)
		}
	}
	return globs, nil
}
