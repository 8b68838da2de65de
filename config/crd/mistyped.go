package crd

import (
	"fmt"
	"maps"
	"math"
	"regexp"
	"slices"
	"strconv"
	"strings"

	structuralschema "k8s.io/apiextensions-apiserver/pkg/apiserver/schema"
	"k8s.io/apimachinery/pkg/util/validation/field"
)

// namesShown is how many fields of an object a message lists.
const namesShown = 16

// Mistyped returns the values whose type is not that of their field, each with how to write it. The API server refuses them as
// well, in the words of a schema ("must validate at least one schema (anyOf)"), which do not say that YAML has read 0.4, no
// and 123456 as what they look like.
func (v *Validator) Mistyped(object map[string]any) field.ErrorList {
	whole := *v.schema
	whole.Properties = maps.Clone(whole.Properties)
	whole.Properties["metadata"] = objectMeta()
	return sorted(mistyped(nil, &whole, object))
}

// objectMeta returns what a person writes of an object's metadata, which the schema of a custom resource leaves to the API server.
func objectMeta() structuralschema.Structural {
	text := structuralschema.Structural{Generic: structuralschema.Generic{Type: "string"}}
	texts := structuralschema.Structural{
		Generic:              structuralschema.Generic{Type: "object"},
		AdditionalProperties: &structuralschema.StructuralOrBool{Structural: &text},
	}
	return structuralschema.Structural{
		Generic: structuralschema.Generic{Type: "object"},
		Properties: map[string]structuralschema.Structural{
			"name": text, "namespace": text, "generateName": text, "labels": texts, "annotations": texts,
		},
	}
}

func mistyped(at *field.Path, schema *structuralschema.Structural, value any) (errs field.ErrorList) {
	if problem := problemOf(schema, value); problem != "" {
		return field.ErrorList{field.Invalid(at, shown(value), problem)}
	}
	switch value := value.(type) {
	case []any:
		for i, entry := range value {
			if schema.Items != nil {
				errs = append(errs, mistyped(at.Index(i), schema.Items, entry)...)
			}
		}
	case map[string]any:
		for name, member := range value {
			errs = append(errs, mistypedMember(at, schema, name, member)...)
		}
	}
	return errs
}

func mistypedMember(at *field.Path, schema *structuralschema.Structural, name string, value any) field.ErrorList {
	if property, known := schema.Properties[name]; known {
		return mistyped(at.Child(name), &property, value)
	}
	switch of := schema.AdditionalProperties; {
	case of != nil && of.Structural != nil:
		return mistyped(at.Key(name), of.Structural, value)
	case len(schema.Properties) > 0 && (name == "true" || name == "false"):
		return field.ErrorList{field.Invalid(at.Child(name), field.OmitValueType{}, "there is no such field: YAML reads the names y, yes and on as true, and n, no and off as false; "+fieldsOf(schema))}
	}
	return nil
}

// shown returns a value as a message has it: of lists and objects, the place says enough.
func shown(value any) any {
	switch value.(type) {
	case nil, []any, map[string]any:
		return field.OmitValueType{}
	}
	return value
}

// problemOf returns how a value has to be written to be of the schema's type, "" if it is of that type.
func problemOf(schema *structuralschema.Structural, value any) string {
	switch {
	case value == nil:
		if schema.Nullable {
			return ""
		}
		return "it has no value; give it one, or leave the field out"
	case schema.XIntOrString:
		return quantityProblem(schema, value)
	}
	switch schema.Type {
	case "string":
		return textProblem(value)
	case "integer":
		return integerProblem(value)
	case "boolean":
		if _, ok := value.(bool); !ok {
			return "it must be true or false, without quotes"
		}
	case "array":
		if _, ok := value.([]any); !ok {
			return `it must be a list: each entry on a line of its own after "- ", or all in brackets, [a, b]`
		}
	case "object":
		if _, ok := value.(map[string]any); !ok {
			return "it must be an object; " + fieldsOf(schema)
		}
	}
	return ""
}

func quantityProblem(schema *structuralschema.Structural, value any) string {
	switch value := value.(type) {
	case int64:
		return ""
	case float64:
		return fmt.Sprintf("write it as an integer or in quotes, %q: YAML reads it as a binary fraction, which is not exact", strconv.FormatFloat(value, 'f', -1, 64))
	case string:
		if pattern := patternOf(schema); pattern == nil || pattern.MatchString(value) {
			return ""
		}
		return `it must be an integer, or a number in quotes such as "0.4", without a percent sign, a comma or a fraction`
	}
	return `write it as an integer or in quotes, such as 4 or "0.4"`
}

func patternOf(schema *structuralschema.Structural) *regexp.Regexp {
	if schema.ValueValidation == nil || schema.ValueValidation.Pattern == "" {
		return nil
	}
	pattern, _ := regexp.Compile(schema.ValueValidation.Pattern) // Which the API server compiles as well.
	return pattern
}

func textProblem(value any) string {
	switch value.(type) {
	case string:
		return ""
	case bool:
		return "it must be text: YAML reads y, yes, on, n, no and off, as well as true and false, as a boolean; put the word in quotes"
	case int64, float64:
		return "it must be text, and YAML reads it as a number; put it in quotes, as it was written"
	}
	return "it must be text"
}

func integerProblem(value any) string {
	switch value := value.(type) {
	case int64:
		return ""
	case float64:
		if value == math.Trunc(value) {
			return "it is too large for 64 bits"
		}
	case string:
		return "it must be an integer, without quotes"
	}
	return "it must be an integer"
}

func fieldsOf(schema *structuralschema.Structural) string {
	names := slices.Sorted(maps.Keys(schema.Properties))
	if len(names) == 0 {
		return "its names and values are up to you"
	}
	more := ""
	if len(names) > namesShown {
		names, more = names[:namesShown], " …"
	}
	return "its fields are " + strings.Join(names, ", ") + more
}
