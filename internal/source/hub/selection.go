package hub

import (
	"context"
	"path"
	"slices"
	"strings"

	"github.com/datasetmix/datasetmix/internal/contract"
	"github.com/datasetmix/datasetmix/internal/glob"
	"github.com/datasetmix/datasetmix/internal/source"
	"github.com/datasetmix/datasetmix/internal/source/choose"
)

// The files of a repository are chosen as the library `datasets` chooses them, so that a name means the same rows here and
// there: by the configurations of the card, else by where files lie and what they are called. Where that library would read
// two splits, or two configurations, as one, the choice is refused with the names that there are.

// cardConfig is a configuration of a repository's card: the patterns of each split, in the card's order.
type cardConfig struct {
	name      string
	isDefault bool
	// folder holds its files, and its patterns are relative to it; empty is the root of the repository.
	folder string
	// splits are empty where the card leaves the files to the layout.
	splits []cardSplit
	// odd names the part of the entry that is not understood; empty if all is. Other entries remain usable.
	odd string
}

type cardSplit struct {
	name     string
	patterns []string
}

// defaultSplit is what files without a split are, and defaultConfig the configuration that is taken where none is named.
const (
	defaultSplit  = "train"
	defaultConfig = "default"
)

// selection is how the rows of a repository are asked for.
type selection struct {
	config, split string
	where         string // names the repository in messages
}

// choose finds the files of a configuration and split: by the card where it has configurations, else by the layouts that
// the Hub knows. An empty configuration is the default or only one, an empty split every split.
func (s selection) choose(ctx context.Context, card cardData, paths []string) ([]string, error) {
	switch {
	case card.odd != "":
		return nil, contract.Failf(contract.InvalidData,
			"The card of %s has %s where a list of configurations belongs. Name the files with files.", s.where, card.odd)
	case len(card.Configs) == 0:
		return s.byLayout(paths)
	}
	c, err := s.findConfig(card.Configs)
	if err != nil {
		return nil, err
	}
	if c.odd != "" {
		return nil, contract.Failf(contract.InvalidData,
			"The card of %s describes configuration %s with %s, which is not known. Name the files with files.", s.where, shownName(c.name), c.odd)
	}
	below := within(c.folder, paths)
	if c.folder != "" && len(below) == 0 {
		return nil, contract.Failf(contract.SourceNotFound,
			"The card of %s has the files of configuration %s in the folder %s, and it has no file there. Name the files with files.",
			s.where, shownName(c.name), shownName(c.folder))
	}
	var chosen []string
	switch {
	case len(c.splits) > 0:
		chosen, err = s.byCard(ctx, c, below)
	case c.folder != "":
		chosen, err = selection{split: s.split, where: s.where}.byLayout(below)
	default:
		chosen, err = s.byLayoutOf(c.name, below)
	}
	for i := range chosen {
		chosen[i] = path.Join(c.folder, chosen[i])
	}
	return chosen, err
}

// within returns the paths below a folder, relative to it.
func within(folder string, paths []string) []string {
	if folder == "" {
		return paths
	}
	var below []string
	for _, p := range paths {
		if rest, ok := strings.CutPrefix(p, folder+"/"); ok {
			below = append(below, rest)
		}
	}
	return below
}

// byCard finds the files that a configuration names.
func (s selection) byCard(ctx context.Context, c cardConfig, paths []string) ([]string, error) {
	m := choose.NewMatching(ctx, s.where, paths)
	var out, names []string
	found := false
	for _, split := range c.splits {
		names = append(names, split.name)
		if s.split != "" && s.split != split.name {
			continue
		}
		found = true
		chosen, err := s.ofSplit(m, split)
		if err != nil {
			return nil, err
		}
		out = append(out, chosen...)
	}
	if !found {
		return nil, contract.Failf(contract.SourceNotFound,
			"Configuration %s of %s has no split %q. It has %s: name one of them with split.", shownName(c.name), s.where, s.split, source.Enumerate(names))
	}
	slices.Sort(out)
	return slices.Compact(out), nil
}

