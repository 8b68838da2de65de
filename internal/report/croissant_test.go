package report

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/datasetmix/datasetmix/internal/schema"
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
		"citeAs":              doc["citeAs"],
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
	if len(files) != 9 {
		t.Fatalf("%d entries for 7 files and 2 sets", len(files))
	}
	if diff := cmp.Diff(map[string]any{
		"@type": "cr:FileObject", "@id": "mixed/train_mixed.jsonl", "name": "train_mixed.jsonl", "contentUrl": "mixed/train_mixed.jsonl",
		"contentSize": "181234567 B", "encodingFormat": "application/jsonlines", "sha256": strings.Repeat("0123456789abcdef", 4),
	}, files[0]); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff(map[string]any{
		"@type": "cr:FileSet", "@id": "records-files", "name": "records-files", "encodingFormat": "application/jsonlines",
		"includes": []any{"mixed/train_mixed.jsonl", "mixed/test_mixed.jsonl"},
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
	want := []string{"records/id", "records/dataset", "records/domain", "records/question", "records/reference_answer", "records/answer_type", "records/metadata", "records/split", "records/file", "records/row"}
	if diff := cmp.Diff(want, names); diff != "" {
		t.Error(diff)
	}
	set := map[string]any{"@id": "records-files"}
	if diff := cmp.Diff(map[string]any{"fileSet": set, "extract": map[string]any{"column": "question"}}, fields["question"]["source"]); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff(map[string]any{"fileSet": set, "extract": map[string]any{"fileProperty": "fullpath"}, "transform": map[string]any{"regex": "^(?:.*/)?(train|test)(?:_mixed.*)?$"}}, fields["split"]["source"]); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]any{map[string]any{"@id": "records/file"}, map[string]any{"@id": "records/row"}}, records["key"]); diff != "" {
		t.Error(diff)
	}
	if dataset := sets[2].(map[string]any); dataset["@id"] != "dataset-gsm8k" || cmp.Diff([]any{map[string]any{"@id": "dataset-gsm8k/id"}}, dataset["key"]) != "" {
		t.Errorf("the records of a data set: %v, by %v", dataset["@id"], dataset["key"])
	}
	inner := fields["metadata"]["subField"].([]any)[1].(map[string]any)
	if diff := cmp.Diff(map[string]any{"fileSet": set, "extract": map[string]any{"column": "metadata"}, "transform": map[string]any{"jsonPath": "$.original_id"}}, inner["source"]); diff != "" {
		t.Error(diff)
	}
}

// TestCroissantTypes: members have their types; what no field can be read as is left out; files that cannot be read have no records.
func TestCroissantTypes(t *testing.T) {
	r := six().with(func(r *Revision) {
		r.Fields = map[string]schema.Type{}
		for _, d := range r.Datasets {
			r.Fields[d.Name] = schema.Type{Members: map[string]schema.Type{"metadata": {Members: map[string]schema.Type{
				"n": {Scalar: schema.Int64}, "list": {Element: &schema.Type{Scalar: schema.Float64}},
				"objects": {Element: &schema.Type{Members: map[string]schema.Type{}}}, "in": {Members: map[string]schema.Type{"b": {Scalar: schema.Bool}}},
			}}}}
		}
	})
	var got []string
	var walk func(fields any)
	walk = func(fields any) {
		for _, f := range fields.([]any) {
			field := f.(map[string]any)
			if field["subField"] != nil {
				walk(field["subField"])
			} else if id := field["@id"].(string); strings.Contains(id, "/metadata/") {
				got = append(got, fmt.Sprint(id, " ", field["dataType"], " ", field["isArray"], " ", field["source"].(map[string]any)["transform"].(map[string]any)["jsonPath"]))
			}
		}
	}
	walk(parsed(t, r)["recordSet"].([]any)[1].(map[string]any)["field"])
	if diff := cmp.Diff([]string{"records/metadata/in/b sc:Boolean <nil> $.in.b", "records/metadata/list sc:Float true $.list", "records/metadata/n sc:Integer <nil> $.n"}, got); diff != "" {
		t.Error(diff)
	}
	packed := parsed(t, r.with(func(r *Revision) {
		r.Files[0].Path, r.Files[1].Path = "mixed/train_mixed.jsonl.zst", "mixed/test_mixed.jsonl.zst"
	}))
	if sets := packed["recordSet"].([]any); len(sets) != 2 || sets[1].(map[string]any)["@id"] != "dataset-gsm8k" {
		t.Errorf("records of files in zstd: %v", sets)
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
		"b.parquet": "application/x-parquet", "info.json": "application/json", "LICENSE": "application/octet-stream"} {
		if got := encodingFormat(name); got != want {
			t.Errorf("%s is %s", name, got)
		}
	}
}
