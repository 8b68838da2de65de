package status

import (
	"fmt"
	"slices"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"

	datav1alpha1 "github.com/datasetmix/datasetmix/api/v1alpha1"
	"github.com/datasetmix/datasetmix/controllers/internal/build"
	"github.com/datasetmix/datasetmix/controllers/internal/ledger"
	"github.com/datasetmix/datasetmix/controllers/internal/outcome"
	"github.com/datasetmix/datasetmix/controllers/internal/readers"
	"github.com/datasetmix/datasetmix/internal/contract"
	"github.com/datasetmix/datasetmix/internal/pipeline"
	"github.com/datasetmix/datasetmix/internal/revision"
)

const (
	historyLimit = 10
	// conditionLimit is the number of characters of a condition's message, far below the limit of the schema.
	conditionLimit = 8192
	nothing        = "-"
)

// Observed is what a status is computed from.
type Observed struct {
	Build *build.Build
	// Outcome of the pass; nil when the mix is published.
	Outcome *outcome.Outcome
	// Readers of the revisions, nil if the pass did not look for them.
	Readers *readers.Readers
	// Recorded are the recorded requests; a request has no effect before it is recorded.
	Recorded ledger.Requests
}

// IsReady reports whether the status of a mix shows its present generation as published.
func IsReady(mix *datav1alpha1.DatasetMix) bool {
	ready := Condition(mix, datav1alpha1.ConditionReady)
	return ready.Status == metav1.ConditionTrue && ready.ObservedGeneration == mix.Generation
}

// Of returns the status of what was observed, at a time.
func Of(o Observed, now metav1.Time) datav1alpha1.DatasetMixStatus {
	b := o.Build
	before := b.Mix.Status
	status := datav1alpha1.DatasetMixStatus{
		ObservedGeneration: ptr.To(ptr.Deref(before.ObservedGeneration, -1)),
		Published:          before.Published.DeepCopy(),
		History:            slices.Clone(before.History),
		Held:               slices.Clone(before.Held),

		LastHandledRequestedAt: o.Recorded.RequestedAt,
		LastHandledForceAt:     o.Recorded.ForceAt,
	}
	if !o.Recorded.At.IsZero() {
		status.LastRefreshTime = &o.Recorded.At
	}
	if o.Outcome == nil || o.Outcome.Verdict == outcome.Stalled {
		status.ObservedGeneration = ptr.To(b.Mix.Generation)
	}
	if graph := b.Target.Graph; graph != nil {
		status.Stages = stagesOf(b, o.Outcome)
		summary := pipeline.Summarize(b.Target.Recipe, graph.Plan, graph.Results(b.Ledger.Results))
		status.Datasets = datasetsOf(b, summary)
		status.Splits = splitsOf(summary)
		status.Domains = domainsOf(b.Target.Recipe, summary)
		publish(b, &status, now)
	}
	if o.Readers != nil {
		status.Held = o.Readers.Held(status.History, b.Target.Recipe.Output.KeepRevisions)
	}
	status.History = recent(status.History, status.Held)
	status.Summary = summaryOf(b.Target, status)
	estimate(o, &status, now)
	status.Conditions = conditions(b.Mix, o.Outcome, status, now)
	return status
}

// conditions returns conditions after the rules of kstatus: Reconciling and Stalled exclude each other and are present only when True; Ready is False
// with Stalled, and True with neither.
func conditions(mix *datav1alpha1.DatasetMix, end *outcome.Outcome, status datav1alpha1.DatasetMixStatus, now metav1.Time) []metav1.Condition {
	ready, abnormal := readyCondition(end, status), ""
	if end != nil {
		switch end.Verdict {
		case outcome.Progressing:
			abnormal = datav1alpha1.ConditionReconciling
		case outcome.Stalled:
			abnormal = datav1alpha1.ConditionStalled
		}
	}
	wanted := []metav1.Condition{ready}
	if abnormal != "" {
		wanted = append(wanted, metav1.Condition{
			Type: abnormal, Status: metav1.ConditionTrue, Reason: ready.Reason, Message: ready.Message,
		})
	}
	for i := range wanted {
		wanted[i].Message = contract.Clean(wanted[i].Message, conditionLimit)
		wanted[i].ObservedGeneration = mix.Generation
		wanted[i].LastTransitionTime = now
		if old := Condition(mix, wanted[i].Type); old.Status == wanted[i].Status {
			wanted[i].LastTransitionTime = old.LastTransitionTime
		}
	}
	return wanted
}

