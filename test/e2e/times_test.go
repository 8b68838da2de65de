package e2e

import (
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	datav1alpha1 "github.com/datasetmix/datasetmix/api/v1alpha1"
)

// TestTimes measures how long people wait for the six data sets, and for another ratio of them, TIMES times over. It asserts nothing of
// it: on a busy machine the figures are the machine's.
func TestTimes(t *testing.T) {
	times, err := strconv.Atoi(os.Getenv("TIMES"))
	if err != nil || times < 1 {
		t.Skip("set TIMES to the number of builds to measure, on a machine that does nothing else")
	}
	var builds, edits []time.Duration
	for i := range times {
		e := newCluster(t)
		mix := e.sixDataSets()
		began := time.Now()
		e.must(e.Create(t.Context(), mix))
		builds = append(builds, e.readySince(began, mix.Name))
		began = time.Now()
		e.must(e.Patch(t.Context(), mix, client.RawPatch(types.JSONPatchType, []byte(`[{"op":"replace","path":"/spec/domains/0/share","value":"5"}]`))))
		edits = append(edits, e.readySince(began, mix.Name))
		load, _ := os.ReadFile("/proc/loadavg")
		t.Logf("%d: built in %s, another ratio in %s; load %s", i+1, builds[i].Round(time.Millisecond), edits[i].Round(time.Millisecond), strings.TrimSpace(string(load)))
	}
	slices.Sort(builds)
	slices.Sort(edits)
	t.Logf("medians of %d: apply to Ready %s, ratio edit to Ready %s", times, builds[times/2].Round(time.Millisecond), edits[times/2].Round(time.Millisecond))
}

// readySince waits, looking often, until the present generation of a mix is Ready, and returns how long that took.
func (e *cluster) readySince(began time.Time, name string) time.Duration {
	e.Helper()
	mix := &datav1alpha1.DatasetMix{}
	for time.Since(began) < patience {
		e.must(e.Get(e.Context(), client.ObjectKey{Namespace: e.namespace, Name: name}, mix))
		if isReady(mix) {
			return time.Since(began)
		}
		time.Sleep(20 * time.Millisecond)
	}
	e.Fatalf("%s", show(mix))
	return 0
}
