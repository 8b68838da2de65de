package render_test

import (
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"

	datav1alpha1 "github.com/datasetmix/datasetmix/api/v1alpha1"
	"github.com/datasetmix/datasetmix/internal/pipeline"
	"github.com/datasetmix/datasetmix/internal/render"
)

// mounted is where a pod sees a claim, and by which volume.
type mounted struct {
	Claim  string
	Folder string
	// Owned: the kubelet gives the claim's files to the pod's group, as it does with every volume that is not read-only.
	Owned bool
	// Written: the worker can write there.
	Written bool
}

// mountsOf returns the claims of a Job's pods, in the order of the mounts. A volume that no container mounts is one, too.
func mountsOf(t *testing.T, w render.Work) []mounted {
	t.Helper()
	pod := w.Job().Spec.Template.Spec
	var all []mounted
	claims := map[string]bool{}
	for _, volume := range pod.Volumes {
		source := volume.PersistentVolumeClaim
		if source == nil {
			continue
		}
		if claims[source.ClaimName] {
			t.Errorf("claim %s is two volumes of one pod", source.ClaimName)
		}
		claims[source.ClaimName] = true
		if !slices.ContainsFunc(pod.Containers[0].VolumeMounts, func(m corev1.VolumeMount) bool { return m.Name == volume.Name }) {
			all = append(all, mounted{Claim: source.ClaimName, Owned: !source.ReadOnly})
		}
	}
	for _, mount := range pod.Containers[0].VolumeMounts {
		for _, volume := range pod.Volumes {
			if source := volume.PersistentVolumeClaim; volume.Name == mount.Name && source != nil {
				all = append(all, mounted{source.ClaimName, mount.MountPath, !source.ReadOnly, !source.ReadOnly && !mount.ReadOnly})
			}
		}
	}
	return all
}

// TestSourcesOfClaimsKeepTheirFiles: only the claim that a mix is built on is given to the workers; of a source's claim the kubelet
// changes neither group nor mode.
func TestSourcesOfClaimsKeepTheirFiles(t *testing.T) {
	data := mounted{Claim: "datasets", Folder: "/data", Owned: true, Written: true}
	originals := mounted{Claim: "originals", Folder: "/claims/originals"}
	onClaim := func(name string) func(*datav1alpha1.DatasetMix) {
		return func(mix *datav1alpha1.DatasetMix) {
			for i := range mix.Spec.Domains {
				for j := range mix.Spec.Domains[i].Datasets {
					mix.Spec.Domains[i].Datasets[j].Source = datav1alpha1.Source{Volume: &datav1alpha1.VolumeSource{ClaimName: name, Path: "in"}}
				}
			}
		}
	}
	tests := []struct {
		name string
		edit func(*datav1alpha1.DatasetMix)
		want []mounted
	}{
		{"files by address", func(*datav1alpha1.DatasetMix) {}, []mounted{data}},
		{"another claim", func(mix *datav1alpha1.DatasetMix) {
			mix.Spec.Domains[0].Datasets[0].Source = datav1alpha1.Source{Volume: &datav1alpha1.VolumeSource{ClaimName: "originals"}}
		}, []mounted{data, originals}},
		{"the same claim for every data set", onClaim("originals"), []mounted{data, originals}},
		{"the claim that the mix is built on", onClaim("datasets"), []mounted{data, {Claim: "datasets", Folder: "/claims/datasets", Owned: true}}},
		{"both", func(mix *datav1alpha1.DatasetMix) {
			onClaim("datasets")(mix)
			mix.Spec.Domains[0].Datasets[0].Source = datav1alpha1.Source{Volume: &datav1alpha1.VolumeSource{ClaimName: "originals"}}
		}, []mounted{data, {Claim: "datasets", Folder: "/claims/datasets", Owned: true}, originals}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			mix := sample(t, "private")
			test.edit(mix)
			w := work(t, mix)
			if diff := cmp.Diff(test.want, mountsOf(t, w)); diff != "" {
				t.Errorf("download (-want +got):\n%s", diff)
			}
			atSplit(&w)
			if diff := cmp.Diff(test.want, mountsOf(t, w)); diff != "" {
				t.Errorf("split (-want +got):\n%s", diff)
			}
		})
	}
}

