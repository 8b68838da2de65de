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
)

// maxManifest is how many bytes of a manifest are read. One of a mix of 10,000 originals has 2 MB.
const maxManifest = 64 << 20

// readManifest reads and judges the manifest.
func (v *verifier) readManifest() error {
	f, err := v.open(revision.ManifestFile)
	if err != nil {
		return contract.Within(v.folder.String()+" is no published revision", err)
	}
	defer f.Close()
	encoded, err := io.ReadAll(io.LimitReader(f, maxManifest+1))
	if err != nil {
		return unreadable(revision.ManifestFile, err)
	}
	if len(encoded) > maxManifest {
		return differ("%s has more than %d bytes, and no revision has such a one", revision.ManifestFile, maxManifest)
	}
	sum := sha256.Sum256(encoded)
	digest := hex.EncodeToString(sum[:])
	if want := v.options.Digest; want != "" && want != digest {
		return differ("%s has the SHA-256 %s, and %s was published: this is another revision, or it was changed", revision.ManifestFile, digest, want)
	}
	if v.manifest, err = revision.ParseManifest(encoded); err != nil {
		return err
	}
	v.results = v.manifest.Results()
	if v.byForm, err = dedup.ByForm(v.manifest.Recipe.Compare); err != nil {
		return differ("%s cannot be compared with: %w", revision.ManifestFile, err)
	}
	v.proof = Proof{Manifest: v.manifest, Digest: digest, Files: 1, Bytes: int64(len(encoded)), anchored: v.options.Digest != ""}
	return nil
}

// graph: the recipe and the results give the keys, the plan and the revision that the manifest states.
func (v *verifier) graph() error {
	m := v.manifest
	if m.Name != m.Recipe.Name {
		return differ("the manifest is of mix %s, and its recipe of %s", m.Name, m.Recipe.Name)
	}
	if !revision.SameJSON(m.Recipe, m.Recipe.Content()) {
		return differ("the manifest's recipe holds what changes no published byte, and no release publishes such a one")
	}
	if err := v.typed(); err != nil {
		return err
	}
	graph, err := pipeline.Walk(m.Recipe, m.ByKey())
	if err != nil {
		return differ("the manifest contradicts itself: %w", err)
	}
	last := graph.Next()
	if last == nil || last.Stage != pipeline.StagePublish {
		return differ("the manifest lacks the result of a stage")
	}
	if err := v.stages(graph); err != nil {
		return err
	}
	if revision := pipeline.RevisionName(last.Nodes[0].Key); revision != m.Revision {
		return differ("the contents are those of revision %s, the manifest says %s", revision, m.Revision)
	}
	if !reflect.DeepEqual(*graph.Plan, m.Plan) {
		return differ("the manifest's plan is not the one that its recipe and counts give")
	}
	return nil
}

// typed: the manifest has the types of every data set's rows, where its layout has them.
func (v *verifier) typed() error {
	m := v.manifest
	if m.Recipe.Output.Layout == "" && len(m.Fields) == 0 {
		return nil
	}
	if names := slices.Sorted(maps.Keys(m.Fields)); !slices.Equal(names, m.Recipe.DatasetNames()) {
		return differ("the manifest has the types of the rows of %q, and its recipe the data sets %q", names, m.Recipe.DatasetNames())
	}
	return nil
}

// stages: the manifest has the result of every unit of the graph, of the unit's own stage, and no other.
func (v *verifier) stages(graph pipeline.Graph) error {
	var wanted []revision.Finished
	for _, step := range graph.Steps[:len(graph.Steps)-1] {
		for _, unit := range step.Nodes {
			wanted = append(wanted, revision.Finished{Stage: step.Stage, Node: unit})
		}
	}
	if len(wanted) != len(v.manifest.Stages) {
		return differ("the manifest has %d results, and its recipe %d units", len(v.manifest.Stages), len(wanted))
	}
	for i, finished := range v.manifest.Stages {
		want := wanted[i]
		if finished.Stage != want.Stage || finished.Node != want.Node || !finished.Result.Only(want.Stage) || !revision.SameJSON(finished.Result, finished.Result.Content()) {
			return differ("the manifest's stages are not those of its recipe")
		}
	}
	return nil
}

// sources: the originals listed are those that the rows were made of.
func (v *verifier) sources() error {
	named := v.manifest.Recipe.Sources()
	if len(named) != len(v.manifest.Sources) {
		return differ("the manifest lists no originals for %d of %d sources, or some that its recipe does not have", max(0, len(named)-len(v.manifest.Sources)), len(named))
	}
	for i, origin := range v.manifest.Sources {
		done := *v.manifest.Stages[i].Result.Download // the downloads come first, one for each source
		var bytes int64
		for _, file := range origin.Files {
			bytes += file.Size
		}
		if origin.Dataset != named[i].Name || origin.Revision != done.Revision || origin.License != done.License ||
			len(origin.Files) != done.Files || bytes != done.Bytes || revision.OriginalsDigest(origin.Files) != done.Digest {
			return differ("data set %s: the originals that the manifest lists are not those that were downloaded", origin.Dataset)
		}
		if names := revision.NamesDigest(origin.Files); named[i].Source.Names != (done.Names != "") || done.Names != "" && done.Names != names {
			return differ("data set %s: the originals are not called what they were when they were read", origin.Dataset)
		}
	}
	return nil
}
