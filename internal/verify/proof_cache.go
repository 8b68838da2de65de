package verify

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"io/fs"
	"slices"
	"strings"

	"github.com/cespare/xxhash/v2"

	"github.com/datasetmix/datasetmix/internal/pipeline"
	"github.com/datasetmix/datasetmix/internal/recipe"
	"github.com/datasetmix/datasetmix/internal/revision"
	"github.com/datasetmix/datasetmix/internal/schema"
	"github.com/datasetmix/datasetmix/internal/statistics"
	"github.com/datasetmix/datasetmix/internal/store"
)

// knownName is the note of what a proof has found of the files of single data sets.
const knownName = "proof.json"

// known is what a proof has found of the rows of single data sets. A new ratio leaves their files as they are, so a later proof
// takes it over for files with the same digests. That the files have these digests is looked at each time.
type known struct {
	// Subject is a digest of everything that the finding is about.
	Subject   string `json:"subject"`
	Questions []int  `json:"questions"`
	// Indexes that were made of the files.
	Indexes []knownIndex `json:"indexes"`
}

// knownIndex is an index beside the note.
type knownIndex struct {
	Name string `json:"name"`
	// XXH64 of the index in hex: nothing else would tell that it broke.
	XXH64 string `json:"xxh64"`
	// Identified says whether it has the identities of the rows.
	Identified bool `json:"identified,omitempty"`
}

// singleFolders have the files of single data sets.
var singleFolders = []string{"raw/", "processed/", "test/", "dropped/"}

// subject is what the files of single data sets are to be.
func (v *verifier) subject() known {
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
		// Statistics are those that the rows were found to have.
		Statistics []statistics.Part `json:"statistics,omitempty"`
	}
	about.Version, about.Splits, about.Domains = "proof/v3", slices.Clone(v.manifest.Recipe.Splits), map[string]string{}
	about.Fields = v.manifest.Fields
	about.Statistics = v.stated.Bare()
	about.Duplicates, about.Compare = v.manifest.Recipe.Duplicates, v.manifest.Recipe.Compare
	for i := range about.Splits {
		about.Splits[i].Size = recipe.Size{}
	}
	for _, d := range v.datasets {
		_, domain, _ := v.manifest.Recipe.Dataset(d.name)
		about.Domains[d.name] = domain.Name
	}
	for _, finished := range v.manifest.Stages {
		switch finished.Stage {
		case pipeline.StageSplit:
			about.Stages = append(about.Stages, finished)
		case pipeline.StageBalance:
			balanced := *finished.Result.Balance
			balanced.Plan = "" // which a ratio changes
			about.Stages = append(about.Stages, revision.Finished{Result: pipeline.Result{Balance: &balanced}})
		}
	}
	for _, file := range v.all() {
		if single := slices.ContainsFunc(singleFolders, func(folder string) bool { return strings.HasPrefix(file.Path, folder) }); single && file.Rows != nil {
			about.Files = append(about.Files, file)
		}
	}
	encoded, err := json.Marshal(about)
	if err != nil {
		panic("verify: " + err.Error()) // it is plain data
	}
	sum := sha256.Sum256(encoded)
	return known{Subject: hex.EncodeToString(sum[:])}
}

// recall finds an earlier proof of the same files, and takes its indexes.
func (v *verifier) recall(subject known) (known, bool) {
	for _, folder := range v.options.Earlier {
		var k known
		if store.ReadJSON(folder.Join(knownName), &k) != nil || k.Subject != subject.Subject {
			continue // no notes, or those of other files: all rows are looked at
		}
		if v.identified(k) && v.take(folder, k) {
			return k, true
		}
	}
	return known{}, false
}

// identified says whether the indexes have the identities that this revision's repeats need.
func (v *verifier) identified(k known) bool {
	for _, d := range v.datasets {
		for _, c := range d.splits {
			i := slices.IndexFunc(k.Indexes, func(index knownIndex) bool { return index.Name == c.index })
			if i < 0 || c.repeats && !k.Indexes[i].Identified {
				return false
			}
		}
	}
	return true
}

// take gives the notes of an earlier proof a second name. Those of an index that is no longer what it was are not taken.
func (v *verifier) take(folder store.Path, k known) bool {
	for _, index := range k.Indexes {
		if !fs.ValidPath(index.Name) || checksum(folder.Join(index.Name)) != index.XXH64 {
			return false
		}
	}
	for _, name := range append(v.indexes(), knownName) {
		if store.Link(folder.Join(name), v.notes.Join(name)) != nil {
			return false
		}
	}
	return true
}

// indexes are the names of all indexes.
func (v *verifier) indexes() []string {
	var names []string
	for _, d := range v.datasets {
		for _, c := range d.splits {
			names = append(names, c.index)
		}
	}
	return names
}

// checksum is the XXH64 of a file; empty where it cannot be read, which is that of no file.
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
	return store.Checksum(sum)
}

// remember notes what was found.
func (v *verifier) remember(k known) error {
	k.Questions = v.proof.Questions
	for _, d := range v.datasets {
		for _, c := range d.splits {
			k.Indexes = append(k.Indexes, knownIndex{Name: c.index, XXH64: checksum(v.notes.Join(c.index)), Identified: c.repeats})
		}
	}
	encoded, err := revision.EncodeJSON(k)
	if err != nil {
		return err
	}
	return store.WriteFile(v.notes.Join(knownName), encoded)
}
