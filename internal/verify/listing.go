package verify

import (
	"maps"
	"slices"

	"github.com/datasetmix/datasetmix/internal/pipeline"
	"github.com/datasetmix/datasetmix/internal/plan"
	"github.com/datasetmix/datasetmix/internal/recipe"
	"github.com/datasetmix/datasetmix/internal/report"
	"github.com/datasetmix/datasetmix/internal/revision"
	"github.com/datasetmix/datasetmix/internal/verify/files"
)

// noRows is the number of rows of a file that holds none, such as a page.
const noRows = -1

// checkListing checks that the manifest lists the files that a revision of its recipe has, and no other, each once and with as many rows as it
// has; and they are what is in the folder.
func checkListing(in *files.Set, m revision.Manifest) error {
	expected := expectedFiles(m)
	listed := make(map[string]bool, len(expected))
	for _, file := range m.Files {
		rows, ok := expected[file.Path]
		switch {
		case !ok:
			return files.Differ("the manifest lists %q, and a revision of its recipe has no such file", file.Path)
		case listed[file.Path]:
			return files.Differ("the manifest lists %s twice", file.Path)
		case (file.Rows == nil) != (rows == noRows) || file.Rows != nil && *file.Rows != rows:
			return files.Differ("the manifest says another number of rows of %s than the %d that its results give", file.Path, max(rows, 0))
		}
		listed[file.Path] = true
	}
	for _, path := range slices.Sorted(maps.Keys(expected)) {
		if !listed[path] && path != revision.LockFile { // revisions of earlier releases have none
			return files.Differ("the manifest does not list %s", path)
		}
	}
	in.List(m.Files)
	return in.Walk()
}

// expectedFiles returns the files of a revision of this recipe and these results, the manifest excepted, with their rows.
func expectedFiles(m revision.Manifest) map[string]int64 {
	r, results := m.Recipe, m.Results()
	files := map[string]int64{revision.LockFile: noRows}
	if r.Output.Holds(recipe.MixedPart) {
		files[revision.InfoFile] = noRows
	}
	for _, page := range report.PagePaths(m) {
		files[page] = noRows
	}
	if hasStatistics(m) {
		files[revision.StatisticsFile] = noRows
	}
	if r.HoldsTest() {
		files[revision.TestIndexFile] = noRows
	}
	balanced := *results.Balance()
	if dropped := balanced.DroppedTotal(); dropped > 0 {
		files[revision.DroppedFile] = dropped
	}
	for place := range r.DatasetNames() {
		addDataset(m, results, place, files)
	}
	shards := map[string][]plan.Shard{}
	for _, split := range m.Plan.Splits {
		shards[split.Name] = plan.Shards(r, split)
	}
	for _, file := range r.Files() {
		files[revision.FileOf(file, r.Output.Format)] = shards[file.Split][file.Index].Rows
	}
	for _, export := range r.Output.Exports {
		if export.Scorer != "" {
			files[revision.RewardsFile(export.Name)] = noRows
		}
		if export.HasFactoryInfo() {
			files[revision.FactoryFile(export.Name)] = noRows
		}
	}
	return files
}

// addDataset adds the files of one data set.
func addDataset(m revision.Manifest, results pipeline.Results, place int, files map[string]int64) {
	r, name := m.Recipe, m.Recipe.DatasetNames()[place]
	holds := r.Output.Holds
	_, domain, _ := r.Dataset(name)
	divided := results.Split(name)
	if holds(recipe.ProcessedPart) {
		files[revision.MetaFile(name)] = noRows
	}
	if holds(recipe.RawPart) {
		files[revision.RawFile(domain.Name, name)] = divided.Read - divided.DroppedRows()
	}
	if dropped := divided.DroppedRows(); dropped > 0 {
		files[revision.DroppedSourceFile(domain.Name, name)] = dropped
	}
	for _, split := range m.Plan.Splits {
		available := split.Datasets()[place].Available
		if holds(recipe.ProcessedPart) {
			files[revision.ProcessedFile(name, split.Name)] = available
		}
		if split.Name == r.EvaluationSplit() && r.HoldsTest() {
			files[revision.TestFile(name, split.Name)] = available
		}
	}
}
