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

// config is one configuration of the card, as load_dataset selects it.
type config struct {
	Name    string
	Default bool
	Files   []configFiles
	// Features are the columns in the words of Hugging Face datasets; empty where they are not known.
	Features string
}

type configFiles struct {
	Split string
	Paths []string
}

// defaultConfig is the configuration that a loader uses by default: the mix.
const defaultConfig = "default"

// Card writes the README.md of a revision: the front matter by which the Hugging Face Hub and its loaders know the files,
// then the plan, its outcome and its sources, for people. The error is the caller's mistake.
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

// Short returns the beginning of a digest or a commit, by which people tell it.
func Short(digest string) string { return digest[:min(len(digest), 12)] }

// namedCounts is a line of the table of one split.
type namedCounts struct {
	Name string
	Counts
}

// loaded returns what is loaded to get the mix, below the folder of the revision: an export where no mixed file is held.
func (r *Revision) loaded() string {
	if r.holdsMixed() || len(r.Exports) == 0 {
		return ""
	}
	return "/" + r.Exports[0].Folder
}

// single returns the folders of single data sets that the revision has.
func (r *Revision) single() (folders []string) {
	for _, card := range folderCards {
		if len(r.datasetConfigs(card.folder)) > 0 {
			folders = append(folders, strings.TrimSuffix(card.folder, "/"))
		}
	}
	return folders
}

// configs returns the mix, and each data set by itself where it has files of its own. A loader uses one reader for all configurations of a card,
// chosen by the files of the first. Therefore the card of a mix in Parquet has no others: they are in the cards of their folders.
func (r *Revision) configs() []config {
	var configs []config
	inParquet := slices.ContainsFunc(r.Files, func(f File) bool { return f.mixed() && rowsFormat(f.Path) != jsonLines })
	if files := r.splitFiles(""); len(files) > 0 {
		configs = append(configs, config{Name: defaultConfig, Default: true, Files: files, Features: r.features("", inParquet)})
	}
	if inParquet {
		return configs
	}
	return append(configs, r.datasetConfigs("")...)
}

// datasetConfigs returns the data sets by themselves, with the names of their files relative to a folder.
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
		files := of.splitFiles(d.Name)
		if len(files) == 0 || d.Name == defaultConfig && folder == "" {
			continue
		}
		configs = append(configs, config{Name: d.Name, Files: files, Features: r.features(d.Name, false)})
	}
	return configs
}

//go:embed folder.md.tmpl
var folderTemplate string

// folderCards are the folders with a card of their own, each with what its files are.
var folderCards = []struct{ folder, what string }{
	{"processed/", "the rows of each data set of the mix, by split, before they were balanced and mixed"},
	{"test/", "the rows by which each data set of the mix is evaluated alone"},
}

// folderCard writes the README.md of a folder of single data sets, by which a loader finds each by name whatever the format of the mix is.
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

// splitFiles finds the files of each split of a data set, or of the mix. A part that is published in two places is taken
// from the first.
func (r *Revision) splitFiles(dataset string) []configFiles { return r.filesOf(dataset, "") }

// filesOf returns splitFiles, or the files of an export.
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

// sizeCategories are the Hub's, by the first number of rows that is too large for them.
var sizeCategories = []struct {
	below int64
	name  string
}{
	{1e3, "n<1K"}, {1e4, "1K<n<10K"}, {1e5, "10K<n<100K"}, {1e6, "100K<n<1M"}, {1e7, "1M<n<10M"}, {1e8, "10M<n<100M"},
	{1e9, "100M<n<1B"}, {1e10, "1B<n<10B"}, {1e11, "10B<n<100B"}, {1e12, "100B<n<1T"},
}

func sizeCategory(rows int64) string {
	i := slices.IndexFunc(sizeCategories, func(c struct {
		below int64
		name  string
	}) bool {
		return rows < c.below
	})
	if i < 0 {
		return "n>1T"
	}
	return sizeCategories[i].name
}

// cell escapes text for a cell of a Markdown table, or for a line of Markdown.
func cell(s string) string {
	return strings.NewReplacer(
		"\\", "\\\\", "|", "\\|", "`", "\\`", "*", "\\*", "_", "\\_", "[", "\\[", "]", "\\]", "<", "&lt;", "&", "&amp;", "\r", " ", "\n", " ",
	).Replace(s)
}

// yaml quotes a string: JSON's quotes are YAML's.
func yaml(s string) (string, error) {
	var out bytes.Buffer
	enc := json.NewEncoder(&out)
	enc.SetEscapeHTML(false)
	err := enc.Encode(s)
	return strings.TrimSuffix(out.String(), "\n"), err
}
