package ledger

import (
	"encoding/json"
	"fmt"
	"maps"
	"strings"

	corev1 "k8s.io/api/core/v1"

	datav1alpha1 "github.com/datasetmix/datasetmix/api/v1alpha1"
	"github.com/datasetmix/datasetmix/controllers/internal/jobs"
	"github.com/datasetmix/datasetmix/internal/contract"
	"github.com/datasetmix/datasetmix/internal/pipeline"
	"github.com/datasetmix/datasetmix/internal/render"
)

// Ledger is the record of the work at one location.
type Ledger struct {
	Results  map[string]pipeline.Result
	Failures map[string]jobs.Failure
	// Requests do not depend on the location.
	Requests Requests
}

const failurePrefix = "failed."

// Read returns the results and failures at a location that a ConfigMap records, which may be nil. Entries that cannot be read, such as those of another
// release, and all entries of another location are omitted.
func Read(config *corev1.ConfigMap, location render.Location) Ledger {
	l := Ledger{Results: map[string]pipeline.Result{}, Failures: map[string]jobs.Failure{}}
	if !IsAt(config, location) {
		return l
	}
	for key, value := range config.Data {
		if key == requestsKey {
			continue
		}
		if job, ok := strings.CutPrefix(key, failurePrefix); ok {
			var note jobs.Failure
			if json.Unmarshal([]byte(value), &note) == nil {
				note.FailureNote = note.Judged()
				l.Failures[job] = note
			}
			continue
		}
		var result pipeline.Result
		if json.Unmarshal([]byte(value), &result) != nil {
			continue
		}
		if judged, err := contract.Judge(result); err == nil {
			l.Results[key] = judged
		}
	}
	return l
}

// IsAt reports whether a ConfigMap, which may be nil, records the work at a location.
func IsAt(config *corev1.ConfigMap, location render.Location) bool {
	return config != nil && config.Annotations[datav1alpha1.AnnotationLocation] == location.String()
}

// Data returns the entries of the ConfigMap.
func (l Ledger) Data() (map[string]string, error) {
	data := map[string]string{}
	for key, result := range l.Results {
		encoded, err := json.Marshal(result)
		if err != nil {
			return nil, fmt.Errorf("encoding a result: %w", err)
		}
		data[key] = string(encoded)
	}
	for job, note := range l.Failures {
		encoded, err := json.Marshal(note)
		if err != nil {
			return nil, fmt.Errorf("encoding a failure: %w", err)
		}
		data[failurePrefix+job] = string(encoded)
	}
	if encoded, ok := l.Requests.encode(); ok {
		data[requestsKey] = encoded
	}
	return data, nil
}

// Size returns the bytes of the ledger.
func (l Ledger) Size() int {
	data, _ := l.Data() // an entry that cannot be encoded is an error of its caller
	return SizeOf(data)
}

// SizeOf returns the bytes of a ConfigMap's entries.
func SizeOf(data map[string]string) int {
	size := 0
	for key, value := range data {
		size += len(key) + len(value)
	}
	return size
}

// Fail records why a Job failed, and drops the results of the units that it found damaged.
func (l Ledger) Fail(job string, note jobs.Failure) {
	l.Failures[job] = note
	maps.DeleteFunc(l.Results, func(key string, _ pipeline.Result) bool { return note.Damages(key) })
}
