package verify

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"syscall"

	"github.com/datasetmix/datasetmix/internal/contract"
	"github.com/datasetmix/datasetmix/internal/recipe"
	"github.com/datasetmix/datasetmix/internal/store"
)

// knownName is the note of what a proof has found of the files of single data sets.
const knownName = "proof.json"

// known is what a proof has found of the files of single data sets. They are never modified, and a new ratio leaves them as
// they are: the same names of the same files. So a later proof of the same files need not read them again, as long as no one
// has written to them: file, size and time of modification are those that were read. (Whoever wants all bytes read again asks
// for a proof without notes, as people do.)
type known struct {
	// Subject is a digest of everything that the finding is about.
	Subject   string      `json:"subject"`
	Files     []knownFile `json:"files"`
	Questions []int       `json:"questions"`
	// Indexes that were made of the files, and those of them that have identities.
	Indexes    []string `json:"indexes"`
	Identified []string `json:"identified,omitempty"`
}

// knownFile is a file as it was when it was read.
type knownFile struct {
	Path     string `json:"path"`
	Inode    uint64 `json:"inode"`
	Bytes    int64  `json:"bytes"`
	Modified int64  `json:"modified"`
}

// subject is what the files of single data sets are to be, and which files they are.
func (v *verifier) subject(tasks []task, single map[string]task) known {
	var about struct {
		Version string              `json:"version"`
		Stages  []contract.Finished `json:"stages"`
		Splits  []recipe.Split      `json:"splits"`
		Domains map[string]string   `json:"domains"`
		// Duplicates that were dropped are proved to be, so a proof for a mix that keeps them says less.
		Duplicates recipe.Duplicates        `json:"duplicates,omitempty"`
		Files      []contract.PublishedFile `json:"files"`
	}
	about.Version, about.Splits, about.Domains = "proof/v2", slices.Clone(v.manifest.Recipe.Splits), map[string]string{}
	about.Duplicates = v.manifest.Recipe.Duplicates
	for i := range about.Splits {
		about.Splits[i].Size = recipe.Size{}
	}
	for _, d := range v.datasets {
		_, domain, _ := v.manifest.Recipe.Dataset(d.name)
		about.Domains[d.name] = domain.Name
	}
	for _, finished := range v.manifest.Stages {
		switch finished.Stage {
		case recipe.Divide:
			about.Stages = append(about.Stages, finished)
		case recipe.Balancing:
			balanced := *finished.Result.Balance
			balanced.Plan = "" // which a ratio changes
			about.Stages = append(about.Stages, contract.Finished{Result: recipe.Result{Balance: &balanced}})
		}
	}
	var k known
	for _, t := range tasks {
		if !has(single, t) {
			continue
		}
		about.Files = append(append(about.Files, t.file), t.same...)
		stat, _ := t.info.Sys().(*syscall.Stat_t)
		k.Files = append(k.Files, knownFile{t.file.Path, stat.Ino, t.info.Size(), t.info.ModTime().UnixNano()})
	}
	encoded, err := json.Marshal(about)
	if err != nil {
		panic("verify: " + err.Error()) // it is plain data
	}
	sum := sha256.Sum256(encoded)
	k.Subject = hex.EncodeToString(sum[:])
	return k
}

// recall finds an earlier proof of the same files, and takes its indexes.
func (v *verifier) recall(subject known) (known, bool) {
	for _, folder := range v.earlier {
		var k known
		if store.ReadJSON(filepath.Join(folder, knownName), &k) != nil || k.Subject != subject.Subject || !slices.Equal(k.Files, subject.Files) {
			continue // no notes, or those of other files: everything is read
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
			if c.repeats && !slices.Contains(k.Identified, c.index) {
				return false
			}
		}
	}
	return true
}

// take gives the notes of an earlier proof a second name.
func (v *verifier) take(folder string, k known) bool {
	for _, name := range append(slices.Clone(k.Indexes), knownName) {
		if !fs.ValidPath(name) || store.Link(filepath.Join(folder, name), filepath.Join(v.notes, name)) != nil {
			return false
		}
	}
	return true
}

// remember notes what was found.
func (v *verifier) remember(k known) error {
	k.Questions = v.proof.Questions
	for _, d := range v.datasets {
		for _, c := range d.splits {
			k.Indexes = append(k.Indexes, c.index)
			if c.repeats {
				k.Identified = append(k.Identified, c.index)
			}
		}
	}
	encoded, err := contract.EncodeJSON(k)
	if err != nil {
		return err
	}
	if err := os.Remove(filepath.Join(v.notes, knownName)); err != nil && !os.IsNotExist(err) {
		return store.Failure(err)
	}
	return store.WriteFile(filepath.Join(v.notes, knownName), encoded)
}
