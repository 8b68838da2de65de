package controllers

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"slices"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"

	datav1alpha1 "github.com/datasetmix/datasetmix/api/v1alpha1"
	"github.com/datasetmix/datasetmix/controllers/internal/outcome"
	"github.com/datasetmix/datasetmix/internal/pipeline"
	"github.com/datasetmix/datasetmix/internal/recipe"
)

// requests records the refresh and rebuild requests, from annotations or the schedule, that have been handled. It is kept with the
// results: a request stays in the keys of what it resolved, so removing an annotation does not lead back to what was resolved before.
type requests struct {
	// RequestedAt and ForceAt are the values of the annotations that were acted upon, as the status shows them.
	RequestedAt string `json:"requestedAt,omitempty"`
	ForceAt     string `json:"forceAt,omitempty"`
	// Request is in the keys of the downloads of floating sources; empty before the first.
	Request string `json:"request,omitempty"`
	// Again is in the location of the results; empty before the first.
	Again string `json:"again,omitempty"`
	// At is when Request was made, or, before the first, when the clock began to run.
	At metav1.Time `json:"at,omitzero"`
}

const (
	// askedKey is its entry in the ConfigMap of the results. No content key and no Job is called so.
	askedKey = "asked"
	// shownLimit is how long a value of an annotation may be to stand in the status as it is.
	shownLimit = 128
	// requestNameLength is how many hex digits of a hash name a request.
	requestNameLength = 16
	// soonest is the least time after which a pass is started by the clock.
	soonest = time.Second
)

// readAsked reads what was acted upon, wherever the results of it are. What cannot be read was never asked.
func readAsked(config *corev1.ConfigMap) requests {
	var a requests
	if config != nil {
		_ = json.Unmarshal([]byte(config.Data[askedKey]), &a)
	}
	return a
}

// encode gives the entry of the ConfigMap; nothing where nothing was ever asked.
func (a requests) encode() (string, bool) {
	if a == (requests{}) {
		return "", false
	}
	encoded, err := json.Marshal(a)
	return string(encoded), err == nil // strings and a time: it does not fail
}

// requestName names a request.
func requestName(by, value string) string {
	sum := sha256.Sum256([]byte(by + "\n" + value))
	return hex.EncodeToString(sum[:])[:requestNameLength]
}

// shown is a value as it can stand in the status.
func shown(value string) string {
	if len(value) <= shownLimit {
		return value
	}
	sum := sha256.Sum256([]byte(value))
	return hex.EncodeToString(sum[:])
}

// observed takes up what the annotations of a mix ask for. Each value is acted upon once, and one that goes away asks for nothing.
func (a requests) observed(annotations map[string]string, now metav1.Time) requests {
	requested, forced := shown(annotations[datav1alpha1.AnnotationRequestedAt]), shown(annotations[datav1alpha1.AnnotationForceAt])
	if requested == "" {
		return a
	}
	if requested != a.RequestedAt {
		a.RequestedAt, a.Request, a.At = requested, requestName("requestedAt", requested), now
	}
	if forced == requested && forced != a.ForceAt {
		a.ForceAt, a.Again = forced, requestName("forceAt", forced)
	}
	return a
}

// observeRequests takes up what the mix's annotations ask for. From here on, floating sources are resolved for the newest request.
func (r *DatasetMixReconciler) observeRequests(_ context.Context, s *scope) (*outcome.Outcome, error) {
	now := metav1.NewTime(r.Clock.Now()).Rfc3339Copy()
	s.asked = readAsked(s.results).observed(s.mix.Annotations, now)
	if s.refreshInterval() > 0 && s.asked.At.IsZero() {
		s.asked.At = now
	}
	s.recipe = s.recipe.Refreshed(s.asked.Request)
	return nil, nil
}

// refreshInterval returns how often floating sources are looked at. Zero means never; it is also returned when no source floats.
func (s *scope) refreshInterval() time.Duration {
	floating := slices.ContainsFunc(s.recipe.Sources(), func(of recipe.NamedSource) bool { return of.Source.Floating() })
	if s.mix.Spec.Refresh == nil || !floating {
		return 0
	}
	return time.Duration(s.mix.Spec.Refresh.EverySeconds) * time.Second
}

// scheduleRefresh makes a request when the time for one has come and nothing is being built: a build that takes longer than the time
// between two looks is not begun anew before its end.
func (r *DatasetMixReconciler) scheduleRefresh(ctx context.Context, s *scope) (*outcome.Outcome, error) {
	now := metav1.NewTime(r.Clock.Now()).Rfc3339Copy()
	if wait, ok := s.nextLook(now.Time); !ok || wait > 0 {
		return nil, nil
	}
	s.asked.Request, s.asked.At = requestName("every", now.UTC().Format(time.RFC3339)), now
	s.record.asked = s.asked
	s.recipe = s.recipe.Refreshed(s.asked.Request)
	graph, err := pipeline.Walk(s.recipe, s.record.results)
	s.graph, s.graphErr = &graph, err
	return r.save(ctx, s)
}

// nextLook is how long it is to the next look at floating sources; ok is false where there is none, or none before something
// else has happened.
func (s *scope) nextLook(now time.Time) (wait time.Duration, ok bool) {
	every := s.refreshInterval()
	if every == 0 || s.asked.At.IsZero() || ptr.Deref(s.mix.Spec.Suspend, false) || !s.resting() {
		return 0, false
	}
	return max(0, s.asked.At.Add(every).Sub(now)), true
}

// resting says whether there is nothing to do before the spec, a source or a request changes: the mix is published, or stalled.
func (s *scope) resting() bool {
	switch {
	case s.graph == nil:
		return false
	case s.graphErr != nil || s.graph.Next() == nil:
		return true
	default:
		newest := s.newest(s.graph.Next())
		return newest != nil && s.stalledBy(newest)
	}
}

// wake is when the next pass comes by the clock alone; 0 is never.
func (s *scope) wake(now time.Time) time.Duration {
	soon := time.Duration(0)
	if wait, ok := s.nextLook(now); ok {
		soon = max(soonest, wait)
	}
	for _, again := range []time.Duration{s.hindrance.again, s.askAgain} {
		if again > 0 && (soon == 0 || again < soon) {
			soon = max(soonest, again)
		}
	}
	return soon
}

// handled is what the status tells of requests: those that are recorded, since an unrecorded one has led to nothing yet.
func (s *scope) handled() (requestedAt, forceAt string, at *metav1.Time) {
	a := readAsked(s.results)
	if !a.At.IsZero() {
		at = &a.At
	}
	return a.RequestedAt, a.ForceAt, at
}
