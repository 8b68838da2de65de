package mapping

import (
	"github.com/datasetmix/datasetmix/internal/contract"
	"github.com/datasetmix/datasetmix/internal/recipe"
)

// Preset is a named mapping of recipe's table, compiled.
type Preset struct {
	recipe.Preset
	Mapping
}

// Presets returns the presets in the order of the documentation.
func Presets() ([]Preset, error) {
	var out []Preset
	for _, p := range recipe.Presets() {
		compiled, err := Lookup(p.Version)
		if err != nil {
			return nil, err
		}
		out = append(out, compiled)
	}
	return out, nil
}

// Lookup compiles the preset that a recipe names; an unknown name is an InvalidTask failure that lists the presets.
func Lookup(version string) (Preset, error) {
	p, err := find(version)
	if err != nil {
		return Preset{}, err
	}
	m, err := compile(p.Record, p.Name, p.Record.Kept())
	if err != nil {
		return Preset{}, contract.Within("preset "+p.Name, err)
	}
	return Preset{p, m}, nil
}

func find(version string) (recipe.Preset, error) {
	p, ok := recipe.FindPreset(version)
	if ok {
		return p, nil
	}
	var versions []string
	for _, p := range recipe.Presets() {
		if p.Name == version {
			return p, contract.Failf(contract.InvalidTask, "the preset %q is of another release; this one has %q: %s Apply the mix again, and it is built with that one", version, p.Version, p.Changed)
		}
		versions = append(versions, p.Version)
	}
	return p, contract.Failf(contract.InvalidTask, "there is no preset %q; the presets are %q", version, versions)
}
