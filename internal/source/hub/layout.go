package hub

import (
	"cmp"
	"fmt"
	"maps"
	"path"
	"regexp"
	"slices"
	"strings"

	"github.com/datasetmix/datasetmix/internal/contract"
	"github.com/datasetmix/datasetmix/internal/source"
)

// splitWords are the words that name a split in the names of files and folders, as the Hub reads them.
var splitWords = map[string]string{
	defaultSplit: defaultSplit, "training": defaultSplit,
	validationSplit: validationSplit, "valid": validationSplit, "val": validationSplit, "dev": validationSplit,
	testSplit: testSplit, "testing": testSplit, "eval": testSplit, "evaluation": testSplit,
}

// The other splits that are looked for by several words.
const (
	validationSplit = "validation"
	testSplit       = "test"
)

// byLayout finds files by the usual layouts of repositories.
func (s selection) byLayout(paths []string) ([]string, error) {
	if s.config == "" || s.config == defaultConfig || s.folderOf(s.config, paths) != "" {
		return s.byLayoutOf(s.config, paths)
	}
	return nil, s.nothing(paths)
}

// byLayoutOf finds the files of a configuration that the card names without saying where they are: in a folder of that name,
// or all over the repository.
func (s selection) byLayoutOf(config string, paths []string) ([]string, error) {
	if folder := s.folderOf(config, paths); folder != "" {
		return s.below(folder, within(folder, dataFiles(paths)))
	}
	return s.ofRoot(paths)
}

// folderOf returns the folder with the files of a configuration; empty if it has no folder.
func (s selection) folderOf(config string, paths []string) string {
	for _, folder := range []string{config, "data/" + config} {
		if config != "" && len(within(folder, dataFiles(paths))) > 0 {
			return folder
		}
	}
	return ""
}

// below chooses among the files of a folder.
func (s selection) below(folder string, paths []string) ([]string, error) {
	chosen, err := s.amongFiles(paths)
	for i := range chosen {
		chosen[i] = path.Join(folder, chosen[i])
	}
	return chosen, err
}

// ofRoot chooses among all files. Files that the Hub has converted are in a folder for each configuration.
func (s selection) ofRoot(paths []string) ([]string, error) {
	data := dataFiles(paths)
	if len(data) == 0 {
		return nil, s.nothing(paths)
	}
	configs := converted(data)
	switch {
	case len(configs) == 1:
		return s.below(configs[0], within(configs[0], data))
	case slices.Contains(configs, defaultConfig):
		return s.below(defaultConfig, within(defaultConfig, data))
	case len(configs) > 1:
		return nil, s.noDefault(configs)
	default:
		return s.amongFiles(data)
	}
}

// convertedName matches the name of a file on the branch refs/convert/parquet: configuration, split and a number of four digits.
var convertedName = regexp.MustCompile(`^([^/]+)/[^/]+/[0-9]{4}\.[a-z.]+$`)

// converted returns the configurations of files that all have the layout of the branch refs/convert/parquet; none if a file has not.
func converted(data []string) []string {
	var configs []string
	for _, p := range data {
		m := convertedName.FindStringSubmatch(p)
		if m == nil {
			return nil
		}
		configs = append(configs, m[1])
	}
	slices.Sort(configs)
	return slices.Compact(configs)
}

// dataFiles returns the paths that are data by their names.
func dataFiles(paths []string) []string {
	var data []string
	for _, p := range paths {
		if formatOf(p) != "" && !descriptions[path.Base(p)] && hiddenParts(p) == 0 {
			data = append(data, p)
		}
	}
	return data
}

func (s selection) nothing(paths []string) error {
	of := ""
	if s.config != "" {
		of += fmt.Sprintf(" of configuration %q", s.config)
	}
	if s.split != "" {
		of += fmt.Sprintf(" of split %q", s.split)
	}
	return contract.Failf(contract.SourceNotFound,
		"No data files%s are where they usually lie in %s. It has %s. Name the files with files.", of, s.where, source.Enumerate(paths))
}

// amongFiles chooses the split among files of data. All splits are the files of the folder data, or all files where there is none.
func (s selection) amongFiles(data []string) ([]string, error) {
	slices.Sort(data)
	chosen := data
	if s.split != "" {
		var err error
		if chosen, err = s.ofSplitByName(data); err != nil {
			return nil, err
		}
	} else if below := within("data", data); len(below) > 0 {
		chosen = make([]string, len(below))
		for i, p := range below {
			chosen[i] = path.Join("data", p)
		}
	}
	return chosen, s.oneFormat(chosen)
}

