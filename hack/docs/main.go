// Command docs writes the reference pages that follow from the code: docs/api.md from the CustomResourceDefinition,
// docs/presets.md from the table of presets. `make generate` runs it, `make verify` wants no difference.
package main

import (
	"bytes"
	"cmp"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	"sigs.k8s.io/yaml"

	datav1alpha1 "github.com/datasetmix/datasetmix/api/v1alpha1"
	"github.com/datasetmix/datasetmix/config/crd"
	"github.com/datasetmix/datasetmix/internal/mapping"
	"github.com/datasetmix/datasetmix/internal/recipe"
)

func main() {
	if len(os.Args) != 2 {
		fmt.Fprintln(os.Stderr, "usage: docs FOLDER")
		os.Exit(2)
	}
	for name, page := range map[string]func() ([]byte, error){"api.md": api, "presets.md": presets} {
		content, err := page()
		if err == nil {
			err = os.WriteFile(filepath.Join(os.Args[1], name), content, 0o644) //nolint:gosec // a page for everyone to read
		}
		if err != nil {
			fmt.Fprintf(os.Stderr, "docs: %s: %v\n", name, err)
			os.Exit(1)
		}
	}
}

func presets() ([]byte, error) {
	var out bytes.Buffer
	out.WriteString("# Presets\n\nGenerated from `internal/recipe`; do not edit. A preset is a named mapping from the rows of a known data set, or of a common shape, to the unified record,\nin the language of [every mapping](mapping.md). `where`, `groupBy`, `answers`, `keep`, `keepAsText`, `decontaminate` and `scorer` may stand beside it. Where\nmembers are kept, they stand behind those of every row, as they are at the source. The scorer compares an answer with the reference answer.\n")
	all, err := mapping.Presets()
	if err != nil {
		return nil, err
	}
	for _, preset := range all {
		var fields []string
		for _, field := range preset.Fields() {
			if field.Raw {
				continue
			}
			name := "`" + field.Name + "`"
			if field.Optional {
				name += "?"
			}
			fields = append(fields, name)
		}
		encoded, err := expressions(preset.Record)
		if err != nil {
			return nil, err
		}
		changed := ""
		if preset.Changed != "" {
			changed = fmt.Sprintf("\nThis is `%s`: %s\n", preset.Version, preset.Changed)
		}
		fmt.Fprintf(&out, "\n## %s\n\n%s\n%s\nReads %s.\n\n```yaml\n%s```\n", preset.Name, preset.Doc, changed, strings.Join(fields, ", "), encoded)
	}
	out.WriteString("\nA field with ? may be absent. Rows with the same question stay on one side of a split.\n")
	return out.Bytes(), nil
}

// expressions are a preset's expressions as a manifest would have them, in the order of the fields' documentation.
func expressions(of recipe.Record) ([]byte, error) {
	var out []byte
	for _, part := range []map[string]any{
		{"question": of.Question}, {"referenceAnswer": of.ReferenceAnswer}, {"answerType": of.AnswerType}, {"metadata": of.Metadata}, {"answers": of.Answers}, {"keep": of.Keep}, {"decontaminate": of.Decontaminate}, {"scorer": of.Scorer},
	} {
		encoded, err := yaml.Marshal(part)
		if err != nil {
			return nil, err
		}
		if !bytes.HasSuffix(encoded, []byte(": null\n")) && !bytes.HasSuffix(encoded, []byte(`: ""`+"\n")) {
			out = append(out, encoded...)
		}
	}
	return out, nil
}

func api() ([]byte, error) {
	definition, err := crd.Definition()
	if err != nil {
		return nil, err
	}
	version := definition.Spec.Versions[len(definition.Spec.Versions)-1]
	var out bytes.Buffer
	fmt.Fprintf(&out, "# %s, %s\n\nGenerated from the CustomResourceDefinition; do not edit. `*` marks what must be set; defaults stand in the texts.\n",
		definition.Spec.Names.Kind, datav1alpha1.GroupVersion)
	for _, part := range []string{"spec", "status"} {
		schema := version.Schema.OpenAPIV3Schema.Properties[part]
		fmt.Fprintf(&out, "\n## %s\n\n%s\n\n", part, flat(schema.Description))
		fields(&out, part, schema)
	}
	return out.Bytes(), nil
}

// fields lists a schema's fields, each followed by those below it.
func fields(out *bytes.Buffer, path string, schema apiextensionsv1.JSONSchemaProps) {
	names := make([]string, 0, len(schema.Properties))
	for name := range schema.Properties {
		names = append(names, name)
	}
	slices.SortFunc(names, func(a, b string) int {
		required := func(name string) int {
			if slices.Contains(schema.Required, name) {
				return 0
			}
			return 1
		}
		return cmp.Or(required(a)-required(b), strings.Compare(a, b))
	})
	for _, name := range names {
		field := schema.Properties[name]
		mark := ""
		if slices.Contains(schema.Required, name) {
			mark = "\\*"
		}
		below, inner := path+"."+name, field
		if field.Items != nil && field.Items.Schema != nil {
			below, inner = below+"[]", *field.Items.Schema
		}
		fmt.Fprintf(out, "- **`%s`**%s (%s): %s\n", below, mark, kind(field), flat(field.Description))
		rules(out, field, inner)
		fields(out, below, inner)
	}
}

func rules(out *bytes.Buffer, schemas ...apiextensionsv1.JSONSchemaProps) {
	seen := map[string]bool{}
	for _, schema := range schemas {
		for _, rule := range schema.XValidations {
			if rule.Message != "" && !seen[rule.Message] {
				seen[rule.Message] = true
				fmt.Fprintf(out, "  - %s\n", flat(rule.Message))
			}
		}
	}
}

func kind(schema apiextensionsv1.JSONSchemaProps) string {
	switch {
	case schema.XIntOrString:
		return "quantity"
	case len(schema.Enum) > 0:
		var values []string
		for _, value := range schema.Enum {
			values = append(values, strings.Trim(string(value.Raw), `"`))
		}
		return strings.Join(values, " \\| ")
	case schema.Items != nil:
		return "list" + bounds(schema.MinItems, schema.MaxItems)
	case schema.Type == "string":
		return "string" + bounds(schema.MinLength, schema.MaxLength)
	default:
		return schema.Type
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

// flat is a text on one line.
func flat(text string) string { return strings.Join(strings.Fields(text), " ") }
