// Package precheck judges a recipe before there is any data: every expression must compile, every pattern of files must be valid, every value must be one
// that workers know, and the expected rows of the sources must suffice for the mix. The manager does it before it creates a Job, and kubectl datasetmix
// before it plans or builds, so both refuse the same mixes.
package precheck

import (
	"errors"

	"github.com/datasetmix/datasetmix/internal/contract"
	"github.com/datasetmix/datasetmix/internal/glob"
	"github.com/datasetmix/datasetmix/internal/mapping"
	"github.com/datasetmix/datasetmix/internal/plan"
	"github.com/datasetmix/datasetmix/internal/recipe"
)

// Recipe returns the first mistake in a recipe that shows without data, nil if there is no such mistake. The error names the data set or probe, the mistake
// and a remedy. Its reason is InvalidTask, LicenseRefused if the policy refuses a kind of source that names no license, or InfeasibleMix if the expected
// rows do not suffice for the mix.
func Recipe(r recipe.Recipe) error {
	if err := r.Validate(); err != nil {
		return contract.Failf(contract.InvalidTask, "%w", err)
	}
	for _, name := range r.DatasetNames() {
		dataset, _, _ := r.Dataset(name)
		if err := judge(dataset.Source, dataset.Record); err != nil {
			return contract.Within("data set "+name, err)
		}
	}
	for _, probe := range r.Probes() {
		if err := judge(probe.Source, asRecord(probe)); err != nil {
			return contract.Within("decontaminate against "+probe.Name, err)
		}
	}
	if err := r.CheckLicenses(); err != nil {
		return contract.Failf(contract.LicenseRefused, "%w", err)
	}
	var infeasible *plan.InfeasibleError
	if err := plan.CheckExpected(r); errors.As(err, &infeasible) {
		return contract.Failf(contract.InfeasibleMix, "%w", err)
	}
	return nil
}

func judge(from recipe.Source, rows recipe.Record) error {
	if err := patterns(from); err != nil {
		return err
	}
	_, err := mapping.Compile(rows)
	return err
}

// asRecord returns a record with a probe's question, for compilation alone.
func asRecord(probe recipe.Probe) recipe.Record {
	if probe.Preset != "" {
		return recipe.Record{Preset: probe.Preset}
	}
	return recipe.Record{Question: probe.Question, ReferenceAnswer: `""`, AnswerType: "text"}
}

// patterns judges the patterns of a source's files.
func patterns(of recipe.Source) error {
	switch {
	case of.HuggingFace != nil:
		return glob.Check(of.HuggingFace.Files)
	case of.ObjectStore != nil:
		return glob.Check(of.ObjectStore.Files)
	case of.OCI != nil:
		return glob.Check(of.OCI.Files)
	case of.Volume != nil:
		return glob.Check(of.Volume.Files)
	}
	return nil
}
