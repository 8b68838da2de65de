package status

import (
	"fmt"

	corev1 "k8s.io/api/core/v1"
	apimeta "k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"

	datav1alpha1 "github.com/datasetmix/datasetmix/api/v1alpha1"
)

// Event is one Event to record. Action is what the operator did or does about it.
type Event struct {
	Kind, Reason, Action, Note string
}

// Transitions returns the Events between two states of a mix: a pure function of both, so that a pass that changes nothing records nothing.
func Transitions(before, after *datav1alpha1.DatasetMix) []Event {
	var events []Event
	for _, stage := range after.Status.Stages {
		for _, of := range stageEvents(Stage(before, stage.Name), stage) {
			events = together(events, of)
		}
	}
	if now, then := after.Status.Published, before.Status.Published; now != nil && (then == nil || then.Digest != now.Digest || then.Path != now.Path) {
		note := fmt.Sprintf("Published revision %s on claim %s at %s.", now.Revision, now.ClaimName, now.Path)
		events = append(events, Event{corev1.EventTypeNormal, datav1alpha1.EventRevisionPublished, "Publish", note})
	}
	return append(events, conditionEvents(before, after)...)
}

// together appends an event or, if there is one with the same reason about another stage, adds its note to that one: of several Events about one
// version of an object that differ only in their notes, Kubernetes keeps the first and only counts the others.
func together(events []Event, more Event) []Event {
	for i := range events {
		if events[i].Reason == more.Reason {
			events[i].Note += " " + more.Note
			return events
		}
	}
	return append(events, more)
}

// Stage returns the status of a stage, or one that has not begun.
func Stage(mix *datav1alpha1.DatasetMix, name string) datav1alpha1.StageStatus {
	for _, stage := range mix.Status.Stages {
		if stage.Name == name {
			return stage
		}
	}
	return datav1alpha1.StageStatus{Name: name, State: datav1alpha1.StagePending}
}

func stageEvents(then, now datav1alpha1.StageStatus) []Event {
	var events []Event
	record := func(kind, reason, action, note string) {
		events = append(events, Event{kind, reason, action, note})
	}
	switch {
	case now.Attempt > 1 && now.Attempt > then.Attempt:
		record(corev1.EventTypeWarning, datav1alpha1.EventStageRetried, "Retry", fmt.Sprintf("Stage %s: attempt %d.", now.Name, now.Attempt))
	case now.Attempt > 0 && now.StartTime != nil && (then.StartTime == nil || now.StartTime.After(then.StartTime.Time)):
		record(corev1.EventTypeNormal, datav1alpha1.EventStageStarted, "Build", fmt.Sprintf("Stage %s started.", now.Name))
	}
	if now.State == datav1alpha1.StageSucceeded && then.State != datav1alpha1.StageSucceeded && now.Attempt > 0 {
		record(corev1.EventTypeNormal, datav1alpha1.EventStageSucceeded, "Build", fmt.Sprintf("Stage %s is done, %d of %d.", now.Name, *now.Done, *now.Total))
	}
	return events
}

func conditionEvents(before, after *datav1alpha1.DatasetMix) []Event {
	var events []Event
	then, now := Condition(before, datav1alpha1.ConditionStalled), Condition(after, datav1alpha1.ConditionStalled)
	if now.Status == metav1.ConditionTrue && (then.Status != now.Status || then.Reason != now.Reason) {
		events = append(events, Event{corev1.EventTypeWarning, now.Reason, "Stall", now.Message})
	}
	wasSuspended := Condition(before, datav1alpha1.ConditionReady).Reason == datav1alpha1.ReasonSuspended
	isSuspended := Condition(after, datav1alpha1.ConditionReady).Reason == datav1alpha1.ReasonSuspended
	switch {
	case isSuspended && !wasSuspended:
		events = append(events, Event{corev1.EventTypeNormal, datav1alpha1.EventSuspended, "Suspend", Condition(after, datav1alpha1.ConditionReady).Message})
	case wasSuspended && !isSuspended && !ptr.Deref(after.Spec.Suspend, false):
		events = append(events, Event{corev1.EventTypeNormal, datav1alpha1.EventResumed, "Resume", "The build goes on."})
	}
	return events
}

// Condition returns a condition of a mix, or an empty one.
func Condition(mix *datav1alpha1.DatasetMix, kind string) metav1.Condition {
	if found := apimeta.FindStatusCondition(mix.Status.Conditions, kind); found != nil {
		return *found
	}
	return metav1.Condition{}
}