// family is the files of one folder whose names differ only by numbers: those of a split, or of none.
type family struct {
	name    string // of the split, as files or a folder have it
	place   string // the folder that holds those
	sharded bool   // by names like train-00000-of-00002, which the Hub itself writes: the name is the split's, whatever it is
	files   []string
}

// inData reports whether the Hub takes a family for a split before it looks at any other name.
func (p family) inData() bool { return p.sharded && p.place == "data" }

// words returns the splits that a name has a word for.
func words(name string) []string {
	var found []string
	for _, token := range strings.FieldsFunc(name, func(r rune) bool { return strings.ContainsRune("-._ 0123456789", r) }) {
		if split := splitWords[token]; split != "" && !slices.Contains(found, split) {
			found = append(found, split)
		}
	}
	return found
}

// like returns how well a family's name matches a split, best first: 1 for the name, 2 for another word for it, 3 for a name with such
// a word in it, 0 for none of these. A part of what the Hub has converted calls itself partial, and is not the whole.
func (p family) like(split string) int {
	w := words(p.name)
	switch {
	case p.name == split:
		return 1
	case splitWords[p.name] == split:
		return 2
	case !p.sharded && len(w) == 1 && w[0] == split && !strings.HasPrefix(p.name, "partial-"):
		return 3
	default:
		return 0
	}
}

// ofSplitByName finds the files of a split by their names. Where none says of which split it is, they are all of the split train.
func (s selection) ofSplitByName(data []string) ([]string, error) {
	split := strings.ToLower(s.split)
	families := familiesOf(data, split)
	switch best := likest(families, split); {
	case len(best) == 1:
		return best[0].files, nil
	case len(best) > 1:
		return nil, s.ambiguous(best)
	}
	var names []string
	for _, p := range families {
		if len(words(p.name)) > 0 || p.inData() {
			names = append(names, p.name)
		}
	}
	slices.Sort(names)
	names = slices.Compact(names)
	switch {
	case len(names) == 0 && split == defaultSplit:
		return data, s.oneFolder(data)
	case len(names) == 0:
		return nil, contract.Failf(contract.SourceNotFound,
			"%s has no split %q: its files are called after no split, so they are the split train. It has %s. Name it with split, or the files with files.",
			source.Capital(s.where), s.split, source.Enumerate(data))
	default:
		return nil, contract.Failf(contract.SourceNotFound,
			"%s has no split %q. It has %s: name one of them with split, or the files with files.", source.Capital(s.where), s.split, source.Enumerate(names))
	}
}

// likest returns the families that are most like a split; nil where no family is like it.
func likest(families []family, split string) []family {
	const unlike = 4
	best, rank := []family(nil), unlike
	for _, p := range families {
		switch like := p.like(split); {
		case like == 0 || like > rank:
		case like < rank:
			best, rank = []family{p}, like
		default:
			best = append(best, p)
		}
	}
	if rank == 1 && slices.ContainsFunc(best, family.inData) {
		best = slices.DeleteFunc(best, func(p family) bool { return !p.inData() })
	}
	return best
}

// ambiguous returns the failure of a split that several families could be.
func (s selection) ambiguous(families []family) error {
	var names, places, both []string
	for _, p := range families {
		names, places, both = append(names, p.name), append(places, cmp.Or(p.place, ".")), append(both, path.Join(p.place, p.name))
	}
	slices.Sort(names)
	slices.Sort(places)
	what := "name one of them with split, or the files with files"
	if names = slices.Compact(names); len(names) == 1 {
		what = "name one of the folders " + source.Enumerate(slices.Compact(places)) + " with config, or the files with files"
	}
	return contract.Failf(contract.SourceNotFound, "Several splits of %s could be %q, and they are not read as one: %s. To choose, %s.",
		s.where, s.split, source.Enumerate(both), what)
}

