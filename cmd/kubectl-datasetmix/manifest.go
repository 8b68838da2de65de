package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"

	"k8s.io/apimachinery/pkg/runtime"
	utiljson "k8s.io/apimachinery/pkg/util/json"
	utilyaml "k8s.io/apimachinery/pkg/util/yaml"
	"sigs.k8s.io/yaml"

	datav1alpha1 "github.com/datasetmix/datasetmix/api/v1alpha1"
	"github.com/datasetmix/datasetmix/config/crd"
	"github.com/datasetmix/datasetmix/internal/cli/connect"
	"github.com/datasetmix/datasetmix/internal/contract"
	"github.com/datasetmix/datasetmix/internal/kube"
	"github.com/datasetmix/datasetmix/internal/precheck"
	"github.com/datasetmix/datasetmix/internal/recipe"
	"github.com/datasetmix/datasetmix/internal/render"
)

// load reads the one DatasetMix of a manifest ("-" is standard input), judges it as the API server would, and returns it with its recipe. A
// recipe has no references to Secrets.
func load(ctx context.Context, file string) (*datav1alpha1.DatasetMix, recipe.Recipe, error) {
	content, err := readManifest(file)
	if err != nil {
		return nil, recipe.Recipe{}, contract.Failf(contract.InvalidTask, "the manifest cannot be read: %w", err)
	}
	mix, r, err := parseRecipe(ctx, content)
	if err != nil {
		return nil, recipe.Recipe{}, contract.Failf(contract.InvalidTask, "%s: %w", file, err)
	}
	return mix, r, precheck.Recipe(r)
}

// parseRecipe returns the DatasetMix of a manifest with its recipe.
func parseRecipe(ctx context.Context, content []byte) (mix *datav1alpha1.DatasetMix, r recipe.Recipe, err error) {
	if mix, err = parseMix(ctx, content); err != nil {
		return nil, r, err
	}
	r, err = render.Recipe(mix)
	return mix, r, err
}

// loadFromCluster returns a DatasetMix of the cluster with its recipe. Fields of its spec that this release does not know are in no recipe, which
// it warns of.
func loadFromCluster(ctx context.Context, from *connect.Connection, name string, warnings io.Writer) (*datav1alpha1.DatasetMix, recipe.Recipe, error) {
	client, err := from.Client()
	if err != nil {
		return nil, recipe.Recipe{}, err
	}
	object, mix, err := connect.One(ctx, client, name)
	if err != nil {
		return nil, recipe.Recipe{}, err
	}
	if unknown := kube.UnknownFields(object); len(unknown) > 0 {
		fmt.Fprintf(warnings, "Warning: DatasetMix %s: %v; the cluster's definition has these fields, and this command ignores them: a newer command is needed\n", mix.Name, unknown)
	}
	r, err := render.Recipe(mix)
	if err != nil {
		return nil, recipe.Recipe{}, contract.Failf(contract.InvalidTask, "%s: %w", name, err)
	}
	return mix, r, nil
}

func readManifest(file string) ([]byte, error) {
	if file == "-" {
		return io.ReadAll(os.Stdin)
	}
	return os.ReadFile(file)
}

// parseMix returns the DatasetMix of a manifest, judged as the API server would, except that it may name no volume for its output: a build
// without a cluster needs none.
func parseMix(ctx context.Context, content []byte) (*datav1alpha1.DatasetMix, error) {
	object, err := onlyMix(content)
	if err != nil {
		return nil, err
	}
	assumed := assumeVolume(object)
	validator, err := crd.NewValidator()
	if err != nil {
		return nil, err
	}
	if errs := validator.Mistyped(object); len(errs) > 0 {
		return nil, fmt.Errorf("the DatasetMix is not valid: %w", errs.ToAggregate())
	}
	if errs := validator.Validate(ctx, object); len(errs) > 0 {
		return nil, fmt.Errorf("the DatasetMix is not valid: %w", errs.ToAggregate())
	}
	mix := &datav1alpha1.DatasetMix{}
	if err := runtime.DefaultUnstructuredConverter.FromUnstructured(object, mix); err != nil {
		return nil, err
	}
	if assumed {
		mix.Spec.Output.Volume = datav1alpha1.OutputVolume{}
	}
	return mix, nil
}

// assumeVolume names a volume for the output where the manifest names none, and reports whether it did. A wrong type is the validator's to report.
func assumeVolume(object map[string]any) bool {
	spec, ok := object["spec"].(map[string]any)
	if !ok {
		return false
	}
	if spec["output"] == nil {
		spec["output"] = map[string]any{}
	}
	output, ok := spec["output"].(map[string]any)
	if !ok || output["volume"] != nil {
		return false
	}
	output["volume"] = map[string]any{"claimName": "laptop"}
	return true
}

// noVolume is the note on a manifest that names no volume.
const noVolume = "The manifest names no volume for the output, which is enough on this machine; a cluster needs spec.output.volume."

// onlyMix finds the DatasetMix among the documents of a manifest.
func onlyMix(content []byte) (map[string]any, error) {
	var found map[string]any
	reader := utilyaml.NewYAMLReader(bufio.NewReader(bytes.NewReader(content)))
	for {
		document, err := reader.Read()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, err
		}
		object := map[string]any{}
		if err := yaml.UnmarshalStrict(document, &object, yaml.DisallowUnknownFields); err != nil {
			return nil, fmt.Errorf("it is not YAML: %w", err)
		}
		if object["kind"] != "DatasetMix" || object["apiVersion"] != datav1alpha1.GroupVersion.String() {
			continue
		}
		if found != nil {
			return nil, errors.New("it holds more than one DatasetMix; give them one by one")
		}
		if found, err = asObject(document); err != nil {
			return nil, err
		}
	}
	if found == nil {
		return nil, fmt.Errorf("it holds no DatasetMix of %s", datav1alpha1.GroupVersion)
	}
	return found, nil
}

// asObject decodes a document as the API server does: whole numbers are int64.
func asObject(document []byte) (map[string]any, error) {
	encoded, err := yaml.YAMLToJSON(document)
	if err != nil {
		return nil, err
	}
	object := map[string]any{}
	return object, utiljson.Unmarshal(encoded, &object)
}
