package main

import (
	"fmt"

	"github.com/spf13/cobra"

	datav1alpha1 "github.com/datasetmix/datasetmix/api/v1alpha1"
	"github.com/datasetmix/datasetmix/internal/cli"
	"github.com/datasetmix/datasetmix/internal/cli/places"
	"github.com/datasetmix/datasetmix/internal/cli/view"
	"github.com/datasetmix/datasetmix/internal/contract"
	"github.com/datasetmix/datasetmix/internal/look"
	"github.com/datasetmix/datasetmix/internal/recipe"
	"github.com/datasetmix/datasetmix/internal/revision"
)

// looking is what plan --look was asked for.
type looking struct {
	rows  int64 // to look at, of each data set; 0 does not look
	here  places.Places
	shown int
}

// defaultLook is how many rows are looked at unless the flag says how many.
const defaultLook = "1000"

func (l *looking) flags(command *cobra.Command) {
	command.Flags().Int64Var(&l.rows, "look", 0, "read so many rows of each data set where they are, and show the first as they would be published, what is left out and why, and likely mistakes in the record; "+defaultLook+" without a number")
	command.Flags().Lookup("look").NoOptDefVal = defaultLook
	command.Flags().IntVar(&l.shown, "show", 1, "how many rows of each data set --look shows")
	l.here.Flags(command.Flags())
}

// all looks at every data set, and returns the rows of those that were read to their ends.
func (l *looking) all(command *cobra.Command, mix *datav1alpha1.DatasetMix, r recipe.Recipe, file, format string) (map[string]int64, error) {
	l.here.Folder = places.FolderOf(file)
	l.here.Find(mix)
	if err := l.here.Check(mix); err != nil {
		return nil, err
	}
	open := l.here.Sources(mix)
	limits := look.Limits{Rows: l.rows, Show: l.shown, Near: cli.Closest}
	var everything []look.Dataset
	rows, refused := map[string]int64{}, error(nil)
	for _, name := range r.DatasetNames() {
		dataset, domain, _ := r.Dataset(name)
		from, err := open(dataset)
		if err != nil {
			return nil, err
		}
		seen, err := look.Of(command.Context(), from, dataset, domain.Name, limits)
		if err != nil {
			return nil, err
		}
		if err := r.CheckLicense(name, seen.License); err != nil && refused == nil {
			refused = contract.Failf(contract.LicenseRefused, "%w", err)
		}
		if refused == nil {
			refused = seen.Failure()
		}
		if seen.Whole {
			rows[name] = seen.Kept
		}
		everything = append(everything, seen)
		if format == "" {
			view.Look(command.OutOrStdout(), seen, dataset.Record.Preset)
			fmt.Fprintln(command.OutOrStdout())
		}
	}
	if format == "json" {
		encoded, err := revision.EncodeJSON(everything)
		if err != nil {
			return nil, err
		}
		if _, err := command.OutOrStdout().Write(encoded); err != nil {
			return nil, err
		}
	}
	return rows, refused
}
