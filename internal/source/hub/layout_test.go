package hub

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/datasetmix/datasetmix/internal/contract"
	"github.com/datasetmix/datasetmix/internal/source"
)

// chosenBy returns what a card, an ask ("config/split") and the files of a repository come to: the files, or what is said.
func chosenBy(t *testing.T, card, ask, files string) string {
	t.Helper()
	var data cardData
	if err := json.Unmarshal([]byte(card), &data); err != nil {
		t.Fatal(err)
	}
	config, split, _ := strings.Cut(ask, "/")
	h := &hub{}
	h.spec.Repo, h.spec.Config, h.spec.Split = "acme/set", config, split
	listed := map[string]source.File{}
	for _, p := range strings.Fields(files) {
		listed[p] = source.File{Path: p}
	}
	chosen, err := h.choose(t.Context(), repoInfo{CardData: data}, listed)
	if err == nil {
		return strings.Join(chosen, " ")
	}
	if !contract.ReasonOf(err).Permanent() {
		t.Errorf("reason %s", contract.ReasonOf(err))
	}
	return err.Error()
}

// wantChoice compares a choice with the files that are wanted, or a refusal with a part of it.
func wantChoice(t *testing.T, got, want string) {
	t.Helper()
	if strings.Contains(got, "acme/set") && strings.Contains(got, want) { // every refusal names the repository
		return
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// TestSplitsByLayout: files without a card, what is asked for, and what is read, or a part of the refusal.
func TestSplitsByLayout(t *testing.T) {
	for _, tc := range []struct{ name, ask, files, want string }{
		{"the only file is the split train", "/train", "rows.jsonl README.md", "rows.jsonl"},
		{"all files are, where none is called after a split", "/train", "b.csv a.csv LICENSE", "a.csv b.csv"},
		{"but not another split", "/test", "rows.jsonl", `Repository acme/set has no split "test": its files are called after no split, so they are the split train.`},
		{"nor files of several folders", "/train", "en/rows.csv fr/rows.csv", "lie in several folders: en, fr. Name one of them with config"},
		{"a folder by its name", "en/train", "en/rows.csv fr/rows.csv", "en/rows.csv"},
		{"other splits there make it none", "/train", "rows.csv test.csv", `Repository acme/set has no split "train". It has test: name one of them`},

		{"shards", "/train", "data/train-00001-of-00002.parquet data/train-00000-of-00002.parquet data/test-00000-of-00001.parquet",
			"data/train-00000-of-00002.parquet data/train-00001-of-00002.parquet"},
		{"shards with a fingerprint", "/train", "data/train-00000-of-00001-b42a775f407cee45.parquet", "data/train-00000-of-00001-b42a775f407cee45.parquet"},
		{"shards of a split of any name", "/hard", "data/hard-00000-of-00001.parquet data/easy-00000-of-00001.parquet", "data/hard-00000-of-00001.parquet"},
		{"shards of a split with a word in its name", "/train_sft", "data/train_sft-00000-of-00001.parquet data/train_gen-00000-of-00001.parquet",
			"data/train_sft-00000-of-00001.parquet"},
		{"never a split whose name merely begins so", "/train", "data/train_sft-00000-of-00001.parquet data/test_sft-00000-of-00001.parquet",
			`has no split "train". It has test_sft, train_sft: name one of them with split`},
		{"anywhere", "/train", "train_sft-00000-of-00001.parquet train_gen-00000-of-00001.parquet", `It has train_gen, train_sft`},
		{"nor of a configuration", "main/train", "main/train.clean-00000-of-00001.parquet main/train.other-00000-of-00001.parquet", `It has train.clean, train.other`},
		{"shards of data come before those elsewhere", "/train", "data/train-00000-of-00001.parquet old/train-00000-of-00001.parquet", "data/train-00000-of-00001.parquet"},
		{"a corpus whose shards are called after no split", "/train", "c4-00000-of-00002.jsonl.gz c4-00001-of-00002.jsonl.gz", "c4-00000-of-00002.jsonl.gz c4-00001-of-00002.jsonl.gz"},

		{"numbers", "/train", "train_0.csv train_1.csv train2.csv train.part-03.csv test_0.csv", "train.part-03.csv train2.csv train_0.csv train_1.csv"},
		{"one file with the word in it", "/train", "gsm8k_train.jsonl gsm8k_test.jsonl", "gsm8k_train.jsonl"},
		{"several with it are not one", "/train", "train_sft.jsonl train_gen.jsonl", `Several splits of repository acme/set could be "train", and they are not read as one: train_gen, train_sft.`},
		{"the split's own name before those", "/train", "train_sft.jsonl train.jsonl", "train.jsonl"},
		{"another name of the split", "/validation", "train.csv dev.csv", "dev.csv"},
		{"two other names", "/validation", "dev.csv val.csv", `Several splits of repository acme/set could be "validation", and they are not read as one: dev, val.`},
		{"eval is the test split, as on the Hub", "/test", "train.csv eval.csv", "eval.csv"},
		{"capitals", "/train", "Train.csv Test.csv", "Train.csv"},

		{"folders", "/train", "train/a.csv train/b.csv test/a.csv", "train/a.csv train/b.csv"},
		{"folders below data", "/validation", "data/train/a.csv data/validation/part-00000-of-00002.csv data/validation/part-00001-of-00002.csv",
			"data/validation/part-00000-of-00002.csv data/validation/part-00001-of-00002.csv"},
		{"a folder of another split with the word in a file's name", "/test", "train/test_cases.csv test/a.csv", "test/a.csv"},
		{"the file's own name in a folder with the word in it", "/train", "evaluation_suite/train.csv evaluation_suite/test.csv", "evaluation_suite/train.csv"},
		{"folders of several configurations", "/train", "en/train/a.csv fr/train/a.csv", "Several splits of repository acme/set could be \"train\", and they are not read as one: en/train, fr/train. To choose, name one of the folders en, fr with config"},
		{"and files", "/train", "raw/train.csv clean/train.csv", "clean/train, raw/train"},
		{"hidden files and those of tools are no data", "/train", ".cache/train.csv __MACOSX/train.csv dataset_infos.json rows.json", "rows.json"},

		{"converted, the only configuration", "/train", "default/train/0000.parquet default/test/0000.parquet", "default/train/0000.parquet"},
		{"converted, the only one with another name", "/test", "plain_text/train/0000.parquet plain_text/test/0000.parquet plain_text/test/0001.parquet",
			"plain_text/test/0000.parquet plain_text/test/0001.parquet"},
		{"converted, several", "/train", "de/train/0000.parquet en/train/0000.parquet", "Repository acme/set has several configurations and no default one: name one of de, en"},
		{"converted, several and all splits", "/", "de/train/0000.parquet en/train/0000.parquet", "has several configurations and no default one"},
		{"converted, one of several", "en/train", "de/train/0000.parquet en/train/0000.parquet", "en/train/0000.parquet"},
		{"converted, a part is not the whole", "/train", "default/partial-train/0000.parquet", `has no split "train". It has partial-train`},
		{"converted, a part by its name", "/partial-train", "default/partial-train/0000.parquet", "default/partial-train/0000.parquet"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			wantChoice(t, chosenBy(t, `{}`, tc.ask, tc.files), tc.want)
		})
	}
}

// TestSplitsByCard: cards as people write them, what is asked for, and what is read of the same files, or a part of the refusal.
func TestSplitsByCard(t *testing.T) {
	const files = "README.md a.jsonl en/train.jsonl en/test.jsonl en/sub/x.jsonl fr/train.jsonl en/notes.txt .hidden/z.jsonl"
	config := func(entry string) string { return `{"configs": [{"config_name": "default", ` + entry + `}]}` }
	for _, tc := range []struct{ name, card, ask, want string }{
		{"a pattern without a split is the split train", config(`"data_files": "*.jsonl"`), "/train", "a.jsonl"},
		{"and no other", config(`"data_files": "*.jsonl"`), "/test", `has no split "test". It has train`},
		{"patterns without a split", config(`"data_files": ["en/train.jsonl", "./fr/*.jsonl"]`), "/train", "en/train.jsonl fr/train.jsonl"},
		{"the same for all splits", config(`"data_files": ["a.jsonl"]`), "/", "a.jsonl"},
		{"a list of splits", config(`"data_files": [{"split": "train", "path": ["a.jsonl", "fr/*"]}, {"split": "test", "path": "en/test.jsonl"}]`), "/train", "a.jsonl fr/train.jsonl"},
		{"a mapping of splits", config(`"data_files": {"train": "a.jsonl", "test": ["en/test.jsonl"]}`), "/test", "en/test.jsonl"},
		{"one split alone", config(`"data_files": {"split": "dev", "path": "a.jsonl"}`), "/dev", "a.jsonl"},
		{"splits are those of the card", config(`"data_files": {"dev": "a.jsonl"}`), "/validation", `It has dev: name one of them with split`},
		{"a pattern that finds nothing beside one that does", config(`"data_files": ["*.parquet", "*.jsonl"]`), "/train", "a.jsonl"},
		{"a path that is not there", config(`"data_files": ["a.jsonl", "b.jsonl"]`), "/train", `No file of repository acme/set matches "b.jsonl", which its card names.`},
		{"patterns that find nothing", config(`"data_files": "*.parquet"`), "/train", `matches "*.parquet"`},
		{"what is no data beside what is", config(`"data_files": "en/**"`), "/train", "en/sub/x.jsonl en/test.jsonl en/train.jsonl"},
		{"hidden files", config(`"data_files": "**/*.jsonl"`), "/train", "a.jsonl en/sub/x.jsonl en/test.jsonl en/train.jsonl fr/train.jsonl"},
		{"hidden files that are asked for", config(`"data_files": ".hidden/*.jsonl"`), "/train", ".hidden/z.jsonl"},
		{"** next to other characters", config(`"data_files": "**.jsonl"`), "/train", `The pattern "**.jsonl" in the card of repository acme/set has ** next to other characters`},
		{"** next to other characters, below", config(`"data_files": "en/**train.jsonl"`), "/train", `has ** next to other characters`},
		{"alternatives without an end", config(`"data_files": "` + strings.Repeat("{a,a}", 48) + `b"`), "/train", "expands to more than 1024 patterns"},
		{"a pattern longer than any", config(`"data_files": "` + strings.Repeat("a*", 200) + `b"`), "/train", "has 401 bytes, and a pattern has at most 256"},
		{"lists in lists", config(`"data_files": ` + strings.Repeat("[", 9000) + strings.Repeat("]", 9000)), "/train", "with data_files that are neither"},
		{"files elsewhere", config(`"data_files": "hf://datasets/other/set/a.jsonl"`), "/train", "names files outside the repository"},
		{"files above", config(`"data_files": "../a.jsonl"`), "/train", "names files outside the repository"},

		{"a folder", config(`"data_dir": "en"`), "/train", "en/train.jsonl"},
		{"a folder with a slash", config(`"data_dir": "./en/"`), "/test", "en/test.jsonl"},
		{"a folder of one split alone", config(`"data_dir": "fr"`), "/test", `has no split "test". It has train`},
		{"a folder without files", config(`"data_dir": "de"`), "/train", "has the files of configuration default in the folder de"},
		{"patterns in a folder", config(`"data_dir": "en", "data_files": "sub/*"`), "/train", "en/sub/x.jsonl"},
		{"a folder above", config(`"data_dir": "../en"`), "/train", "in the folder ../en"},
		{"neither files nor folder", `{"configs": [{"config_name": "fr"}, {"config_name": "en"}]}`, "fr/train", "fr/train.jsonl"},
		{"nor a folder of its name", config(`"description": "x"`), "/train", "Several splits"},
		{"names alone", `{"configs": ["en", "fr"]}`, "fr/train", "fr/train.jsonl"},

		{"another entry is odd", `{"configs": [{"config_name": "main", "data_files": "a.jsonl"}, {"config_name": "x", "data_files": 7}, 3, null]}`, "main/train", "a.jsonl"},
		{"the entry itself is odd", `{"configs": [{"config_name": "en", "data_files": [7, {}]}]}`, "en/train", "describes configuration en with data_files that are neither patterns nor"},
		{"files that are none", `{"configs": [{"config_name": "en", "data_files": []}]}`, "en/train", "describes configuration en with data_files that are neither"},
		{"a folder that is none", `{"configs": [{"config_name": "en", "data_dir": ["en"]}]}`, "en/train", "a list as data_dir"},
		{"a split without a path", `{"configs": [{"config_name": "en", "data_files": [{"split": "train"}]}]}`, "en/train", "with data_files that are neither"},
		{"a name that YAML reads as a number", `{"configs": [{"config_name": 2023, "data_files": "a.jsonl"}, {"config_name": "y", "data_files": "b"}]}`, "2023/train", "a.jsonl"},
		{"a split that YAML reads as a number", config(`"data_files": [{"split": 2024, "path": "a.jsonl"}]`), "/2024", "a.jsonl"},
		{"configurations that are no list", `{"configs": {"main": {"data_files": "a.jsonl"}}}`, "main/train", "has a mapping where a list of configurations belongs"},
		{"no configurations", `{"configs": null, "license": ["mit"]}`, "en/train", "en/train.jsonl"},

		{"a default one", `{"configs": [{"config_name": "x", "data_files": "b"}, {"config_name": "y", "default": true, "data_files": "a.jsonl"}]}`, "/train", "a.jsonl"},
		{"one called default", `{"configs": [{"config_name": "x", "data_files": "b"}, {"config_name": "default", "data_files": "a.jsonl"}]}`, "/train", "a.jsonl"},
		{"two default ones", `{"configs": [{"config_name": "x", "default": true}, {"config_name": "default"}]}`, "/train", "several default configurations"},
		{"two of one name", `{"configs": [{"config_name": "x", "data_files": "a.jsonl"}, {"config_name": "x"}]}`, "x/train", `describes configuration "x" more than once`},
	} {
		t.Run(tc.name, func(t *testing.T) {
			wantChoice(t, chosenBy(t, tc.card, tc.ask, files), tc.want)
		})
	}
}
