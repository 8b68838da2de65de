package crd_test

import (
	"fmt"
	"maps"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	"k8s.io/utils/ptr"
	"sigs.k8s.io/yaml"

	"github.com/datasetmix/datasetmix/config/crd"
)

// released is the definition as it was landed last, without descriptions: what clusters already hold objects of. `make
// released-schema` brings it up to date; it is a part of each release, and of no other change.
const released = "released/data.datasetmix.io_datasetmixes.yaml"

// TestCompatible: whatever the released definition let pass, the present one lets pass, and whoever reads a field still finds it.
func TestCompatible(t *testing.T) {
	encoded, err := os.ReadFile(released)
	if err != nil {
		t.Fatal(err)
	}
	old := &apiextensionsv1.CustomResourceDefinition{}
	if err := yaml.UnmarshalStrict(encoded, old); err != nil {
		t.Fatal(err)
	}
	now, err := crd.Definition()
	if err != nil {
		t.Fatal(err)
	}
	for _, problem := range breaks(old, now) {
		t.Error(problem)
	}
}

// breaks returns the ways in which a definition takes back what an older one promised. Rules in CEL are not compared: whether one
// lets less pass cannot be computed.
func breaks(old, now *apiextensionsv1.CustomResourceDefinition) []string {
	var problems []string
	if old.Spec.Group != now.Spec.Group || old.Spec.Scope != now.Spec.Scope || old.Spec.Names.Plural != now.Spec.Names.Plural || old.Spec.Names.Kind != now.Spec.Names.Kind {
		problems = append(problems, "the group, the scope or the names changed")
	}
	for _, version := range old.Spec.Versions {
		same := func(v apiextensionsv1.CustomResourceDefinitionVersion) bool {
			return v.Name == version.Name && v.Served
		}
		at := slices.IndexFunc(now.Spec.Versions, same)
		if at < 0 {
			problems = append(problems, fmt.Sprintf("version %s is gone", version.Name))
			continue
		}
		c := comparison{}
		c.schema(version.Name, *version.Schema.OpenAPIV3Schema, *now.Spec.Versions[at].Schema.OpenAPIV3Schema)
		problems = append(problems, c.problems...)
	}
	return problems
}

type comparison struct{ problems []string }

func (c *comparison) wrong(path, format string, args ...any) {
	c.problems = append(c.problems, path+": "+fmt.Sprintf(format, args...))
}

func (c *comparison) schema(path string, old, now apiextensionsv1.JSONSchemaProps) {
	if old.Type != now.Type || old.Format != now.Format || old.XIntOrString != now.XIntOrString {
		c.wrong(path, "the type %s changed to %s", kind(old), kind(now))
		return
	}
	c.rules(path, old, now)
	c.values(path, old, now)
	c.properties(path, old, now)
	if old.Items != nil && old.Items.Schema != nil && now.Items != nil && now.Items.Schema != nil {
		c.schema(path+"[]", *old.Items.Schema, *now.Items.Schema)
	}
	if old.AdditionalProperties != nil && old.AdditionalProperties.Schema != nil && now.AdditionalProperties != nil && now.AdditionalProperties.Schema != nil {
		c.schema(path+"{}", *old.AdditionalProperties.Schema, *now.AdditionalProperties.Schema)
	}
}

// rules returns those about a value as a whole.
func (c *comparison) rules(path string, old, now apiextensionsv1.JSONSchemaProps) {
	for what, changed := range map[string]bool{
		"null is no longer allowed":          old.Nullable && !now.Nullable,
		"the default changed":                !cmp.Equal(old.Default, now.Default),
		"lists or maps merge in another way": !cmp.Equal(merging(old), merging(now)),
		"unknown fields are no longer kept":  ptr.Deref(old.XPreserveUnknownFields, false) && !ptr.Deref(now.XPreserveUnknownFields, false),
		"the pattern is another one":         now.Pattern != "" && now.Pattern != old.Pattern,
		"it must be a multiple":              now.MultipleOf != nil && !cmp.Equal(old.MultipleOf, now.MultipleOf),
		"only some values are allowed now":   len(old.Enum) == 0 && len(now.Enum) > 0,
		"the maximum is lower":               lower(old.Maximum, now.Maximum) || now.ExclusiveMaximum && !old.ExclusiveMaximum,
		"the minimum is higher":              higher(old.Minimum, now.Minimum) || now.ExclusiveMinimum && !old.ExclusiveMinimum,
	} {
		if changed {
			c.wrong(path, "%s", what)
		}
	}
}

