package statistics

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/datasetmix/datasetmix/internal/pipeline"
	"github.com/datasetmix/datasetmix/internal/recipe"
	"github.com/datasetmix/datasetmix/internal/revision"
)

// Version is the version of the format.
const Version = "datasetmix.statistics/v1"

// File is the content of statistics.json.
type File struct {
	Version string `json:"version"`
	// Parts has a part for each split, in the order of declaration, and for each data set in it, sorted by name.
	Parts []Part `json:"parts"`
}

// Part has the statistics of a data set's rows in a split. The names in JSON are those of Data Studio.
type Part struct {
	Dataset string `json:"dataset"`
	Domain  string `json:"domain"`
	Split   string `json:"split"`
	// Rows is the number of rows of the processed file, Unique the number of different ones.
	Rows   int64 `json:"num_examples"`
	Unique int64 `json:"num_unique"`
	// Mixed has the numbers of these rows in the mixed split.
	Mixed *Mixed `json:"mixed,omitempty"`
	// Columns are the texts, the type of the answer, and the bytes and tokens of a row.
	Columns []Column `json:"statistics"`
	// Partial is false: all rows are counted.
	Partial bool     `json:"partial"`
	First   []Sample `json:"first_rows,omitempty"`
}

// Mixed has the numbers of a part's rows in the mixed split.
type Mixed struct {
	Rows       int64 `json:"num_examples"`
	Unique     int64 `json:"num_unique"`
	MaxRepeats int64 `json:"max_repeats"`
	// Epochs is Rows divided by the rows that were available to the mix.
	Epochs json.Number `json:"epochs"`
}

// Column is one column of the rows.
type Column struct {
	Name string `json:"column_name"`
	// Type is string_text, whose statistics are of the lengths in characters, string_label or int.
	Type       string `json:"column_type"`
	Statistics any    `json:"column_statistics"`
}

// Missing counts absent values.
type Missing struct {
	Rows       int64       `json:"nan_count"`
	Proportion json.Number `json:"nan_proportion"`
}

// Numbers has the statistics of numbers, or of the lengths of texts. Without rows, all but the sum is null.
type Numbers struct {
	Missing
	// Empty is the number of texts without a character.
	Empty     *int64       `json:"empty_count,omitempty"`
	Min       *int64       `json:"min"`
	Max       *int64       `json:"max"`
	Mean      *json.Number `json:"mean"`
	Median    *json.Number `json:"median"`
	Deviation *json.Number `json:"std"`
	Histogram *Histogram   `json:"histogram"`
	Sum       json.Number  `json:"sum"`
	// Powers is the histogram over powers of two: zeros, ones, then 2 to 3, 4 to 7 and so on.
	Powers []int64 `json:"histogram_log2"`
}

// Histogram has bins of equal width. A value is in the last bin whose lower edge it reaches.
type Histogram struct {
	Counts []int64 `json:"hist"`
	Edges  []int64 `json:"bin_edges"`
}

// Labels has the statistics of labels.
type Labels struct {
	Missing
	NoLabel     int64            `json:"no_label_count"`
	NoLabelPart json.Number      `json:"no_label_proportion"`
	Unique      int              `json:"n_unique"`
	Frequencies map[string]int64 `json:"frequencies"`
}

// Names of the columns.
const (
	questionColumn = "question"
	answerColumn   = "reference_answer"
	typeColumn     = "answer_type"
	bytesColumn    = "bytes"
	tokensColumn   = "tokens"
)

// Types of the columns in Data Studio.
const (
	textType   = "string_text"
	labelType  = "string_label"
	numberType = "int"
)

// Part returns the statistics of the rows; tokens reports whether their tokens were counted.
func (r *Rows) Part(dataset, domain, split string, tokens bool) Part {
	text := func(name string, of *Counts) Column {
		numbers := of.Summary()
		var empty int64
		if len(of.dense) > 0 {
			empty = of.dense[0]
		}
		numbers.Empty = &empty
		return Column{name, textType, numbers}
	}
	labels := Labels{Missing: Missing{Proportion: proportion(0, 1)}, NoLabelPart: proportion(0, 1), Frequencies: map[string]int64{}}
	for i, n := range r.Types {
		if n > 0 {
			labels.Unique++
			labels.Frequencies[types[i]] = n
		}
	}
	p := Part{Dataset: dataset, Domain: domain, Split: split, Rows: r.Rows, Unique: r.Unique, First: r.First, Columns: []Column{
		text(questionColumn, &r.Question), text(answerColumn, &r.Answer), {typeColumn, labelType, labels}, {bytesColumn, numberType, r.Bytes.Summary()},
	}}
	if tokens {
		p.Columns = append(p.Columns, Column{tokensColumn, numberType, r.Tokens.Summary()})
	}
	return p
}

