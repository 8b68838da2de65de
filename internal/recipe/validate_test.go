package recipe

import (
	"strings"
	"testing"
)

// Whatever a recipe says that this release does not know is refused by name, before anything is made of it.
func TestValidateRefusesByName(t *testing.T) {
	if err := six(KeepTotal, KeepTotal).Validate(); err != nil {
		t.Fatalf("a recipe that is right: %v", err)
	}
	probed := func(r *Recipe, probe Probe) { r.Decontaminate = &Decontaminate{Against: []Probe{probe}} }
	onHub := Source{HuggingFace: &HuggingFace{Repo: "a/b"}}
	for want, edit := range map[string]func(*Recipe){
		`order is "Sorted", and this release knows Shuffled, Interleaved`:                     func(r *Recipe) { r.Order = "Sorted" },
		`order is "", and this release knows`:                                                 func(r *Recipe) { r.Order = "" },
		`splits[1].size.policy is "All"`:                                                      func(r *Recipe) { r.Splits[1].Size.Policy = "All" },
		`domains[0].balance is "largest"`:                                                     func(r *Recipe) { r.Domains[0].Balance = "largest" },
		`domains[1].datasets[0].read.onBadRow is "Keep"`:                                      func(r *Recipe) { r.Domains[1].Datasets[0].Read.OnBadRow = "Keep" },
		`domains[0].datasets[0].record.answers is "None"`:                                     func(r *Recipe) { r.Domains[0].Datasets[0].Record.Answers = "None" },
		`domains[0].datasets[0].record.rule is "record/v9", and this release knows record/v2`: func(r *Recipe) { r.Domains[0].Datasets[0].Record.Rule = "record/v9" },
		`domains[0].datasets[0].read.nonFinite is "null"`:                                     func(r *Recipe) { r.Domains[0].Datasets[0].Read.NonFinite = "null" },
		`domains[0].datasets[0].read.table.quote is "Single"`:                                 func(r *Recipe) { r.Domains[0].Datasets[0].Read.Table = &Table{Quote: "Single"} },
		`the table of gsm8k has the delimiter "||"`:                                           func(r *Recipe) { r.Domains[0].Datasets[0].Read.Table = &Table{Delimiter: "||"} },
		`the table of gsm8k has the delimiter "\""`:                                           func(r *Recipe) { r.Domains[0].Datasets[0].Read.Table = &Table{Delimiter: `"`} },
		`the table of p has the delimiter "\xff"`: func(r *Recipe) {
			probed(r, Probe{Name: "p", Source: onHub, Read: Read{Table: &Table{Delimiter: "\xff"}}})
		},
		`the table of gsm8k has 257 columns, and the most is 256`:              func(r *Recipe) { r.Domains[0].Datasets[0].Read.Table = &Table{Columns: make([]string, 257)} },
		`gsm8k is read as a table and by a path`:                               func(r *Recipe) { r.Domains[0].Datasets[0].Read = Read{Path: "data", Table: &Table{}} },
		`output.format is "CSV"`:                                               func(r *Recipe) { r.Output.Format = "CSV" },
		`resample is "Twice"`:                                                  func(r *Recipe) { r.Resample = "Twice" },
		`unit is "Words"`:                                                      func(r *Recipe) { r.Unit = "Words" },
		`tokenizer.encoding is "p50k_base", and this release knows o200k_base`: func(r *Recipe) { r.Tokenizer.Encoding = "p50k_base" },
		`duplicates is "\x1b[31m"`:                                             func(r *Recipe) { r.Duplicates = "\x1b[31m" },
		`decontaminate.against[0].read.onBadRow is "x"`:                        func(r *Recipe) { probed(r, Probe{Name: "p", Source: onHub, Read: Read{OnBadRow: "x"}}) },
		`domains[0].datasets[0].source.objectStore.addressing is "Both"`:       store(func(s *ObjectStore) { s.Addressing = "Both" }),
		`domains[0].datasets[0].source.objectStore.access is "Root"`:           store(func(s *ObjectStore) { s.Access = "Root" }),
		`domains[0].datasets[0].source.oci.scheme is "FTP"`:                    func(r *Recipe) { r.Domains[0].Datasets[0].Source = Source{OCI: &OCI{Scheme: "FTP"}} },
		`a split is called "../train"`:                                         func(r *Recipe) { r.Splits[0].Name = "../train" },
		`two splits are called test`:                                           func(r *Recipe) { r.Splits[0].Name = "test" },
		`a domain is called ""`:                                                func(r *Recipe) { r.Domains[0].Name = "" },
		`a data set or probe is called "a/b"`:                                  func(r *Recipe) { r.Domains[0].Datasets[0].Name = "a/b" },
		`two data set or probes are called gsm8k`:                              func(r *Recipe) { probed(r, Probe{Name: "gsm8k", Source: onHub}) },
		`the mix is called "\x1b[31mmix"`:                                      func(r *Recipe) { r.Name = "\x1b[31mmix" },
		`the recipe has 0 splits`:                                              func(r *Recipe) { r.Splits = nil },
		`the recipe has 0 domains`:                                             func(r *Recipe) { r.Domains = nil },
		`has 0 data sets`:                                                      func(r *Recipe) { r.Domains[0].Datasets = nil },
		`the splits have a share of 0`:                                         func(r *Recipe) { r.Splits[0].Share = 0 },
		`the domains have a share of -1`:                                       func(r *Recipe) { r.Domains[0].Share = -1 },
		`the shares of the splits come to 1000001`:                             func(r *Recipe) { r.Splits[0].Share, r.Splits[1].Share = 1_000_000, 1 },
		`and a data set with a share`:                                          func(r *Recipe) { r.Domains[0].Datasets[0].Share = 1 },
		`the data sets of domain math have a share of 0`:                       func(r *Recipe) { r.Domains[0].Balance = Shares },
		`output.shards is 3000000`:                                             func(r *Recipe) { r.Output.Shards = 3_000_000 },
		`output.keepRevisions is -1`:                                           func(r *Recipe) { r.Output.KeepRevisions = -1 },
		`maxRepeats is -1`:                                                     func(r *Recipe) { r.MaxRepeats = -1 },
		`the size of split train is 5, and can be 0 to 0`:                      func(r *Recipe) { r.Splits[0].Size = Size{Policy: KeepTotal, Rows: 5} },
		`the size of split train is 9223372036854775807`:                       func(r *Recipe) { r.Splits[0].Size = Size{Policy: ExactRows, Rows: 1<<63 - 1} },
		`nearDuplicates.bands is 1000000`:                                      func(r *Recipe) { r.NearDuplicates = &NearDuplicates{N: 5, Bands: 1_000_000, Rows: 4, Percent: 80} },
		`nearDuplicates.percent is 101`:                                        func(r *Recipe) { r.NearDuplicates = &NearDuplicates{N: 5, Bands: 16, Rows: 4, Percent: 101} },
		`compare is "question/v9", and this release knows question/v1`:         func(r *Recipe) { r.Compare = "question/v9" },
		`nearDuplicates.words is "words/v9", and this release knows words/v1`: func(r *Recipe) {
			r.NearDuplicates = &NearDuplicates{N: 5, Bands: 16, Rows: 4, Percent: 80, Words: "words/v9"}
		},
		`decontaminate.ngrams.n is 0`: func(r *Recipe) {
			probed(r, Probe{Name: "p", Source: onHub})
			r.Decontaminate.NGrams = &NGrams{Percent: 1}
		},
		`maxBadRows of gsm8k is -3`:         func(r *Recipe) { r.Domains[0].Datasets[0].Read.MaxBadRows = -3 },
		`the rows expected of gsm8k is -1`:  func(r *Recipe) { r.Domains[0].Datasets[0].Source.Expect = &Expect{Rows: -1} },
		`the source of gsm8k is of 0 kinds`: func(r *Recipe) { r.Domains[0].Datasets[0].Source = Source{} },
		`the source of gsm8k is of 2 kinds`: func(r *Recipe) { r.Domains[0].Datasets[0].Source = Source{HuggingFace: &HuggingFace{}, OCI: &OCI{}} },
		`a file of gsm8k has the SHA-256 "../../victim", which is none`: func(r *Recipe) {
			r.Domains[0].Datasets[0].Source = Source{HTTP: &HTTP{URLs: []HTTPFile{{SHA256: "../../victim"}}}}
		},
		`what is expected of gsm8k has the SHA-256 "x", which is none`: func(r *Recipe) { r.Domains[0].Datasets[0].Source.Expect = &Expect{SHA256: "x"} },
		`output.path is "../other"`:                                    func(r *Recipe) { r.Output.Path = "../other" },
		`output.path is "/etc"`:                                        func(r *Recipe) { r.Output.Path = "/etc" },
		`output.path is "mix/.stages"`:                                 func(r *Recipe) { r.Output.Path = "mix/.stages" },
		`the tokenizer has the SHA-256 "ABC", which is none`:           func(r *Recipe) { r.Tokenizer.SHA256 = "ABC" },
	} {
		r := six(KeepTotal, KeepTotal).mapSources(func(s Source) Source { return s }) // a copy of what is edited
		r.Splits = append([]Split(nil), r.Splits...)
		edit(&r)
		if err := r.Validate(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("the error is %v, want %q", err, want)
		}
	}
}

