package revision

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/datasetmix/datasetmix/internal/contract"
	"github.com/datasetmix/datasetmix/internal/pipeline"
	"github.com/datasetmix/datasetmix/internal/plan"
	"github.com/datasetmix/datasetmix/internal/recipe"
	"github.com/datasetmix/datasetmix/internal/schema"
)

// ManifestVersion is the version that every manifest names.
const ManifestVersion = "datasetmix.manifest/v1"

// Manifest describes a published revision: what was requested, from which bytes it was made, the results of every stage, and every file with its
// digest. It holds neither times nor paths outside of the revision, so the same build has the same manifest.
type Manifest struct {
	Version  string `json:"version"`
	Name     string `json:"name"`
	Revision string `json:"revision"`
	// SHA256 of this file's own bytes, with this field empty.
	SHA256 string `json:"sha256"`
	// Recipe as it was built, without the folder on the volume and the number of revisions kept.
	Recipe  recipe.Recipe `json:"recipe"`
	Plan    plan.Plan     `json:"plan"`
	Sources []Origin      `json:"sources"`
	// Stages are the results of all units before publish, in the order of the stage graph.
	Stages []Finished `json:"stages"`
	// Fields are the types of what the rows of each data set hold besides their texts, where the recipe's layout has them.
	Fields map[string]schema.Type `json:"fields,omitempty"`
	Files  []PublishedFile        `json:"files"`
}

// Origin is where a data set came from.
type Origin struct {
	Dataset  string                  `json:"dataset"`
	Revision string                  `json:"revision,omitempty"`
	License  string                  `json:"license,omitempty"`
	Files    []pipeline.OriginalFile `json:"files"`
}

// Finished is a finished unit.
type Finished struct {
	Stage  pipeline.Stage  `json:"stage"`
	Node   pipeline.Node   `json:"unit"`
	Result pipeline.Result `json:"result"`
}

// PublishedFile is one file of a revision. Rows is absent where a file has none.
type PublishedFile struct {
	Path   string `json:"path"`
	Bytes  int64  `json:"bytes"`
	Rows   *int64 `json:"rows,omitempty"`
	SHA256 string `json:"sha256"`
}

// DroppedRow is one line of DroppedFile: a row of a data set that no split has. They come by split, data set and place.
type DroppedRow struct {
	ID      string `json:"id"`
	Dataset string `json:"dataset"`
	// Split that would have it.
	Split string `json:"split"`
	// Reason is overlap, duplicate or nearDuplicate.
	Reason string `json:"reason"`
}

// DroppedSourceRow is one line of DroppedSourceFile: a row of the source that is in no split. They come in the order of the
// source.
type DroppedSourceRow struct {
	// Row is the number at the source, as in an id.
	Row int64 `json:"row"`
	// File is the place of its file, from 1, among those that the manifest lists for the data set. What files are called is in
	// no key, and so in no result.
	File int `json:"file"`
	// Reason is where, contaminated, contaminated-ngrams, unmappable, no-answer, not-a-number or a class of bad rows.
	Reason string `json:"reason"`
	// Probe that has the question of a contaminated row.
	Probe string `json:"probe,omitempty"`
	// Place of a bad row in its file, and what is wrong with it.
	Place   string `json:"place,omitempty"`
	Message string `json:"message,omitempty"`
}

// NamesDigest returns the SHA-256, in hex, over the names of a data set's originals in row order, each in quotes on a line.
func NamesDigest(files []pipeline.OriginalFile) string {
	hash := sha256.New()
	for _, file := range files {
		fmt.Fprintf(hash, "%q\n", file.Path)
	}
	return hex.EncodeToString(hash.Sum(nil))
}

// OriginalsDigest returns the digest of a data set's originals: over their sizes and SHA-256 in row order, not over their names,
// so a file that is renamed at its source is still the same data.
func OriginalsDigest(files []pipeline.OriginalFile) string {
	h := sha256.New()
	for _, f := range files {
		fmt.Fprintf(h, "%s %d\n", f.SHA256, f.Size)
	}
	return hex.EncodeToString(h.Sum(nil))
}

// Encode returns the manifest's bytes, with its own digest filled in.
func (m Manifest) Encode() ([]byte, error) {
	m.SHA256 = ""
	plain, err := EncodeJSON(m)
	if err != nil {
		return nil, err
	}
	sum := sha256.Sum256(plain)
	m.SHA256 = hex.EncodeToString(sum[:])
	return EncodeJSON(m)
}

// ParseManifest reads a manifest and refuses one with any byte changed.
func ParseManifest(encoded []byte) (Manifest, error) {
	var m Manifest
	if err := json.Unmarshal(encoded, &m); err != nil {
		return m, contract.Failf(contract.VolumeInvalid, "%s is not a manifest: %w", ManifestFile, err)
	}
	if m.Version != ManifestVersion {
		return m, contract.Failf(contract.VolumeInvalid, "%s has version %q, this program reads %q", ManifestFile, m.Version, ManifestVersion)
	}
	own, err := m.Encode()
	if err != nil {
		return m, err
	}
	if !bytes.Equal(own, encoded) {
		return m, contract.Failf(contract.VolumeInvalid, "%s was changed after it was published: its bytes do not match the digest in it", ManifestFile)
	}
	if err := m.Recipe.Validate(); err != nil {
		return m, contract.Failf(contract.VolumeInvalid, "%s is of a recipe that this release cannot judge: %w", ManifestFile, err)
	}
	return m, nil
}

// ByKey returns the results of the manifest's stages by key.
func (m Manifest) ByKey() map[string]pipeline.Result {
	results := make(map[string]pipeline.Result, len(m.Stages))
	for _, finished := range m.Stages {
		results[finished.Node.Key] = finished.Result
	}
	return results
}

// Results returns the results of the manifest's stages by name.
func (m Manifest) Results() pipeline.Results {
	results := pipeline.Results{}
	for _, finished := range m.Stages {
		results.Add(finished.Stage, finished.Node.Name, finished.Result)
	}
	return results
}

// isRevision reports whether a text is what a source is resolved to: a commit, the digest of an artifact, or nothing.
func isRevision(text string) bool {
	digest, ofArtifact := strings.CutPrefix(text, artifactDigest)
	return text == "" || contract.IsGitDigest(text) || ofArtifact && contract.IsSHA256(digest)
}

const artifactDigest = "sha256:"

// maxPath is the most bytes of what a source calls a file.
const maxPath = 4096

// CheckOriginals refuses a list of files that no source has.
func CheckOriginals(files []pipeline.OriginalFile) error {
	for i, file := range files {
		switch {
		case file.Path == "" || len(file.Path) > maxPath:
			return fmt.Errorf("file %d has a path of %d bytes, and one has 1 to %d", i+1, len(file.Path), maxPath)
		case !contract.IsSHA256(file.SHA256):
			return fmt.Errorf("file %d, %.200q, has the SHA-256 %.100q, which is not 64 lower-case hexadecimal digits", i+1, file.Path, file.SHA256)
		case file.Size < 0:
			return fmt.Errorf("file %d, %.200q, has %d bytes", i+1, file.Path, file.Size)
		}
	}
	return nil
}
