// Package refusals is the specification of the schema's validation: what the API server refuses, and in which words. Both the schema
// alone and a real API server are tested against it.
package refusals

import (
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/runtime"
)

// Case is a change of the sample of six data sets and what is refused of it, nothing where it is valid.
type Case struct {
	Name  string
	Edits []Edit
	// Want are the field, the kind and the words of each refusal, without the offending value, as Shorten returns them.
	Want []string
	// Also is what the API server adds: it evaluates rules over some values that are wrong by themselves.
	Also []string
	// Decoding is what the API server says instead, where it refuses to decode the object.
	Decoding string
}

// Edit is a change of an object: a value at a path of field names and list indices, or nil to remove what is there.
type Edit struct {
	Path  string
	Value any
}

// Update is a change of the sample, before, that is changed again, after.
type Update struct {
	Name          string
	Before, After []Edit
	Want          []string
}

// Cases returns the whole table.
func Cases() []Case { return slices.Concat(mixes, sources, rows, outputs) }

// first is the path of the first data set.
const first = "spec.domains.0.datasets.0."

var named = []Edit{{"spec.output.volume", map[string]any{"claimName": "c"}}}

// Updates are the edits of a mix that is there: everything can be edited but which volume the output is on.
var Updates = []Update{
	{Name: "seed, shares, sources and the path", After: []Edit{
		{"spec.seed", int64(43)}, {"spec.domains.0.share", "7"}, {"spec.output.path", "elsewhere"}, {"spec.domains.2", nil},
	}},
	{Name: "a bigger claim", After: []Edit{{"spec.output.volume.claimTemplate.size", "6Gi"}}},
	{Name: "a smaller claim", After: []Edit{{"spec.output.volume.claimTemplate.size", "4Gi"}}, Want: []string{
		"spec.output.volume.claimTemplate: Invalid value: The size of a claimTemplate can only grow.",
	}},
	{Name: "another class", After: []Edit{{"spec.output.volume.claimTemplate.storageClassName", "fast"}}, Want: []string{
		"spec.output.volume.claimTemplate: Invalid value: The storageClassName and the accessModes of a claimTemplate cannot be changed; create another DatasetMix instead.",
	}},
	{Name: "another claim", Before: named, After: []Edit{{"spec.output.volume.claimName", "d"}}, Want: []string{
		"spec.output.volume.claimName: Invalid value: The claimName cannot be changed; create another DatasetMix instead.",
	}},
	{Name: "from a template to a claim", After: named, Want: []string{
		"spec.output.volume: Invalid value: An output volume cannot be changed between claimName and claimTemplate; create another DatasetMix instead.",
	}},
}

// Apply returns a copy of an object with edits.
func Apply(object map[string]any, edits []Edit) map[string]any {
	object = runtime.DeepCopyJSON(object)
	for _, e := range edits {
		set(object, strings.Split(e.Path, "."), runtime.DeepCopyJSONValue(e.Value))
	}
	return object
}

// Shorten leaves out the offending values, which are whole objects.
func Shorten(problems []string) []string {
	var short []string
	for _, problem := range problems {
		for _, from := range []string{"Invalid value: {", `Invalid value: "`} {
			head, rest, found := strings.Cut(problem, from)
			if end := max(strings.Index(rest, "}: "), strings.Index(rest, `": `)); found && end >= 0 && !strings.Contains(rest, "must be of type") {
				problem = head + "Invalid value: " + rest[end+len(`": `):]
			}
		}
		short = append(short, problem)
	}
	return short
}

// set follows a path of field names and list indices and puts a value there; nil removes.
func set(node any, path []string, value any) any {
	switch node := node.(type) {
	case []any:
		i := int(path[0][0] - '0')
		switch {
		case len(path) > 1:
			node[i] = set(node[i], path[1:], value)
		case value == nil:
			return slices.Delete(node, i, i+1)
		case i == len(node):
			return append(node, value)
		default:
			node[i] = value
		}
		return node
	case map[string]any:
		switch {
		case len(path) > 1:
			node[path[0]] = set(node[path[0]], path[1:], value)
		case value == nil:
			delete(node, path[0])
		default:
			node[path[0]] = value
		}
		return node
	}
	return value
}
