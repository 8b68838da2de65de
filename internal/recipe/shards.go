package recipe

import (
	"fmt"
	"slices"
)

// Shard is one file of a mixed split, and so one unit of the mix stage.
type Shard struct {
	// Split is the name of the split.
	Split string
	// Index is the place of the file among the Count files of the split, from 0.
	Index, Count int
	// Export is the name of the export that the file is one of; empty is a mixed file.
	Export string
}

// Name returns the name of the shard's unit: that of the split where it is the split's only file, else train.00003, behind the name of
// its export and a slash. No split has such a name, since a split's name has neither a dot nor a slash.
func (s Shard) Name() string {
	name := s.Split
	if s.Count > 1 {
		name = fmt.Sprintf("%s.%05d", s.Split, s.Index)
	}
	if s.Export != "" {
		name = s.Export + "/" + name
	}
	return name
}

// Files lists the files that the mix stage writes, in the order of its units: those of all mixed splits, where they are kept, then those of
// each export.
func (r Recipe) Files() []Shard {
	shards := r.Shards()
	var files []Shard
	if r.Output.Holds(MixedPart) {
		files = slices.Clone(shards)
	}
	for _, export := range r.Output.Exports {
		for _, shard := range shards {
			shard.Export = export.Name
			files = append(files, shard)
		}
	}
	return files
}

// Shards lists the files of all mixed splits: by split in the order of declaration, then by index.
func (r Recipe) Shards() []Shard {
	count := max(1, r.Output.Shards)
	shards := make([]Shard, 0, count*len(r.Splits))
	for _, split := range r.Splits {
		for i := range count {
			shards = append(shards, Shard{Split: split.Name, Index: i, Count: count})
		}
	}
	return shards
}

// Shard finds the file of a unit of the mix stage by the unit's name.
func (r Recipe) Shard(unit string) (Shard, bool) {
	for _, shard := range r.Files() {
		if shard.Name() == unit {
			return shard, true
		}
	}
	return Shard{}, false
}
