package report

import (
	"fmt"
	"slices"

	"github.com/datasetmix/datasetmix/internal/contract"
)

// Page is a file of a revision that holds nothing but what the manifest says.
type Page struct {
	Path    string
	Content []byte
}

// Beside returns the files that tell programs of the rows they stand beside: each data set's meta.json, the index of the
// evaluation files, what LLaMA-Factory reads of exports, and info.json.
func Beside(m contract.Manifest) ([]Page, error) {
	done := finishedOf(m)
	var pages []Page
	for _, name := range m.Recipe.DatasetNames() {
		meta, err := Meta(m.Recipe, m.Plan, name, done.divided[name], done.balanced)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", contract.MetaFile(name), err)
		}
		pages = append(pages, Page{contract.MetaFile(name), meta})
	}
	if m.Recipe.EvaluationSplit() != "" {
		index, err := TestIndex(m.Recipe)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", contract.TestIndexFile, err)
		}
		pages = append(pages, Page{contract.TestIndexFile, index})
	}
	for _, export := range m.Recipe.Output.Exports {
		content, ok, err := FactoryInfo(m.Recipe, export)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", contract.FactoryFile(export.Name), err)
		}
		if ok {
			pages = append(pages, Page{contract.FactoryFile(export.Name), content})
		}
	}
	info, err := Info(m.Recipe, m.Plan)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", contract.InfoFile, err)
	}
	return append(pages, Page{contract.InfoFile, info}), nil
}

// PagePaths returns the paths of the files for people and catalogs, which list all others.
func PagePaths() []string {
	return []string{contract.CardFile, contract.CroissantFile, contract.ReportFile}
}

// Pages returns the files for people and catalogs. What the manifest says of these themselves is left out of them, so they can be
// made again from a manifest that lists them.
func Pages(m contract.Manifest) ([]Page, error) {
	m.Files = slices.DeleteFunc(slices.Clone(m.Files), func(file contract.PublishedFile) bool {
		return slices.Contains(PagePaths(), file.Path)
	})
	revision := Of(m)
	var pages []Page
	for i, write := range []func(Revision) ([]byte, error){Card, Croissant, HTML} {
		path := PagePaths()[i]
		content, err := write(revision)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", path, err)
		}
		pages = append(pages, Page{path, content})
	}
	return pages, nil
}