// oneFolder refuses files of several folders as one split, since nothing shows that they belong together.
func (s selection) oneFolder(data []string) error {
	folders := map[string]bool{}
	for _, p := range data {
		folders[path.Dir(p)] = true
	}
	if len(folders) == 1 {
		return nil
	}
	names := slices.Collect(maps.Keys(folders)) // Enumerate sorts them
	return contract.Failf(contract.SourceNotFound,
		"The files of %s are called after no split and lie in several folders: %s. Name one of them with config, or the files with files, for example **/*%s.",
		s.where, source.Enumerate(names), formatOf(data[0]))
}

// familiesOf sorts files of data into families.
func familiesOf(data []string, split string) []family {
	type key struct {
		name, place string
		sharded     bool
	}
	at := map[key]int{}
	var families []family
	for _, file := range data {
		p := familyOf(file, split)
		k := key{p.name, p.place, p.sharded}
		i, known := at[k]
		if !known {
			i, at[k] = len(families), len(families)
			families = append(families, p)
		}
		families[i].files = append(families[i].files, file)
	}
	return families
}

// familyOf returns the family that a file belongs to where a split is looked for. A folder that is called exactly after a split comes
// before the file's own name, and that before a folder whose name has a word for a split in it.
func familyOf(file, split string) family {
	names := strings.Split(file, "/")
	folders, last := names[:len(names)-1], names[len(names)-1]
	name, sharded := stem(last)
	own := family{name: name, place: path.Join(folders...), sharded: sharded}
	exact := func(name string) bool { return name == split || splitWords[name] != "" }
	if p, ok := ofFolder(folders, exact); ok {
		return p
	}
	if exact(name) {
		return own
	}
	if p, ok := ofFolder(folders, func(name string) bool { return len(words(name)) > 0 }); ok {
		return p
	}
	return own
}

// ofFolder returns the family of the deepest folder whose name is one of a split.
func ofFolder(folders []string, is func(name string) bool) (family, bool) {
	for i := len(folders) - 1; i >= 0; i-- {
		if name := strings.ToLower(folders[i]); is(name) {
			return family{name: name, place: path.Join(folders[:i]...)}, true
		}
	}
	return family{}, false
}

// How the names of files that belong together differ.
var (
	// shardedName matches the name that the Hub and its library give to a split's files, a fingerprint behind it or not.
	shardedName = regexp.MustCompile(`^(.+?)-[0-9]{5}-of-[0-9]{5}`)
	// numbers matches those of any other tool, at the end of a name.
	numbers = regexp.MustCompile(`(?:[-._ ](?:part|shard|chunk|file|batch|of)?[-._ ]?[0-9]+|[-._ ][0-9a-f]{16,})+$`)
	// numbered matches a word for a split with a number right behind it.
	numbered = regexp.MustCompile(`^([a-z]+)[0-9]+$`)
)

// stem returns a file's name in lower case, without the part that tells the files of one split apart.
func stem(name string) (_ string, sharded bool) {
	name = withoutPacking(strings.ToLower(name))
	name = strings.TrimSuffix(name, path.Ext(name))
	if m := shardedName.FindStringSubmatch(name); m != nil {
		return m[1], true
	}
	if short := numbers.ReplaceAllString(name, ""); short != "" {
		name = short
	}
	if m := numbered.FindStringSubmatch(name); m != nil && splitWords[m[1]] != "" {
		name = m[1]
	}
	return name, false
}

// oneFormat refuses a guess that would read the same rows twice, once from each format.
func (s selection) oneFormat(chosen []string) error {
	if slices.ContainsFunc(chosen, func(p string) bool { return formatOf(p) != formatOf(chosen[0]) }) {
		return contract.Failf(contract.SourceNotFound,
			"The files of %s are in several formats, perhaps the same rows twice: %s. Name those to read with files.",
			s.where, source.Enumerate(chosen))
	}
	return nil
}

// withoutPacking returns a name without the extension of its compression.
func withoutPacking(name string) string {
	for _, end := range []string{".gz", ".gzip", ".bz2", ".zst", ".zstd"} {
		name = strings.TrimSuffix(name, end)
	}
	return name
}

// formatOf returns the format that a file's name says, without compression; empty means that it is no data.
func formatOf(p string) string {
	switch ext := path.Ext(withoutPacking(strings.ToLower(p))); ext {
	case ".parquet", ".json", ".csv", ".tsv":
		return ext
	case ".jsonl", ".ndjson":
		return ".jsonl"
	default:
		return ""
	}
}
