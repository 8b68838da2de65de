package render_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/util/validation"

	datav1alpha1 "github.com/datasetmix/datasetmix/api/v1alpha1"
	"github.com/datasetmix/datasetmix/internal/pipeline"
	"github.com/datasetmix/datasetmix/internal/recipe"
	"github.com/datasetmix/datasetmix/internal/render"
)

// TestDefaultsAreNothing: a default that is spelled out is the same recipe, to the byte, as one that is not.
func TestDefaultsAreNothing(t *testing.T) {
	encoded := func(mix *datav1alpha1.DatasetMix) string {
		t.Helper()
		text, err := json.Marshal(meaning(t, mix))
		if err != nil {
			t.Fatal(err)
		}
		return string(text)
	}
	plain, spelled := sample(t, "grpo_six"), sample(t, "grpo_six")
	spelled.Spec.Resample, spelled.Spec.Unit = datav1alpha1.ResamplePasses, datav1alpha1.UnitRows
	spelled.Spec.Compare = datav1alpha1.CompareNormalized
	spelled.Spec.Duplicates, spelled.Spec.Output.Shards = datav1alpha1.DuplicatesKeep, 1
	spelled.Spec.Domains[0].Datasets[0].Read = &datav1alpha1.Read{OnBadRow: datav1alpha1.OnBadRowFail}
	if diff := cmp.Diff(encoded(plain), encoded(spelled)); diff != "" {
		t.Errorf("recipe (-unset +spelled out):\n%s", diff)
	}
}

// TestNewerFields: each of them reaches the recipe.
func TestNewerFields(t *testing.T) {
	digest := strings.Repeat("0123456789abcdef", 4)
	tests := []struct {
		name string
		edit func(*datav1alpha1.DatasetMixSpec)
		want func(*recipe.Recipe)
	}{
		{name: "resample", edit: func(s *datav1alpha1.DatasetMixSpec) { s.Resample = datav1alpha1.ResampleWithReplacement },
			want: func(r *recipe.Recipe) { r.Resample = recipe.WithReplacement }},
		{name: "bytes", edit: func(s *datav1alpha1.DatasetMixSpec) { s.Unit = datav1alpha1.UnitBytes },
			want: func(r *recipe.Recipe) { r.Unit = recipe.InBytes }},
		{name: "estimated tokens", edit: func(s *datav1alpha1.DatasetMixSpec) { s.Unit = datav1alpha1.UnitTokens },
			want: func(r *recipe.Recipe) { r.Unit = recipe.InTokens }},
		{name: "tokens of an encoding", edit: func(s *datav1alpha1.DatasetMixSpec) {
			s.Unit, s.Tokenizer = datav1alpha1.UnitTokens, &datav1alpha1.Tokenizer{Encoding: "cl100k_base"}
		}, want: func(r *recipe.Recipe) { r.Unit, r.Tokenizer.Encoding = recipe.InTokens, "cl100k_base" }},
		{name: "tokens of a file", edit: func(s *datav1alpha1.DatasetMixSpec) {
			s.Unit, s.Tokenizer = datav1alpha1.UnitTokens, &datav1alpha1.Tokenizer{File: "t.json", SHA256: digest}
		}, want: func(r *recipe.Recipe) {
			r.Unit, r.Tokenizer = recipe.InTokens, recipe.Tokenizer{File: "t.json", SHA256: digest}
		}},
		{name: "compare", edit: func(s *datav1alpha1.DatasetMixSpec) { s.Compare = datav1alpha1.CompareExact },
			want: func(r *recipe.Recipe) { r.Compare = recipe.CompareBytes }},
		{name: "duplicates", edit: func(s *datav1alpha1.DatasetMixSpec) { s.Duplicates = datav1alpha1.DuplicatesDrop },
			want: func(r *recipe.Recipe) { r.Duplicates = recipe.DropDuplicates }},
		{name: "near duplicates, defaults", edit: func(s *datav1alpha1.DatasetMixSpec) { s.NearDuplicates = &datav1alpha1.NearDuplicates{Percent: 90} },
			want: func(r *recipe.Recipe) {
				r.NearDuplicates = &recipe.NearDuplicates{N: 5, Bands: 20, Rows: 5, Percent: 90, Words: recipe.WordsV1}
			}},
		{name: "near duplicates", edit: func(s *datav1alpha1.DatasetMixSpec) {
			s.NearDuplicates = &datav1alpha1.NearDuplicates{Words: 1, Bands: 2, Rows: 3, Percent: 4}
		}, want: func(r *recipe.Recipe) {
			r.NearDuplicates = &recipe.NearDuplicates{N: 1, Bands: 2, Rows: 3, Percent: 4, Words: recipe.WordsV1}
		}},
		{name: "decontaminate", edit: func(s *datav1alpha1.DatasetMixSpec) {
			s.Decontaminate = &datav1alpha1.Decontaminate{
				Against: []datav1alpha1.Probe{
					{Name: "a", Source: datav1alpha1.Source{Volume: &datav1alpha1.VolumeSource{ClaimName: "c"}}, Question: "row.q",
						Read: &datav1alpha1.Read{OnBadRow: datav1alpha1.OnBadRowSkip}},
					{Name: "b", Source: datav1alpha1.Source{Volume: &datav1alpha1.VolumeSource{ClaimName: "d"}}, Preset: "math"},
				},
				NGrams: &datav1alpha1.NGrams{Words: 13, Percent: 50},
			}
		}, want: func(r *recipe.Recipe) {
			r.Decontaminate = &recipe.Decontaminate{
				Words: recipe.WordsV1,
				Against: []recipe.Probe{
					{Name: "a", Source: recipe.Source{Volume: &recipe.Volume{ClaimName: "c"}}, Question: "row.q", Read: recipe.Read{OnBadRow: recipe.SkipBadRow}},
					{Name: "b", Source: recipe.Source{Volume: &recipe.Volume{ClaimName: "d"}}, Preset: "math"},
				},
				NGrams: &recipe.NGrams{N: 13, Percent: 50},
			}
		}},
		{name: "read", edit: func(s *datav1alpha1.DatasetMixSpec) {
			s.Domains[0].Datasets[1].Read = &datav1alpha1.Read{Path: "data.rows", OnBadRow: datav1alpha1.OnBadRowSkip, MaxBadRows: 9}
		}, want: func(r *recipe.Recipe) {
			r.Domains[0].Datasets[1].Read = recipe.Read{Path: "data.rows", OnBadRow: recipe.SkipBadRow, MaxBadRows: 9}
		}},
		{name: "read a table", edit: func(s *datav1alpha1.DatasetMixSpec) {
			s.Domains[0].Datasets[1].Read = &datav1alpha1.Read{NonFinite: datav1alpha1.NonFiniteNull,
				Table: &datav1alpha1.Table{Delimiter: "|", Quote: datav1alpha1.QuoteNone, Columns: []string{"q", "a"}}}
		}, want: func(r *recipe.Recipe) {
			r.Domains[0].Datasets[1].Read = recipe.Read{NonFinite: recipe.NullNonFinite,
				Table: &recipe.Table{Delimiter: "|", Quote: recipe.NoQuote, Columns: []string{"q", "a"}}}
		}},
		{name: "read with defaults spelled out", edit: func(s *datav1alpha1.DatasetMixSpec) {
			s.Domains[0].Datasets[1].Read = &datav1alpha1.Read{NonFinite: datav1alpha1.NonFiniteBadRow, OnBadRow: datav1alpha1.OnBadRowFail}
		}, want: func(*recipe.Recipe) {}},
		{name: "format and shards", edit: func(s *datav1alpha1.DatasetMixSpec) {
			s.Output.Format, s.Output.Shards = datav1alpha1.FormatParquet, 16
		}, want: func(r *recipe.Recipe) { r.Output.Format, r.Output.Shards = recipe.Parquet, 16 }},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			mix := sample(t, "grpo_six")
			want := meaning(t, mix)
			test.edit(&mix.Spec)
			test.want(&want)
			if diff := cmp.Diff(want, meaning(t, mix)); diff != "" {
				t.Errorf("recipe (-want +got):\n%s", diff)
			}
		})
	}
}

