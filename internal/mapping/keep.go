package mapping

import (
	"fmt"
	"slices"
	"strings"

	"github.com/datasetmix/datasetmix/internal/contract"
	"github.com/datasetmix/datasetmix/internal/decode/decoded"
	"github.com/datasetmix/datasetmix/internal/mapping/language"
	"github.com/datasetmix/datasetmix/internal/recipe"
	"github.com/datasetmix/datasetmix/internal/record"
)

// keptMember is a member of the source's row that is published unchanged.
type keptMember struct {
	recipe.KeptMember

	// field is its place in the values of a row.
	field int
}

// maxKept is how many members a mapping may keep, those of a preset and its own.
const maxKept = 2 * 16

// keep requests the texts of the members that are kept.
func (c *compiler) keep(members []recipe.KeptMember) (out []keptMember) {
	if c.err == nil && len(members) > maxKept {
		c.err = contract.Failf(contract.InvalidTask, "the record keeps %d members of the row, and may keep at most %d; keep the whole row by %q", len(members), maxKept, recipe.KeepWhole)
	}
	for i, m := range members {
		switch {
		case c.err != nil:
		case m.Name == "" || slices.Contains(recipe.OwnMembers, m.Name):
			c.err = contract.Failf(contract.InvalidTask, "the member %q cannot be kept: every row has one of its own; keep it under another name in the metadata, or the whole row by %q", m.Name, recipe.KeepWhole)
		case i > 0 && members[i-1].Name == m.Name:
			c.err = contract.Failf(contract.InvalidTask, "the whole row is published as the member %q, which is kept as well; keep one of them", m.Name)
		}
		field := decoded.Field{Name: m.Name, Raw: true, Optional: true}
		if m.Whole {
			field.Name = ""
		}
		out = append(out, keptMember{m, len(c.fields)})
		c.fields = append(c.fields, field)
	}
	return out
}

// keep returns the members of a row that are kept, in the given memory.
func (m *mapping) keep(row *rowValue, entries []record.Entry) []record.Entry {
	if cap(entries) < len(m.kept) {
		entries = make([]record.Entry, 0, len(m.kept))
	}
	for _, k := range m.kept {
		text, there := row.values[k.field].(decoded.JSON)
		switch {
		case !there:
		case k.Text && text != "null" && !strings.HasPrefix(string(text), `"`):
			entries = append(entries, record.Entry{Key: k.Name, Value: record.StringOf(string(text))})
		default:
			entries = append(entries, record.Entry{Key: k.Name, Value: record.JSON(text)})
		}
	}
	return entries
}

// others compiles the expressions of the texts besides the question that are compared with probes.
func (c *compiler) others(expressions []string) (out []*expression) {
	if c.err == nil && len(expressions) > maxOthers {
		c.err = contract.Failf(contract.InvalidTask, "the record has %d expressions of texts to decontaminate, and may have at most %d", len(expressions), maxOthers)
	}
	for _, text := range expressions {
		out = append(out, c.expression("decontaminate", text, someTexts))
	}
	return out
}

// maxOthers is how many expressions of further texts there may be, those of a preset and its own.
const maxOthers = 2 * 8

// Others returns the texts of a row besides the question that are compared with the questions of probes. The row's values are in the order of Fields.
func (m *mapping) Others(row decoded.Row) (all []string, err error) {
	values := &rowValue{names: m.fields, values: row.Values, at: row.File(), files: &m.files}
	for _, x := range m.others {
		v, err := x.value(values)
		if err == nil {
			all, err = appendTexts(all, x, v)
		}
		if err != nil {
			return nil, row.Failf("%w", err)
		}
	}
	return all, nil
}

func appendTexts(to []string, x *expression, v any) ([]string, error) {
	switch v := v.(type) {
	case nil:
		return to, nil
	case string:
		return append(to, v), nil
	case []any:
		for _, element := range v {
			switch element := element.(type) {
			case nil:
			case string:
				to = append(to, element)
			default:
				return nil, x.failure(fmt.Sprintf("%s has an element that is %s and must be a string", x.subject().The(), language.Describe(element)))
			}
		}
		return to, nil
	}
	return nil, x.failure(x.subject().The() + " is " + language.Describe(v) + " and must be a string or a list of strings")
}
