package crd_test

import (
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"sigs.k8s.io/yaml"

	utiljson "k8s.io/apimachinery/pkg/util/json"
)

// TestMistyped: each value that YAML reads as something else than its field is, and how to write it. The manifest is text, since
// it is the reading of it that goes wrong.
func TestMistyped(t *testing.T) {
	tests := []struct {
		name, manifest string
		want           []string
	}{
		{"as it should be", `{metadata: {name: m, labels: {a: b}}, spec: {seed: 1, suspend: true, splits: [{name: a, share: "0.5"}, {name: b, share: 1}]}}`, nil},
		{"a share with a point", "spec: {domains: [{share: 0.4}]}", []string{
			`spec.domains[0].share: Invalid value: 0.4: write it as an integer or in quotes, "0.4": YAML reads it as a binary fraction, which is not exact`}},
		{"shares of splits and data sets", "spec: {splits: [{share: 1}, {share: .25}], domains: [{datasets: [{share: 3.5}]}]}", []string{
			`spec.domains[0].datasets[0].share: Invalid value: 3.5: write it as an integer or in quotes, "3.5": YAML reads it as a binary fraction, which is not exact`,
			`spec.splits[1].share: Invalid value: 0.25: write it as an integer or in quotes, "0.25": YAML reads it as a binary fraction, which is not exact`}},
		{"the size of a cache", "spec: {output: {cache: {maxSize: 1.5}}}", []string{
			`spec.output.cache.maxSize: Invalid value: 1.5: write it as an integer or in quotes, "1.5": YAML reads it as a binary fraction, which is not exact`}},
		{"a share that is a word", "spec: {domains: [{share: no}]}", []string{`spec.domains[0].share: Invalid value: false: write it as an integer or in quotes, such as 4 or "0.4"`}},
		{"a share in percent", `spec: {domains: [{share: 40%}]}`, []string{
			`spec.domains[0].share: Invalid value: "40%": it must be an integer, or a number in quotes such as "0.4", without a percent sign, a comma or a fraction`}},
		{"a share with a comma", `spec: {domains: [{share: "0,4"}]}`, []string{
			`spec.domains[0].share: Invalid value: "0,4": it must be an integer, or a number in quotes such as "0.4", without a percent sign, a comma or a fraction`}},
		{"a revision of digits", "spec: {domains: [{datasets: [{source: {huggingFace: {revision: 1234567}}}]}]}", []string{
			`spec.domains[0].datasets[0].source.huggingFace.revision: Invalid value: 1234567: it must be text, and YAML reads it as a number; put it in quotes, as it was written`}},
		{"a revision with an e in it", "spec: {domains: [{datasets: [{source: {huggingFace: {revision: 12e-3}}}]}]}", []string{
			`spec.domains[0].datasets[0].source.huggingFace.revision: Invalid value: 0.012: it must be text, and YAML reads it as a number; put it in quotes, as it was written`}},
		{"a split called on", "spec: {splits: [{name: on}]}", []string{
			`spec.splits[0].name: Invalid value: true: it must be text: YAML reads y, yes, on, n, no and off, as well as true and false, as a boolean; put the word in quotes`}},
		{"a date is text", "spec: {domains: [{datasets: [{source: {huggingFace: {revision: 2024-01-31}}}]}]}", nil},
		{"names of objects", "metadata: {name: 42, namespace: off, labels: {version: 1.0}}", []string{
			`metadata.labels[version]: Invalid value: 1: it must be text, and YAML reads it as a number; put it in quotes, as it was written`,
			`metadata.name: Invalid value: 42: it must be text, and YAML reads it as a number; put it in quotes, as it was written`,
			`metadata.namespace: Invalid value: false: it must be text: YAML reads y, yes, on, n, no and off, as well as true and false, as a boolean; put the word in quotes`}},
		{"a seed with a point", "spec: {seed: 4.5}", []string{"spec.seed: Invalid value: 4.5: it must be an integer"}},
		{"a seed in quotes", `spec: {seed: "42"}`, []string{`spec.seed: Invalid value: "42": it must be an integer, without quotes`}},
		{"a seed beyond 64 bits", "spec: {seed: 1e30}", []string{"spec.seed: Invalid value: 1e+30: it is too large for 64 bits"}},
		{"a boolean in quotes", `spec: {suspend: "yes"}`, []string{`spec.suspend: Invalid value: "yes": it must be true or false, without quotes`}},
		{"nothing behind a name", "spec:\n  seed:\n", []string{"spec.seed: Invalid value: it has no value; give it one, or leave the field out"}},
		{"an object for a list", "spec: {splits: {name: train}}", []string{`spec.splits: Invalid value: it must be a list: each entry on a line of its own after "- ", or all in brackets, [a, b]`}},
		{"a word for an object", "spec: {splits: [{size: KeepTotal}]}", []string{
			`spec.splits[0].size: Invalid value: "KeepTotal": it must be an object; its fields are policy, rows`}},
		{"a list for an object", "spec: {splits: [{size: [KeepTotal]}]}", []string{"spec.splits[0].size: Invalid value: it must be an object; its fields are policy, rows"}},
		{"a list for a text", "spec: {order: [Shuffled]}", []string{"spec.order: Invalid value: it must be text"}},
		{"a name that YAML reads as a boolean", "spec: {limits: {n: 5}}", []string{
			"spec.limits.false: Invalid value: there is no such field: YAML reads the names y, yes and on as true, and n, no and off as false; its fields are maxRepeats"}},
	}
	validator := newValidator(t)
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			encoded, err := yaml.YAMLToJSON([]byte(test.manifest))
			if err != nil {
				t.Fatal(err)
			}
			var object map[string]any
			if err := utiljson.Unmarshal(encoded, &object); err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, problem := range validator.Mistyped(object) {
				got = append(got, problem.Error())
			}
			slices.Sort(got)
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("problems (-want +got):\n%s", diff)
			}
		})
	}
}