// TestDownloadsOfProbes: a Job has the Secrets and claims of what it downloads, be that data sets or probes, and of nothing
// else.
func TestDownloadsOfProbes(t *testing.T) {
	w := work(t, sample(t, "curated"))
	for _, test := range []struct {
		name           string
		secrets, mount string
	}{
		{name: "gsm8k-test", secrets: "[tokens/gsm8k-test/token tokens/gsm8k-test/hosts]", mount: "[]"},
		{name: "exams", secrets: "[]", mount: "[/claims/benchmarks]"},
		{name: "squad2", secrets: "[]", mount: "[/claims/originals]"},
	} {
		part := w
		part.Step.Missing = nil
		for _, unit := range w.Step.Nodes {
			if unit.Name == test.name {
				part.Step.Missing = append(part.Step.Missing, unit)
			}
		}
		pod := part.Job().Spec.Template.Spec
		secrets, mounts := []string{}, []string{}
		for _, source := range pod.Volumes[1].Projected.Sources {
			if source.Secret != nil {
				secrets = append(secrets, source.Secret.Items[0].Path)
			}
		}
		for _, mount := range pod.Containers[0].VolumeMounts {
			if strings.HasPrefix(mount.MountPath, "/claims/") {
				mounts = append(mounts, mount.MountPath)
			}
		}
		if got := fmt.Sprint(secrets); got != test.secrets {
			t.Errorf("%s: Secrets %s, want %s", test.name, got, test.secrets)
		}
		if got := fmt.Sprint(mounts); got != test.mount {
			t.Errorf("%s: claims %s, want %s", test.name, got, test.mount)
		}
	}
}

// TestJobNameOfManyUnits leaves room for the index of every pod, and is the old name where there are few.
func TestJobNameOfManyUnits(t *testing.T) {
	mix, location := strings.Repeat("a", 40), render.Location{ClaimName: "c", ClaimUID: "u", Path: "p"}
	units := make([]pipeline.Node, 2048)
	for n, index := range map[int]string{1: "-0", 100: "-99", 101: "-100", 2048: "-2047"} {
		name := render.JobName(mix, location, pipeline.StageMix, units[:n], 99, "", "")
		if problems := validation.IsDNS1123Label(name + index); len(problems) > 0 {
			t.Errorf("%d units: %s%s: %v", n, name, index, problems)
		}
	}
}
