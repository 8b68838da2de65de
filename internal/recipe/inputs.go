package recipe

// The types below are parts of keys. All of them are empty, and then absent, in a recipe that uses nothing of them: such a
// recipe has the keys that it had before there was anything to use.

// measured says how shares are measured: nothing where that is in rows. A tokenizer's file is known by its digest, wherever
// it lies.
type measured struct {
	Unit      ShareUnit `json:"unit,omitempty"`
	Tokenizer Tokenizer `json:"tokenizer,omitzero"`
}

func (r Recipe) measured() measured {
	if !r.Measured() {
		return measured{}
	}
	m := measured{Unit: r.Unit}
	if r.Unit == InTokens {
		m.Tokenizer = Tokenizer{Encoding: r.Tokenizer.Encoding, SHA256: r.Tokenizer.SHA256}
	}
	return m
}

// Measured says whether shares are measured in something other than rows, so that rows have units to count.
func (r Recipe) Measured() bool { return r.Unit == InBytes || r.Unit == InTokens }

// deduplicated says which rows are dropped because others say the same, or nearly so, and when they do.
type deduplicated struct {
	Duplicates     Duplicates      `json:"duplicates,omitempty"`
	NearDuplicates *NearDuplicates `json:"nearDuplicates,omitempty"`
	Compare        Comparison      `json:"compare,omitempty"`
}

func (r Recipe) deduplicated() deduplicated {
	return deduplicated{r.Duplicates, r.NearDuplicates, r.Compare}
}

// probed is a probe as the split of every data set depends on it: its bytes, not where they come from. Its name is in the
// reasons that the split gives.
type probed struct {
	Name     string `json:"name"`
	Download string `json:"download"`
	Read     Read   `json:"read,omitzero"`
	Preset   string `json:"preset,omitempty"`
	Question string `json:"question,omitempty"`
}

// decontaminated says against what, and how, every data set is decontaminated.
type decontaminated struct {
	Against []probed `json:"against"`
	NGrams  *NGrams  `json:"ngrams,omitempty"`
	Words   WordRule `json:"words,omitempty"`
}

// decontaminated: digests are those of the downloads by name.
func (r Recipe) decontaminated(digests map[string]string) *decontaminated {
	if r.Decontaminate == nil {
		return nil
	}
	d := &decontaminated{NGrams: r.Decontaminate.NGrams, Words: r.Decontaminate.Words}
	for _, probe := range r.Probes() {
		d.Against = append(d.Against, probed{probe.Name, digests[probe.Name], probe.Read, probe.Preset, probe.Question})
	}
	return d
}

// rows is the record without what changes no row.
func (r Record) rows() Record {
	r.Scorer = ""
	return r
}

// columns are those of a mixed file beyond those of every row: nothing where rows are lines, which have the members that they have.
func (r Recipe) columns() []string {
	if r.Output.Format != Parquet {
		return nil
	}
	return r.KeptNames()
}

// sharded is the place of a mixed file among those of its split; nil where it is the only one.
type sharded struct {
	Index int `json:"index"`
	Count int `json:"count"`
}

func (s Shard) key() *sharded {
	if s.Count <= 1 {
		return nil
	}
	return &sharded{s.Index, s.Count}
}