// merging returns how a list or a map is merged.
func merging(schema apiextensionsv1.JSONSchemaProps) []string {
	return append([]string{ptr.Deref(schema.XListType, ""), ptr.Deref(schema.XMapType, "")}, schema.XListMapKeys...)
}

// lower compares upper bounds: one that was not there before is lower than none.
func lower[T int64 | float64](old, now *T) bool { return now != nil && (old == nil || *now < *old) }

// higher compares lower bounds: one that was not there before is higher than none.
func higher[T int64 | float64](old, now *T) bool { return now != nil && (old == nil || *now > *old) }

func kind(schema apiextensionsv1.JSONSchemaProps) string {
	if schema.XIntOrString {
		return "int-or-string"
	}
	return strings.TrimSuffix(schema.Type+"/"+schema.Format, "/")
}

// values compares bounds and values: a bound may only be relaxed, and no value removed.
func (c *comparison) values(path string, old, now apiextensionsv1.JSONSchemaProps) {
	for _, limit := range []struct {
		name     string
		old, now *int64
		narrower bool
	}{
		{"maxLength", old.MaxLength, now.MaxLength, lower(old.MaxLength, now.MaxLength)},
		{"maxItems", old.MaxItems, now.MaxItems, lower(old.MaxItems, now.MaxItems)},
		{"maxProperties", old.MaxProperties, now.MaxProperties, lower(old.MaxProperties, now.MaxProperties)},
		{"minLength", old.MinLength, now.MinLength, higher(old.MinLength, now.MinLength)},
		{"minItems", old.MinItems, now.MinItems, higher(old.MinItems, now.MinItems)},
		{"minProperties", old.MinProperties, now.MinProperties, higher(old.MinProperties, now.MinProperties)},
	} {
		if limit.narrower {
			c.wrong(path, "%s is %d, and was %s", limit.name, *limit.now, bound(limit.old))
		}
	}
	for _, value := range values(old) {
		if len(now.Enum) > 0 && !slices.Contains(values(now), value) {
			c.wrong(path, "the value %s is gone", value)
		}
	}
}

func bound(value *int64) string {
	if value == nil {
		return "not bounded"
	}
	return strconv.FormatInt(*value, 10)
}

func values(schema apiextensionsv1.JSONSchemaProps) []string {
	var all []string
	for _, value := range schema.Enum {
		all = append(all, string(value.Raw))
	}
	return all
}

func (c *comparison) properties(path string, old, now apiextensionsv1.JSONSchemaProps) {
	for _, name := range slices.Sorted(maps.Keys(old.Properties)) {
		if property, kept := now.Properties[name]; kept {
			c.schema(path+"."+name, old.Properties[name], property)
		} else {
			c.wrong(path+"."+name, "the field is gone")
		}
	}
	for _, name := range now.Required {
		if !slices.Contains(old.Required, name) {
			c.wrong(path+"."+name, "it is required now")
		}
	}
}

