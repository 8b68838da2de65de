package render_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	datav1alpha1 "github.com/datasetmix/datasetmix/api/v1alpha1"
	"github.com/datasetmix/datasetmix/internal/pipeline"
	"github.com/datasetmix/datasetmix/internal/render"
)

// private returns a mix of two data sets by address.
func private(edit func(first, second *datav1alpha1.HTTPSource)) func(*testing.T) render.Work {
	return func(t *testing.T) render.Work {
		mix := sample(t, "private")
		first, second := mix.Spec.Domains[0].Datasets[0].Source.HTTP, mix.Spec.Domains[1].Datasets[0].Source
		second.HuggingFace, second.HTTP = nil, first.DeepCopy()
		edit(first, second.HTTP)
		mix.Spec.Domains[1].Datasets[0].Source = second
		return work(t, mix)
	}
}

// places returns the files of Secrets and ConfigMaps that a Job's pods have: where each lies, and of what it is.
func places(w render.Work) map[string]string {
	pod, out := w.Job().Spec.Template.Spec, map[string]string{}
	for _, mount := range pod.Containers[0].VolumeMounts {
		for _, volume := range pod.Volumes {
			if volume.Name == mount.Name && volume.Secret != nil && mount.ReadOnly {
				out[mount.MountPath] = "Secret " + volume.Secret.SecretName
			}
		}
	}
	for _, projection := range pod.Volumes[1].Projected.Sources {
		switch {
		case projection.Secret != nil:
			out["/etc/datasetmix/"+projection.Secret.Items[0].Path] = "Secret " + projection.Secret.Name + " " + projection.Secret.Items[0].Key
		case projection.ConfigMap.Name != w.Name():
			out["/etc/datasetmix/"+projection.ConfigMap.Items[0].Path] = "ConfigMap " + projection.ConfigMap.Name + " " + projection.ConfigMap.Items[0].Key
		}
	}
	return out
}

// TestCredentials: each data set has its own files, and a Secret that two use is one volume.
func TestCredentials(t *testing.T) {
	tests := []struct {
		name    string
		edit    func(first, second *datav1alpha1.HTTPSource)
		want    map[string]string
		volumes int
	}{
		{name: "one Secret for both", edit: func(_, _ *datav1alpha1.HTTPSource) {}, volumes: 1, want: map[string]string{
			"/secrets/gsm8k": "Secret files-login", "/etc/datasetmix/bundles/gsm8k/ca.crt": "ConfigMap company-ca ca.crt",
			"/secrets/mbpp": "Secret files-login", "/etc/datasetmix/bundles/mbpp/ca.crt": "ConfigMap company-ca ca.crt",
		}},
		{name: "a Secret each, and certificates of a Secret", edit: func(first, second *datav1alpha1.HTTPSource) {
			second.SecretRef = &datav1alpha1.LocalReference{Name: "other.login"}
			first.CABundleRef, second.CABundleRef.Kind = nil, datav1alpha1.BundleSecret
		}, volumes: 2, want: map[string]string{
			"/secrets/gsm8k": "Secret files-login",
			"/secrets/mbpp":  "Secret other.login", "/etc/datasetmix/bundles/mbpp/ca.crt": "Secret company-ca ca.crt",
		}},
		{name: "none", edit: func(first, second *datav1alpha1.HTTPSource) {
			first.SecretRef, first.CABundleRef, second.SecretRef, second.CABundleRef = nil, nil, nil, nil
		}, want: map[string]string{}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			w := private(test.edit)(t)
			if diff := cmp.Diff(test.want, places(w)); diff != "" {
				t.Errorf("files (-want +got):\n%s", diff)
			}
			volumes := 0
			for _, volume := range w.Job().Spec.Template.Spec.Volumes {
				if volume.Secret != nil {
					volumes++
				}
			}
			if volumes != test.volumes {
				t.Errorf("%d volumes of Secrets, want %d", volumes, test.volumes)
			}
			atSplit(&w)
			if got := places(w); len(got) > 0 {
				t.Errorf("the split stage downloads nothing, and has %v", got)
			}
		})
	}
}

// TestCredentialsChangeNoKey: credentials and ways of download are in no key: the same bytes are the same data.
func TestCredentialsChangeNoKey(t *testing.T) {
	with := private(func(_, _ *datav1alpha1.HTTPSource) {})(t)
	without := private(func(first, second *datav1alpha1.HTTPSource) {
		first.SecretRef, first.CABundleRef, second.SecretRef, second.CABundleRef = nil, nil, nil, nil
	})(t)
	without.Mix.Spec.Worker = nil
	if diff := cmp.Diff(without.Recipe, with.Recipe); diff != "" {
		t.Errorf("recipes (-without +with):\n%s", diff)
	}
}

func TestProxy(t *testing.T) {
	w := work(t, sample(t, "private"))
	variables := func(w render.Work) map[string]string {
		out := map[string]string{}
		for _, variable := range w.Job().Spec.Template.Spec.Containers[0].Env {
			if strings.HasSuffix(variable.Name, "_PROXY") {
				out[variable.Name] = variable.Value
			}
		}
		return out
	}
	w.Mix.Spec.Worker.Proxy.HTTP = "http://plain:3128"
	want := map[string]string{
		"HTTP_PROXY": "http://plain:3128", "HTTPS_PROXY": "http://proxy.example.internal:3128", "NO_PROXY": ".example.internal,.svc,10.0.0.0/8",
	}
	if diff := cmp.Diff(want, variables(w)); diff != "" {
		t.Errorf("variables (-want +got):\n%s", diff)
	}
	atSplit(&w)
	if w.Step.Stage != pipeline.StageSplit {
		t.Fatalf("stage %s", w.Step.Stage)
	}
	if diff := cmp.Diff(map[string]string{}, variables(w)); diff != "" {
		t.Errorf("variables of a stage that downloads nothing (-want +got):\n%s", diff)
	}
	w.Recipe.Output.CacheSize = 1 // so that originals may go, and are fetched again
	if diff := cmp.Diff(want, variables(w)); diff != "" {
		t.Errorf("variables of a split that may download (-want +got):\n%s", diff)
	}
}
