package main

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestTheChartIsUpToDate: make generate has been run since config was changed.
func TestTheChartIsUpToDate(t *testing.T) {
	out := t.TempDir()
	if err := run("../../config", out); err != nil {
		t.Fatal(err)
	}
	written, err := os.ReadDir(out)
	if err != nil || len(written) != len(templates()) {
		t.Fatalf("%d files, %v", len(written), err)
	}
	for _, file := range written {
		want, err := os.ReadFile(filepath.Join(out, file.Name()))
		if err != nil {
			t.Fatal(err)
		}
		got, err := os.ReadFile(filepath.Join("../../charts/datasetmix/templates", file.Name()))
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(string(want), string(got)); diff != "" {
			t.Errorf("%s is not up to date, run make generate (-config +chart):\n%s", file.Name(), diff)
		}
	}
}
