package choose

import (
	"context"
	"slices"
	"strings"

	"github.com/bmatcuk/doublestar/v4"

	"github.com/datasetmix/datasetmix/internal/contract"
	"github.com/datasetmix/datasetmix/internal/glob"
	"github.com/datasetmix/datasetmix/internal/source"
)

// Bounds of the cost of matching: patterns come from cards, which anyone may write.
const (
	maxMatching = 1 << 36 // bytes of patterns times bytes of paths, in one choice
	lookEvery   = 1024    // comparisons between two looks at the context
)

// Matching chooses paths by patterns, with a bound on what that costs.
type Matching struct {
	ctx   context.Context // of the Resolve that chooses
	where string          // what holds the paths, in messages
	// Paths are those that are chosen from.
	Paths []string
	known map[string]bool
	work  int
}

// NewMatching returns a choice among paths. In messages, where names what holds them.
func NewMatching(ctx context.Context, where string, paths []string) *Matching {
	m := &Matching{ctx: ctx, where: where, Paths: paths, known: make(map[string]bool, len(paths))}
	for _, p := range paths {
		m.known[p] = true
	}
	return m
}

// Match returns the paths that a pattern chooses, sorted and each once.
func (m *Matching) Match(g glob.Pattern) ([]string, error) {
	if g.Path != "" {
		if m.known[g.Path] {
			return []string{g.Path}, nil
		}
		return nil, nil
	}
	var out []string
	for _, pattern := range g.Alternatives {
		beginning := plainBeginning(pattern)
		for i, p := range m.Paths {
			if i%lookEvery == 0 && m.ctx.Err() != nil {
				return nil, contract.Failf(contract.FetchFailed, "choosing files of %s was stopped: %w", m.where, context.Cause(m.ctx))
			}
			if !strings.HasPrefix(p, beginning) {
				continue
			}
			if m.work += len(pattern) * len(p); m.work > maxMatching {
				return nil, contract.Failf(contract.InvalidData,
					"%s has %s, and there is too much to compare them with, up to the pattern %q. Name the files to read with fewer patterns, or with patterns that begin with a folder.",
					source.Capital(m.where), source.Plural(len(m.Paths), "file"), g.Written)
			}
			if doublestar.MatchUnvalidated(pattern, p) {
				out = append(out, p)
			}
		}
	}
	slices.Sort(out)
	return slices.Compact(out), nil
}

// plainBeginning returns what every path that a pattern matches begins with.
func plainBeginning(pattern string) string {
	if i := strings.IndexAny(pattern, `*?[\`); i >= 0 {
		pattern = pattern[:i]
	}
	return strings.TrimSuffix(pattern, "/") // a/** matches a
}

// matchAll returns the paths that any of the patterns of files chooses, each once, sorted. A pattern that chooses nothing is an
// error: whoever wrote it expected rows from it.
func matchAll(ctx context.Context, patterns, paths []string, where string) ([]string, error) {
	globs, err := glob.ParseAll(patterns)
	if err != nil {
		return nil, err
	}
	m := NewMatching(ctx, where, paths)
	var out []string
	for _, g := range globs {
		chosen, err := m.Match(g)
		if err != nil {
			return nil, err
		}
		if len(chosen) == 0 {
			return nil, contract.Failf(contract.FileNotFound,
				"No file of %s matches %q. It has %s.", where, g.Written, source.Enumerate(paths))
		}
		out = append(out, chosen...)
	}
	slices.Sort(out)
	return slices.Compact(out), nil
}
