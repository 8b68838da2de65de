package report

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// six returns the six data sets' mix as its plan comes out, KeepTotal for both splits.
func six() Revision {
	train := func(rows, balanced, mixed, unique, repeats int64) Counts {
		return Counts{rows, balanced, mixed, unique, repeats}
	}
	digest := strings.Repeat("0123456789abcdef", 4)
	return Revision{
		Mix: "grpo-six", ID: "3f9c2a1b0d", Seed: 42, Order: "Shuffled",
		Splits: []Split{{"train", 5, "KeepTotal", 160107, 61001}, {"test", 1, "KeepTotal", 32022, 12201}},
		Domains: []Domain{
			{"math", 4, []int64{64043, 12809}},
			{"qa", 3, []int64{48032, 9607}},
			{"code", 3, []int64{48032, 9606}},
		},
		Datasets: []Dataset{
			{"gsm8k", "math", "openai/gsm8k, main, train", "740312add88f781978c0658806c59bc2815b9866", "gsm8k", "mit", 7473, nil,
				[]Counts{train(6227, 6250, 32022, 6227, 6), train(1246, 1250, 6405, 1246, 6)}, 0},
			{"math", "math", "EleutherAI/hendrycks_math", "21a5633873b6a120296cce3e2df9d5550074f4a3", "math", "MIT", 7500, nil,
				[]Counts{train(6250, 6250, 32021, 6250, 6), train(1250, 1250, 6404, 1250, 6)}, 0},
			{"squad2", "qa", "rajpurkar/squad_v2", "3ffb306f725f7d2ce8394bc1873b24868140c412", "squad2", "cc-by-sa-4.0", 87601,
				[]Drop{{"the same content came before", 2}}, []Counts{train(72999, 74138, 24016, 24016, 1), train(14600, 14828, 4804, 4804, 1)}, 0},
			{"hotpotqa", "qa", "hotpotqa/hotpot_qa", "1908d6afbbead072334abe2965f91bd2709910ab", "hotpotqa", "CC BY-SA 4.0", 88966, nil,
				[]Counts{train(74138, 74138, 24016, 24016, 1), train(14828, 14828, 4803, 4803, 1)}, 0},
			{"humaneval", "code", "openai/openai_humaneval", "7dce6050a7d6d172f3cc5c32aa97f52fa1a2e544", "humaneval", "MIT", 164, nil,
				[]Counts{train(137, 356, 24016, 137, 176), train(27, 71, 4803, 27, 178)}, 0},
			{"mbpp", "code", "google-research-datasets/mbpp", "4bb6404fdc6cacfda99d4ac4205087b89d32030c", "mbpp", "", 427, nil,
				[]Counts{train(356, 356, 24016, 356, 68), train(71, 71, 4803, 71, 68)}, 0},
		},
		Files: []File{
			{"mixed/train_mixed.jsonl", 181234567, digest, 160107, "train", "", ""},
			{"mixed/test_mixed.jsonl", 36123456, digest, 32022, "test", "", ""},
			{"mixed/info.json", 812, digest, 0, "", "", ""},
			{"raw/math/gsm8k.jsonl", 5000000, digest, 7473, "", "gsm8k", ""},
			{"processed/gsm8k/train.jsonl", 4100000, digest, 6227, "train", "gsm8k", ""},
			{"processed/gsm8k/test.jsonl", 900000, digest, 1246, "test", "gsm8k", ""},
			{"test/gsm8k_test.jsonl", 900000, digest, 1246, "test", "gsm8k", ""},
		},
	}
}

// with returns a changed copy. It copies what the tests change.
func (r Revision) with(change func(*Revision)) Revision {
	r.Splits = append([]Split(nil), r.Splits...)
	r.Domains = append([]Domain(nil), r.Domains...)
	r.Datasets = append([]Dataset(nil), r.Datasets...)
	r.Files = append([]File(nil), r.Files...)
	change(&r)
	return r
}

