package controllers

import (
	"github.com/prometheus/client_golang/prometheus"
	apimeta "k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/utils/ptr"

	datav1alpha1 "github.com/datasetmix/datasetmix/api/v1alpha1"
	"github.com/datasetmix/datasetmix/controllers/internal/status"
	"github.com/datasetmix/datasetmix/internal/contract"
	"github.com/datasetmix/datasetmix/internal/pipeline"
)

// Metrics are the manager's metrics, in addition to those of controller-runtime; docs/metrics.md lists them. They are updated after the status was
// written, so no transition is counted twice.
type Metrics struct {
	revisions, stalls, fetchErrors, writes, jobs *prometheus.CounterVec
	fetchBytes, readBack, duplicates             prometheus.Counter
	duration                                     *prometheus.HistogramVec
	states                                       map[string]*prometheus.GaugeVec
	// resourceWrites counts the writes for each mix; writes counts them by verb and kind.
	resourceWrites *prometheus.CounterVec
}

// stateMetrics are the states for which each mix has a gauge.
var stateMetrics = []struct{ state, help string }{
	{"ready", "1 while the revision of a mix's present generation is published, else 0."},
	{"reconciling", "1 while work on a mix is going on, else 0."},
	{"stalled", "1 while a person has to act on a mix, else 0."},
	{"suspended", "1 while spec.suspend of a mix is true, else 0."},
}

const metricsNamespace = "datasetmix"

// NewMetrics returns registered metrics.
func NewMetrics(registry prometheus.Registerer) *Metrics {
	opts := func(name, help string) prometheus.CounterOpts {
		return prometheus.CounterOpts{Namespace: metricsNamespace, Name: name, Help: help}
	}
	m := &Metrics{
		revisions:   prometheus.NewCounterVec(opts("revisions_total", "Builds that came to an end, by result: published or stalled."), []string{"result"}),
		stalls:      prometheus.NewCounterVec(opts("stalls_total", "Mixes that stalled, by the reason of the condition."), []string{"reason"}),
		fetchErrors: prometheus.NewCounterVec(opts("source_fetch_errors_total", "Jobs of the download stage that failed, by reason."), []string{"reason"}),
		writes:      prometheus.NewCounterVec(opts("reconcile_writes_total", "Writes to the API server that succeeded, by verb and kind."), []string{"verb", "kind"}),
		jobs:        prometheus.NewCounterVec(opts("jobs_created_total", "Jobs made, by stage."), []string{"stage"}),
		fetchBytes:  prometheus.NewCounter(opts("source_fetch_bytes_total", "Bytes of the originals of data sets that were resolved.")),
		readBack:    prometheus.NewCounter(opts("read_back_total", "Jobs made to read results back from the volume, since pods were gone before they were read.")),
		duplicates:  prometheus.NewCounter(opts("job_duplicate_avoided_total", "Objects that were about to be made and existed already: the cache was late.")),
		duration: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Namespace: metricsNamespace, Name: "stage_duration_seconds", Help: "Time from a stage's start to the end of its last Job, by stage; time in a queue is not counted.",
			Buckets: []float64{1, 5, 15, 30, 60, 120, 300, 600, 1200, 1800, 3600, 7200, 14400, 21600},
		}, []string{"stage"}),
		states: map[string]*prometheus.GaugeVec{},
		resourceWrites: prometheus.NewCounterVec(prometheus.CounterOpts{
			Namespace: metricsNamespace, Subsystem: "resource", Name: "writes_total", Help: "Writes to the API server that succeeded, by the mix that they were for.",
		}, []string{"namespace", "name"}),
	}
	registry.MustRegister(m.revisions, m.stalls, m.fetchErrors, m.writes, m.jobs, m.fetchBytes, m.readBack, m.duplicates, m.duration, m.resourceWrites)
	for _, metric := range stateMetrics {
		gauge := prometheus.NewGaugeVec(prometheus.GaugeOpts{
			Namespace: metricsNamespace, Subsystem: "resource", Name: metric.state, Help: metric.help,
		}, []string{"namespace", "name"})
		m.states[metric.state] = gauge
		registry.MustRegister(gauge)
	}
	return m
}

