package verify

import (
	"io/fs"
	"maps"
	"os"
	"slices"

	"github.com/datasetmix/datasetmix/internal/plan"
	"github.com/datasetmix/datasetmix/internal/recipe"
	"github.com/datasetmix/datasetmix/internal/report"
	"github.com/datasetmix/datasetmix/internal/revision"
	"github.com/datasetmix/datasetmix/internal/store"
)

// noRows marks a file that is none of rows.
const noRows = -1

// listing: the manifest lists the files that a revision of its recipe has, and no other, each once and with as many rows as it
// has; and they are what lies in the folder.
func (v *verifier) listing() error {
	expected := v.expected()
	v.files = make(map[string]revision.PublishedFile, len(expected))
	for _, file := range v.manifest.Files {
		rows, ok := expected[file.Path]
		_, twice := v.files[file.Path]
		switch {
		case !ok:
			return differ("the manifest lists %q, and a revision of its recipe has no such file", file.Path)
		case twice:
			return differ("the manifest lists %s twice", file.Path)
		case (file.Rows == nil) != (rows == noRows) || file.Rows != nil && *file.Rows != rows:
			return differ("the manifest says another number of rows of %s than the %d that its results give", file.Path, max(rows, 0))
		}
		v.files[file.Path] = file
	}
	for _, path := range slices.Sorted(maps.Keys(expected)) {
		if _, listed := v.files[path]; !listed && path != revision.LockFile { // revisions of releases before it have none
			return differ("the manifest does not list %s", path)
		}
	}
	return v.walk()
}

// expected are the files of a revision of this recipe and these results, the manifest excepted, with their rows.
func (v *verifier) expected() map[string]int64 {
	r := v.manifest.Recipe
	files := map[string]int64{revision.LockFile: noRows}
	if r.Output.Holds(recipe.MixedPart) {
		files[revision.InfoFile] = noRows
	}
	for _, page := range report.PagePaths(v.manifest) {
		files[page] = noRows
	}
	if v.hasStatistics() {
		files[revision.StatisticsFile] = noRows
	}
	if r.HoldsTest() {
		files[revision.TestIndexFile] = noRows
	}
	balanced := *v.results.Balance()
	if dropped := balanced.DroppedTotal(); dropped > 0 {
		files[revision.DroppedFile] = dropped
	}
	for place, name := range r.DatasetNames() {
		v.expectedOf(place, name, files)
	}
	shards := map[string][]plan.Shard{}
	for _, split := range v.manifest.Plan.Splits {
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

// expectedOf adds the files of one data set.
func (v *verifier) expectedOf(place int, name string, files map[string]int64) {
	r := v.manifest.Recipe
	holds := r.Output.Holds
	_, domain, _ := r.Dataset(name)
	divided := v.results.Split(name)
	if holds(recipe.ProcessedPart) {
		files[revision.MetaFile(name)] = noRows
	}
	if holds(recipe.RawPart) {
		files[revision.RawFile(domain.Name, name)] = divided.Read - divided.DroppedRows()
	}
	if dropped := divided.DroppedRows(); dropped > 0 {
		files[revision.DroppedSourceFile(domain.Name, name)] = dropped
	}
	for _, split := range v.manifest.Plan.Splits {
		available := split.Datasets()[place].Available
		if holds(recipe.ProcessedPart) {
			files[revision.ProcessedFile(name, split.Name)] = available
		}
		if split.Name == r.EvaluationSplit() && r.HoldsTest() {
			files[revision.TestFile(name, split.Name)] = available
		}
	}
}

// walk: what lies in the folder are the listed files, with their lengths.
func (v *verifier) walk() error {
	v.infos = make(map[string]fs.FileInfo, len(v.files))
	err := v.folder.WalkDir(func(at store.Path, entry fs.DirEntry, err error) error {
		path := at.Rel(v.folder)
		if err != nil {
			return unreadable(path, err)
		}
		if entry.IsDir() || path == revision.ManifestFile {
			return v.context.Err()
		}
		info, err := at.Lstat()
		if err != nil {
			return unreadable(path, err)
		}
		listed, ok := v.files[path]
		switch {
		case !ok:
			return differ("%q is in the revision but not in the manifest", path)
		case !info.Mode().IsRegular():
			return irregular(path, info)
		case info.Size() != listed.Bytes:
			return differ("%s has %d bytes, the manifest says %d", path, info.Size(), listed.Bytes)
		}
		v.infos[path] = info
		return nil
	})
	if err != nil {
		return err
	}
	for _, file := range v.manifest.Files {
		if v.infos[file.Path] == nil {
			return differ("%s is not there", file.Path)
		}
	}
	for name, other := range v.options.Others {
		if v.infos[name], err = other.Path.Lstat(); err != nil {
			return unreadable(name, err)
		}
	}
	return nil
}

// at is where a file lies: in the revision, or elsewhere if it is not held.
func (v *verifier) at(path string) store.Path {
	if other, ok := v.options.Others[path]; ok {
		return other.Path
	}
	return v.folder.Join(path)
}

// all are the files that are looked at: those of the manifest, then the others by their names.
func (v *verifier) all() []revision.PublishedFile {
	files := slices.Clone(v.manifest.Files)
	for _, name := range slices.Sorted(maps.Keys(v.options.Others)) {
		files = append(files, v.options.Others[name].File)
	}
	return files
}

// open opens a file of the revision. Nothing is read but regular files in the folder itself: a link may lead anywhere, and a pipe
// to nothing.
func (v *verifier) open(path string) (*os.File, error) {
	info, err := v.at(path).Lstat()
	if err != nil {
		return nil, unreadable(path, err)
	}
	if !info.Mode().IsRegular() {
		return nil, irregular(path, info)
	}
	f, err := v.at(path).Open()
	if err != nil {
		return nil, unreadable(path, err)
	}
	return f, nil
}

func irregular(path string, info fs.FileInfo) error {
	what := "no regular file"
	if info.Mode().Type() == fs.ModeSymlink {
		what = "a symbolic link"
	}
	return differ("%s is %s; a revision holds its files themselves: copy it with its links followed (cp -rL)", path, what)
}

// unreadable is the failure of a file that cannot be read.
func unreadable(path string, err error) error { return differ("%s cannot be read: %w", path, err) }
