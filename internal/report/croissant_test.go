package report

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func parsed(t *testing.T, r Revision) map[string]any {
	t.Helper()
	out, err := Croissant(r)
	if err != nil {
		t.Fatal(err)
	}
	var doc map[string]any
	if err := json.Unmarshal(out, &doc); err != nil {
		t.Fatal(err)
	}
	return doc
}

func TestCroissantDataset(t *testing.T) {
	doc := parsed(t, six().with(func(r *Revision) { r.URL, r.Published = "https://example.org/mix", "2026-08-01" }))
	for _, name := range []string{"@context", "distribution", "recordSet", "prov:wasDerivedFrom"} {
		if doc[name] == nil {
			t.Errorf("%s is missing", name)
		}
		delete(doc, name)
	}
	if diff := cmp.Diff(map[string]any{
		"@type":               "sc:Dataset",
		"conformsTo":          "http://mlcommons.org/croissant/1.1",
		"name":                "grpo-six",
		"description":         "A mix of 6 data sets in 3 domains at the ratio 4:3:3, split 5:1 before anything was repeated.",
		"url":                 "https://example.org/mix",
		"datePublished":       "2026-08-01",
		"version":             "1.0.0+3f9c2a1b0d",
		"license":             []any{"https://spdx.org/licenses/CC-BY-SA-4.0.html", "https://spdx.org/licenses/MIT.html", "unknown"},
		"creator":             map[string]any{"@type": "sc:Organization", "name": "DatasetMix"},
		"keywords":            []any{"datasetmix", "training data"},
		"isLiveDataset":       false,
		"prov:wasGeneratedBy": map[string]any{"@type": "prov:Activity", "prov:label": "DatasetMix, seed 42"},
	}, doc); diff != "" {
		t.Error(diff)
	}
}

func TestCroissantOrigin(t *testing.T) {
	got := parsed(t, six())["prov:wasDerivedFrom"].([]any)[0]
	if diff := cmp.Diff(map[string]any{
		"@type": "sc:Dataset", "name": "gsm8k", "description": "openai/gsm8k, main, train",
		"version": "740312add88f781978c0658806c59bc2815b9866", "license": "https://spdx.org/licenses/MIT.html",
	}, got); diff != "" {
		t.Error(diff)
	}
}

func TestCroissantFiles(t *testing.T) {
	files := parsed(t, six())["distribution"].([]any)
	if len(files) != 8 {
		t.Fatalf("%d entries for 7 files and a set", len(files))
	}
	if diff := cmp.Diff(map[string]any{
		"@type": "cr:FileObject", "@id": "mixed/train_mixed.jsonl", "name": "train_mixed.jsonl", "contentUrl": "mixed/train_mixed.jsonl",
		"contentSize": "181234567 B", "encodingFormat": "application/jsonlines", "sha256": strings.Repeat("0123456789abcdef", 4),
	}, files[0]); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff(map[string]any{
		"@type": "cr:FileSet", "@id": "mixed-files", "name": "mixed-files", "encodingFormat": "application/jsonlines",
		"containedIn": []any{map[string]any{"@id": "mixed/train_mixed.jsonl"}, map[string]any{"@id": "mixed/test_mixed.jsonl"}},
		"includes":    []any{"mixed/train_mixed.jsonl", "mixed/test_mixed.jsonl"},
	}, files[7]); diff != "" {
		t.Error(diff)
	}
}

func TestCroissantFields(t *testing.T) {
	sets := parsed(t, six())["recordSet"].([]any)
	splits, records := sets[0].(map[string]any), sets[1].(map[string]any)
	if diff := cmp.Diff([]any{map[string]any{"splits/name": "train"}, map[string]any{"splits/name": "test"}}, splits["data"]); diff != "" {
		t.Error(diff)
	}
	var names []string
	fields := map[string]map[string]any{}
	for _, f := range records["field"].([]any) {
		field := f.(map[string]any)
		names = append(names, field["@id"].(string))
		fields[field["name"].(string)] = field
	}
	want := []string{"records/id", "records/dataset", "records/domain", "records/question", "records/reference_answer", "records/answer_type", "records/metadata", "records/split"}
	if diff := cmp.Diff(want, names); diff != "" {
		t.Error(diff)
	}
	set := map[string]any{"@id": "mixed-files"}
	if diff := cmp.Diff(map[string]any{"fileSet": set, "extract": map[string]any{"column": "question"}}, fields["question"]["source"]); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff(map[string]any{"fileSet": set, "extract": map[string]any{"fileProperty": "fullpath"}, "transform": map[string]any{"regex": "(train|test)_mixed"}}, fields["split"]["source"]); diff != "" {
		t.Error(diff)
	}
	inner := fields["metadata"]["subField"].([]any)[1].(map[string]any)
	if diff := cmp.Diff(map[string]any{"fileSet": set, "extract": map[string]any{"column": "metadata"}, "transform": map[string]any{"jsonPath": "$.original_id"}}, inner["source"]); diff != "" {
		t.Error(diff)
	}
}

// TestCroissantReferences follows every reference and looks for identifiers that stand twice, which JSON-LD would merge.
func TestCroissantReferences(t *testing.T) {
	defined, used := map[string]int{}, map[string]bool{}
	var walk func(v any)
	walk = func(v any) {
		switch v := v.(type) {
		case []any:
			for _, e := range v {
				walk(e)
			}
		case map[string]any:
			if id, ok := v["@id"].(string); ok && len(v) == 1 {
				used[id] = true
			} else if ok {
				defined[id]++
			}
			for name, e := range v {
				if name != "@context" {
					walk(e)
				}
			}
		}
	}
	walk(parsed(t, six()))
	for id := range used {
		if defined[id] == 0 {
			t.Errorf("%s is used and not defined", id)
		}
	}
	for id, n := range defined {
		if n > 1 {
			t.Errorf("%s is defined %d times", id, n)
		}
	}
}

// TestCroissantContext checks that every member that is written has a meaning: an alias, a prefix, or schema.org's.
func TestCroissantContext(t *testing.T) {
	var aliases map[string]any
	if err := json.Unmarshal([]byte(croissantContext), &aliases); err != nil {
		t.Fatal(err)
	}
	schemaOrg := map[string]bool{"name": true, "description": true, "url": true, "datePublished": true, "version": true, "license": true, "creator": true,
		"keywords": true, "distribution": true, "contentUrl": true, "contentSize": true, "encodingFormat": true, "sha256": true}
	var walk func(v any)
	walk = func(v any) {
		switch v := v.(type) {
		case []any:
			for _, e := range v {
				walk(e)
			}
		case map[string]any:
			for name, e := range v {
				prefix, _, prefixed := strings.Cut(name, ":")
				if name[0] != '@' && !schemaOrg[name] && aliases[name] == nil && (!prefixed || aliases[prefix] == nil) {
					t.Errorf("%s has no meaning", name)
				}
				if name != "@context" && name != "data" {
					walk(e)
				}
			}
		}
	}
	walk(parsed(t, six()))
}

func TestEncodingFormat(t *testing.T) {
	for name, want := range map[string]string{"a/b.jsonl": "application/jsonlines", "b.jsonl.gz": "application/gzip", "b.jsonl.zst": "application/zstd",
		"b.parquet": "application/vnd.apache.parquet", "info.json": "application/json", "LICENSE": "application/octet-stream"} {
		if got := encodingFormat(name); got != want {
			t.Errorf("%s is %s", name, got)
		}
	}
}
