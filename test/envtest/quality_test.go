package envtest

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	apierrors "k8s.io/apimachinery/pkg/api/errors"

	datav1alpha1 "github.com/datasetmix/datasetmix/api/v1alpha1"
	"github.com/datasetmix/datasetmix/internal/pipeline"
)

var digest = strings.Repeat("0123456789abcdef", 4)

func probe(name string) datav1alpha1.Probe {
	return datav1alpha1.Probe{Name: name, Source: datav1alpha1.Source{Volume: &datav1alpha1.VolumeSource{ClaimName: "c"}}, Preset: "gsm8k"}
}

// TestRefusalsOfQuality: each rule about reading, drawing, measuring and keeping apart, in its own words.
func TestRefusalsOfQuality(t *testing.T) {
	needAPI(t)
	tokens := func(spec *datav1alpha1.DatasetMixSpec, tokenizer datav1alpha1.Tokenizer) {
		spec.Unit, spec.Tokenizer = datav1alpha1.UnitTokens, &tokenizer
	}
	draws := func(spec *datav1alpha1.DatasetMixSpec) {
		spec.Resample, spec.Limits = datav1alpha1.ResampleWithReplacement, nil
	}
	tests := []struct {
		name string
		edit func(*datav1alpha1.DatasetMixSpec)
		want string
	}{
		{name: "bad-rows", edit: func(s *datav1alpha1.DatasetMixSpec) {
			s.Domains[0].Datasets[0].Read = &datav1alpha1.Read{MaxBadRows: 5}
		},
			want: "spec.domains[0].datasets[0].read: Invalid value: The number maxBadRows must be set only with the onBadRow Skip."},
		{name: "path-and-table", edit: func(s *datav1alpha1.DatasetMixSpec) {
			s.Domains[0].Datasets[0].Read = &datav1alpha1.Read{Path: "data", Table: &datav1alpha1.Table{Quote: datav1alpha1.QuoteNone}}
		},
			want: "spec.domains[0].datasets[0].read: Invalid value: Only one of path and table must be set: the first is for a JSON document, the second for delimited text."},
		{name: "delimiter-of-a-quote", edit: func(s *datav1alpha1.DatasetMixSpec) {
			s.Domains[0].Datasets[0].Read = &datav1alpha1.Read{Table: &datav1alpha1.Table{Delimiter: `"`}}
		},
			want: "spec.domains[0].datasets[0].read.table.delimiter: Invalid value"},
		{name: "tokenizer-without-tokens", edit: func(s *datav1alpha1.DatasetMixSpec) { s.Tokenizer = &datav1alpha1.Tokenizer{Encoding: "o200k_base"} },
			want: "spec: Invalid value: A tokenizer must be set only with the unit Tokens."},
		{name: "two-tokenizers", edit: func(s *datav1alpha1.DatasetMixSpec) {
			tokens(s, datav1alpha1.Tokenizer{Encoding: "o200k_base", File: "t.json", SHA256: digest})
		}, want: "spec.tokenizer: Invalid value: A tokenizer must be exactly one of encoding and file."},
		{name: "tokenizer-without-digest", edit: func(s *datav1alpha1.DatasetMixSpec) { tokens(s, datav1alpha1.Tokenizer{File: "t.json"}) },
			want: "spec.tokenizer: Invalid value: The file and the sha256 of a tokenizer must be set together."},
		{name: "tokenizer-elsewhere", edit: func(s *datav1alpha1.DatasetMixSpec) {
			tokens(s, datav1alpha1.Tokenizer{File: "../t.json", SHA256: digest})
		}, want: "A path must be a relative path without '..' segments."},
		{name: "limited-draws", edit: func(s *datav1alpha1.DatasetMixSpec) { draws(s); s.Limits = &datav1alpha1.Limits{MaxRepeats: 5} },
			want: "spec: Invalid value: The limit maxRepeats must not be set with the resample WithReplacement, where the draws decide how often a row appears."},
		{name: "draws-without-repeats", edit: func(s *datav1alpha1.DatasetMixSpec) { draws(s); s.Splits[1].Size.Policy = datav1alpha1.SizeNoRepeat },
			want: "spec: Invalid value: No split may have the size NoRepeat with the resample WithReplacement, which repeats rows by chance."},
		{name: "probe-named-as-data-set", edit: func(s *datav1alpha1.DatasetMixSpec) {
			s.Decontaminate = &datav1alpha1.Decontaminate{Against: []datav1alpha1.Probe{probe("mbpp")}}
		}, want: "spec: Invalid value: No source to decontaminate against may have the name of a data set."},
		{name: "probe-with-two-questions", edit: func(s *datav1alpha1.DatasetMixSpec) {
			s.Decontaminate = &datav1alpha1.Decontaminate{Against: []datav1alpha1.Probe{probe("probe")}}
			s.Decontaminate.Against[0].Question = "row.q"
		}, want: "spec.decontaminate.against[0]: Invalid value: A source to decontaminate against must have exactly one of preset and question."},
		{name: "too-many-files", edit: func(s *datav1alpha1.DatasetMixSpec) {
			dev := s.Splits[1]
			dev.Name = "dev"
			s.Splits, s.Output.Shards = append(s.Splits, dev), 1024
		}, want: "spec: Invalid value: A mix must have at most 2048 mixed and exported files: the number of splits times the shards, once for the mix and once for each export."},
		{name: "too-many-reports", edit: func(s *datav1alpha1.DatasetMixSpec) { draws(s); s.Output.Shards = 683 },
			want: "spec: Invalid value: With the unit Bytes or Tokens, or the resample WithReplacement, the number of splits times the shards times the data sets must be at most 8192, since each mixed file reports on each data set."},
	}
	space := namespace(t)
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			mix := sample(t, space)
			test.edit(&mix.Spec)
			err := api.Create(t.Context(), mix)
			if !apierrors.IsInvalid(err) || !strings.Contains(withoutValues(err.Error()), test.want) {
				t.Errorf("got %v\nwant %s", err, test.want)
			}
		})
	}
}