// tally has what a pass did, for the metrics.
type tally struct {
	writes               []write
	jobs                 []pipeline.Stage
	readBack, duplicates int
	fetchErrors          []contract.Reason
}

type write struct{ verb, kind string }

func (t *tally) wrote(verb, kind string) { t.writes = append(t.writes, write{verb, kind}) }

// count adds a pass to the metrics: what it did, and the difference between two states of the mix.
func (m *Metrics) count(done tally, before, after *datav1alpha1.DatasetMix) {
	if m == nil {
		return
	}
	for _, write := range done.writes {
		m.writes.WithLabelValues(write.verb, write.kind).Inc()
	}
	if len(done.writes) > 0 {
		m.resourceWrites.WithLabelValues(after.Namespace, after.Name).Add(float64(len(done.writes)))
	}
	for _, stage := range done.jobs {
		m.jobs.WithLabelValues(string(stage)).Inc()
	}
	for _, reason := range done.fetchErrors {
		m.fetchErrors.WithLabelValues(string(reason)).Inc()
	}
	m.readBack.Add(float64(done.readBack))
	m.duplicates.Add(float64(done.duplicates))
	for _, event := range status.Transitions(before, after) {
		switch event.Action {
		case "Publish":
			m.revisions.WithLabelValues("published").Inc()
		case "Stall":
			m.revisions.WithLabelValues("stalled").Inc()
			m.stalls.WithLabelValues(event.Reason).Inc()
		}
	}
	m.fetchBytes.Add(float64(fetched(before, after)))
	m.durations(before, after)
	m.state(after)
}

// fetched returns the bytes of the originals that were downloaded between two states.
func fetched(before, after *datav1alpha1.DatasetMix) int64 {
	known := map[string]string{}
	for _, dataset := range before.Status.Datasets {
		if dataset.Source != nil {
			known[dataset.Name] = dataset.Source.Digest
		}
	}
	var bytes int64
	for _, dataset := range after.Status.Datasets {
		if source := dataset.Source; source != nil && source.Digest != known[dataset.Name] {
			bytes += ptr.Deref(source.Bytes, 0)
		}
	}
	return bytes
}

func (m *Metrics) durations(before, after *datav1alpha1.DatasetMix) {
	for _, stage := range after.Status.Stages {
		ended := stage.State == datav1alpha1.StageSucceeded && status.Stage(before, stage.Name).State != datav1alpha1.StageSucceeded
		if ended && stage.StartTime != nil && stage.CompletionTime != nil {
			m.duration.WithLabelValues(stage.Name).Observe(stage.CompletionTime.Sub(stage.StartTime.Time).Seconds())
		}
	}
}

func (m *Metrics) state(mix *datav1alpha1.DatasetMix) {
	conditions := mix.Status.Conditions
	for state, is := range map[string]bool{
		"ready":       apimeta.IsStatusConditionTrue(conditions, datav1alpha1.ConditionReady),
		"reconciling": apimeta.IsStatusConditionTrue(conditions, datav1alpha1.ConditionReconciling),
		"stalled":     apimeta.IsStatusConditionTrue(conditions, datav1alpha1.ConditionStalled),
		"suspended":   ptr.Deref(mix.Spec.Suspend, false),
	} {
		value := 0.0
		if is {
			value = 1
		}
		m.states[state].WithLabelValues(mix.Namespace, mix.Name).Set(value)
	}
}

// forget deletes the series of a deleted mix.
func (m *Metrics) forget(mix types.NamespacedName) {
	if m == nil {
		return
	}
	m.resourceWrites.DeleteLabelValues(mix.Namespace, mix.Name)
	for _, gauge := range m.states {
		gauge.DeleteLabelValues(mix.Namespace, mix.Name)
	}
}
