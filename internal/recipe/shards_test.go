package recipe

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestShards(t *testing.T) {
	for _, c := range []struct {
		shards int
		want   []Shard
		names  []string
	}{
		{0, []Shard{{"train", 0, 1, ""}, {"test", 0, 1, ""}}, []string{"train", "test"}},
		{1, []Shard{{"train", 0, 1, ""}, {"test", 0, 1, ""}}, []string{"train", "test"}},
		{2, []Shard{{"train", 0, 2, ""}, {"train", 1, 2, ""}, {"test", 0, 2, ""}, {"test", 1, 2, ""}}, []string{"train.00000", "train.00001", "test.00000", "test.00001"}},
	} {
		r := six(KeepTotal, KeepTotal)
		r.Output.Shards = c.shards
		if diff := cmp.Diff(c.want, r.Shards()); diff != "" {
			t.Errorf("%d shards (-want +got):\n%s", c.shards, diff)
		}
		graph, _ := walkToTheEnd(t, r, map[string]Result{})
		step, _ := graph.Step(Mixing)
		var names []string
		for i, unit := range step.Units {
			names = append(names, unit.Name)
			if shard, ok := r.Shard(unit.Name); !ok || shard != c.want[i] {
				t.Errorf("unit %s is shard %+v, want %+v", unit.Name, shard, c.want[i])
			}
		}
		if diff := cmp.Diff(c.names, names); diff != "" {
			t.Errorf("%d shards: units (-want +got):\n%s", c.shards, diff)
		}
	}
}

// TestShardsAndSplitsDoNotMeet: a split that is named as the file of another one's shard is a unit of its own.
func TestShardsAndSplitsDoNotMeet(t *testing.T) {
	r := six(KeepTotal, KeepTotal)
	r.Splits[1].Name, r.Output.Shards = "train-00000", 2
	seen := map[string]bool{}
	for _, shard := range r.Shards() {
		if seen[shard.Name()] {
			t.Errorf("two units are named %s", shard.Name())
		}
		seen[shard.Name()] = true
	}
	if _, ok := r.Shard("train-00000"); ok {
		t.Error("a split of two shards has no unit of its own name")
	}
}

// TestShardsHaveKeysOfTheirOwn: no two files share a key, and a file of two is not a file of four.
func TestShardsHaveKeysOfTheirOwn(t *testing.T) {
	seen := map[string]string{}
	for _, shards := range []int{1, 2, 4} {
		r := six(KeepTotal, KeepTotal)
		r.Output.Shards = shards
		graph, _ := walkToTheEnd(t, r, map[string]Result{})
		step, _ := graph.Step(Mixing)
		for _, unit := range step.Units {
			if other, ok := seen[unit.Key]; ok {
				t.Errorf("%s of %d has the key of %s", unit.Name, shards, other)
			}
			seen[unit.Key] = unit.Name
		}
	}
}

func TestReported(t *testing.T) {
	r := Recipe{
		Splits:  []Split{{Name: "train"}, {Name: "test"}},
		Domains: []Domain{{Name: "d", Datasets: []Dataset{{Name: "a"}, {Name: "b"}}}},
	}
	file := func(units ...int64) Mixed {
		return Mixed{Datasets: []MixedDataset{{Unique: 7, MaxRepeats: 2, Units: units[0]}, {Unique: 8, MaxRepeats: 3, Units: units[1]}}}
	}
	for _, c := range []struct {
		what   string
		shards int
		mixed  map[string]Mixed
		want   [][]MixedDataset
	}{
		{"nothing is finished", 0, nil, [][]MixedDataset{nil, nil}},
		{"the plan says it all", 0, map[string]Mixed{"train": {Rows: 1}, "test": {Rows: 1}}, [][]MixedDataset{nil, nil}},
		{"one file is finished", 0, map[string]Mixed{"train": file(10, 20)}, [][]MixedDataset{{{7, 2, 10}, {8, 3, 20}}, nil}},
		{"a shard is missing", 2, map[string]Mixed{"train.00000": file(10, 20)}, [][]MixedDataset{nil, nil}},
		{"all shards of a split", 2, map[string]Mixed{"test.00000": file(10, 20), "test.00001": file(1, 2)}, [][]MixedDataset{nil, {{7, 2, 11}, {8, 3, 22}}}},
	} {
		r.Output.Shards = c.shards
		if diff := cmp.Diff(c.want, r.Reported(c.mixed)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", c.what, diff)
		}
	}
}