// ofSplit finds the files of a split of a card. A pattern with wildcards may find none, as long as another one of its split
// does; a path must be there.
func (s selection) ofSplit(m *choose.Matching, split cardSplit) ([]string, error) {
	var out []string
	for _, pattern := range split.patterns {
		g, err := glob.Parse(strings.TrimPrefix(pattern, "./"))
		if err != nil {
			return nil, contract.Failf(contract.InvalidData,
				"The pattern %q in the card of %s %w. Name the files with files.", contract.Clean(pattern, glob.MaxLength), s.where, err)
		}
		chosen, err := m.Match(g)
		if err != nil {
			return nil, err
		}
		if g.Path != "" && len(chosen) == 0 {
			return nil, s.notThere(pattern, m.Paths)
		}
		out = append(out, asked(g, chosen)...)
	}
	if len(out) == 0 {
		return nil, s.notThere(strings.Join(split.patterns, ", "), m.Paths)
	}
	return out, s.oneFormat(out)
}

func (s selection) notThere(pattern string, paths []string) error {
	where := strings.TrimPrefix(s.where, "repository ")
	if strings.Contains(pattern, "://") || strings.HasPrefix(pattern, "/") || slices.Contains(strings.Split(pattern, "/"), "..") {
		return contract.Failf(contract.FileNotFound,
			"The card of %s names files outside the repository: %q. Make a source of the place where they are.", s.where, contract.Clean(pattern, glob.MaxLength))
	}
	return contract.Failf(contract.FileNotFound, "No file of repository %s matches %q, which its card names. It has %s. Name the files with files.",
		where, contract.Clean(pattern, glob.MaxLength), source.Enumerate(paths))
}

// asked leaves out what a pattern matches by accident: hidden files, descriptions of the data set and, if the pattern finds files of data,
// all other files.
func asked(g glob.Pattern, chosen []string) []string {
	if g.Path != "" {
		return chosen
	}
	out := slices.DeleteFunc(slices.Clone(chosen), func(p string) bool {
		return descriptions[path.Base(p)] && path.Base(p) != path.Base(g.Written) || hiddenParts(p) > hiddenParts(g.Written)
	})
	if slices.ContainsFunc(out, func(p string) bool { return formatOf(p) != "" }) {
		out = slices.DeleteFunc(out, func(p string) bool { return formatOf(p) == "" })
	}
	return out
}

// descriptions are files that describe a data set and hold no rows of it.
var descriptions = map[string]bool{
	"README.md": true, "config.json": true, "dataset_info.json": true, "dataset_infos.json": true, "dataset_dict.json": true,
}

// hiddenParts counts the names on a path that are hidden unless they are asked for.
func hiddenParts(p string) int {
	n := 0
	for _, name := range strings.Split(p, "/") {
		if strings.HasPrefix(name, ".") && strings.Trim(name, ".") != "" || strings.HasPrefix(name, "__") {
			n++
		}
	}
	return n
}

// findConfig returns the configuration that is asked for, the default one, or the only one.
func (s selection) findConfig(configs []cardConfig) (cardConfig, error) {
	var names []string
	var found []cardConfig
	for _, c := range configs {
		names = append(names, c.name)
		if s.config != "" && s.config == c.name || s.config == "" && (c.isDefault || c.name == defaultConfig || len(configs) == 1) {
			found = append(found, c)
		}
	}
	switch {
	case len(found) == 1:
		return found[0], nil
	case len(found) > 1 && s.config == "":
		return cardConfig{}, contract.Failf(contract.SourceNotFound,
			"%s has several default configurations: name one of %s with config, or the files with files.", source.Capital(s.where), source.Enumerate(names))
	case len(found) > 1:
		return cardConfig{}, contract.Failf(contract.SourceNotFound,
			"The card of %s describes configuration %q more than once. Name the files with files.", s.where, s.config)
	case s.config == "":
		return cardConfig{}, s.noDefault(names)
	default:
		return cardConfig{}, contract.Failf(contract.SourceNotFound,
			"%s has no configuration %q. It has %s.", source.Capital(s.where), s.config, source.Enumerate(names))
	}
}

// noDefault returns the failure of a repository with several configurations where none is asked for.
func (s selection) noDefault(configs []string) error {
	return contract.Failf(contract.SourceNotFound,
		"%s has several configurations and no default one: name one of %s with config, or the files with files.",
		source.Capital(s.where), source.Enumerate(configs))
}

// shownName returns a name of a card in a message.
func shownName(name string) string { return contract.Clean(name, 100) }
