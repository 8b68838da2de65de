package recipe_test

import (
	"strings"
	"testing"

	"github.com/datasetmix/datasetmix/internal/recipe"
	"github.com/datasetmix/datasetmix/internal/testing/recipes"
)

// Whatever a recipe says that this release does not know is refused by name, before anything is made of it.
func TestValidateRefusesByName(t *testing.T) {
	if err := recipes.Six(recipe.KeepTotal, recipe.KeepTotal).Validate(); err != nil {
		t.Fatalf("a recipe that is right: %v", err)
	}
	probed := func(r *recipe.Recipe, probe recipe.Probe) {
		r.Decontaminate = &recipe.Decontaminate{Against: []recipe.Probe{probe}}
	}
	onHub := recipe.Source{HuggingFace: &recipe.HuggingFace{Repo: "a/b"}}
	for want, edit := range map[string]func(*recipe.Recipe){
		`order is "Sorted", and this release knows Shuffled, Interleaved`:                     func(r *recipe.Recipe) { r.Order = "Sorted" },
		`order is "", and this release knows`:                                                 func(r *recipe.Recipe) { r.Order = "" },
		`splits[1].size.policy is "All"`:                                                      func(r *recipe.Recipe) { r.Splits[1].Size.Policy = "All" },
		`domains[0].balance is "largest"`:                                                     func(r *recipe.Recipe) { r.Domains[0].Balance = "largest" },
		`domains[1].datasets[0].read.onBadRow is "Keep"`:                                      func(r *recipe.Recipe) { r.Domains[1].Datasets[0].Read.OnBadRow = "Keep" },
		`domains[0].datasets[0].record.answers is "None"`:                                     func(r *recipe.Recipe) { r.Domains[0].Datasets[0].Record.Answers = "None" },
		`domains[0].datasets[0].record.rule is "record/v9", and this release knows record/v2`: func(r *recipe.Recipe) { r.Domains[0].Datasets[0].Record.Rule = "record/v9" },
		`domains[0].datasets[0].read.nonFinite is "null"`:                                     func(r *recipe.Recipe) { r.Domains[0].Datasets[0].Read.NonFinite = "null" },
		`domains[0].datasets[0].read.table.quote is "Single"`:                                 func(r *recipe.Recipe) { r.Domains[0].Datasets[0].Read.Table = &recipe.Table{Quote: "Single"} },
		`the table of gsm8k has the delimiter "||"`:                                           func(r *recipe.Recipe) { r.Domains[0].Datasets[0].Read.Table = &recipe.Table{Delimiter: "||"} },
		`the table of gsm8k has the delimiter "\""`:                                           func(r *recipe.Recipe) { r.Domains[0].Datasets[0].Read.Table = &recipe.Table{Delimiter: `"`} },
		`the table of p has the delimiter "\xff"`: func(r *recipe.Recipe) {
			probed(r, recipe.Probe{Name: "p", Source: onHub, Read: recipe.Read{Table: &recipe.Table{Delimiter: "\xff"}}})
		},
		`the table of gsm8k has 257 columns, and the most is 256`: func(r *recipe.Recipe) {
			r.Domains[0].Datasets[0].Read.Table = &recipe.Table{Columns: make([]string, 257)}
		},
		`gsm8k is read as a table and by a path`: func(r *recipe.Recipe) {
			r.Domains[0].Datasets[0].Read = recipe.Read{Path: "data", Table: &recipe.Table{}}
		},
		`output.format is "CSV"`: func(r *recipe.Recipe) { r.Output.Format = "CSV" },
		`resample is "Twice"`:    func(r *recipe.Recipe) { r.Resample = "Twice" },
		`unit is "Words"`:        func(r *recipe.Recipe) { r.Unit = "Words" },
		`tokenizer.encoding is "p50k_base", and this release knows o200k_base`: func(r *recipe.Recipe) { r.Tokenizer.Encoding = "p50k_base" },
		`duplicates is "\x1b[31m"`: func(r *recipe.Recipe) { r.Duplicates = "\x1b[31m" },
		`decontaminate.against[0].read.onBadRow is "x"`: func(r *recipe.Recipe) {
			probed(r, recipe.Probe{Name: "p", Source: onHub, Read: recipe.Read{OnBadRow: "x"}})
		},
		`domains[0].datasets[0].source.objectStore.addressing is "Both"`: store(func(s *recipe.ObjectStore) { s.Addressing = "Both" }),
		`domains[0].datasets[0].source.objectStore.access is "Root"`:     store(func(s *recipe.ObjectStore) { s.Access = "Root" }),
		`domains[0].datasets[0].source.oci.scheme is "FTP"`: func(r *recipe.Recipe) {
			r.Domains[0].Datasets[0].Source = recipe.Source{OCI: &recipe.OCI{Scheme: "FTP"}}
		},
		`a split is called "../train"`:                    func(r *recipe.Recipe) { r.Splits[0].Name = "../train" },
		`two splits are called test`:                      func(r *recipe.Recipe) { r.Splits[0].Name = "test" },
		`a domain is called ""`:                           func(r *recipe.Recipe) { r.Domains[0].Name = "" },
		`a data set or probe is called "a/b"`:             func(r *recipe.Recipe) { r.Domains[0].Datasets[0].Name = "a/b" },
		`two data set or probes are called gsm8k`:         func(r *recipe.Recipe) { probed(r, recipe.Probe{Name: "gsm8k", Source: onHub}) },
		`the mix is called "\x1b[31mmix"`:                 func(r *recipe.Recipe) { r.Name = "\x1b[31mmix" },
		`the recipe has 0 splits`:                         func(r *recipe.Recipe) { r.Splits = nil },
		`the recipe has 0 domains`:                        func(r *recipe.Recipe) { r.Domains = nil },
		`has 0 data sets`:                                 func(r *recipe.Recipe) { r.Domains[0].Datasets = nil },
		`the splits have a share of 0`:                    func(r *recipe.Recipe) { r.Splits[0].Share = 0 },
		`the domains have a share of -1`:                  func(r *recipe.Recipe) { r.Domains[0].Share = -1 },
		`the shares of the splits come to 1000001`:        func(r *recipe.Recipe) { r.Splits[0].Share, r.Splits[1].Share = 1_000_000, 1 },
		`and a data set with a share`:                     func(r *recipe.Recipe) { r.Domains[0].Datasets[0].Share = 1 },
		`the data sets of domain math have a share of 0`:  func(r *recipe.Recipe) { r.Domains[0].Balance = recipe.Shares },
		`output.shards is 3000000`:                        func(r *recipe.Recipe) { r.Output.Shards = 3_000_000 },
		`output.keepRevisions is -1`:                      func(r *recipe.Recipe) { r.Output.KeepRevisions = -1 },
		`maxRepeats is -1`:                                func(r *recipe.Recipe) { r.MaxRepeats = -1 },
		`the size of split train is 5, and can be 0 to 0`: func(r *recipe.Recipe) { r.Splits[0].Size = recipe.Size{Policy: recipe.KeepTotal, Rows: 5} },
		`the size of split train is 9223372036854775807`:  func(r *recipe.Recipe) { r.Splits[0].Size = recipe.Size{Policy: recipe.ExactRows, Rows: 1<<63 - 1} },
		`nearDuplicates.bands is 1000000`: func(r *recipe.Recipe) {
			r.NearDuplicates = &recipe.NearDuplicates{N: 5, Bands: 1_000_000, Rows: 4, Percent: 80}
		},
		`nearDuplicates.percent is 101`: func(r *recipe.Recipe) {
			r.NearDuplicates = &recipe.NearDuplicates{N: 5, Bands: 16, Rows: 4, Percent: 101}
		},
		`compare is "question/v9", and this release knows question/v1`: func(r *recipe.Recipe) { r.Compare = "question/v9" },
		`nearDuplicates.words is "words/v9", and this release knows words/v1`: func(r *recipe.Recipe) {
			r.NearDuplicates = &recipe.NearDuplicates{N: 5, Bands: 16, Rows: 4, Percent: 80, Words: "words/v9"}
		},
		`decontaminate.ngrams.n is 0`: func(r *recipe.Recipe) {
			probed(r, recipe.Probe{Name: "p", Source: onHub})
			r.Decontaminate.NGrams = &recipe.NGrams{Percent: 1}
		},
		`maxBadRows of gsm8k is -3`:         func(r *recipe.Recipe) { r.Domains[0].Datasets[0].Read.MaxBadRows = -3 },
		`the rows expected of gsm8k is -1`:  func(r *recipe.Recipe) { r.Domains[0].Datasets[0].Source.Expect = &recipe.Expect{Rows: -1} },
		`the source of gsm8k is of 0 kinds`: func(r *recipe.Recipe) { r.Domains[0].Datasets[0].Source = recipe.Source{} },
		`the source of gsm8k is of 2 kinds`: func(r *recipe.Recipe) {
			r.Domains[0].Datasets[0].Source = recipe.Source{HuggingFace: &recipe.HuggingFace{}, OCI: &recipe.OCI{}}
		},
		`a file of gsm8k has the SHA-256 "../../victim", which is not 64 hexadecimal digits`: func(r *recipe.Recipe) {
			r.Domains[0].Datasets[0].Source = recipe.Source{HTTP: &recipe.HTTP{URLs: []recipe.HTTPFile{{SHA256: "../../victim"}}}}
		},
		`what is expected of gsm8k has the SHA-256 "x", which is not 64 hexadecimal digits`: func(r *recipe.Recipe) { r.Domains[0].Datasets[0].Source.Expect = &recipe.Expect{SHA256: "x"} },
		`output.path is "../other"`:    func(r *recipe.Recipe) { r.Output.Path = "../other" },
		`output.path is "/etc"`:        func(r *recipe.Recipe) { r.Output.Path = "/etc" },
		`output.path is "mix/.stages"`: func(r *recipe.Recipe) { r.Output.Path = "mix/.stages" },
		`the tokenizer has the SHA-256 "ABC", which is not 64 hexadecimal digits`: func(r *recipe.Recipe) { r.Tokenizer.SHA256 = "ABC" },
	} {
		r := recipes.Six(recipe.KeepTotal, recipe.KeepTotal)
		r.Splits = append([]recipe.Split(nil), r.Splits...)
		edit(&r)
		if err := r.Validate(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("the error is %v, want %q", err, want)
		}
	}
}

func store(edit func(*recipe.ObjectStore)) func(*recipe.Recipe) {
	return func(r *recipe.Recipe) {
		of := &recipe.ObjectStore{URL: "s3://bucket"}
		edit(of)
		r.Domains[0].Datasets[0].Source = recipe.Source{ObjectStore: of}
	}
}
