package verify

import (
	"crypto/sha256"
	"encoding/hex"
	"io"
	"maps"
	"reflect"
	"slices"

	"github.com/datasetmix/datasetmix/internal/contract"
	"github.com/datasetmix/datasetmix/internal/dedup"
	"github.com/datasetmix/datasetmix/internal/pipeline"
	"github.com/datasetmix/datasetmix/internal/revision"
	"github.com/datasetmix/datasetmix/internal/verify/files"
)

// maxManifest is how many bytes of a manifest are read. One of a mix of 10,000 originals has 2 MB.
const maxManifest = 64 << 20

// manifest is the manifest of a revision, with what is known of its bytes.
type manifest struct {
	revision.Manifest
	digest string // of its bytes
	bytes  int64
	byForm bool // questions are compared by their form, else by their bytes
}

// readManifest reads the manifest, which must have the digest that is wanted, if one is.
func readManifest(from *files.Set, want string) (m manifest, err error) {
	encoded, err := readAtMost(from, revision.ManifestFile, maxManifest)
	if err != nil {
		return m, contract.Within(from.Folder.String()+" is no published revision", err)
	}
	sum := sha256.Sum256(encoded)
	m.digest, m.bytes = hex.EncodeToString(sum[:]), int64(len(encoded))
	if want != "" && want != m.digest {
		return m, files.Differ("%s has the SHA-256 %s, and %s was published: this is another revision, or it was changed", revision.ManifestFile, m.digest, want)
	}
	if m.Manifest, err = revision.ParseManifest(encoded); err != nil {
		return m, err
	}
	if m.byForm, err = dedup.ByForm(m.Recipe.Compare); err != nil {
		return m, files.Differ("%s cannot be compared with: %w", revision.ManifestFile, err)
	}
	return m, nil
}

// readAtMost reads a file of a revision that has no more than so many bytes.
func readAtMost(from *files.Set, name string, most int64) ([]byte, error) {
	f, err := from.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	encoded, err := io.ReadAll(io.LimitReader(f, most+1))
	if err != nil {
		return nil, files.Unreadable(name, err)
	}
	if int64(len(encoded)) > most {
		return nil, files.Differ("%s has more than %d MiB, which no release publishes", name, most>>20)
	}
	return encoded, nil
}

// checkManifest checks that the recipe and the results give the keys, the plan and the revision that the manifest states, and that the originals
// are those that the rows were made of.
func checkManifest(m revision.Manifest) error {
	if err := checkGraph(m); err != nil {
		return err
	}
	return checkSources(m)
}

// checkGraph checks that the recipe and the results give the keys, the plan and the revision that the manifest states.
func checkGraph(m revision.Manifest) error {
	if m.Name != m.Recipe.Name {
		return files.Differ("the manifest is of mix %s, and its recipe of %s", m.Name, m.Recipe.Name)
	}
	if !revision.SameJSON(m.Recipe, m.Recipe.Content()) {
		return files.Differ("the manifest's recipe has fields that change no published byte, which no release publishes")
	}
	if err := checkTypes(m); err != nil {
		return err
	}
	graph, err := pipeline.Walk(m.Recipe, m.ByKey())
	if err != nil {
		return files.Differ("the manifest contradicts itself: %w", err)
	}
	last := graph.Next()
	if last == nil || last.Stage != pipeline.StagePublish {
		return files.Differ("the manifest lacks the result of a stage")
	}
	if err := checkStages(m, graph); err != nil {
		return err
	}
	if revision := pipeline.RevisionName(last.Nodes[0].Key); revision != m.Revision {
		return files.Differ("the contents are those of revision %s, the manifest says %s", revision, m.Revision)
	}
	if !reflect.DeepEqual(*graph.Plan, m.Plan) {
		return files.Differ("the manifest's plan is not the one that its recipe and counts give")
	}
	return nil
}

// checkTypes checks that the manifest has the types of every data set's rows, where its layout has them.
func checkTypes(m revision.Manifest) error {
	if m.Recipe.Output.Layout == "" && len(m.Fields) == 0 {
		return nil
	}
	if names := slices.Sorted(maps.Keys(m.Fields)); !slices.Equal(names, m.Recipe.DatasetNames()) {
		return files.Differ("the manifest has the types of the rows of %q, and its recipe the data sets %q", names, m.Recipe.DatasetNames())
	}
	return nil
}

// checkStages checks that the manifest has the result of every unit of the graph, of the unit's own stage, and no other.
func checkStages(m revision.Manifest, graph pipeline.Graph) error {
	var wanted []revision.Finished
	for _, step := range graph.Steps[:len(graph.Steps)-1] {
		for _, unit := range step.Nodes {
			wanted = append(wanted, revision.Finished{Stage: step.Stage, Node: unit})
		}
	}
	if len(wanted) != len(m.Stages) {
		return files.Differ("the manifest has %d results, and its recipe %d units", len(m.Stages), len(wanted))
	}
	for i, finished := range m.Stages {
		want := wanted[i]
		if finished.Stage != want.Stage || finished.Node != want.Node || !finished.Result.Only(want.Stage) || !revision.SameJSON(finished.Result, finished.Result.Content()) {
			return files.Differ("the manifest's stages are not those of its recipe")
		}
	}
	return nil
}

// checkSources checks that the originals listed are those that the rows were made of.
func checkSources(m revision.Manifest) error {
	named := m.Recipe.Sources()
	if len(named) != len(m.Sources) {
		return files.Differ("the manifest lists no originals for %d of %d sources, or some that its recipe does not have", max(0, len(named)-len(m.Sources)), len(named))
	}
	for i, origin := range m.Sources {
		done := *m.Stages[i].Result.Download // the downloads come first, one for each source
		var bytes int64
		for _, file := range origin.Files {
			bytes += file.Size
		}
		if origin.Dataset != named[i].Name || origin.Revision != done.Revision || origin.License != done.License ||
			len(origin.Files) != done.Files || bytes != done.Bytes || revision.OriginalsDigest(origin.Files) != done.Digest {
			return files.Differ("data set %s: the originals that the manifest lists are not those that were downloaded", origin.Dataset)
		}
		if names := revision.NamesDigest(origin.Files); named[i].Source.Names != (done.Names != "") || done.Names != "" && done.Names != names {
			return files.Differ("data set %s: the originals are not called what they were when they were read", origin.Dataset)
		}
	}
	return nil
}
