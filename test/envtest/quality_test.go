package envtest

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	datav1alpha1 "github.com/datasetmix/datasetmix/api/v1alpha1"
	"github.com/datasetmix/datasetmix/internal/pipeline"
)

var digest = strings.Repeat("0123456789abcdef", 4)

func probe(name string) datav1alpha1.Probe {
	return datav1alpha1.Probe{Name: name, Source: datav1alpha1.Source{Volume: &datav1alpha1.VolumeSource{ClaimName: "c"}}, Preset: "gsm8k"}
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