// TestBreaks: each way to take something back is found, and what only adds is let pass.
func TestBreaks(t *testing.T) {
	type schema = apiextensionsv1.JSONSchemaProps
	object := func(edit func(*schema)) *apiextensionsv1.CustomResourceDefinition {
		root := schema{Type: "object", Required: []string{"a"}, Properties: map[string]schema{
			"a": {Type: "string", MaxLength: ptr.To[int64](10), MinLength: ptr.To[int64](1), Enum: []apiextensionsv1.JSON{{Raw: []byte(`"x"`)}, {Raw: []byte(`"y"`)}}},
			"b": {Type: "integer", Maximum: ptr.To(5.0), Minimum: ptr.To(1.0)},
			"c": {Type: "array", MaxItems: ptr.To[int64](3), XListType: ptr.To("map"), Items: &apiextensionsv1.JSONSchemaPropsOrArray{Schema: &schema{Type: "object", Properties: map[string]schema{"d": {Type: "string", Nullable: true}}}}},
		}}
		edit(&root)
		definition := &apiextensionsv1.CustomResourceDefinition{}
		definition.Spec.Versions = []apiextensionsv1.CustomResourceDefinitionVersion{{
			Name: "v1", Served: true, Schema: &apiextensionsv1.CustomResourceValidation{OpenAPIV3Schema: &root},
		}}
		return definition
	}
	field := func(name string, edit func(*schema)) func(*schema) {
		return func(root *schema) {
			property := root.Properties[name]
			edit(&property)
			root.Properties[name] = property
		}
	}
	tests := []struct {
		name string
		edit func(*schema)
		want []string
	}{
		{name: "nothing", edit: func(*schema) {}},
		{name: "another field", edit: func(s *schema) { s.Properties["e"] = schema{Type: "string"} }},
		{name: "another value", edit: field("a", func(s *schema) { s.Enum = append(s.Enum, apiextensionsv1.JSON{Raw: []byte(`"z"`)}) })},
		{name: "wider bounds", edit: field("a", func(s *schema) { s.MaxLength, s.MinLength = ptr.To[int64](11), nil })},
		{name: "a field less", edit: func(s *schema) { delete(s.Properties, "b") }, want: []string{"v1.b: the field is gone"}},
		{name: "a field required", edit: func(s *schema) { s.Required = []string{"a", "b"} }, want: []string{"v1.b: it is required now"}},
		{name: "a value less", edit: field("a", func(s *schema) { s.Enum = s.Enum[:1] }), want: []string{`v1.a: the value "y" is gone`}},
		{name: "values named", edit: field("b", func(s *schema) { s.Enum = []apiextensionsv1.JSON{{Raw: []byte("1")}} }), want: []string{"v1.b: only some values are allowed now"}},
		{name: "another type", edit: field("b", func(s *schema) { s.Type = "number" }), want: []string{"v1.b: the type integer changed to number"}},
		{name: "shorter", edit: field("a", func(s *schema) { s.MaxLength = ptr.To[int64](9) }), want: []string{"v1.a: maxLength is 9, and was 10"}},
		{name: "longer", edit: field("a", func(s *schema) { s.MinLength = ptr.To[int64](2) }), want: []string{"v1.a: minLength is 2, and was 1"}},
		{name: "fewer", edit: field("c", func(s *schema) { s.MaxItems = ptr.To[int64](2) }), want: []string{"v1.c: maxItems is 2, and was 3"}},
		{name: "lower", edit: field("b", func(s *schema) { s.Maximum = ptr.To(4.0) }), want: []string{"v1.b: the maximum is lower"}},
		{name: "higher", edit: field("b", func(s *schema) { s.Minimum = ptr.To(2.0) }), want: []string{"v1.b: the minimum is higher"}},
		{name: "bounded", edit: field("b", func(s *schema) { s.Pattern = "x" }), want: []string{"v1.b: the pattern is another one"}},
		{name: "merged otherwise", edit: field("c", func(s *schema) { s.XListType = ptr.To("atomic") }), want: []string{"v1.c: lists or maps merge in another way"}},
		{name: "no null inside", edit: field("c", func(s *schema) {
			s.Items.Schema.Properties["d"] = schema{Type: "string"}
		}), want: []string{"v1.c[].d: null is no longer allowed"}},
		{name: "a default", edit: field("b", func(s *schema) { s.Default = &apiextensionsv1.JSON{Raw: []byte("3")} }), want: []string{"v1.b: the default changed"}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			if diff := cmp.Diff(test.want, breaks(object(func(*schema) {}), object(test.edit))); diff != "" {
				t.Errorf("problems (-want +got):\n%s", diff)
			}
		})
	}
	gone := object(func(*schema) {})
	gone.Spec.Versions[0].Served = false
	if diff := cmp.Diff([]string{"version v1 is gone"}, breaks(object(func(*schema) {}), gone)); diff != "" {
		t.Errorf("a version less (-want +got):\n%s", diff)
	}
}
