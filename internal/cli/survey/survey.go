// Package survey looks at every data set of a mix where its source is: in this process, or on a cluster by a pod of the worker for each, which has the
// claim or the credentials of that source and of no other.
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

// Survey is how data sets are looked at.
type Survey struct {
	// Rows of each to read, 0 for all, and how many of them to show.
	Rows int64
	Show int
	// AtOnce is how many are looked at at a time.
	AtOnce int
	// Look looks at one.
	Look func(context.Context, look.Question) (look.Dataset, error)
}

// Here returns a Look of this process.
func Here(open func(recipe.Dataset) (source.Source, error)) func(context.Context, look.Question) (look.Dataset, error) {
	return func(ctx context.Context, q look.Question) (look.Dataset, error) {
		from, err := open(q.Dataset)
		if err != nil {
			return look.Dataset{}, err
		}
		return look.Of(ctx, from, q.Dataset, q.Domain, look.Limits{Rows: q.Rows, Show: q.Show, Near: cli.Closest})
	}
}

// OnCluster returns a Look that starts a pod for each data set, as a worker of the mix.
func OnCluster(ctx context.Context, e errand.Errand, mix *datav1alpha1.DatasetMix, release string) (func(context.Context, look.Question) (look.Dataset, error), error) {
	var err error
	if e.Image, err = e.WorkerImage(ctx, release); err != nil {
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

// mostAsked is how long a question may be: Linux takes no longer argument of a program.
const mostAsked = 120 << 10

// ask has a pod look.
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

// Each looks at the data sets of a recipe, and passes on what was seen in their order. One that cannot be read is passed on with its error, and the
// others are read nevertheless, unless the error is that the user may not look. The error is that of the first data set that has one: why it could
// not be looked at, or with what a build of such rows would end. Nothing goes on behind it.
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
	defer looking.Wait() // each pod is removed by who has started it
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

// verdict returns the error with which a build would end, as far as what was seen shows it.
func verdict(r recipe.Recipe, name string, got result) error {
	if got.err != nil {
		return got.err
	}
	if err := r.CheckLicense(name, got.seen.License); err != nil {
		return contract.Failf(contract.LicenseRefused, "%w", err)
	}
	return got.seen.Failure()
}