// TestWhoFetches: a pod that may ask a source over the network says so, whatever its stage; a network policy opens its way by that.
func TestWhoFetches(t *testing.T) {
	tests := []struct {
		name   string
		sample string
		edit   func(*render.Work)
		want   bool
	}{
		{name: "a download of the Hub", sample: "grpo_six", want: true},
		{name: "a download of a store", sample: "s3", want: true},
		{name: "a download of an artifact", sample: "oci", want: true},
		{name: "a download of files by address", sample: "http", want: true},
		{name: "a download of files of a claim alone", sample: "curated", edit: onlyOriginals},
		{name: "a download with one of a claim", sample: "curated", want: true},
		{name: "a split", sample: "grpo_six", edit: atSplit},
		{name: "a split where the cache is bounded", sample: "grpo_six", edit: bounded(atSplit), want: true},
		{name: "a split of files of a claim where the cache is bounded", sample: "curated", edit: bounded(onlyOriginals, atSplit)},
		{name: "a split with a probe of the Hub where the cache is bounded", sample: "curated", edit: bounded(func(w *render.Work) {
			onlyOriginals(w)
			w.Mix.Spec.Decontaminate.Against[0].Source = datav1alpha1.Source{HuggingFace: &datav1alpha1.HuggingFaceSource{Repo: "a/b"}}
		}, atSplit), want: true},
		{name: "balance where the cache is bounded", sample: "grpo_six", edit: bounded(at(pipeline.StageBalance))},
		{name: "mix where the cache is bounded", sample: "grpo_six", edit: bounded(at(pipeline.StageMix))},
		{name: "publish where the cache is bounded", sample: "grpo_six", edit: bounded(at(pipeline.StagePublish))},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			w := work(t, sample(t, test.sample))
			if test.edit != nil {
				test.edit(&w)
			}
			label, ok := w.Job().Spec.Template.Labels["data.datasetmix.io/network"]
			if ok != test.want || ok && label != "fetch" {
				t.Errorf("labelled %v (%q), want %v", ok, label, test.want)
			}
		})
	}
}

func at(stage pipeline.Stage) func(*render.Work) {
	return func(w *render.Work) { w.Step.Stage = stage }
}

// bounded returns work with a bounded cache, so that originals may go and are fetched again.
func bounded(edits ...func(*render.Work)) func(*render.Work) {
	return func(w *render.Work) {
		for _, edit := range edits {
			edit(w)
		}
		w.Recipe.Output.CacheSize = 1
	}
}

// onlyOriginals leaves the curated sample what it has on claims.
func onlyOriginals(w *render.Work) {
	onClaim := func(from datav1alpha1.Source) bool { return from.Volume != nil }
	mix := w.Mix
	for i := range mix.Spec.Domains {
		domain := &mix.Spec.Domains[i]
		domain.Datasets = slices.DeleteFunc(domain.Datasets, func(d datav1alpha1.Dataset) bool { return !onClaim(d.Source) })
	}
	mix.Spec.Domains = slices.DeleteFunc(mix.Spec.Domains, func(d datav1alpha1.Domain) bool { return len(d.Datasets) == 0 })
	against := mix.Spec.Decontaminate.Against
	mix.Spec.Decontaminate.Against = slices.DeleteFunc(against, func(p datav1alpha1.Probe) bool { return !onClaim(p.Source) })
	r, err := render.Recipe(mix)
	if err != nil {
		panic(err) // no sample comes to that
	}
	graph, err := pipeline.Walk(r, nil)
	if err != nil {
		panic(err)
	}
	w.Recipe, w.Graph, w.Step = r, graph, *graph.Next()
}
