package stage

import (
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/datasetmix/datasetmix/internal/pipeline"
	"github.com/datasetmix/datasetmix/internal/progress"
	"github.com/datasetmix/datasetmix/internal/testing/recipes"
)

// TestProgressIsTrue: what the meters of a build count is what its results say.
func TestProgressIsTrue(t *testing.T) {
	w := filled(t)
	var mutex sync.Mutex
	meters, seen := map[string]*progress.Meter{}, map[string][]int{}
	w.worker.Meter = func(stage pipeline.Stage, unit pipeline.Node) *progress.Meter {
		mutex.Lock()
		defer mutex.Unlock()
		m := &progress.Meter{}
		meters[string(stage)+" "+unit.Name] = m
		return m
	}
	stop := watched(func() {
		mutex.Lock()
		defer mutex.Unlock()
		for name, m := range meters {
			seen[name] = append(seen[name], m.Snapshot().Percent)
		}
	})
	r := recipes.Two()
	results, err := w.worker.Build(t.Context(), r, 2, w)
	stop()
	if err != nil {
		t.Fatal(err)
	}
	for name, percents := range seen {
		if !slices.IsSorted(percents) || slices.Contains(percents, 100) {
			t.Errorf("%s: %v", name, percents)
		}
	}
	graph, err := pipeline.Walk(r, results)
	if err != nil {
		t.Fatal(err)
	}
	wantCounted(t, graph, results, meters)
}

// watched looks every millisecond, and once more when it is stopped.
func watched(look func()) (stop func()) {
	ended := make(chan struct{})
	var watching sync.WaitGroup
	watching.Go(func() {
		for ticks := time.NewTicker(time.Millisecond); ; {
			select {
			case <-ended:
				ticks.Stop()
				look()
				return
			case <-ticks.C:
				look()
			}
		}
	})
	return func() { close(ended); watching.Wait() }
}

// wantCounted wants the meters of all units to have counted what their results say.
func wantCounted(t *testing.T, graph pipeline.Graph, results map[string]pipeline.Result, meters map[string]*progress.Meter) {
	t.Helper()
	given := int64(0)
	type counted struct{ Rows, OfRows, Bytes, OfBytes int64 }
	want, got := map[string]counted{}, map[string]counted{}
	for _, step := range graph.Steps {
		for _, unit := range step.Nodes {
			name, result := string(step.Stage)+" "+unit.Name, results[unit.Key]
			m := meters[name]
			if m == nil {
				t.Fatalf("%s is not counted", name)
			}
			now := m.Snapshot()
			got[name] = counted{now.Rows, now.OfRows, now.Bytes, now.OfBytes}
			switch {
			case result.Download != nil:
				want[name] = counted{Bytes: result.Download.Bytes, OfBytes: result.Download.Bytes}
			case result.Split != nil:
				kept := result.Split.Read - result.Split.DroppedRows()
				want[name] = counted{Rows: kept, OfRows: kept, Bytes: result.Split.Bytes}
				given += kept
			case result.Mix != nil:
				want[name] = counted{Rows: result.Mix.Rows, OfRows: result.Mix.Rows, Bytes: result.Mix.Bytes}
			case result.Balance != nil: // its last phase writes what has lost rows
				got[name] = counted{OfRows: now.OfRows}
				want[name] = counted{OfRows: given}
			case result.Publish != nil:
				if now.Bytes == 0 || now.OfBytes == 0 || now.Bytes > 2*now.OfBytes {
					t.Errorf("%s: %+v", name, now)
				}
				delete(got, name)
			}
		}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("counted (-want +got):\n%s", diff)
	}
}
