package recipe_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/datasetmix/datasetmix/internal/pipeline"
	"github.com/datasetmix/datasetmix/internal/recipe"
	"github.com/datasetmix/datasetmix/internal/testing/recipes"
)

func TestLicenseID(t *testing.T) {
	for license, want := range map[string]string{
		"mit": "mit", " MIT ": "mit", "CC-BY-SA-4.0": "cc-by-sa-4.0", "GPL-3.0-only": "gpl-3.0", "gpl-3.0": "gpl-3.0", "ODC-By-1.0": "odc-by",
		"our own  terms": "our-own-terms", "other": "other", "": "", "unknown": "", "Unknown": "",
	} {
		if got := recipe.LicenseID(license); got != want {
			t.Errorf("%q is %q, want %q", license, got, want)
		}
	}
	for _, id := range []string{"apache-2.0", "mit", "odbl", "gfdl", "cc-by-nc-nd-4.0"} {
		if name, ok := recipe.SPDX(id); !ok || recipe.LicenseID(name) != id {
			t.Errorf("%q and %q are not one license", id, name)
		}
	}
}

// licensed returns a mix that may hold rows of some licenses alone.
func licensed(unknown recipe.UnknownLicenses, licenses ...string) recipe.Recipe {
	r := recipes.Six(recipe.KeepTotal, recipe.KeepTotal)
	r.Policy = &recipe.Policy{Licenses: licenses, UnknownLicenses: unknown}
	return r
}

func TestCheckLicense(t *testing.T) {
	for _, c := range []struct {
		what, license string
		unknown       recipe.UnknownLicenses
		refused       bool
	}{
		{what: "one that is named", license: "MIT"},
		{what: "another", license: "cc-by-nc-4.0", refused: true},
		{what: "several that are named", license: "mit, apache-2.0"},
		{what: "several, not all named", license: "mit, cc-by-nc-4.0", refused: true},
		{what: "more than have a place", license: "mit, …", refused: true},
		{what: "a choice", license: "GPL-3.0-only OR Apache-2.0"},
		{what: "a choice of none that is named", license: "GPL-3.0-only OR AGPL-3.0-only", refused: true},
		{what: "both", license: "MIT AND Apache-2.0"},
		{what: "both, not all named", license: "MIT AND GPL-3.0-only", refused: true},
		{what: "one and a choice", license: "GPL-3.0-only AND MIT OR Apache-2.0"},
		{what: "an expression with parentheses", license: "MIT AND (MIT OR Apache-2.0)", refused: true},
		{what: "none", refused: true},
		{what: "unknown", license: "unknown", refused: true},
		{what: "none, which is allowed", unknown: recipe.AllowUnknown},
		{what: "another, where none is allowed", license: "other", unknown: recipe.AllowUnknown, refused: true},
	} {
		err := licensed(c.unknown, "apache-2.0", "mit").CheckLicense("gsm8k", c.license)
		var refused *recipe.LicenseError
		if errors.As(err, &refused) != c.refused {
			t.Errorf("%s: %v", c.what, err)
		}
		if refused == nil {
			continue
		}
		for _, part := range []string{"data set gsm8k", "policy.licenses allows apache-2.0, mit alone", "leave the data set out"} {
			if !strings.Contains(err.Error(), part) {
				t.Errorf("%s: %q does not say %q", c.what, err, part)
			}
		}
	}
	probed := recipes.Contaminated(licensed("", "mit"))
	if err := probed.CheckLicense("probe-a", "other"); err != nil {
		t.Errorf("a probe, which is in no mix, is refused: %v", err)
	}
	if err := recipes.Six(recipe.KeepTotal, recipe.KeepTotal).CheckLicense("gsm8k", ""); err != nil {
		t.Errorf("refused without a policy: %v", err)
	}
}

// TestPolicyBuildsNothing: a policy is in no key and no manifest; what is downloaded is refused before its rows are read.
func TestPolicyBuildsNothing(t *testing.T) {
	plain, policed := recipes.Six(recipe.KeepTotal, recipe.KeepTotal), licensed("", "mit")
	if diff := cmp.Diff(plain.Content(), policed.Content()); diff != "" {
		t.Errorf("the content differs:\n%s", diff)
	}
	results := map[string]pipeline.Result{}
	for _, unit := range pipeline.Downloads(plain) {
		license := "mit"
		if unit.Name == "math" {
			license = "cc-by-nc-4.0"
		}
		results[unit.Key] = pipeline.Result{Download: &pipeline.DownloadResult{License: license, Files: 1, Bytes: 1, Digest: strings.Repeat("a", 64)}}
	}
	if graph, err := pipeline.Walk(plain, results); err != nil || graph.Next().Stage != pipeline.StageSplit {
		t.Fatalf("without a policy: %v", err)
	}
	graph, err := pipeline.Walk(policed, results)
	var refused *recipe.LicenseError
	if !errors.As(err, &refused) || refused.Dataset != "math" || refused.License != "cc-by-nc-4.0" || len(graph.Steps) != 0 {
		t.Errorf("%v after %d steps", err, len(graph.Steps))
	}
	policed.Policy.Licenses = []string{"cc-by-nc-4.0", "mit"}
	if graph, err := pipeline.Walk(policed, results); err != nil || graph.Next().Stage != pipeline.StageSplit {
		t.Errorf("with both licenses: %v", err)
	}
}

func TestPoliciesThatAreNone(t *testing.T) {
	for want, r := range map[string]recipe.Recipe{
		"the policy has 0 licenses":                       licensed(""),
		`policy.licenses has "MIT"`:                       licensed("", "MIT"),
		`policy.licenses has ""`:                          licensed("", ""),
		`policy.unknownLicenses is "Maybe", and this rel`: licensed("Maybe", "mit"),
	} {
		if err := r.Validate(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %s", err, want)
		}
	}
	if err := licensed(recipe.AllowUnknown, "mit").Validate(); err != nil {
		t.Error(err)
	}
}
