package main

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestExamples: each field's shortest value, on one line, without comments.
func TestExamples(t *testing.T) {
	got := examples{}
	err := got.read([]byte(`# a sample
kind: DatasetMix
spec:
  seed: 42   # the answer
  share: "0.4"
  files: ["*/train-*.parquet"]
  question: |
    row.a +
    row.b
  domains:
  - name: math
    source: {url: "https://a.example.org"}
  - name: qa # shorter
---
kind: Job
spec: {seed: 1}
`))
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]string{
		"spec.seed": "seed: 42", "spec.share": `share: "0.4"`, "spec.files[]": `files: ["*/train-*.parquet"]`, "spec.domains[].name": "name: qa",
		"spec.domains[].source": `source: {url: "https://a.example.org"}`, "spec.question": `question: "row.a +\nrow.b\n"`,
	}
	for path, line := range want {
		if diff := cmp.Diff(line, got[path]); diff != "" {
			t.Errorf("%s: %s", path, diff)
		}
	}
	if line := got["spec.domains[]"]; strings.Contains(line, "\n") || strings.Contains(line, "#") {
		t.Errorf("the list is %q", line)
	}
	if _, err := readExamples("no-such/*.yaml"); err == nil {
		t.Error("a pattern that matches nothing was taken")
	}
}

// TestAnchor: as the pages' host makes the name of a heading.
func TestAnchor(t *testing.T) {
	if got := anchor("spec.domains[].datasets[].source.huggingFace"); got != "specdomainsdatasetssourcehuggingface" {
		t.Error(got)
	}
}
