package source

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/bmatcuk/doublestar/v4"

	"github.com/datasetmix/datasetmix/internal/contract"
)

// Bounds of what matching may cost, whoever wrote the patterns: a card is written by strangers. Without alternatives one
// comparison takes at most as many steps as the lengths of pattern and path multiplied; alternatives are written out before.
const (
	maxPattern      = 256     // bytes of a pattern, as in the schema of files
	maxAlternatives = 1024    // patterns that one with braces stands for
	maxMatching     = 1 << 36 // bytes of patterns times bytes of paths, in one choice
	lookEvery       = 1024    // comparisons between two looks at the context
)

// glob is a pattern that is ready to be matched.
type glob struct {
	written string
	// alternatives are the patterns without braces that it stands for.
	alternatives []string
	// path is what the pattern matches where that is one path alone; empty for all others.
	path string
}

// parseGlob reads a pattern. Its errors are fragments that follow the quoted pattern.
func parseGlob(pattern string) (glob, error) {
	switch {
	case len(pattern) > maxPattern:
		return glob{}, fmt.Errorf("has %d bytes, and a pattern has at most %d", len(pattern), maxPattern)
	case pattern == "" || !utf8.ValidString(pattern) || !doublestar.ValidatePattern(pattern):
		return glob{}, errors.New("is not a valid pattern")
	}
	alternatives, err := alternativesOf(pattern)
	if err != nil {
		return glob{}, err
	}
	g := glob{written: pattern, alternatives: alternatives}
	for _, alternative := range alternatives {
		if mixesStars(alternative) {
			return glob{}, errors.New("has ** beside other characters, which some read as one folder's files and some as those of all folders: " +
				"write **/ for any folder, as in **/*.jsonl, and * for any name")
		}
	}
	if len(alternatives) == 1 && !strings.ContainsAny(alternatives[0], `*?[\`) {
		g.path = alternatives[0]
	}
	return g, nil
}

// alternativesOf writes the braces of a valid pattern out.
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
			return nil, fmt.Errorf("stands for more than %d patterns: write fewer alternatives in braces", maxAlternatives)
		}
	}
	return out, nil
}

// braces finds the first pair of braces of a pattern: where it begins, where each of its alternatives ends, and where it ends;
// end is -1 where there is none.
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

// afterClass is the place behind the character class that begins at i.
func afterClass(pattern string, i int) int {
	for i++; i < len(pattern) && pattern[i] != ']'; i++ {
		if pattern[i] == '\\' {
			i++
		}
	}
	return min(i+1, len(pattern))
}

// mixesStars reports whether ** is a part of a name in a pattern, and not a name of its own.
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

// matching chooses paths by patterns, with a bound on what that costs.
type matching struct {
	ctx   context.Context // of the Resolve that chooses
	where string          // names what holds the paths, in messages
	paths []string
	known map[string]bool
	work  int
}

func newMatching(ctx context.Context, where string, paths []string) *matching {
	m := &matching{ctx: ctx, where: where, paths: paths, known: make(map[string]bool, len(paths))}
	for _, p := range paths {
		m.known[p] = true
	}
	return m
}

// match gives the paths that a pattern chooses, sorted and each once.
func (m *matching) match(g glob) ([]string, error) {
	if g.path != "" {
		if m.known[g.path] {
			return []string{g.path}, nil
		}
		return nil, nil
	}
	var out []string
	for _, pattern := range g.alternatives {
		beginning := plainBeginning(pattern)
		for i, p := range m.paths {
			if i%lookEvery == 0 && m.ctx.Err() != nil {
				return nil, contract.Failf(contract.FetchFailed, "choosing files of %s was stopped: %w", m.where, context.Cause(m.ctx))
			}
			if !strings.HasPrefix(p, beginning) {
				continue
			}
			if m.work += len(pattern) * len(p); m.work > maxMatching {
				return nil, contract.Failf(contract.InvalidData,
					"%s has %s, and there is too much to compare them with, up to the pattern %q. Name the files to read with fewer patterns, or with such as begin with a folder.",
					capital(m.where), plural(len(m.paths), "file"), g.written)
			}
			if doublestar.MatchUnvalidated(pattern, p) {
				out = append(out, p)
			}
		}
	}
	slices.Sort(out)
	return slices.Compact(out), nil
}

// plainBeginning is what every path that a pattern matches begins with.
func plainBeginning(pattern string) string {
	if i := strings.IndexAny(pattern, `*?[\`); i >= 0 {
		pattern = pattern[:i]
	}
	return strings.TrimSuffix(pattern, "/") // a/** matches a
}

// checkGlobs refuses patterns that are none.
func checkGlobs(patterns []string) error {
	_, err := parseGlobs(patterns)
	return err
}

func parseGlobs(patterns []string) ([]glob, error) {
	globs := make([]glob, len(patterns))
	for i, p := range patterns {
		var err error
		if globs[i], err = parseGlob(p); err != nil {
			return nil, contract.Failf(contract.InvalidTask, "The pattern %q in files %w.", contract.Clean(p, maxPattern), err)
		}
	}
	return globs, nil
}

// matchAll is the paths that any of the patterns of files chooses, each once, sorted. A pattern that chooses nothing is an
// error: whoever wrote it expected rows from it.
func matchAll(ctx context.Context, patterns, paths []string, where string) ([]string, error) {
	globs, err := parseGlobs(patterns)
	if err != nil {
		return nil, err
	}
	m := newMatching(ctx, where, paths)
	var out []string
	for _, g := range globs {
		chosen, err := m.match(g)
		if err != nil {
			return nil, err
		}
		if len(chosen) == 0 {
			return nil, contract.Failf(contract.FileNotFound,
				"No file of %s matches %q. It has %s.", where, g.written, enumerate(paths))
		}
		out = append(out, chosen...)
	}
	slices.Sort(out)
	return slices.Compact(out), nil
}

// enumerate lists names for a message, a dozen at most.
func enumerate(names []string) string {
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
