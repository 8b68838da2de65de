package places

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	datav1alpha1 "github.com/datasetmix/datasetmix/api/v1alpha1"
	"github.com/datasetmix/datasetmix/internal/contract"
	"github.com/datasetmix/datasetmix/internal/recipe"
)

// reading returns a mix with a data set for each path of a claim; data set and claim have the same name.
func reading(paths map[string]string) *datav1alpha1.DatasetMix {
	mix := &datav1alpha1.DatasetMix{}
	domain := datav1alpha1.Domain{Name: "all"}
	for name, path := range paths {
		domain.Datasets = append(domain.Datasets, datav1alpha1.Dataset{Name: name, Source: datav1alpha1.Source{Volume: &datav1alpha1.VolumeSource{ClaimName: name, Path: path}}})
	}
	mix.Spec.Domains = []datav1alpha1.Domain{domain}
	return mix
}

// folder returns a folder with a file of rows.
func folder(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "rows.jsonl"), []byte(`{"question": "1+1", "answer": "2"}`+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	return dir
}

// TestFind: the folder of the manifest takes the place of a claim whose path it holds, and of no claim that is read as a whole or has a folder.
func TestFind(t *testing.T) {
	elsewhere := t.TempDir()
	for _, test := range []struct {
		name, path string
		named      map[string]string
		found      []string
	}{
		{"a file next to the manifest", "rows.jsonl", nil, []string{"mine"}},
		{"a path with a dot", "./rows.jsonl", nil, []string{"mine"}},
		{"another file", "others.jsonl", nil, nil},
		{"the whole claim", "", nil, nil},
		{"the whole claim by a dot", ".", nil, nil},
		{"a claim with a folder", "rows.jsonl", map[string]string{"mine": elsewhere}, nil},
	} {
		t.Run(test.name, func(t *testing.T) {
			p := Places{Folder: folder(t), claims: test.named}
			p.Find(reading(map[string]string{"mine": test.path}))
			if diff := cmp.Diff(test.found, p.Found); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// TestCheck: what has no folder is refused before a download begins, with the name that was probably meant.
func TestCheck(t *testing.T) {
	web := reading(nil)
	web.Spec.Domains[0].Datasets = []datav1alpha1.Dataset{{Name: "pages", Source: datav1alpha1.Source{HTTP: &datav1alpha1.HTTPSource{SecretRef: &datav1alpha1.LocalReference{Name: "login"}}}}}
	trusted := reading(nil)
	trusted.Spec.Domains[0].Datasets = []datav1alpha1.Dataset{{Name: "pages", Source: datav1alpha1.Source{HTTP: &datav1alpha1.HTTPSource{CABundleRef: &datav1alpha1.BundleReference{Name: "company-ca"}}}}}
	for _, test := range []struct {
		name  string
		mix   *datav1alpha1.DatasetMix
		names string // what the error must name
	}{
		{"a mistyped file", reading(map[string]string{"mine": "row.jsonl"}), "rows.jsonl"},
		{"a whole claim", reading(map[string]string{"mine": ""}), "--claim mine="},
		{"a Secret", web, "--secret login="},
		{"a ConfigMap", trusted, "--configmap company-ca="},
	} {
		t.Run(test.name, func(t *testing.T) {
			p := Places{Folder: folder(t)}
			p.Find(test.mix)
			if err := p.Check(test.mix); contract.ReasonOf(err) != contract.InvalidTask || !strings.Contains(err.Error(), test.names) {
				t.Errorf("got %v, which does not name %q", err, test.names)
			}
		})
	}
	p := Places{Folder: folder(t), secrets: map[string]string{"login": t.TempDir()}}
	mine := reading(map[string]string{"mine": "rows.jsonl"})
	p.Find(mine)
	for _, mix := range []*datav1alpha1.DatasetMix{mine, web} {
		if err := p.Check(mix); err != nil {
			t.Error(err)
		}
	}
}

// TestSources: a claim is read in the folder that takes its place.
func TestSources(t *testing.T) {
	p := Places{Folder: folder(t)}
	mix := reading(map[string]string{"mine": "rows.jsonl"})
	p.Find(mix)
	from, err := p.Sources(mix)(recipe.Dataset{Name: "mine", Source: recipe.Source{Volume: &recipe.Volume{ClaimName: "mine", Path: "rows.jsonl"}}})
	if err != nil {
		t.Fatal(err)
	}
	listing, err := from.Resolve(t.Context())
	if err != nil || len(listing.Files) != 1 || filepath.Base(listing.Files[0].Path) != "rows.jsonl" {
		t.Errorf("%+v, %v", listing.Files, err)
	}
}
