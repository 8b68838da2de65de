package crd

import (
	"cmp"
	"context"
	"fmt"
	"math"
	"slices"

	"k8s.io/apiextensions-apiserver/pkg/apis/apiextensions"
	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	structuralschema "k8s.io/apiextensions-apiserver/pkg/apiserver/schema"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/schema/cel"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/schema/listtype"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/schema/pruning"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/validation"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/validation/field"
	celconfig "k8s.io/apiserver/pkg/apis/cel"
	"sigs.k8s.io/yaml"
)

// Definition parses the CustomResourceDefinition.
func Definition() (*apiextensionsv1.CustomResourceDefinition, error) {
	definition := &apiextensionsv1.CustomResourceDefinition{}
	if err := yaml.UnmarshalStrict(DatasetMixes, definition); err != nil {
		return nil, fmt.Errorf("parsing the CustomResourceDefinition: %w", err)
	}
	return definition, nil
}

// Validator judges objects as the API server would when they are created or updated.
type Validator struct {
	schema     *structuralschema.Structural
	properties validation.SchemaValidator
}

// NewValidator reads the schema of the newest version.
func NewValidator() (*Validator, error) {
	definition, err := Definition()
	if err != nil {
		return nil, err
	}
	return ValidatorOf(definition, definition.Spec.Versions[len(definition.Spec.Versions)-1].Name)
}

// ValidatorOf reads the schema of a version of any CustomResourceDefinition.
func ValidatorOf(definition *apiextensionsv1.CustomResourceDefinition, version string) (*Validator, error) {
	at := slices.IndexFunc(definition.Spec.Versions, func(v apiextensionsv1.CustomResourceDefinitionVersion) bool { return v.Name == version })
	if at < 0 {
		return nil, fmt.Errorf("%s has no version %q", definition.Name, version)
	}
	internal := &apiextensions.JSONSchemaProps{}
	versioned := definition.Spec.Versions[at].Schema.OpenAPIV3Schema
	if err := apiextensionsv1.Convert_v1_JSONSchemaProps_To_apiextensions_JSONSchemaProps(versioned, internal, nil); err != nil {
		return nil, fmt.Errorf("converting the schema: %w", err)
	}
	structural, err := structuralschema.NewStructural(internal)
	if err != nil {
		return nil, fmt.Errorf("reading the schema: %w", err)
	}
	properties, _, err := validation.NewSchemaValidator(internal)
	if err != nil {
		return nil, fmt.Errorf("compiling the schema: %w", err)
	}
	return &Validator{schema: structural, properties: properties}, nil
}

// Validate returns what the API server would refuse about an object that is created, and its unknown fields, which the
// API server would drop (kubectl refuses them too). The object is in the shape of decoded JSON, numbers as int64 or
// float64. Where a field is wrong, no rule is evaluated; the API server evaluates some of them, and can have more to say.
func (v *Validator) Validate(ctx context.Context, object map[string]any) field.ErrorList {
	return sorted(v.validate(ctx, object, nil))
}

// ValidateUpdate does what Validate does, for an object that replaces an older one.
func (v *Validator) ValidateUpdate(ctx context.Context, object, old map[string]any) field.ErrorList {
	return sorted(v.validate(ctx, object, old))
}

// sorted puts errors in one order: the validators go through maps.
func sorted(errs field.ErrorList) field.ErrorList {
	slices.SortStableFunc(errs, func(a, b *field.Error) int { return cmp.Compare(a.Error(), b.Error()) })
	return errs
}

func (v *Validator) validate(ctx context.Context, object, old map[string]any) field.ErrorList {
	errs := v.unknown(object)
	var invalid field.ErrorList
	if old == nil {
		invalid = validation.ValidateCustomResource(nil, object, v.properties)
	} else {
		invalid = validation.ValidateCustomResourceUpdate(nil, object, old, v.properties)
	}
	invalid = append(invalid, listtype.ValidateListSetsAndMaps(nil, v.schema, object)...)
	if len(invalid) > 0 {
		return append(errs, invalid...)
	}
	var before any
	if old != nil {
		before = old
	}
	schema := concerned(v.schema, object, before)
	broken, _ := cel.NewValidator(schema, true, celconfig.PerCallLimit).Validate(ctx, nil, schema, object, before, math.MaxInt64)
	return append(errs, broken...)
}

// concerned returns a schema with the rules over what is there, in any of the values. To compile a rule takes a millisecond, and a
// manifest uses few of the fields that have one.
func concerned(schema *structuralschema.Structural, values ...any) *structuralschema.Structural {
	out := *schema
	var items, members []any
	named := map[string][]any{}
	found := false
	for _, value := range values {
		found = found || value != nil
		switch value := value.(type) {
		case []any:
			items = append(items, value...)
		case map[string]any:
			for name, member := range value {
				members, named[name] = append(members, member), append(named[name], member)
			}
		}
	}
	if !found {
		out.XValidations = nil
	}
	if out.Items != nil {
		out.Items = concerned(out.Items, items...)
	}
	out.Properties = make(map[string]structuralschema.Structural, len(schema.Properties))
	for name, property := range schema.Properties {
		out.Properties[name] = *concerned(&property, named[name]...)
	}
	if of := schema.AdditionalProperties; of != nil && of.Structural != nil {
		out.AdditionalProperties = &structuralschema.StructuralOrBool{Structural: concerned(of.Structural, members...)}
	}
	return &out
}

func (v *Validator) unknown(object map[string]any) field.ErrorList {
	var errs field.ErrorList
	options := structuralschema.UnknownFieldPathOptions{TrackUnknownFieldPaths: true}
	for _, path := range pruning.PruneWithOptions(runtime.DeepCopyJSON(object), v.schema, true, options) {
		errs = append(errs, field.Invalid(field.NewPath(path), field.OmitValueType{}, "unknown field"))
	}
	return errs
}