// readyCondition returns Ready as True, False or Unknown.
func readyCondition(end *outcome.Outcome, status datav1alpha1.DatasetMixStatus) metav1.Condition {
	if end == nil {
		var rows []string
		for _, split := range status.Splits {
			rows = append(rows, fmt.Sprintf("%d rows of %s", *split.Rows, split.Name))
		}
		return metav1.Condition{
			Type: datav1alpha1.ConditionReady, Status: metav1.ConditionTrue, Reason: datav1alpha1.ReasonPublished,
			Message: fmt.Sprintf("Revision %s is published, with %s.", status.Published.Revision, strings.Join(rows, ", ")),
		}
	}
	value := metav1.ConditionFalse
	if end.Verdict == outcome.Progressing {
		value = metav1.ConditionUnknown
	}
	return metav1.Condition{Type: datav1alpha1.ConditionReady, Status: value, Reason: end.Reason, Message: end.Message}
}

// publish sets published to a finished build, and adds it to the history.
func publish(b *build.Build, status *datav1alpha1.DatasetMixStatus, now metav1.Time) {
	built := b.Target.Graph.Published
	if built == nil {
		return
	}
	published := &datav1alpha1.Published{
		Revision:  built.Revision,
		ClaimName: b.Target.Location.ClaimName,
		Path:      revision.Folder(b.Target.Location.Path).Revision(built.Revision),
		Digest:    built.Digest,
		Bytes:     &built.Bytes,
		Time:      now,
	}
	if old := status.Published; old != nil && old.Digest == published.Digest && old.Path == published.Path {
		published.Time = old.Time
	} else if job := b.Latest(b.Target.Graph.Steps[len(b.Target.Graph.Steps)-1]); job != nil {
		published.Time = ptr.Deref(b.EndedAt(job), now)
	}
	status.Published = published
	entry := datav1alpha1.HistoryEntry{
		Revision: published.Revision, Generation: b.Mix.Generation, Digest: published.Digest, Bytes: published.Bytes, Time: published.Time,
	}
	if len(status.History) > 0 && status.History[0].Revision == entry.Revision {
		return
	}
	same := func(old datav1alpha1.HistoryEntry) bool { return old.Revision == entry.Revision }
	status.History = slices.Insert(slices.DeleteFunc(status.History, same), 0, entry)
}

// recent returns the last entries of the history, and older ones that are held.
func recent(history []datav1alpha1.HistoryEntry, held []datav1alpha1.HeldRevision) []datav1alpha1.HistoryEntry {
	newest := slices.Clone(history[:min(len(history), historyLimit)])
	for _, entry := range history[len(newest):] {
		if slices.ContainsFunc(held, func(of datav1alpha1.HeldRevision) bool { return of.Revision == entry.Revision }) {
			newest = append(newest, entry)
		}
	}
	return newest
}

// summaryOf returns what `kubectl get` shows of a status.
func summaryOf(t build.Target, status datav1alpha1.DatasetMixStatus) *datav1alpha1.Summary {
	summary := &datav1alpha1.Summary{Stage: nothing, Progress: nothing}
	if next := t.Next(); next != nil {
		summary.Stage = string(next.Stage)
		for _, stage := range status.Stages {
			if stage.Name == summary.Stage {
				summary.Progress = fmt.Sprintf("%d/%d", *stage.Done, *stage.Total)
			}
		}
	}
	summary.Domains = shares(t.Recipe, status.Domains)
	return summary
}