func store(edit func(*ObjectStore)) func(*Recipe) {
	return func(r *Recipe) {
		of := &ObjectStore{URL: "s3://bucket"}
		edit(of)
		r.Domains[0].Datasets[0].Source = Source{ObjectStore: of}
	}
}

// A result that counts what nobody can have is refused, so that no sum of a plan can run over.
func TestResultsCountWhatThereCanBe(t *testing.T) {
	for _, result := range []Result{
		{Download: &Downloaded{Bytes: -1}},
		{Download: &Downloaded{Files: -1}},
		{Split: &Divided{Read: 1 << 62, Rows: []int64{1, 1}}},
		{Split: &Divided{Dropped: map[string]int64{"where": -4}, Rows: []int64{1, 1}}},
		{Mix: &Mixed{Rows: -1}},
		{Mix: &Mixed{Datasets: []MixedDataset{{Unique: 1 << 60}}}},
	} {
		if err := six(KeepTotal, KeepTotal).fits(Unit{}, result); err == nil || !strings.Contains(err.Error(), "it counts ") {
			t.Errorf("%+v: %v", result, err)
		}
	}
}

// A result's revision becomes the name of a folder, and what a link leads to: it is that of the key, and nothing else.
func TestAResultNamesTheRevisionOfItsKey(t *testing.T) {
	unit := Unit{Name: "mix", Key: "0123456789abcdef"}
	for revision, fits := range map[string]bool{"0123456789": true, "0123456780": false, "../../other": false, "": false} {
		err := six(KeepTotal, KeepTotal).fits(unit, Result{Publish: &Published{Revision: revision}})
		if (err == nil) != fits {
			t.Errorf("%q: %v", revision, err)
		}
	}
}