// everything sets every field about reading, drawing, measuring, keeping apart and files. The tokenizer is the one that is not
// a file, and the limit of repeats, which draws exclude, is gone.
func everything(spec *datav1alpha1.DatasetMixSpec) {
	spec.Resample, spec.Limits = datav1alpha1.ResampleWithReplacement, nil
	spec.Unit, spec.Tokenizer = datav1alpha1.UnitTokens, &datav1alpha1.Tokenizer{Encoding: "cl100k_base"}
	spec.Duplicates = datav1alpha1.DuplicatesDrop
	spec.NearDuplicates = &datav1alpha1.NearDuplicates{Words: 3, Bands: 16, Rows: 8, Percent: 90}
	spec.Decontaminate = &datav1alpha1.Decontaminate{Against: []datav1alpha1.Probe{probe("probe"), probe("other")}, NGrams: &datav1alpha1.NGrams{Words: 13, Percent: 50}}
	spec.Decontaminate.Against[1].Preset, spec.Decontaminate.Against[1].Question = "", "row.q"
	spec.Decontaminate.Against[1].Read = &datav1alpha1.Read{Path: "data", OnBadRow: datav1alpha1.OnBadRowFail}
	spec.Domains[0].Datasets[0].Read = &datav1alpha1.Read{Path: "data.rows", OnBadRow: datav1alpha1.OnBadRowSkip, MaxBadRows: 7}
	spec.Output.Format, spec.Output.Shards = datav1alpha1.FormatParquet, 16
}

// TestEverythingIsAccepted by a real API server, which drops no field of it.
func TestEverythingIsAccepted(t *testing.T) {
	needAPI(t)
	space := namespace(t)
	for name, edit := range map[string]func(*datav1alpha1.DatasetMixSpec){
		"everything": everything,
		"a-file": func(s *datav1alpha1.DatasetMixSpec) {
			s.Unit, s.Tokenizer = datav1alpha1.UnitTokens, &datav1alpha1.Tokenizer{File: "tokenizers/a.json", SHA256: digest}
		},
		"estimates": func(s *datav1alpha1.DatasetMixSpec) { s.Unit = datav1alpha1.UnitTokens },
		"defaults": func(s *datav1alpha1.DatasetMixSpec) {
			s.Resample, s.Unit, s.Duplicates, s.Output.Shards = datav1alpha1.ResamplePasses, datav1alpha1.UnitRows, datav1alpha1.DuplicatesKeep, 1
		},
		"most-files": func(s *datav1alpha1.DatasetMixSpec) {
			s.Output.Shards, s.Output.Format = 1024, datav1alpha1.FormatJSONLGzip
		},
	} {
		mix := sample(t, space)
		mix.Name = name
		edit(&mix.Spec)
		want := mix.Spec.DeepCopy()
		if err := api.Create(t.Context(), mix); err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		read(t, mix)
		if diff := cmp.Diff(want, &mix.Spec); diff != "" {
			t.Errorf("%s: what came back (-sent +read):\n%s", name, diff)
		}
	}
}

// TestShardsAndProbesAreBuilt: a probe is downloaded and not divided, and each shard is a pod of its own.
func TestShardsAndProbesAreBuilt(t *testing.T) {
	needAPI(t)
	space := namespace(t)
	d := newDriver(t, space)
	mix := create(t, space, func(mix *datav1alpha1.DatasetMix) {
		mix.Spec.Output.Shards = 2
		mix.Spec.Decontaminate = &datav1alpha1.Decontaminate{Against: []datav1alpha1.Probe{probe("gsm8k-test")}}
	})
	published(t, mix)
	for stage, want := range map[pipeline.Stage][]string{
		pipeline.StageDownload: {"gsm8k", "gsm8k-test", "hotpotqa", "humaneval", "math", "mbpp", "squad2"},
		pipeline.StageSplit:    all,
		pipeline.StageMix:      {"test.00000", "test.00001", "train.00000", "train.00001"},
	} {
		if diff := cmp.Diff(want, d.ran(stage)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", stage, diff)
		}
	}
	if got := *mix.Status.Splits[0].Rows; got != 160107 {
		t.Errorf("the train split has %d rows over its shards", got)
	}
}
