package recipe

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

// contaminated is a recipe with two probes.
func contaminated(r Recipe) Recipe {
	r.Decontaminate = &Decontaminate{Against: []Probe{
		{Name: "probe-a", Source: Source{Volume: &Volume{ClaimName: "p", Path: "a"}}, Preset: "gsm8k"},
		{Name: "probe-b", Source: Source{Volume: &Volume{ClaimName: "p", Path: "b"}}, Question: "row.question"},
	}}
	return r
}

func TestSources(t *testing.T) {
	names := func(r Recipe) (out []string) {
		for _, source := range r.Sources() {
			out = append(out, source.Name)
		}
		return out
	}
	plain := six(KeepTotal, KeepTotal)
	if diff := cmp.Diff(plain.DatasetNames(), names(plain)); diff != "" {
		t.Errorf("without probes (-data sets +sources):\n%s", diff)
	}
	r := contaminated(plain)
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
	r := contaminated(six(KeepTotal, KeepTotal))
	r.Decontaminate.Against[0].Name = "z"
	if got := r.Probes(); len(got) != 2 || got[0].Name != "probe-b" || got[1].Name != "z" {
		t.Errorf("probes %+v", got)
	}
	if r.Decontaminate.Against[0].Name != "z" {
		t.Error("Probes sorted the recipe's own list")
	}
}
