package pipeline

import "github.com/datasetmix/datasetmix/internal/recipe"

// The types below are parts of keys. All of them are empty, and then absent, in a recipe that uses nothing of them: such a
// recipe has the keys that it had before there was anything to use.

// measured is how shares are measured; empty where they are measured in rows. A tokenizer's file is identified by its digest, not by its
// path.
type measured struct {
	Unit      recipe.ShareUnit `json:"unit,omitempty"`
	Tokenizer recipe.Tokenizer `json:"tokenizer,omitzero"`
}

func measuredKey(r recipe.Recipe) measured {
	if !r.Measured() {
		return measured{}
	}
	m := measured{Unit: r.Unit}
	if r.Unit == recipe.InTokens {
		m.Tokenizer = recipe.Tokenizer{Encoding: r.Tokenizer.Encoding, SHA256: r.Tokenizer.SHA256}
	}
	return m
}

// deduplicated is the rules by which rows are dropped as duplicates and near duplicates of others.
type deduplicated struct {
	Duplicates     recipe.Duplicates      `json:"duplicates,omitempty"`
	NearDuplicates *recipe.NearDuplicates `json:"nearDuplicates,omitempty"`
	Compare        recipe.Comparison      `json:"compare,omitempty"`
}

func deduplicatedKey(r recipe.Recipe) deduplicated {
	return deduplicated{r.Duplicates, r.NearDuplicates, r.Compare}
}

// probed is a probe as the split of every data set depends on it: its bytes, not where they come from. Its name is in the
// reasons that the split gives.
type probed struct {
	Name     string      `json:"name"`
	Download string      `json:"download"`
	Read     recipe.Read `json:"read,omitzero"`
	Preset   string      `json:"preset,omitempty"`
	Question string      `json:"question,omitempty"`
}

// decontaminated is the probes that every data set is decontaminated against, and the rules for that.
type decontaminated struct {
	Against []probed        `json:"against"`
	NGrams  *recipe.NGrams  `json:"ngrams,omitempty"`
	Words   recipe.WordRule `json:"words,omitempty"`
}

// decontaminatedKey returns what keys have of decontamination; digests are those of the downloads by name.
func decontaminatedKey(r recipe.Recipe, digests map[string]string) *decontaminated {
	if r.Decontaminate == nil {
		return nil
	}
	d := &decontaminated{NGrams: r.Decontaminate.NGrams, Words: r.Decontaminate.Words}
	for _, probe := range r.Probes() {
		d.Against = append(d.Against, probed{probe.Name, digests[probe.Name], probe.Read, probe.Preset, probe.Question})
	}
	return d
}

// recordKey returns the record without what changes no row.
func recordKey(r recipe.Record) recipe.Record {
	r.Scorer = ""
	return r
}

// columnsKey returns those of a mixed file beyond those of every row: nothing where rows are lines, which have the members that they have.
func columnsKey(r recipe.Recipe) []string {
	if r.Output.Format != recipe.Parquet {
		return nil
	}
	return r.KeptNames()
}

// sharded is the place of a mixed file among those of its split; nil where it is the only one.
type sharded struct {
	Index int `json:"index"`
	Count int `json:"count"`
}

func shardKey(s recipe.Shard) *sharded {
	if s.Count <= 1 {
		return nil
	}
	return &sharded{s.Index, s.Count}
}

// exportVersion is that of the columns and bytes of exports. Raising it is the only way in which a new release of the operator makes
// exports anew.
const exportVersion = "export/v1"

// exported is the part of the key of an exported file that a mixed one does not have.
type exported struct {
	Version      string              `json:"version"`
	Name         string              `json:"name"`
	Format       recipe.ExportFormat `json:"format"`
	SystemPrompt string              `json:"systemPrompt,omitempty"`
	Instructions recipe.Instructions `json:"instructions,omitzero"`
	Context      bool                `json:"context,omitempty"`
	// Scorers are those that records name, by data set; labels carry them.
	Scorers map[string]recipe.Scorer `json:"scorers,omitempty"`
}

func exportedKey(r recipe.Recipe, e recipe.Export) *exported {
	key := exported{exportVersion, e.Name, e.Format, e.SystemPrompt, e.Instructions, e.Context, nil}
	if e.Format != recipe.ExportRL {
		return &key
	}
	for _, name := range r.DatasetNames() {
		dataset, _, _ := r.Dataset(name)
		if scorer := dataset.Record.Resolved().Scorer; scorer != "" {
			if key.Scorers == nil {
				key.Scorers = map[string]recipe.Scorer{}
			}
			key.Scorers[name] = scorer
		}
	}
	return &key
}

// sourceKey returns the source without how its bytes are reached and what they are expected to be. The way to the same bytes is in no key, and
// what is expected is compared with the result.
func sourceKey(s recipe.Source) recipe.Source {
	s = s.Published()
	s.Expect = nil
	if s.ObjectStore != nil {
		bare := *s.ObjectStore
		bare.Region, bare.Addressing, bare.Access, bare.RoleARN = "", "", "", ""
		s.ObjectStore = &bare
	}
	return s
}
