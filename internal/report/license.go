package report

import "strings"

// licenses are the identifiers that the Hub and SPDX share and that training data has, with SPDX's spelling. What is not
// here is "other" on the Hub, since a card with an identifier that the Hub does not know is refused.
var licenses = map[string]string{
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

// hubLicense is the Hub's identifier of a licence: "unknown" when there is none, "other" when the Hub does not know it.
func hubLicense(license string) string {
	id := strings.ToLower(strings.ReplaceAll(strings.TrimSpace(license), " ", "-"))
	switch _, known := licenses[id]; {
	case id == "" || id == "unknown":
		return "unknown"
	case known:
		return id
	}
	return "other"
}

// licenseURL is SPDX's page about a licence, or its words as they are.
func licenseURL(license string) string {
	if id, known := licenses[hubLicense(license)]; known {
		return "https://spdx.org/licenses/" + id + ".html"
	}
	if license == "" {
		return "unknown"
	}
	return license
}
