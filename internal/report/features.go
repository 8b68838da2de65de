package report

import (
	"fmt"
	"slices"
	"strings"

	"github.com/datasetmix/datasetmix/internal/schema"
)

// texts are the members that every row has, in their order.
var texts = []string{"id", "dataset", "domain", "question", "reference_answer", "answer_type"}

// metadataField is the member after texts, and firstMetadata are the members in it that every row has.
const metadataField = "metadata"

var firstMetadata = []string{"source", "original_id"}

// members returns the types of the members of a data set's rows, without texts, or their union over all data sets if the name is empty.
func (r *Revision) members(dataset string) schema.Type {
	if r.Fields == nil { // every row has these members in its metadata
		text := schema.Type{Scalar: schema.String}
		return schema.Type{Members: map[string]schema.Type{metadataField: {Members: map[string]schema.Type{firstMetadata[0]: text, firstMetadata[1]: text}}}}
	}
	if dataset != "" {
		return r.Fields[dataset]
	}
	var types []schema.Type
	for _, d := range r.Datasets {
		types = append(types, r.Fields[d.Name])
	}
	return schema.Union(types...)
}

// features returns the columns of a data set, or of the mix, for a card; empty if they are not known, or if one has several types. In Parquet, every
// column is a text: other values are written as JSON.
func (r *Revision) features(dataset string, inParquet bool) string {
	members := r.members(dataset)
	if r.Fields == nil || !inParquet && !members.Certain() {
		return ""
	}
	var out strings.Builder
	for _, name := range texts {
		feature(&out, "  ", name, schema.Type{Scalar: schema.String})
	}
	for _, name := range namesOf(members, metadataField) {
		t := members.Members[name]
		if inParquet {
			t = schema.Type{Scalar: schema.String}
		}
		feature(&out, "  ", name, t)
	}
	return out.String()
}

// namesOf returns the names of an object's members: those in first, and then the others sorted.
func namesOf(t schema.Type, first ...string) []string {
	names := t.Names()
	slices.SortStableFunc(names, func(a, b string) int {
		place := func(name string) int {
			if i := slices.Index(first, name); i >= 0 {
				return i
			}
			return len(first)
		}
		return place(a) - place(b)
	})
	return names
}

// feature writes a column, or a member of a column, with its type.
func feature(out *strings.Builder, indent, name string, t schema.Type) {
	quoted, err := yaml(name)
	if err != nil {
		panic(fmt.Sprintf("report: a text does not encode: %v", err))
	}
	fmt.Fprintf(out, "%s- name: %s\n", indent, quoted)
	featureType(out, indent+"  ", "dtype", t)
}

// featureType writes a type; scalar is the key before a type without members or elements.
func featureType(out *strings.Builder, indent, scalar string, t schema.Type) {
	switch {
	case t.Element != nil:
		switch element := *t.Element; {
		case element.Members != nil:
			featureMembers(out, indent, "list", element)
		case element.Element != nil:
			fmt.Fprintf(out, "%slist:\n", indent)
			featureType(out, indent+"  ", "dtype", element)
		default:
			fmt.Fprintf(out, "%slist: %s\n", indent, dtype(element.Scalar))
		}
	case t.Members != nil:
		featureMembers(out, indent, "struct", t)
	default:
		fmt.Fprintf(out, "%s%s: %s\n", indent, scalar, dtype(t.Scalar))
	}
}

func featureMembers(out *strings.Builder, indent, key string, t schema.Type) {
	if len(t.Members) == 0 {
		fmt.Fprintf(out, "%s%s: []\n", indent, key)
		return
	}
	fmt.Fprintf(out, "%s%s:\n", indent, key)
	for _, name := range namesOf(t, firstMetadata...) {
		feature(out, indent, name, t.Members[name])
	}
}

// dtype returns the name of a scalar type in Hugging Face datasets. The name null is quoted, since YAML would read it as a value.
func dtype(scalar string) string {
	switch scalar {
	case schema.Date:
		return schema.String
	case schema.Null:
		return `"null"`
	}
	return scalar
}