// writers are the three reports, for what holds for all of them.
var writers = map[string]func(Revision) ([]byte, error){"card": Card, "croissant": Croissant, "page": HTML}

func TestReportsAreDeterministic(t *testing.T) {
	for name, write := range writers {
		first, err := write(six())
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		for range 20 {
			if again, _ := write(six()); string(again) != string(first) {
				t.Fatalf("%s: two reports of one revision differ", name)
			}
		}
	}
}

func TestReportsRefuse(t *testing.T) {
	for _, c := range []struct {
		message string
		change  func(*Revision)
	}{
		{"needs the names of the mix and the revision", func(r *Revision) { r.Mix = "" }},
		{"needs the names of the mix and the revision", func(r *Revision) { r.ID = "" }},
		{"at least one split", func(r *Revision) { r.Splits = nil }},
		{"at least one split, domain", func(r *Revision) { r.Domains = nil }},
		{"and data set", func(r *Revision) { r.Datasets = nil }},
		{"domain qa has rows for 1 splits of 2", func(r *Revision) { r.Domains[1].Rows = []int64{1} }},
		{"data set mbpp has counts for 0 splits of 2", func(r *Revision) { r.Datasets[5].Splits = nil }},
		{`data set gsm8k is in domain "maths", which is not there`, func(r *Revision) { r.Datasets[0].Domain = "maths" }},
	} {
		for name, write := range writers {
			if _, err := write(six().with(c.change)); err == nil || !strings.Contains(err.Error(), c.message) {
				t.Errorf("%s: %v, should say %s", name, err, c.message)
			}
		}
	}
}

func TestWarnings(t *testing.T) {
	quiet := func(r *Revision) {
		for i := range r.Datasets {
			r.Datasets[i].Splits = []Counts{{Rows: 1, Mixed: 1, Unique: 1, MaxRepeats: 1}, {}}
		}
		r.Splits[0].Unique, r.Splits[1].Unique = r.Splits[0].Rows, r.Splits[1].Rows
	}
	for _, c := range []struct {
		name   string
		change func(*Revision)
		want   []string
	}{
		{"none", quiet, nil},
		{"one row", func(r *Revision) {
			quiet(r)
			r.Datasets[4].Splits[0] = Counts{Mixed: 2000, Unique: 1, MaxRepeats: 2000}
			r.Splits[0].Unique = 1
		}, []string{
			"humaneval: 1 row repeats up to 2,000 times in the 2,000 rows it has in train.",
			"train has 160,107 rows, but only 1 of them is distinct. What is trained or measured on it weighs rows by how often they repeat.",
		}},
		{"many", func(r *Revision) { r.Datasets = r.Datasets[4:] }, []string{
			"humaneval: 137 rows repeat up to 176 times in the 24,016 rows it has in train.",
			"mbpp: 356 rows repeat up to 68 times in the 24,016 rows it has in train.",
			"train has 160,107 rows, but only 61,001 of them are distinct. What is trained or measured on it weighs rows by how often they repeat.",
			"humaneval: 27 rows repeat up to 178 times in the 4,803 rows it has in test.",
			"mbpp: 71 rows repeat up to 68 times in the 4,803 rows it has in test.",
			"test has 32,022 rows, but only 12,201 of them are distinct. What is trained or measured on it weighs rows by how often they repeat.",
		}},
	} {
		r := six().with(c.change)
		if diff := cmp.Diff(c.want, r.Warnings()); diff != "" {
			t.Errorf("%s:\n%s", c.name, diff)
		}
	}
}

func TestPercentage(t *testing.T) {
	for _, c := range []struct {
		part, whole int64
		want        string
	}{
		{64043, 160107, "40.00"}, {1, 3, "33.33"}, {2, 3, "66.67"}, {0, 7, "0.00"}, {7, 7, "100.00"}, {0, 0, "0.00"}, {1, 0, "0.00"},
		{1, 20000, "0.01"}, {29, 100, "29.00"}, {1 << 62, 1<<63 - 1, "50.00"},
	} {
		if got := Percentage(c.part, c.whole); got != c.want {
			t.Errorf("%d of %d is %s %%, not %s", c.part, c.whole, got, c.want)
		}
	}
}