// Of returns the statistics of a revision: its parts, which are in the order of the plan, with the numbers of the mixed splits.
func Of(m revision.Manifest, parts []Part) File {
	file := File{Version: Version, Parts: slices.Clone(parts)}
	reported := pipeline.Reported(m.Recipe, m.Results())
	at := 0
	for s, split := range m.Plan.Splits {
		for d, plan := range split.Datasets() {
			mixed := Mixed{Rows: plan.Rows, Unique: plan.Unique, MaxRepeats: plan.MaxRepeats, Epochs: proportion(plan.Rows, plan.Available)}
			if reported[s] != nil {
				mixed.Unique, mixed.MaxRepeats = reported[s][d].Unique, reported[s][d].MaxRepeats
			}
			file.Parts[at].Mixed = &mixed
			at++
		}
	}
	return file
}

// CountsTokens reports whether the statistics of a recipe's rows include tokens. They do not for a tokenizer from a file, which is not part of the revision:
// a proof could not count the tokens again.
func CountsTokens(r recipe.Recipe) bool { return r.Unit == recipe.InTokens && r.Tokenizer.File == "" }

// Encode returns the bytes of the file.
func (f File) Encode() ([]byte, error) { return revision.EncodeJSON(f) }

// Bare returns the parts without the numbers of the mixed splits, so that they depend on the processed files alone.
func (f File) Bare() []Part {
	parts := slices.Clone(f.Parts)
	for i := range parts {
		parts[i].Mixed = nil
	}
	return parts
}

// Decode reads the file of a revision.
func Decode(encoded []byte) (File, error) {
	var f File
	if err := json.Unmarshal(encoded, &f); err != nil {
		return f, fmt.Errorf("%s: %w", revision.StatisticsFile, err)
	}
	if f.Version != Version {
		return f, fmt.Errorf("%s has version %q, this program reads %q", revision.StatisticsFile, f.Version, Version)
	}
	return f, nil
}

// UnmarshalJSON reads a column, with the statistics of its type.
func (c *Column) UnmarshalJSON(encoded []byte) error {
	var raw struct {
		Name       string          `json:"column_name"`
		Type       string          `json:"column_type"`
		Statistics json.RawMessage `json:"column_statistics"`
	}
	if err := json.Unmarshal(encoded, &raw); err != nil {
		return err
	}
	c.Name, c.Type = raw.Name, raw.Type
	if raw.Type == labelType {
		var labels Labels
		err := json.Unmarshal(raw.Statistics, &labels)
		c.Statistics = labels
		return err
	}
	var numbers Numbers
	err := json.Unmarshal(raw.Statistics, &numbers)
	c.Statistics = numbers
	return err
}

// Numbers returns the statistics of a column of texts or numbers.
func (p Part) Numbers(column string) (Numbers, bool) {
	i := slices.IndexFunc(p.Columns, func(c Column) bool { return c.Name == column })
	if i < 0 {
		return Numbers{}, false
	}
	numbers, ok := p.Columns[i].Statistics.(Numbers)
	return numbers, ok
}

// Labels returns the types of the answers as text, with their numbers of rows if there are several: "numeric", or "numeric 40, text 2".
func (p Part) Labels() string {
	i := slices.IndexFunc(p.Columns, func(c Column) bool { return c.Name == typeColumn })
	if i < 0 {
		return ""
	}
	labels, _ := p.Columns[i].Statistics.(Labels)
	var words []string
	for _, word := range slices.Sorted(maps.Keys(labels.Frequencies)) {
		if len(labels.Frequencies) > 1 {
			word = fmt.Sprintf("%s %d", word, labels.Frequencies[word])
		}
		words = append(words, word)
	}
	return strings.Join(words, ", ")
}
