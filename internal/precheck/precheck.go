// Package precheck judges what a mix asks for before there is any data: that every expression compiles, every pattern of files is
// one, every value is one that workers know, and that the rows which sources are expected to hold can meet the mix at all. The
// manager does it before it makes a Job, and kubectl datasetmix before it plans or builds: what one of them refuses, so does the other.
//
// Imports: the standard library, internal/recipe, internal/contract, internal/glob and internal/mapping.
package precheck

import (
	"errors"

	"github.com/datasetmix/datasetmix/internal/contract"
	"github.com/datasetmix/datasetmix/internal/glob"
	"github.com/datasetmix/datasetmix/internal/mapping"
	"github.com/datasetmix/datasetmix/internal/plan"
	"github.com/datasetmix/datasetmix/internal/recipe"
)

// Recipe finds the first mistake in a recipe that no data can mend. It names the data set or probe, what is wrong and what helps, and is
// a contract.InvalidTask failure, a contract.LicenseRefused one where the policy refuses a source of a
// kind that names no license, or a contract.InfeasibleMix one where the expected rows cannot meet the mix.
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

// asRecord returns a record with a probe's question; what else it holds is never read.
func asRecord(probe recipe.Probe) recipe.Record {
	if probe.Preset != "" {
		return recipe.Record{Preset: probe.Preset}
	}
	return recipe.Record{Question: probe.Question, ReferenceAnswer: `""`, AnswerType: "text"}
}

// patterns judges those of a source's files.
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
