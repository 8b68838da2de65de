package render

import (
	"cmp"

	datav1alpha1 "github.com/datasetmix/datasetmix/api/v1alpha1"
	"github.com/datasetmix/datasetmix/internal/recipe"
)

// The defaults of spec.nearDuplicates: 5-grams, and a signature of 100 numbers. It misses about 4 of 10,000 pairs that have 80 percent of their
// 5-grams in common.
const (
	defaultNearWords = 5
	defaultNearBands = 20
	defaultNearRows  = 5
)

// comparison returns the rule by which questions are compared: the newest one, unless the mix compares bytes.
func comparison(from datav1alpha1.Compare) recipe.Comparison {
	if from == datav1alpha1.CompareExact {
		return recipe.CompareBytes
	}
	return recipe.CompareQuestionV1
}

func tokenizer(from *datav1alpha1.Tokenizer) recipe.Tokenizer {
	if from == nil {
		return recipe.Tokenizer{}
	}
	return recipe.Tokenizer{Encoding: string(from.Encoding), File: from.File, SHA256: from.SHA256}
}

func read(from *datav1alpha1.Read) recipe.Read {
	if from == nil {
		return recipe.Read{}
	}
	return recipe.Read{
		Path:       from.Path,
		Table:      table(from.Table),
		NonFinite:  recipe.NonFinite(unlessDefault(from.NonFinite, datav1alpha1.NonFiniteBadRow)),
		OnBadRow:   recipe.OnBadRow(unlessDefault(from.OnBadRow, datav1alpha1.OnBadRowFail)),
		MaxBadRows: from.MaxBadRows,
	}
}

func table(from *datav1alpha1.Table) *recipe.Table {
	if from == nil {
		return nil
	}
	return &recipe.Table{Delimiter: from.Delimiter, Quote: recipe.Quote(from.Quote), Columns: from.Columns}
}

func nearDuplicates(from *datav1alpha1.NearDuplicates) *recipe.NearDuplicates {
	if from == nil {
		return nil
	}
	return &recipe.NearDuplicates{
		N:       int(cmp.Or(from.Words, defaultNearWords)),
		Bands:   int(cmp.Or(from.Bands, defaultNearBands)),
		Rows:    int(cmp.Or(from.Rows, defaultNearRows)),
		Percent: int(from.Percent),
		Words:   recipe.WordsV1,
	}
}

func decontaminate(from *datav1alpha1.Decontaminate) *recipe.Decontaminate {
	if from == nil {
		return nil
	}
	out := &recipe.Decontaminate{Words: recipe.WordsV1}
	for _, probe := range from.Against {
		against := recipe.Probe{
			Name: probe.Name, Source: source(probe.Source), Read: read(probe.Read),
			Preset: recipe.PresetVersion(string(probe.Preset)), Question: string(probe.Question),
		}
		against.Source.Names = recipe.MentionsFile(against.Question)
		out.Against = append(out.Against, against)
	}
	if from.NGrams != nil {
		out.NGrams = &recipe.NGrams{N: int(from.NGrams.Words), Percent: int(from.NGrams.Percent)}
	}
	return out
}
