package source

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/bmatcuk/doublestar/v4"

	"github.com/datasetmix/datasetmix/internal/contract"
	"github.com/datasetmix/datasetmix/internal/glob"
)

// Bounds of what matching may cost, whoever wrote the patterns: a card is written by strangers.
const (
	maxMatching = 1 << 36 // bytes of patterns times bytes of paths, in one choice
	lookEvery   = 1024    // comparisons between two looks at the context
)

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
func (m *matching) match(g glob.Pattern) ([]string, error) {
	if g.Path != "" {
		if m.known[g.Path] {
			return []string{g.Path}, nil
		}
		return nil, nil
	}
	var out []string
	for _, pattern := range g.Alternatives {
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
					capital(m.where), plural(len(m.paths), "file"), g.Written)
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

// matchAll is the paths that any of the patterns of files chooses, each once, sorted. A pattern that chooses nothing is an
// error: whoever wrote it expected rows from it.
func matchAll(ctx context.Context, patterns, paths []string, where string) ([]string, error) {
	globs, err := glob.ParseAll(patterns)
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
				"No file of %s matches %q. It has %s.", where, g.Written, enumerate(paths))
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
