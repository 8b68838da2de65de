package main

import (
	"bytes"
	"cmp"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"

	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"

	datav1alpha1 "github.com/datasetmix/datasetmix/api/v1alpha1"
	"github.com/datasetmix/datasetmix/config/crd"
)

type schema = apiextensionsv1.JSONSchemaProps

// reference writes the page of the resource: a section for each object, within that of the object that it belongs to, and in it a line
// for each other field.
type reference struct {
	out      bytes.Buffer
	contents bytes.Buffer
	examples examples
	// written are the objects with fields, by the sections that have them: a type that two fields have is written once.
	written map[string]schema
}

func api() ([]byte, error) {
	definition, err := crd.Definition()
	if err != nil {
		return nil, err
	}
	given, err := readExamples("config/samples/*.yaml", "hack/docs/examples/*.yaml")
	if err != nil {
		return nil, err
	}
	version := definition.Spec.Versions[len(definition.Spec.Versions)-1]
	page := reference{examples: given, written: map[string]schema{}}
	for _, part := range []string{"spec", "status"} {
		page.section(part, version.Schema.OpenAPIV3Schema.Properties[part], 0)
	}
	return fmt.Appendf(nil, "# %s, %s\n\nGenerated from the CustomResourceDefinition and the mixes of [config/samples](../config/samples) and\n[hack/docs/examples](../hack/docs/examples); do not edit. `*` marks what must be set; defaults stand in the texts. Every example is part of a whole, valid mix.\n\n%s%s",
		definition.Spec.Names.Kind, datav1alpha1.GroupVersion, page.contents.Bytes(), page.out.Bytes()), nil
}

// section writes an object: what it is, its own rules, its plain fields, and its objects as sections within it.
func (r *reference) section(path string, field schema, depth int) {
	const deepest = 6 // headings that Markdown has
	fmt.Fprintf(&r.out, "\n%s %s\n\n", strings.Repeat("#", min(depth+2, deepest)), path)
	fmt.Fprintf(&r.contents, "%s- [%s](#%s)\n", strings.Repeat("  ", depth), path[strings.LastIndex(path, ".")+1:], anchor(path))
	inner := items(field)
	mark := ""
	if depth > 0 {
		mark = " (" + kind(field) + ")"
	}
	fmt.Fprintf(&r.out, "%s%s%s\n", flat(field.Description), mark, r.example(path))
	title := "\nRules:\n\n"
	for _, text := range rules(field, inner) {
		fmt.Fprintf(&r.out, "%s- %s\n", title, text)
		title = ""
	}
	for _, other := range slices.Sorted(maps.Keys(r.written)) {
		if reflect.DeepEqual(r.written[other].Properties, inner.Properties) && len(inner.Properties) > 3 {
			fmt.Fprintf(&r.out, "\nIts fields are those of [%s](#%s).\n", other, anchor(other))
			return
		}
	}
	r.written[path] = inner
	r.fields(path, inner, depth)
}

// fields writes the fields of an object, those that must be set first.
func (r *reference) fields(path string, object schema, depth int) {
	required := func(name string) int {
		if slices.Contains(object.Required, name) {
			return 0
		}
		return 1
	}
	names := slices.SortedFunc(maps.Keys(object.Properties), func(a, b string) int {
		return cmp.Or(required(a)-required(b), strings.Compare(a, b))
	})
	title := "\nFields:\n\n"
	var objects []string
	for _, name := range names {
		field := object.Properties[name]
		below := path + "." + name
		if field.Items != nil {
			below += "[]"
		}
		if len(items(field).Properties) > 0 {
			objects = append(objects, name)
			continue
		}
		mark := ""
		if required(name) == 0 {
			mark = "\\*"
		}
		fmt.Fprintf(&r.out, "%s- **`%s`**%s (%s): %s%s\n", title, strings.TrimPrefix(below, path+"."), mark, kind(field), flat(field.Description), r.example(below))
		title = ""
		for _, text := range rules(field, items(field)) {
			fmt.Fprintf(&r.out, "  - %s\n", text)
		}
	}
	for _, name := range objects {
		below := path + "." + name
		if object.Properties[name].Items != nil {
			below += "[]"
		}
		r.section(below, object.Properties[name], depth+1)
	}
}

// example returns the example of a field's value.
func (r *reference) example(path string) string {
	line := r.examples[path]
	if line == "" || len(line) > longest {
		return ""
	}
	fence := "`"
	if strings.Contains(line, "`") {
		fence = "``"
	}
	return " Example: " + fence + line + fence
}

// items returns the schema of a list's items, and any other schema unchanged.
func items(field schema) schema {
	if field.Items != nil && field.Items.Schema != nil {
		return *field.Items.Schema
	}
	return field
}

// anchor returns the anchor of a heading.
func anchor(path string) string {
	return strings.ToLower(strings.NewReplacer(".", "", "[]", "").Replace(path))
}

// rules returns the messages of the rules of schemas, each once.
func rules(schemas ...schema) []string {
	var all []string
	for _, one := range schemas {
		for _, rule := range one.XValidations {
			if text := flat(rule.Message); text != "" && !slices.Contains(all, text) {
				all = append(all, text)
			}
		}
	}
	return all
}

func kind(field schema) string {
	switch {
	case field.XIntOrString:
		return "quantity"
	case len(field.Enum) > 0:
		var values []string
		for _, value := range field.Enum {
			values = append(values, strings.Trim(string(value.Raw), `"`))
		}
		return strings.Join(values, " \\| ")
	case field.Items != nil:
		return "list" + bounds(field.MinItems, field.MaxItems)
	case field.Type == "string":
		return "string" + bounds(field.MinLength, field.MaxLength)
	default:
		return field.Type
	}
}

func bounds(least, most *int64) string {
	switch {
	case least != nil && most != nil:
		return fmt.Sprintf(", %d to %d", *least, *most)
	case most != nil:
		return fmt.Sprintf(", at most %d", *most)
	default:
		return ""
	}
}

// flat returns a text on one line.
func flat(text string) string { return strings.Join(strings.Fields(text), " ") }
