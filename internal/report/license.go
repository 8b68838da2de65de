package report

import "github.com/datasetmix/datasetmix/internal/recipe"

// hubLicense returns the Hub's identifier of a license: "unknown" for no license, and "other" for one that the Hub does not know, since the Hub refuses
// a card with an unknown identifier.
func hubLicense(license string) string {
	id := recipe.LicenseID(license)
	if id == "" {
		return "unknown"
	}
	if _, known := recipe.SPDX(id); known {
		return id
	}
	return "other"
}

// licenseURL returns SPDX's page about a license, or the license as it is written.
func licenseURL(license string) string {
	if id, known := recipe.SPDX(license); known {
		return "https://spdx.org/licenses/" + id + ".html"
	}
	if license == "" {
		return "unknown"
	}
	return license
}
