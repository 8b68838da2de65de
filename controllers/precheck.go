package controllers

import (
	"context"
	"sync"

	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	datav1alpha1 "github.com/datasetmix/datasetmix/api/v1alpha1"
	"github.com/datasetmix/datasetmix/controllers/internal/outcome"
	"github.com/datasetmix/datasetmix/internal/precheck"
	"github.com/datasetmix/datasetmix/internal/recipe"
)

// verdicts caches the results of prechecks: compiling expressions takes milliseconds, longer than the rest of a pass. The zero value is ready to use.
type verdicts struct {
	mutex sync.Mutex
	of    map[client.ObjectKey]verdictOf
}

// verdictOf is the verdict on one generation of a mix.
type verdictOf struct {
	uid        types.UID
	generation int64
	err        error
}

// judge returns the first mistake in the recipe of a mix, nil without one.
func (v *verdicts) judge(mix *datav1alpha1.DatasetMix, meaning recipe.Recipe) error {
	key := client.ObjectKeyFromObject(mix)
	v.mutex.Lock()
	known, ok := v.of[key]
	v.mutex.Unlock()
	if ok && known.uid == mix.UID && known.generation == mix.Generation {
		return known.err
	}
	found := verdictOf{mix.UID, mix.Generation, precheck.Recipe(meaning)}
	v.mutex.Lock()
	defer v.mutex.Unlock()
	if v.of == nil {
		v.of = map[client.ObjectKey]verdictOf{}
	}
	v.of[key] = found
	return found.err
}

// forget removes the verdict on a deleted mix.
func (v *verdicts) forget(key client.ObjectKey) {
	v.mutex.Lock()
	defer v.mutex.Unlock()
	delete(v.of, key)
}

// precheck stalls a mix whose spec has a mistake that shows without its data, before anything is created for it.
func (r *DatasetMixReconciler) precheck(_ context.Context, s *scope) (*outcome.Outcome, error) {
	return outcome.OfMistake(r.verdicts.judge(s.build.Mix, s.build.Target.Recipe), datav1alpha1.ReasonInvalidSpec), nil
}
