package recipe_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/datasetmix/datasetmix/internal/pipeline"
	"github.com/datasetmix/datasetmix/internal/recipe"
	"github.com/datasetmix/datasetmix/internal/testing/recipes"
)

func TestSources(t *testing.T) {
	names := func(r recipe.Recipe) (out []string) {
		for _, source := range r.Sources() {
			out = append(out, source.Name)
		}
		return out
	}
	plain := recipes.Six(recipe.KeepTotal, recipe.KeepTotal)
	if diff := cmp.Diff(plain.DatasetNames(), names(plain)); diff != "" {
		t.Errorf("without probes (-data sets +sources):\n%s", diff)
	}
	r := recipes.Contaminated(plain)
	r.Decontaminate.Against[0].Name = "human"
	want := []string{"gsm8k", "hotpotqa", "human", "humaneval", "math", "mbpp", "probe-b", "squad2"}
	if diff := cmp.Diff(want, names(r)); diff != "" {
		t.Errorf("with probes (-want +got):\n%s", diff)
	}
	for name, path := range map[string]string{"gsm8k": "gsm8k", "human": "a", "probe-b": "b"} {
		if source, ok := r.Source(name); !ok || source.Name != name || source.Source.Volume.Path != path {
			t.Errorf("%s: %+v", name, source)
		}
	}
	if _, ok := r.Source("probe-a"); ok {
		t.Error("found a source that is not there")
	}
}

// TestProbes: they are sorted, and the manifest's order stays.
func TestProbes(t *testing.T) {
	r := recipes.Contaminated(recipes.Six(recipe.KeepTotal, recipe.KeepTotal))
	r.Decontaminate.Against[0].Name = "z"
	if got := r.Probes(); len(got) != 2 || got[0].Name != "probe-b" || got[1].Name != "z" {
		t.Errorf("probes %+v", got)
	}
	if r.Decontaminate.Against[0].Name != "z" {
		t.Error("Probes sorted the recipe's own list")
	}
}

// TestPublishedHoldsNoQuery: what may be a signature is in no published recipe, and in keys only as its digest.
func TestPublishedHoldsNoQuery(t *testing.T) {
	web := func(urls ...string) recipe.Source {
		source := recipe.Source{HTTP: &recipe.HTTP{}}
		for _, url := range urls {
			source.HTTP.URLs = append(source.HTTP.URLs, recipe.HTTPFile{URL: url, SHA256: "d"})
		}
		return source
	}
	const bare, digest = "https://example.org/a.jsonl", "?sha256:8b51ec6e1f19cb4541b54fe5d9e6d0be25ae5ccabf9a4f5a5e0a5c3a2d0f0f5b"
	asked := web(bare, bare+"?X-Amz-Signature=s3cr3t", bare+"?sig=s3cr3t&part=2", bare+"?sha256:s3cr3t")
	published := asked.Published()
	if diff := cmp.Diff(published, published.Published()); diff != "" {
		t.Errorf("published twice it is another one:\n%s", diff)
	}
	if published.HTTP.URLs[0] != asked.HTTP.URLs[0] || web(bare + digest).Published().HTTP.URLs[0].URL != bare+digest {
		t.Error("an address without a query was changed")
	}
	urls := map[string]bool{}
	for i, file := range published.HTTP.URLs {
		urls[file.URL] = true
		if strings.Contains(file.URL, "s3cr3t") || file.SHA256 != "d" {
			t.Errorf("address %d is published as %+v", i, file)
		}
	}
	if len(urls) != len(asked.HTTP.URLs) {
		t.Errorf("other queries are other sources: %v", urls)
	}
	r := recipes.Six(recipe.KeepTotal, recipe.KeepTotal)
	r.Domains[0].Datasets[0].Source = asked
	if diff := cmp.Diff(pipeline.Downloads(r), pipeline.Downloads(r.Content())); diff != "" {
		t.Errorf("the published recipe has other keys:\n%s", diff)
	}
	if !strings.HasSuffix(asked.HTTP.URLs[1].URL, "s3cr3t") {
		t.Error("what is asked for was changed")
	}
}
