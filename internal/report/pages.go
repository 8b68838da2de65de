package report

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/datasetmix/datasetmix/internal/pipeline"
	"github.com/datasetmix/datasetmix/internal/recipe"
	"github.com/datasetmix/datasetmix/internal/revision"
)

// Page is a file of a revision that is made from the manifest alone.
type Page struct {
	Path    string
	Content []byte
}

// Beside returns the files that describe the rows in their folder to programs: each data set's meta.json, the index of the evaluation files, the
// dataset_info.json of exports, and info.json.
func Beside(m revision.Manifest) ([]Page, error) {
	results := m.Results()
	summary := pipeline.Summarize(m.Recipe, &m.Plan, results)
	var pages []Page
	for _, name := range m.Recipe.DatasetNames() {
		if !m.Recipe.Output.Holds(recipe.ProcessedPart) {
			break
		}
		meta, err := Meta(m.Recipe, summary, name, *results.Split(name))
		if err != nil {
			return nil, fmt.Errorf("%s: %w", revision.MetaFile(name), err)
		}
		pages = append(pages, Page{revision.MetaFile(name), meta})
	}
	if m.Recipe.HoldsTest() {
		index, err := testIndex(m.Recipe)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", revision.TestIndexFile, err)
		}
		pages = append(pages, Page{revision.TestIndexFile, index})
	}
	for _, export := range m.Recipe.Output.Exports {
		content, ok, err := factoryInfo(m.Recipe, export)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", revision.FactoryFile(export.Name), err)
		}
		if ok {
			pages = append(pages, Page{revision.FactoryFile(export.Name), content})
		}
	}
	if !m.Recipe.Output.Holds(recipe.MixedPart) {
		return pages, nil
	}
	info, err := Info(m.Recipe, m.Plan)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", revision.InfoFile, err)
	}
	return append(pages, Page{revision.InfoFile, info}), nil
}

// IsPage reports whether a path is the path of a page for people and catalogs, which lists the other files.
func IsPage(path string) bool {
	return slices.Contains(pagePaths, path) || slices.ContainsFunc(folderCards, func(card struct{ folder, what string }) bool {
		return path == card.folder+revision.CardFile
	})
}

// pagePaths are the pages that every revision has.
var pagePaths = []string{revision.CardFile, revision.CroissantFile, revision.ReportFile}

// PagePaths returns the paths of a revision's pages for people and catalogs. They follow from the manifest's recipe and its files of rows.
func PagePaths(m revision.Manifest) []string {
	paths := slices.Clone(pagePaths)
	for _, card := range folderCards {
		if m.Recipe.Output.Layout != "" && slices.ContainsFunc(m.Files, func(f revision.PublishedFile) bool { return f.Rows != nil && strings.HasPrefix(f.Path, card.folder) }) {
			paths = append(paths, card.folder+revision.CardFile)
		}
	}
	return paths
}

// Pages returns the pages for people and catalogs, except for the report.html of newer layouts: it shows statistics, which are not in a manifest, and
// internal/report/page makes it. Pages do not list themselves, so the same pages can be made from a manifest that lists them.
func Pages(m revision.Manifest) ([]Page, error) {
	m.Files = slices.DeleteFunc(slices.Clone(m.Files), func(file revision.PublishedFile) bool { return IsPage(file.Path) })
	of := Of(m)
	var pages []Page
	for _, path := range PagePaths(m) {
		if path == revision.ReportFile && m.Recipe.Output.Layout != "" {
			continue
		}
		content, err := contentOf(of, path)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", path, err)
		}
		pages = append(pages, Page{path, content})
	}
	return pages, nil
}

func contentOf(r Revision, path string) ([]byte, error) {
	switch path {
	case revision.CardFile:
		return Card(r)
	case revision.CroissantFile:
		return Croissant(r)
	case revision.ReportFile:
		return HTML(r)
	}
	for _, card := range folderCards {
		if path == card.folder+revision.CardFile {
			return r.folderCard(card.folder, card.what)
		}
	}
	return nil, errors.New("it is not a page")
}
