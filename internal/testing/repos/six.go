package repos

import (
	"fmt"

	"github.com/datasetmix/datasetmix/internal/testing/hub"
)

// The commits at which the six repositories are pinned, in the project's samples and so here.
const (
	GSM8KCommit     = "740312add88f781978c0658806c59bc2815b9866"
	MATHCommit      = "21a5633873b6a120296cce3e2df9d5550074f4a3"
	SQuADCommit     = "3ffb306f725f7d2ce8394bc1873b24868140c412"
	HotpotCommit    = "1908d6afbbead072334abe2965f91bd2709910ab"
	HumanEvalCommit = "7dce6050a7d6d172f3cc5c32aa97f52fa1a2e544"
	MBPPCommit      = "4bb6404fdc6cacfda99d4ac4205087b89d32030c"
)

// mathConfigs are the repository's configurations, in the order of their paths, with the subject that a row calls
// itself and the rows of the train split.
var mathConfigs = []struct {
	name, subject string
	rows          int
}{
	{"algebra", "Algebra", 1744},
	{"counting_and_probability", "Counting & Probability", 771},
	{"geometry", "Geometry", 870},
	{"intermediate_algebra", "Intermediate Algebra", 1295},
	{"number_theory", "Number Theory", 869},
	{"prealgebra", "Prealgebra", 1205},
	{"precalculus", "Precalculus", 746},
}

// mbppSplits are the splits of the sanitized configuration with their rows; MBPP tells them apart by task_id.
var mbppSplits = []struct {
	name string
	rows int
	last int32 // the highest task_id of the split; 0 is no limit
}{
	{"prompt", 7, 10}, {"test", 257, 510}, {"validation", 43, 600}, {"train", 120, 0},
}

// corpus is the rows of the six data sets, by file where a data set has several.
type corpus struct {
	gsm8k, gsm8kTest   []gsm8kRow
	math, mathTest     map[string][]mathRow // by configuration
	squad, squadTest   []squadRow
	hotpot, hotpotTest []hotpotRow
	humanEval          []humanEvalRow
	mbpp               map[string][]mbppRow // by split
}

// repos lays the rows out as the real repositories do.
func (c corpus) repos() []hub.Repo {
	return []hub.Repo{c.gsm8kRepo(), c.mathRepo(), c.squadRepo(), c.hotpotRepo(), c.humanEvalRepo(), c.mbppRepo()}
}

// config returns a card's configuration of the usual layout.
func config(name string, isDefault bool, splits ...string) hub.Config {
	c := hub.Config{Name: name, Default: isDefault}
	for _, s := range splits {
		c.Data = append(c.Data, hub.SplitFiles{Split: s, Paths: []string{name + "/" + s + "-*"}})
	}
	return c
}

// repo puts the small files that every repository has next to its data.
func repo(id, sha, license string, data map[string][]byte, configs ...hub.Config) hub.Repo {
	files := map[string]hub.File{
		".gitattributes": {Content: []byte("*.parquet filter=lfs diff=lfs merge=lfs -text\n")},
	}
	for path, content := range data {
		files[path] = hub.File{Content: content, LFS: true}
	}
	r := hub.Repo{ID: id, SHA: sha, License: license, Configs: configs, Files: files}
	r.Files["README.md"] = hub.File{Content: r.Readme()}
	return r
}

// shard returns the Hub's name of one file of a split.
func shard(config, split string, i, of int) string {
	return fmt.Sprintf("%s/%s-%05d-of-%05d.parquet", config, split, i, of)
}

func (c corpus) gsm8kRepo() hub.Repo {
	r := repo("openai/gsm8k", GSM8KCommit, "mit", map[string][]byte{
		shard("main", "train", 0, 1): encode(c.gsm8k),
		shard("main", "test", 0, 1):  encode(c.gsm8kTest),
	}, config("main", false, "train", "test"))
	r.Card = map[string]any{"license": []string{"mit"}} // this card has a list where the others have a string
	r.Files["README.md"] = hub.File{Content: r.Readme()}
	return r
}

func (c corpus) mathRepo() hub.Repo {
	data := map[string][]byte{}
	var configs []hub.Config
	for _, m := range mathConfigs {
		data[shard(m.name, "train", 0, 1)] = encode(c.math[m.name])
		data[shard(m.name, "test", 0, 1)] = encode(c.mathTest[m.name])
		configs = append(configs, config(m.name, false, "train", "test"))
	}
	return repo("EleutherAI/hendrycks_math", MATHCommit, "mit", data, configs...)
}

func (c corpus) squadRepo() hub.Repo {
	return repo("rajpurkar/squad_v2", SQuADCommit, "cc-by-sa-4.0", map[string][]byte{
		shard("squad_v2", "train", 0, 1):      encode(c.squad),
		shard("squad_v2", "validation", 0, 1): encode(c.squadTest),
	}, config("squad_v2", true, "train", "validation"))
}

func (c corpus) hotpotRepo() hub.Repo {
	half := (len(c.hotpot) + 1) / 2
	return repo("hotpotqa/hotpot_qa", HotpotCommit, "cc-by-sa-4.0", map[string][]byte{
		shard("distractor", "train", 0, 2):      encode(c.hotpot[:half]),
		shard("distractor", "train", 1, 2):      encode(c.hotpot[half:]),
		shard("distractor", "validation", 0, 1): encode(c.hotpotTest),
	}, config("distractor", false, "train", "validation"))
}

func (c corpus) humanEvalRepo() hub.Repo {
	return repo("openai/openai_humaneval", HumanEvalCommit, "mit", map[string][]byte{
		shard("openai_humaneval", "test", 0, 1): encode(c.humanEval),
	}, config("openai_humaneval", true, "test"))
}

func (c corpus) mbppRepo() hub.Repo {
	data := map[string][]byte{}
	for _, s := range mbppSplits {
		data[shard("sanitized", s.name, 0, 1)] = encode(c.mbpp[s.name])
	}
	return repo("google-research-datasets/mbpp", MBPPCommit, "cc-by-4.0", data,
		config("sanitized", false, "train", "test", "validation", "prompt"))
}
