package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"sigs.k8s.io/kustomize/kyaml/yaml"

	datav1alpha1 "github.com/datasetmix/datasetmix/api/v1alpha1"
)

// longest is the number of bytes of a field's example; longer values are shown in the examples of the fields below.
const longest = 160

// examples has a value of each field as `name: value` on one line, by the field's path: the shortest one in the mixes.
type examples map[string]string

// readExamples reads the mixes of some files.
func readExamples(patterns ...string) (examples, error) {
	found := examples{}
	for _, pattern := range patterns {
		files, err := filepath.Glob(pattern)
		if err == nil && len(files) == 0 {
			err = fmt.Errorf("there is no %s", pattern)
		}
		if err != nil {
			return nil, err
		}
		for _, file := range files {
			content, err := os.ReadFile(file)
			if err != nil {
				return nil, err
			}
			if err := found.read(content); err != nil {
				return nil, fmt.Errorf("%s: %w", file, err)
			}
		}
	}
	return found, nil
}

// read takes the values of the mixes of one file.
func (e examples) read(content []byte) error {
	decoder := yaml.NewDecoder(bytes.NewReader(content))
	for {
		var document yaml.Node
		if err := decoder.Decode(&document); errors.Is(err, io.EOF) {
			return nil
		} else if err != nil {
			return err
		}
		mix := document.Content[0]
		for i := 0; i+1 < len(mix.Content); i += 2 {
			if mix.Content[i].Value == "kind" && mix.Content[i+1].Value == datav1alpha1.Kind {
				if err := e.fields("", mix); err != nil {
					return err
				}
			}
		}
	}
}

// fields takes the values below a mapping.
func (e examples) fields(path string, mapping *yaml.Node) error {
	for i := 0; i+1 < len(mapping.Content); i += 2 {
		name, value := mapping.Content[i], mapping.Content[i+1]
		at := strings.TrimPrefix(path+"."+name.Value, ".")
		below := []*yaml.Node{value}
		if value.Kind == yaml.SequenceNode {
			at, below = at+"[]", value.Content
		}
		line, err := oneLine(name, value)
		if err != nil {
			return err
		}
		if have := e[at]; have == "" || len(line) < len(have) {
			e[at] = line
		}
		for _, inner := range below {
			if inner.Kind != yaml.MappingNode {
				continue
			}
			if err := e.fields(at, inner); err != nil {
				return err
			}
		}
	}
	return nil
}

// oneLine writes a field as a line of YAML.
func oneLine(name, value *yaml.Node) (string, error) {
	out, err := yaml.NewRNode(&yaml.Node{Kind: yaml.MappingNode, Style: yaml.FlowStyle, Content: []*yaml.Node{bare(name), bare(value)}}).String()
	line := strings.TrimSpace(out)
	return strings.TrimSuffix(strings.TrimPrefix(line, "{"), "}"), err
}

// bare returns a node without comments and as flow, which is one line.
func bare(node *yaml.Node) *yaml.Node {
	out := &yaml.Node{Kind: node.Kind, Tag: node.Tag, Value: node.Value, Style: node.Style &^ (yaml.LiteralStyle | yaml.FoldedStyle)}
	if node.Kind != yaml.ScalarNode {
		out.Style = yaml.FlowStyle
	}
	for _, inner := range node.Content {
		out.Content = append(out.Content, bare(inner))
	}
	return out
}
