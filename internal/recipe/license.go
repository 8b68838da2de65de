package recipe

import (
	"fmt"
	"slices"
	"strings"
)

// Policy is what a mix may hold. It changes no row: a mix that it refuses is not built.
type Policy struct {
	// Licenses are those that the sources of data sets may have, each as LicenseID gives it, sorted.
	Licenses []string `json:"licenses"`
	// UnknownLicenses is whether a source that names no license may be taken; empty is RefuseUnknown.
	UnknownLicenses UnknownLicenses `json:"unknownLicenses,omitempty"`
}

// UnknownLicenses is what becomes of a source that names no license.
type UnknownLicenses string

// A source that names no license is refused, or taken.
const (
	RefuseUnknown UnknownLicenses = "Refuse"
	AllowUnknown  UnknownLicenses = "Allow"
)

// LicenseError reports that a data set has a license that the policy does not name.
type LicenseError struct {
	Dataset string
	// License in the source's words; empty where it names none.
	License string
	Allowed []string
}

func (e *LicenseError) Error() string {
	if e.License == "" {
		return fmt.Sprintf("the source of data set %s names no license, and policy.licenses allows %s alone; take a source that names one, leave the data set out, "+
			"or set policy.unknownLicenses to %s", e.Dataset, strings.Join(e.Allowed, ", "), AllowUnknown)
	}
	return fmt.Sprintf("data set %s has the license %s, and policy.licenses allows %s alone; leave the data set out, or name the license there",
		e.Dataset, e.License, strings.Join(e.Allowed, ", "))
}

// CheckLicense compares the license of a data set's source, in the source's words, with the policy. A probe is in no mix.
func (r Recipe) CheckLicense(source, license string) error {
	if _, _, ok := r.Dataset(source); !ok || r.Policy == nil {
		return nil
	}
	if LicenseID(license) == "" {
		if r.Policy.UnknownLicenses == AllowUnknown {
			return nil
		}
		return &LicenseError{Dataset: source, Allowed: r.Policy.Licenses}
	}
	for named := range strings.SplitSeq(license, ",") {
		if !r.Policy.allows(named) {
			return &LicenseError{Dataset: source, License: license, Allowed: r.Policy.Licenses}
		}
	}
	return nil
}

// CheckLicenses finds a data set that the policy refuses whatever its source holds, as sources of its kind name no license.
func (r Recipe) CheckLicenses() error {
	for _, name := range r.DatasetNames() {
		dataset, _, _ := r.Dataset(name)
		if of := dataset.Source; of.HuggingFace != nil || of.OCI != nil {
			continue
		}
		if err := r.CheckLicense(name, ""); err != nil {
			return err
		}
	}
	return nil
}

// allows judges one license, or an expression of several as SPDX has them, without parentheses: all that AND joins, or one that OR joins.
func (p *Policy) allows(license string) bool {
	if slices.Contains(p.Licenses, LicenseID(license)) {
		return true
	}
	for _, of := range []struct {
		word string
		need func([]string, func(string) bool) bool
	}{{" OR ", slices.ContainsFunc[[]string]}, {" AND ", all}} {
		if parts := strings.Split(license, of.word); len(parts) > 1 && !strings.ContainsAny(license, "()") {
			return of.need(parts, p.allows)
		}
	}
	return false
}

func all(parts []string, is func(string) bool) bool {
	return !slices.ContainsFunc(parts, func(part string) bool { return !is(part) })
}

// judgePolicy wants the licenses of a policy as LicenseID gives them.
func judgePolicy(r Recipe) error {
	if r.Policy == nil {
		return nil
	}
	if err := asManyAs("licenses", len(r.Policy.Licenses), 1, maxLicenses); err != nil {
		return fmt.Errorf("the policy has %w", err)
	}
	for _, license := range r.Policy.Licenses {
		if license == "" || LicenseID(license) != license {
			return fmt.Errorf("policy.licenses has %q, which is not the identifier of a license", license)
		}
	}
	return nil
}

// spdx are the identifiers that the Hub and SPDX share and that training data has, with SPDX's spelling.
var spdx = map[string]string{
	"afl-3.0":             "AFL-3.0",
	"agpl-3.0":            "AGPL-3.0-only",
	"apache-2.0":          "Apache-2.0",
	"artistic-2.0":        "Artistic-2.0",
	"bsd-2-clause":        "BSD-2-Clause",
	"bsd-3-clause":        "BSD-3-Clause",
	"bsl-1.0":             "BSL-1.0",
	"c-uda":               "C-UDA-1.0",
	"cc-by-2.0":           "CC-BY-2.0",
	"cc-by-2.5":           "CC-BY-2.5",
	"cc-by-3.0":           "CC-BY-3.0",
	"cc-by-4.0":           "CC-BY-4.0",
	"cc-by-nc-2.0":        "CC-BY-NC-2.0",
	"cc-by-nc-3.0":        "CC-BY-NC-3.0",
	"cc-by-nc-4.0":        "CC-BY-NC-4.0",
	"cc-by-nc-nd-3.0":     "CC-BY-NC-ND-3.0",
	"cc-by-nc-nd-4.0":     "CC-BY-NC-ND-4.0",
	"cc-by-nc-sa-2.0":     "CC-BY-NC-SA-2.0",
	"cc-by-nc-sa-3.0":     "CC-BY-NC-SA-3.0",
	"cc-by-nc-sa-4.0":     "CC-BY-NC-SA-4.0",
	"cc-by-nd-4.0":        "CC-BY-ND-4.0",
	"cc-by-sa-3.0":        "CC-BY-SA-3.0",
	"cc-by-sa-4.0":        "CC-BY-SA-4.0",
	"cc0-1.0":             "CC0-1.0",
	"cdla-permissive-1.0": "CDLA-Permissive-1.0",
	"cdla-permissive-2.0": "CDLA-Permissive-2.0",
	"cdla-sharing-1.0":    "CDLA-Sharing-1.0",
	"epl-2.0":             "EPL-2.0",
	"gfdl":                "GFDL-1.3-only",
	"gpl-2.0":             "GPL-2.0-only",
	"gpl-3.0":             "GPL-3.0-only",
	"isc":                 "ISC",
	"lgpl-3.0":            "LGPL-3.0-only",
	"mit":                 "MIT",
	"mpl-2.0":             "MPL-2.0",
	"odbl":                "ODbL-1.0",
	"odc-by":              "ODC-By-1.0",
	"pddl":                "PDDL-1.0",
	"unlicense":           "Unlicense",
	"zlib":                "Zlib",
}

// hubIDs are the Hub's identifiers by SPDX's in lower case.
var hubIDs = func() map[string]string {
	ids := make(map[string]string, len(spdx))
	for id, name := range spdx {
		ids[strings.ToLower(name)] = id
	}
	return ids
}()

// LicenseID returns the Hub's identifier of a license that is written as the Hub or SPDX writes it, in any case, or the text itself in lower
// case with hyphens for its blanks. It returns nothing for a text that names no license.
func LicenseID(license string) string {
	id := strings.ToLower(strings.Join(strings.Fields(license), "-"))
	if id == "unknown" {
		return ""
	}
	if of, ok := hubIDs[id]; ok {
		return of
	}
	return id
}

// SPDX returns SPDX's identifier of a license, if it and the Hub have one.
func SPDX(license string) (string, bool) {
	name, ok := spdx[LicenseID(license)]
	return name, ok
}
