// Command docs writes the reference pages that are generated from the code: docs/api.md from the CustomResourceDefinition and the samples,
// docs/presets.md from the table of presets. `make generate` runs it; `make verify` fails if a page differs.
package main

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"sigs.k8s.io/yaml"

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

// expressions returns a preset's expressions as a manifest would have them, in the order of the fields' documentation.
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
