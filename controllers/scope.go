package controllers

import (
	"time"

	corev1 "k8s.io/api/core/v1"

	"github.com/datasetmix/datasetmix/controllers/internal/build"
	"github.com/datasetmix/datasetmix/controllers/internal/ledger"
	"github.com/datasetmix/datasetmix/controllers/internal/outcome"
	"github.com/datasetmix/datasetmix/controllers/internal/readers"
	"github.com/datasetmix/datasetmix/controllers/internal/status"
)

// scope has everything that one pass knows. The comment of a field names the phase that sets it. The status is a function of the scope.
type scope struct {
	// build is the work on the mix: its Jobs and pods (observe), the recipe (interpret), the requests (observeRequests, scheduleRefresh), the claim and
	// the location (reconcileClaim), and the graph with the results (recordResults). reconcileJob adds the Job that it creates.
	build build.Build
	// tasks are the task ConfigMaps of the mix (observe).
	tasks []*corev1.ConfigMap
	// refusals are the Events about pods that could not be created, oldest first (observe).
	refusals []*corev1.Event
	// results is the ConfigMap with the recorded ledger, nil before the first result (observe).
	results *corev1.ConfigMap

	// hindrance is what keeps the pods of the running Job from starting (reconcileJob).
	hindrance hindrance
	// readers are the pods that read the claim, nil if the phase did not look for them (reconcileJob, watch).
	readers *readers.Readers
	// askAgain is the time until the next check of what no watch reports; 0 means never (reconcileJob, watch).
	askAgain time.Duration

	// outcome of the pass; nil when the mix is published.
	outcome *outcome.Outcome

	// tally has what the pass did, for the metrics.
	tally tally
}

// observed returns the part of the scope that the status is computed from.
func (s *scope) observed() status.Observed {
	return status.Observed{Build: &s.build, Outcome: s.outcome, Readers: s.readers, Recorded: ledger.ReadRequests(s.results)}
}

// soonest is the least time until the next pass on schedule.
const soonest = time.Second

// wake returns the time until the next pass on schedule; 0 means never.
func (s *scope) wake(now time.Time) time.Duration {
	soon := time.Duration(0)
	if wait, ok := s.build.NextRefresh(now); ok {
		soon = max(soonest, wait)
	}
	for _, again := range []time.Duration{s.hindrance.again, s.askAgain} {
		if again > 0 && (soon == 0 || again < soon) {
			soon = max(soonest, again)
		}
	}
	return soon
}
