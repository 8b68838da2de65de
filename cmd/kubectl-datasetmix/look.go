package main

import (
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	datav1alpha1 "github.com/datasetmix/datasetmix/api/v1alpha1"
	"github.com/datasetmix/datasetmix/internal/cli/connect"
	"github.com/datasetmix/datasetmix/internal/cli/errand"
	"github.com/datasetmix/datasetmix/internal/cli/files"
	"github.com/datasetmix/datasetmix/internal/cli/places"
	"github.com/datasetmix/datasetmix/internal/cli/survey"
	"github.com/datasetmix/datasetmix/internal/cli/view"
	"github.com/datasetmix/datasetmix/internal/look"
	"github.com/datasetmix/datasetmix/internal/recipe"
)

// looking has the options of plan --look.
type looking struct {
	rows  int64 // of each data set to look at; 0 looks at none
	here  places.Places
	shown int // rows of each data set to print

	onCluster bool
	image     string
	start     time.Duration
}

// defaultLook is how many rows are read by default.
const defaultLook = "1000"

// podsAtOnce is how many pods run at a time.
const podsAtOnce = 4

func (l *looking) flags(command *cobra.Command) {
	command.Flags().Int64Var(&l.rows, "look", 0, "read so many rows of each data set where they are, and show the first as they would be published, what is left out and why, and likely mistakes in the record; "+defaultLook+" without a number")
	command.Flags().Lookup("look").NoOptDefVal = defaultLook
	command.Flags().IntVar(&l.shown, "show", 1, "how many rows of each data set --look shows")
	command.Flags().BoolVar(&l.onCluster, "on-cluster", false, "look at the sources of a manifest from the cluster, with its claims and Secrets, as for a mix that is there")
	files.PodFlags(command, &l.image, &l.start)
	l.here.Flags(command.Flags())
}

// survey returns the survey of the data sets: by this process, or by pods of the cluster.
func (l *looking) survey(command *cobra.Command, from *connect.Connection, mix *datav1alpha1.DatasetMix, file string) (survey.Survey, error) {
	s := survey.Survey{Rows: l.rows, Show: l.shown, AtOnce: 1}
	if !l.onCluster {
		l.here.Folder = places.FolderOf(file)
		l.here.Find(mix)
		s.Look = survey.Here(l.here.Sources(mix))
		return s, l.here.Check(mix)
	}
	client, err := from.Client()
	if err != nil {
		return s, err
	}
	s.AtOnce = podsAtOnce
	s.Look, err = survey.OnCluster(command.Context(), errand.Errand{Client: client, Image: l.image, Start: l.start, Notes: command.ErrOrStderr()}, mix)
	return s, err
}

// all looks at every data set, and returns the numbers of kept rows of those that were read to the end.
func (l *looking) all(command *cobra.Command, from *connect.Connection, mix *datav1alpha1.DatasetMix, r recipe.Recipe, file, format string) (map[string]int64, error) {
	s, err := l.survey(command, from, mix, file)
	if err != nil {
		return nil, connect.Reading(err)
	}
	out := command.OutOrStdout()
	everything, rows := []look.Dataset{}, map[string]int64{}
	err = s.Each(command.Context(), r, func(dataset recipe.Dataset, seen look.Dataset, err error) error {
		if err != nil {
			_, domain, _ := r.Dataset(dataset.Name)
			seen = look.Dataset{Name: dataset.Name, Domain: domain.Name, Source: dataset.Source.Request(), Problem: err.Error()}
		} else if seen.Whole {
			rows[dataset.Name] = seen.Kept
		}
		everything = append(everything, seen)
		if format == "" {
			view.Look(out, seen, dataset.Record.Preset)
			fmt.Fprintln(out)
		}
		return nil
	})
	if format != "json" {
		return rows, connect.Reading(err)
	}
	return rows, errors.Join(printJSON(out, everything), connect.Reading(err))
}
