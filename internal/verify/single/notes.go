package single

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"io/fs"
	"iter"
	"slices"
	"strings"

	"github.com/cespare/xxhash/v2"

	"github.com/datasetmix/datasetmix/internal/hashing"
	"github.com/datasetmix/datasetmix/internal/pipeline"
	"github.com/datasetmix/datasetmix/internal/recipe"
	"github.com/datasetmix/datasetmix/internal/revision"
	"github.com/datasetmix/datasetmix/internal/schema"
	"github.com/datasetmix/datasetmix/internal/statistics"
	"github.com/datasetmix/datasetmix/internal/store"
	"github.com/datasetmix/datasetmix/internal/verify/layout"
)

// knownName is the note of what a proof has found of the files of single data sets.
const knownName = "proof.json"

// known is what a proof has found of the rows of single data sets. New shares leave their files as they are, so a later proof reuses the finding for
// files with the same digests, which it checks.
type known struct {
	// Subject is a digest of everything that the finding is about.
	Subject   string `json:"subject"`
	Questions []int  `json:"questions"`
	// Indexes that were made of the files.
	Indexes []knownIndex `json:"indexes"`
}

// knownIndex is an index in the folder of the note.
type knownIndex struct {
	Name string `json:"name"`
	// XXH64 of the index in hex: nothing else would show damage.
	XXH64 string `json:"xxh64"`
	// Identified reports whether it has the identities of the rows.
	Identified bool `json:"identified,omitempty"`
}

// singleFolders have the files of single data sets.
var singleFolders = []string{"raw/", "processed/", "test/", "dropped/"}

// Notes are what a proof notes of a revision for later ones.
type Notes struct {
	of    *layout.Revision
	found known
}

// NewNotes returns the notes of what the files of single data sets are to be, and their statistics as they are stated.
func NewNotes(of *layout.Revision, stated []statistics.Part) *Notes {
	var about struct {
		Version string              `json:"version"`
		Stages  []revision.Finished `json:"stages"`
		Splits  []recipe.Split      `json:"splits"`
		Domains map[string]string   `json:"domains"`
		// Duplicates that were dropped are proved to be, so a proof for a mix that keeps them says less.
		Duplicates recipe.Duplicates        `json:"duplicates,omitempty"`
		Compare    recipe.Comparison        `json:"compare,omitempty"`
		Files      []revision.PublishedFile `json:"files"`
		Fields     map[string]schema.Type   `json:"fields,omitempty"`
		// Statistics are those found of the rows.
		Statistics []statistics.Part `json:"statistics,omitempty"`
	}
	about.Version, about.Splits, about.Domains = "proof/v3", slices.Clone(of.Manifest.Recipe.Splits), map[string]string{}
	about.Fields = of.Manifest.Fields
	about.Statistics = stated
	about.Duplicates, about.Compare = of.Manifest.Recipe.Duplicates, of.Manifest.Recipe.Compare
	for i := range about.Splits {
		about.Splits[i].Size = recipe.Size{}
	}
	for _, d := range of.Datasets {
		_, domain, _ := of.Manifest.Recipe.Dataset(d.Name)
		about.Domains[d.Name] = domain.Name
	}
	for _, finished := range of.Manifest.Stages {
		switch finished.Stage {
		case pipeline.StageSplit:
			about.Stages = append(about.Stages, finished)
		case pipeline.StageBalance:
			balanced := *finished.Result.Balance
			balanced.Plan = "" // which a ratio changes
			about.Stages = append(about.Stages, revision.Finished{Result: pipeline.Result{Balance: &balanced}})
		}
	}
	for _, file := range of.Files.All() {
		if single := slices.ContainsFunc(singleFolders, func(folder string) bool { return strings.HasPrefix(file.Path, folder) }); single && file.Rows != nil {
			about.Files = append(about.Files, file)
		}
	}
	encoded, err := json.Marshal(about)
	if err != nil {
		panic("single: " + err.Error()) // it is plain data
	}
	sum := sha256.Sum256(encoded)
	return &Notes{of, known{Subject: hex.EncodeToString(sum[:])}}
}

// Recall finds an earlier proof of the same files, takes its indexes, and returns the questions that it found in each split.
func (n *Notes) Recall(earlier []store.Path) (questions []int, ok bool) {
	for _, folder := range earlier {
		var k known
		if store.ReadJSON(folder.Join(knownName), &k) != nil || k.Subject != n.found.Subject {
			continue // no notes, or those of other files: all rows are checked
		}
		if n.identified(k) && n.take(folder, k) {
			return k.Questions, true
		}
	}
	return nil, false
}

// identified reports whether the indexes have the identities that this revision's repeats need.
func (n *Notes) identified(k known) bool {
	for s := range n.splits() {
		i := slices.IndexFunc(k.Indexes, func(index knownIndex) bool { return index.Name == s.Index })
		if i < 0 || s.Repeats && !k.Indexes[i].Identified {
			return false
		}
	}
	return true
}

// take links the notes of an earlier proof and reports true, or reports false if one of its indexes has changed.
func (n *Notes) take(folder store.Path, k known) bool {
	for _, index := range k.Indexes {
		if !fs.ValidPath(index.Name) || checksum(folder.Join(index.Name)) != index.XXH64 {
			return false
		}
	}
	link := func(name string) bool { return store.Link(folder.Join(name), n.of.Notes.Join(name)) == nil }
	for s := range n.splits() {
		if !link(s.Index) {
			return false
		}
	}
	return link(knownName)
}

// splits returns the splits of all data sets.
func (n *Notes) splits() iter.Seq[layout.Split] {
	return func(yield func(layout.Split) bool) {
		for _, d := range n.of.Datasets {
			for _, s := range d.Splits {
				if !yield(s) {
					return
				}
			}
		}
	}
}

// checksum returns the XXH64 of a file, "" where it cannot be read.
func checksum(path store.Path) string {
	f, err := path.Open()
	if err != nil {
		return ""
	}
	defer f.Close()
	sum := xxhash.New()
	if _, err := f.WriteTo(sum); err != nil {
		return ""
	}
	return hashing.Checksum(sum.Sum64())
}

// Write notes what was found: the questions of each split, and the indexes that were made.
func (n *Notes) Write(questions []int) error {
	n.found.Questions = questions
	for s := range n.splits() {
		n.found.Indexes = append(n.found.Indexes, knownIndex{Name: s.Index, XXH64: checksum(n.of.Notes.Join(s.Index)), Identified: s.Repeats})
	}
	encoded, err := revision.EncodeJSON(n.found)
	if err != nil {
		return err
	}
	return store.WriteFile(n.of.Notes.Join(knownName), encoded)
}