func TestNumbers(t *testing.T) {
	for n, want := range map[int64]string{0: "0", 7: "7", 999: "999", 1000: "1,000", 160107: "160,107", 1234567890: "1,234,567,890", -1: "-1", -1000: "-1,000", -1 << 63: "-9,223,372,036,854,775,808"} {
		if got := Thousands(n); got != want {
			t.Errorf("%d is written %s, not %s", n, got, want)
		}
	}
	for n, want := range map[int64]string{0: "0 bytes", 1: "1 byte", 999: "999 bytes", 1000: "1.0 kB", 1999: "1.9 kB", 999999: "999.9 kB", 181234567: "181.2 MB", 5e9: "5.0 GB", 1<<63 - 1: "9.2 EB"} {
		if got := size(n); got != want {
			t.Errorf("%d bytes are written %s, not %s", n, got, want)
		}
	}
}

func TestLicenses(t *testing.T) {
	for _, c := range []struct{ license, hub, url string }{
		{"mit", "mit", "https://spdx.org/licenses/MIT.html"},
		{"MIT", "mit", "https://spdx.org/licenses/MIT.html"},
		{" CC BY-SA 4.0 ", "cc-by-sa-4.0", "https://spdx.org/licenses/CC-BY-SA-4.0.html"},
		{"Apache-2.0", "apache-2.0", "https://spdx.org/licenses/Apache-2.0.html"},
		{"", "unknown", "unknown"},
		{"unknown", "unknown", "unknown"},
		{"our own terms", "other", "our own terms"},
	} {
		if hub, url := hubLicense(c.license), licenseURL(c.license); hub != c.hub || url != c.url {
			t.Errorf("%q: %q, %q", c.license, hub, url)
		}
	}
	r := six()
	if diff := cmp.Diff([]string{"cc-by-sa-4.0", "mit", "unknown"}, r.Licenses()); diff != "" {
		t.Error(diff)
	}
}

// Each export is a set of records of its own, of those of its columns that are texts; its files are not taken for the mix.
func TestExportsInCroissant(t *testing.T) {
	r := six()
	digest := strings.Repeat("e", 64)
	r.Exports = []Export{{Name: "rl", Folder: "exports/rl", Format: "RL", Rows: 192129}, {Name: "dpo", Folder: "exports/dpo", Format: "Preference", Rows: 192129}}
	for _, e := range r.Exports {
		r.Files = append(r.Files, File{e.Folder + "/train.parquet", 1000, digest, 160107, "train", "", e.Name}, File{e.Folder + "/test.parquet", 1000, digest, 32022, "test", "", e.Name})
	}
	content, err := Croissant(r)
	if err != nil {
		t.Fatal(err)
	}
	var doc croissant
	if err := json.Unmarshal(content, &doc); err != nil {
		t.Fatal(err)
	}
	fields := map[string][]string{}
	for _, set := range doc.RecordSets {
		for _, field := range set.Fields {
			fields[set.ID] = append(fields[set.ID], field.Name)
		}
	}
	for id, want := range map[string][]string{
		"export-rl":  {"solution", "data_source", "ability", "task", "label", "answer_type", "reference_answer", "id", "dataset", "domain", "split", "file", "row"},
		"export-dpo": {"id", "dataset", "domain", "split", "file", "row"},
	} {
		if diff := cmp.Diff(want, fields[id]); diff != "" {
			t.Errorf("%s (-want +got):\n%s", id, diff)
		}
	}
	card, err := Card(r)
	if err != nil {
		t.Fatal(err)
	}
	if front, _, _ := strings.Cut(string(card), "\n# "); strings.Contains(front, "exports/") || !strings.Contains(string(card), `load_dataset("path/to/this/folder/exports/rl")`) {
		t.Errorf("the card is\n%s", card)
	}
}
