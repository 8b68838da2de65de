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

// config is one configuration of the card: what load_dataset can be asked for.
type config struct {
	Name    string
	Default bool
	Files   []configFiles
}

type configFiles struct {
	Split string
	Paths []string
}

// defaultConfig is the configuration that a loader takes unasked: the mix.
const defaultConfig = "default"

// Card writes the README.md of a revision: the front matter by which the Hugging Face Hub and its loaders know the files,
// then the plan, what came of it and where it came from, for people. The error is the caller's mistake.
func Card(r Revision) ([]byte, error) {
	if err := r.check(); err != nil {
		return nil, err
	}
	t, err := template.New("card").Funcs(functions()).Funcs(template.FuncMap{"cell": cell, "yaml": yaml}).Parse(cardTemplate)
	if err != nil {
		return nil, err
	}
	var out bytes.Buffer
	err = t.Execute(&out, struct {
		*Revision
		Configs      []config
		SizeCategory string
	}{&r, r.configs(), sizeCategory(r.total())})
	return out.Bytes(), err
}

// functions are what both templates need.
func functions() map[string]any {
	return map[string]any{
		"thousands":    thousands,
		"percent":      percentage,
		"size":         size,
		"ratio":        ratio,
		"sum":          sum,
		"domainShares": (*Revision).domainShares,
		"splitShares":  (*Revision).splitShares,
		"achieved":     (*Revision).achieved,
		"at":           func(of []int64, i int) int64 { return of[i] },
		"counts":       func(name string, c Counts) namedCounts { return namedCounts{name, c} },
		"short":        func(digest string) string { return digest[:min(len(digest), 12)] },
	}
}

// namedCounts is a line of the table of one split.
type namedCounts struct {
	Name string
	Counts
}

// configs are the mix, and each data set by itself where it has files of its own. A loader takes one reader for all
// configurations of a card, by the files of the first, and so a card of a mix in Parquet has no others.
func (r *Revision) configs() []config {
	configs := []config{{Name: defaultConfig, Default: true, Files: r.splitFiles("")}}
	if slices.ContainsFunc(r.Files, func(f File) bool { return f.mixed() && rowsFormat(f.Path) != jsonLines }) {
		return configs
	}
	for _, d := range r.Datasets {
		if files := r.splitFiles(d.Name); len(files) > 0 && d.Name != defaultConfig {
			configs = append(configs, config{Name: d.Name, Files: files})
		}
	}
	return configs
}

// splitFiles finds the files of each split of a data set, or of the mix. A part that is published in two places is taken
// from the first.
func (r *Revision) splitFiles(dataset string) []configFiles {
	var out []configFiles
	for _, s := range r.Splits {
		var paths []string
		for _, f := range r.Files {
			if f.Split != s.Name || f.Dataset != dataset || len(paths) > 0 && folder(f.Path) != folder(paths[0]) {
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
