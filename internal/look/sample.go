package look

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"strings"

	"github.com/datasetmix/datasetmix/internal/contract"
	"github.com/datasetmix/datasetmix/internal/decode"
	"github.com/datasetmix/datasetmix/internal/decode/decoded"
	"github.com/datasetmix/datasetmix/internal/mapping"
	"github.com/datasetmix/datasetmix/internal/recipe"
	"github.com/datasetmix/datasetmix/internal/source"
)

// Sample has some rows of a source, unchanged.
type Sample struct {
	lines []string // each the JSON of a row
}

// Take returns the first rows of a source.
func Take(ctx context.Context, from source.Source, files []source.File) (Sample, error) {
	return rows{from: from, files: files}.sample(ctx, namedRows)
}

// Member is a member of the rows, with counts of its values by kind.
type Member struct {
	Name string
	// Texts counts the rows with a text that is not blank, Numbers those with a number, Turns those with a chat, and Others those with any other value
	// except null and blank texts.
	Texts, Numbers, Turns, Others int
	// Length is the length of all texts in bytes.
	Length int
}

// Members returns the members of the rows, in the order of their first use.
func (s Sample) Members() []Member {
	var all []Member
	for _, line := range s.lines {
		decoder := json.NewDecoder(strings.NewReader(line))
		if _, err := decoder.Token(); err != nil {
			continue
		}
		for decoder.More() {
			name, err := decoder.Token()
			if err != nil {
				break
			}
			var value any
			if decoder.Decode(&value) != nil {
				break
			}
			all = noted(all, name.(string), value)
		}
	}
	return all
}

func noted(all []Member, name string, value any) []Member {
	i := slices.IndexFunc(all, func(m Member) bool { return m.Name == name })
	if i < 0 {
		i = len(all)
		all = append(all, Member{Name: name})
	}
	m := &all[i]
	switch v := value.(type) {
	case nil:
	case string:
		if strings.TrimSpace(v) != "" {
			m.Texts++
			m.Length += len(v)
		}
	case float64:
		m.Numbers++
	case []any:
		if isChat(v) {
			m.Turns++
		} else {
			m.Others++
		}
	default:
		m.Others++
	}
	return all
}

// isChat reports whether a list holds turns with a role and a content.
func isChat(list []any) bool {
	return len(list) > 0 && !slices.ContainsFunc(list, func(turn any) bool {
		members, ok := turn.(map[string]any)
		_, role := members["role"]
		_, from := members["from"]
		return !ok || !role && !from
	})
}

// names returns the names of the members.
func (s Sample) names() []string {
	var names []string
	for _, m := range s.Members() {
		names = append(names, m.Name)
	}
	return names
}

// try returns the number of rows that a record fits, and the reasons why it does not fit the others.
func (s Sample) try(ctx context.Context, record recipe.Record) (kept int, reasons []string, err error) {
	compiled, err := mapping.Compile(record)
	if err != nil {
		return 0, nil, err
	}
	text := strings.Join(s.lines, "\n")
	for row, err := range decode.Rows(ctx, decode.File{Name: "rows.jsonl", Data: strings.NewReader(text), Size: int64(len(text))}, compiled.Fields()) {
		if err == nil {
			_, err = compiled.Map(row)
		}
		if err == nil {
			kept++
			continue
		}
		if contract.ReasonOf(err) != contract.InvalidData {
			return kept, reasons, err
		}
		reason := string(mapping.ClassOf(err))
		if bad := (*decoded.BadRow)(nil); errors.As(err, &bad) {
			reason = string(bad.Class)
		}
		reasons = append(reasons, reason)
	}
	return kept, reasons, nil
}

// distinctive has the members that rows must have for a preset whose expressions also fit many other rows.
var distinctive = map[string][]string{
	"hotpotqa": {"question", "answer", "type", "level"}, "hotpotqa-context": {"context", "supporting_facts"}, "mbpp": {"test_list", "code"}, "squad2": {"answers", "context"},
}

// presets returns the names of the presets that fit every row, those first of whose fields the rows have the most.
func (s Sample) presets(ctx context.Context) ([]string, error) {
	names := s.names()
	fitting := map[string]int{}
	for _, preset := range recipe.Presets() {
		if len(s.lines) == 0 || slices.ContainsFunc(distinctive[preset.Name], func(name string) bool { return !slices.Contains(names, name) }) {
			continue
		}
		kept, _, err := s.try(ctx, recipe.Record{Preset: preset.Version, Rule: recipe.RecordRule})
		if err != nil {
			return nil, err
		}
		if kept == len(s.lines) {
			fitting[preset.Name] = s.fields(preset, names)
		}
	}
	var found []string
	for _, preset := range recipe.Presets() {
		if fitting[preset.Name] > 0 {
			found = append(found, preset.Name)
		}
	}
	slices.SortStableFunc(found, func(a, b string) int { return fitting[b] - fitting[a] })
	return found, nil
}

// fields returns the number of a preset's fields that are among the names.
func (s Sample) fields(preset recipe.Preset, names []string) int {
	compiled, err := mapping.Lookup(preset.Version)
	if err != nil {
		return 0
	}
	n := 0
	for _, field := range compiled.Fields() {
		if slices.Contains(names, field.Name) {
			n++
		}
	}
	return n
}

// texts returns the values of a member, without those that are no texts.
func (s Sample) texts(name string) []string {
	var all []string
	for _, line := range s.lines {
		var row map[string]json.RawMessage
		var text string
		if json.Unmarshal([]byte(line), &row) == nil && json.Unmarshal(row[name], &text) == nil {
			all = append(all, text)
		}
	}
	return all
}
