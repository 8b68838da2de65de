package report

import (
	"fmt"
	"slices"

	"github.com/datasetmix/datasetmix/internal/revision"
)

// Page is a file of a revision that holds nothing but what the manifest says.
type Page struct {
	Path    string
	Content []byte
}

// Beside returns the files that tell programs of the rows they stand beside: each data set's meta.json, the index of the
// evaluation files, what LLaMA-Factory reads of exports, and info.json.
func Beside(m revision.Manifest) ([]Page, error) {
	done := finishedOf(m)
	var pages []Page
	for _, name := range m.Recipe.DatasetNames() {
		meta, err := Meta(m.Recipe, m.Plan, name, done.divided[name], done.balanced)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", revision.MetaFile(name), err)
		}
		pages = append(pages, Page{revision.MetaFile(name), meta})
	}
	if m.Recipe.EvaluationSplit() != "" {
		index, err := TestIndex(m.Recipe)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", revision.TestIndexFile, err)
		}
		pages = append(pages, Page{revision.TestIndexFile, index})
	}
	for _, export := range m.Recipe.Output.Exports {
		content, ok, err := FactoryInfo(m.Recipe, export)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", revision.FactoryFile(export.Name), err)
		}
		if ok {
			pages = append(pages, Page{revision.FactoryFile(export.Name), content})
		}
	}
	info, err := Info(m.Recipe, m.Plan)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", revision.InfoFile, err)
	}
	return append(pages, Page{revision.InfoFile, info}), nil
}

// PagePaths returns the paths of the files for people and catalogs, which list all others.
func PagePaths() []string {
	return []string{revision.CardFile, revision.CroissantFile, revision.ReportFile}
}

// Pages returns the files for people and catalogs. What the manifest says of these themselves is left out of them, so they can be
// made again from a manifest that lists them.
func Pages(m revision.Manifest) ([]Page, error) {
	m.Files = slices.DeleteFunc(slices.Clone(m.Files), func(file revision.PublishedFile) bool {
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
