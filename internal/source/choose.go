package source

import (
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/bmatcuk/doublestar/v4"

	"github.com/datasetmix/datasetmix/internal/contract"
)

// checkGlobs refuses patterns that are none.
func checkGlobs(patterns []string) error {
	for _, p := range patterns {
		if p == "" || !doublestar.ValidatePattern(p) {
			return contract.Failf(contract.InvalidTask, "%q in files is not a valid pattern.", p)
		}
	}
	return nil
}

// match is the paths that a pattern chooses, sorted. It must be valid.
func match(pattern string, paths []string) []string {
	var out []string
	for _, p := range paths {
		if doublestar.MatchUnvalidated(pattern, p) {
			out = append(out, p)
		}
	}
	slices.Sort(out)
	return out
}

// matchAll is the paths that any of the patterns chooses, each once, sorted. A pattern that chooses nothing is an error:
// whoever wrote it expected rows from it.
func matchAll(patterns, paths []string, where string) ([]string, error) {
	var out []string
	for _, pattern := range patterns {
		chosen := match(pattern, paths)
		if len(chosen) == 0 {
			return nil, contract.Failf(contract.FileNotFound,
				"No file of %s matches %q. It has %s.", where, pattern, enumerate(paths))
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
	if len(sorted) <= most {
		return strings.Join(sorted, ", ")
	}
	return fmt.Sprintf("%s and %d more", strings.Join(sorted[:most], ", "), len(sorted)-most)
}

// cardConfig is a configuration of a repository's card: the patterns of each split, in the card's order.
type cardConfig struct {
	name      string
	isDefault bool
	splits    []cardSplit
}

type cardSplit struct {
	name     string // empty where the card gives files without a split
	patterns []string
}

// selection is how the rows of a repository are asked for.
type selection struct {
	config, split string
	where         string // names the repository in messages
}

// choose finds the files of a configuration and split: by the card where it has configurations, else by the layouts that
// the Hub knows. An empty configuration is the default or only one, an empty split every split.
func (s selection) choose(configs []cardConfig, paths []string) ([]string, error) {
	if len(configs) == 0 {
		return s.byLayout(paths)
	}
	c, err := s.findConfig(configs)
	if err != nil {
		return nil, err
	}
	if len(c.splits) == 0 { // the card names the configuration and leaves its files to the layout
		return selection{config: c.name, split: s.split, where: s.where}.byLayout(paths)
	}
	var patterns, names []string
	for _, split := range c.splits {
		names = append(names, split.name)
		if s.split == "" || s.split == split.name {
			patterns = append(patterns, split.patterns...)
		}
	}
	if len(patterns) == 0 {
		return nil, contract.Failf(contract.SourceNotFound,
			"Configuration %s of %s has no split %q. It has %s.", c.name, s.where, s.split, enumerate(names))
	}
	for _, p := range patterns {
		if !doublestar.ValidatePattern(p) {
			return nil, contract.Failf(contract.InvalidData,
				"The card of %s has the invalid pattern %q. Name the files with files.", s.where, p)
		}
	}
	return matchAll(patterns, paths, s.where)
}

func (s selection) findConfig(configs []cardConfig) (cardConfig, error) {
	var names []string
	for _, c := range configs {
		names = append(names, c.name)
		if s.config != "" && s.config == c.name || s.config == "" && (c.isDefault || len(configs) == 1) {
			return c, nil
		}
	}
	if s.config == "" {
		if i := slices.Index(names, "default"); i >= 0 {
			return configs[i], nil
		}
		return cardConfig{}, contract.Failf(contract.SourceNotFound,
			"%s has several configurations and no default one: name one of %s with config, or the files with files.",
			capital(s.where), enumerate(names))
	}
	return cardConfig{}, contract.Failf(contract.SourceNotFound,
		"%s has no configuration %q. It has %s.", capital(s.where), s.config, enumerate(names))
}

func capital(s string) string { return strings.ToUpper(s[:1]) + s[1:] }

// otherNames of splits, as the Hub's own layouts allow them.
var otherNames = map[string][]string{
	"train":      {"training"},
	"validation": {"valid", "val", "dev"},
	"test":       {"testing", "eval", "evaluation"},
}

// byLayout finds files by where they usually lie; the first layout that has any is taken.
func (s selection) byLayout(paths []string) ([]string, error) {
	var data []string
	for _, p := range paths {
		if formatOf(p) != "" {
			data = append(data, p)
		}
	}
	for _, pattern := range s.layouts() {
		if chosen := match(pattern, data); len(chosen) > 0 {
			return chosen, s.oneFormat(chosen)
		}
	}
	asked := "data files"
	if s.config != "" {
		asked += fmt.Sprintf(" of configuration %q", s.config)
	}
	if s.split != "" {
		asked += fmt.Sprintf(" of split %q", s.split)
	}
	return nil, contract.Failf(contract.SourceNotFound,
		"No %s are where they usually lie in %s. It has %s. Name the files with files.", asked, s.where, enumerate(paths))
}

// layouts are the usual places, the most exact first.
func (s selection) layouts() []string {
	folders := []string{"data/", ""}
	if s.config != "" {
		config := escape(s.config)
		folders = []string{config + "/", "data/" + config + "/"}
		if s.config == "default" {
			folders = append(folders, "data/", "")
		}
	}
	splits := []string{"**"}
	if s.split != "" {
		splits = nil
		for _, name := range append([]string{s.split}, otherNames[s.split]...) {
			name = escape(name)
			splits = append(splits, name+"-*", name+".*", name+"/**", name+"_*")
		}
	}
	var out []string
	for _, split := range splits {
		for _, folder := range folders {
			out = append(out, folder+split)
		}
	}
	return out
}

// escape makes a name a pattern that matches it alone.
func escape(name string) string {
	var b strings.Builder
	for _, r := range name {
		if strings.ContainsRune(`*?[]{}\`, r) {
			b.WriteByte('\\')
		}
		b.WriteRune(r)
	}
	return b.String()
}

// oneFormat refuses a guess that would read the same rows twice, once from each format.
func (s selection) oneFormat(chosen []string) error {
	formats := map[string]bool{}
	for _, p := range chosen {
		formats[formatOf(p)] = true
	}
	if len(formats) > 1 {
		return contract.Failf(contract.SourceNotFound,
			"The files of %s are in several formats, perhaps the same rows twice: %s. Name those to read with files.",
			s.where, enumerate(chosen))
	}
	return nil
}

// formatOf is the format that a file's name says, without compression; empty is no data.
func formatOf(p string) string {
	p = strings.ToLower(p)
	for _, end := range []string{".gz", ".zst"} {
		p = strings.TrimSuffix(p, end)
	}
	switch ext := path.Ext(p); ext {
	case ".parquet", ".json", ".csv", ".tsv":
		return ext
	case ".jsonl", ".ndjson":
		return ".jsonl"
	default:
		return ""
	}
}
