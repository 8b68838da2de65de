package report

import (
	"bytes"
	_ "embed" // for the templates
	"encoding/json"
	"slices"
	"strings"
	"text/template"
)

//go:embed card.md.tmpl
var cardTemplate string

// cardConfigs is the front matter that all cards have.
//
//go:embed configs.md.tmpl
var cardConfigs string

// config is a configuration of the card, which load_dataset selects by its name.
type config struct {
	Name    string
	Default bool
	Files   []configFiles
	// Features are the columns as Hugging Face datasets writes them; empty if they are not known.
	Features string
}

type configFiles struct {
	Split string
	Paths []string
}

// defaultConfig is the configuration that a loader uses by default: the mix.
const defaultConfig = "default"

// Card returns the README.md of a revision: front matter with the files, for the Hugging Face Hub and its loaders, and then the plan, its outcome and
// the sources, for people. An error is the caller's mistake.
func Card(r Revision) ([]byte, error) {
	if err := r.check(); err != nil {
		return nil, err
	}
	t, err := template.New("card").Funcs(Functions()).Funcs(template.FuncMap{"cell": cell, "yaml": yaml}).Parse(cardConfigs + cardTemplate)
	if err != nil {
		return nil, err
	}
	var out bytes.Buffer
	configs := r.configs()
	err = t.Execute(&out, struct {
		*Revision
		Configs      []config
		SizeCategory string
		Zstd         bool
		Loaded       string
		Single       []string
	}{&r, configs, sizeCategory(r.total()), slices.ContainsFunc(r.Files, func(f File) bool { return strings.HasSuffix(f.Path, ".zst") }), r.loaded(), r.single()})
	return out.Bytes(), err
}

// Functions returns the functions with which templates write numbers, shares and sizes.
func Functions() map[string]any {
	return map[string]any{
		"thousands":    Thousands,
		"percent":      Percentage,
		"size":         size,
		"ratio":        ratio,
		"sum":          sum,
		"domainShares": (*Revision).domainShares,
		"splitShares":  (*Revision).splitShares,
		"achieved":     (*Revision).Achieved,
		"at":           func(of []int64, i int) int64 { return of[i] },
		"counts":       func(name string, c Counts) namedCounts { return namedCounts{name, c} },
		"short":        Short,
	}
}

// Short returns the first 12 characters of a digest or a commit, by which people recognize it.
func Short(digest string) string { return digest[:min(len(digest), 12)] }

// namedCounts is a row of the table of one split.
type namedCounts struct {
	Name string
	Counts
}

// loaded returns the folder to load the mix from, relative to the revision's: empty, or that of an export if the revision has no mixed files.
func (r *Revision) loaded() string {
	if r.holdsMixed() || len(r.Exports) == 0 {
		return ""
	}
	return "/" + r.Exports[0].Folder
}

// single returns the folders of single data sets in the revision.
func (r *Revision) single() (folders []string) {
	for _, card := range folderCards {
		if len(r.datasetConfigs(card.folder)) > 0 {
			folders = append(folders, strings.TrimSuffix(card.folder, "/"))
		}
	}
	return folders
}

// configs returns the configurations of the card: the mix, and each data set that has files of its own. A loader reads all configurations of a card in
// the format of the first one's files. Therefore the card of a mix in Parquet has no others: they are in the cards of their folders.
func (r *Revision) configs() []config {
	var configs []config
	inParquet := slices.ContainsFunc(r.Files, func(f File) bool { return f.mixed() && rowsFormat(f.Path) != jsonLines })
	if files := r.filesOf("", ""); len(files) > 0 {
		configs = append(configs, config{Name: defaultConfig, Default: true, Files: files, Features: r.features("", inParquet)})
	}
	if inParquet {
		return configs
	}
	return append(configs, r.datasetConfigs("")...)
}

// datasetConfigs returns a configuration for each data set with files in a folder, with the names of the files relative to it.
func (r *Revision) datasetConfigs(folder string) []config {
	of := *r
	of.Files = nil
	for _, f := range r.Files {
		if path, ok := strings.CutPrefix(f.Path, folder); ok {
			f.Path = path
			of.Files = append(of.Files, f)
		}
	}
	var configs []config
	for _, d := range r.Datasets {
		files := of.filesOf(d.Name, "")
		if len(files) == 0 || d.Name == defaultConfig && folder == "" {
			continue
		}
		configs = append(configs, config{Name: d.Name, Files: files, Features: r.features(d.Name, false)})
	}
	return configs
}

//go:embed folder.md.tmpl
var folderTemplate string

// folderCards are the folders with a card of their own; what describes their files.
var folderCards = []struct{ folder, what string }{
	{"processed/", "the rows of each data set of the mix, by split, before they were balanced and mixed"},
	{"test/", "the rows by which each data set of the mix is evaluated alone"},
}

// folderCard returns the README.md of a folder of single data sets, by which a loader finds each data set by its name.
func (r *Revision) folderCard(folder, what string) ([]byte, error) {
	configs := r.datasetConfigs(folder)
	t, err := template.New("folder").Funcs(template.FuncMap{"cell": cell, "yaml": yaml}).Parse(cardConfigs + folderTemplate)
	if err != nil {
		return nil, err
	}
	var out bytes.Buffer
	err = t.Execute(&out, struct {
		*Revision
		Configs      []config
		Folder, What string
	}{r, configs, strings.TrimSuffix(folder, "/"), what})
	return out.Bytes(), err
}

// filesOf returns the files of each split: of a data set, of an export, or of the mix if both names are empty. Of files that are in two folders, it
// returns those in the first one.
func (r *Revision) filesOf(dataset, export string) []configFiles {
	var out []configFiles
	for _, s := range r.Splits {
		var paths []string
		for _, f := range r.Files {
			if f.Split != s.Name || f.Dataset != dataset || f.Export != export || len(paths) > 0 && folder(f.Path) != folder(paths[0]) {
				continue
			}
			paths = append(paths, f.Path)
		}
		if len(paths) > 0 {
			out = append(out, configFiles{s.Name, paths})
		}
	}
	return out
}

func folder(path string) string { return path[:strings.LastIndexByte(path, '/')+1] }

// sizeCategories are the Hub's size categories. below is the first number of rows that is too large for the category.
var sizeCategories = []struct {
	below int64
	name  string
}{
	{1e3, "n<1K"}, {1e4, "1K<n<10K"}, {1e5, "10K<n<100K"}, {1e6, "100K<n<1M"}, {1e7, "1M<n<10M"}, {1e8, "10M<n<100M"},
	{1e9, "100M<n<1B"}, {1e10, "1B<n<10B"}, {1e11, "10B<n<100B"}, {1e12, "100B<n<1T"},
}

func sizeCategory(rows int64) string {
	for _, category := range sizeCategories {
		if rows < category.below {
			return category.name
		}
	}
	return "n>1T"
}

// cell escapes text for a cell of a Markdown table, or for a line of Markdown.
func cell(s string) string {
	return strings.NewReplacer(
		"\\", "\\\\", "|", "\\|", "`", "\\`", "*", "\\*", "_", "\\_", "[", "\\[", "]", "\\]", "<", "&lt;", "&", "&amp;", "\r", " ", "\n", " ",
	).Replace(s)
}

// yaml returns a string in quotes: a JSON string is a YAML string.
func yaml(s string) (string, error) {
	var out bytes.Buffer
	enc := json.NewEncoder(&out)
	enc.SetEscapeHTML(false)
	err := enc.Encode(s)
	return strings.TrimSuffix(out.String(), "\n"), err
}
