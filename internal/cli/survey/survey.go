// Package survey looks at the rows of every data set of a mix: in this process, or on a cluster by a pod of the worker for each data set, which has
// the claim or the credentials of that source alone.
package survey

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"sync"

	datav1alpha1 "github.com/datasetmix/datasetmix/api/v1alpha1"
	"github.com/datasetmix/datasetmix/internal/cli"
	"github.com/datasetmix/datasetmix/internal/cli/errand"
	"github.com/datasetmix/datasetmix/internal/contract"
	"github.com/datasetmix/datasetmix/internal/kube"
	"github.com/datasetmix/datasetmix/internal/look"
	"github.com/datasetmix/datasetmix/internal/recipe"
	"github.com/datasetmix/datasetmix/internal/render"
	"github.com/datasetmix/datasetmix/internal/source"
)

// Survey has the options for looking at data sets.
type Survey struct {
	// Rows is the number of rows to read of each data set, 0 for all; Show is the number to show.
	Rows int64
	Show int
	// AtOnce is the number of data sets that are looked at at the same time.
	AtOnce int
	// Look looks at one data set.
	Look func(context.Context, look.Question) (look.Dataset, error)
}

// Here returns a Look that reads the source in this process.
func Here(open func(recipe.Dataset) (source.Source, error)) func(context.Context, look.Question) (look.Dataset, error) {
	return func(ctx context.Context, q look.Question) (look.Dataset, error) {
		from, err := open(q.Dataset)
		if err != nil {
			return look.Dataset{}, err
		}
		return look.Of(ctx, from, q.Dataset, q.Domain, look.Limits{Rows: q.Rows, Show: q.Show, Near: cli.Closest})
	}
}

// OnCluster returns a Look that starts a pod for each data set, with the settings of the mix's workers.
func OnCluster(ctx context.Context, e errand.Errand, mix *datav1alpha1.DatasetMix) (func(context.Context, look.Question) (look.Dataset, error), error) {
	var err error
	if e.Image, err = e.WorkerImage(ctx); err != nil {
		return nil, err
	}
	endpoint, err := e.Client.HubEndpoint(ctx)
	if forbidden := (*kube.ForbiddenError)(nil); err != nil && !errors.As(err, &forbidden) {
		return nil, err
	}
	return func(ctx context.Context, q look.Question) (look.Dataset, error) {
		pod := render.Errand{
			Verb: errand.Look, Image: e.Image, Worker: mix.Spec.Worker, Source: sourceOf(mix, q.Dataset.Name), HubEndpoint: endpoint,
			Owner: render.OwnedBy(datav1alpha1.GroupVersion.String(), datav1alpha1.Kind, mix),
		}
		return ask(ctx, e, pod, q)
	}, nil
}

// sourceOf returns the source of a data set with its references to Secrets, which a recipe does not have.
func sourceOf(mix *datav1alpha1.DatasetMix, dataset string) *render.Source {
	for _, from := range render.Sources(mix) {
		if from.Name == dataset {
			return &from
		}
	}
	return nil
}

// mostAsked is the number of bytes that a question may have, a little less than Linux allows for an argument of a program.
const mostAsked = 120 << 10

// ask starts a pod that looks at a data set, and returns what it has seen.
func ask(ctx context.Context, e errand.Errand, pod render.Errand, q look.Question) (look.Dataset, error) {
	var seen look.Dataset
	encoded, err := json.Marshal(q)
	if err != nil {
		return seen, err
	}
	if len(encoded) > mostAsked {
		return seen, contract.Failf(contract.InvalidTask, "data set %s takes %d KiB to describe, and a pod is told %d KiB; look at it on this machine", q.Dataset.Name, len(encoded)>>10, mostAsked>>10)
	}
	pod.Arguments = []string{"look", string(encoded)}
	var answer bytes.Buffer
	if err := e.Answer(ctx, pod, &answer); err != nil {
		return seen, err
	}
	if err := json.Unmarshal(answer.Bytes(), &seen); err != nil {
		return seen, contract.Failf(contract.WorkerFailed, "the worker's answer cannot be read: %w", err)
	}
	return seen, nil
}

// Each looks at the data sets of a recipe, and calls seen for each, in their order. A data set that cannot be read is passed on with its error, and
// the others are read all the same, unless the user lacks a right. The returned error is that of the first data set that has one: why it could not
// be read, or the error with which a build of its rows would end. No Look is running when Each returns.
func (s Survey) Each(ctx context.Context, r recipe.Recipe, seen func(recipe.Dataset, look.Dataset, error) error) (first error) {
	ctx, cancel := context.WithCancel(ctx)
	names := r.DatasetNames()
	results, next := make([]chan result, len(names)), make(chan int, len(names))
	for i := range names {
		results[i] = make(chan result, 1)
		next <- i
	}
	close(next)
	var looking sync.WaitGroup
	for range s.AtOnce {
		looking.Go(func() {
			for i := range next {
				dataset, domain, _ := r.Dataset(names[i])
				found, err := s.Look(ctx, look.Question{Dataset: dataset, Domain: domain.Name, Rows: s.Rows, Show: s.Show})
				results[i] <- result{found, err}
			}
		})
	}
	defer looking.Wait() // each Look removes its pod
	defer cancel()
	for i, name := range names {
		got := <-results[i]
		if forbidden := (*kube.ForbiddenError)(nil); errors.As(got.err, &forbidden) {
			return got.err
		}
		if ctx.Err() != nil {
			return ctx.Err()
		}
		dataset, _, _ := r.Dataset(name)
		if err := seen(dataset, got.seen, got.err); err != nil {
			return err
		}
		if first == nil {
			first = verdict(r, name, got)
		}
	}
	return first
}

type result struct {
	seen look.Dataset
	err  error
}

// verdict returns the error with which a build of the seen rows would end.
func verdict(r recipe.Recipe, name string, got result) error {
	if got.err != nil {
		return got.err
	}
	if err := r.CheckLicense(name, got.seen.License); err != nil {
		return contract.Failf(contract.LicenseRefused, "%w", err)
	}
	return got.seen.Failure()
}
