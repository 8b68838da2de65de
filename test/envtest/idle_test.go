package envtest

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/utils/ptr"
	"sigs.k8s.io/controller-runtime/pkg/client"

	datav1alpha1 "github.com/datasetmix/datasetmix/api/v1alpha1"
	"github.com/datasetmix/datasetmix/internal/contract"
	"github.com/datasetmix/datasetmix/internal/pipeline"
)

const (
	// idleMixes are ready while the API server counts.
	idleMixes = 100
	// idleTime is how long nothing may be written.
	idleTime = 2 * time.Minute
	// writesPerBuild bounds what one build of six data sets costs the API server, without its Events.
	writesPerBuild = 25
)

// TestIdle: once mixes are ready, stalled or suspended, the manager writes nothing at all, and no version of anything of theirs
// moves, for two minutes. What the builds cost until then is counted as well.
func TestIdle(t *testing.T) {
	needAPI(t)
	t.Parallel()
	f, err := newFleet(t.Context(), 8)
	if err != nil {
		t.Fatal(err)
	}
	spaces := map[string]string{"ready": namespace(t), "stalled": namespace(t), "suspended": namespace(t), "suspended-running": namespace(t)}
	begin := time.Now()
	f.serve(spaces["ready"], steady)
	many(t, spaces["ready"], idleMixes)
	f.serve(spaces["stalled"], func(task contract.Task, unit pipeline.Node, _ int) ending {
		return fails(task, unit, contract.SourceNotFound, "data set math: no such revision")
	})
	stalled := create(t, spaces["stalled"], nil)
	suspended := create(t, spaces["suspended"], func(mix *datav1alpha1.DatasetMix) { mix.Spec.Suspend = ptr.To(true) })
	f.serve(spaces["suspended-running"], steady)
	f.hold(spaces["suspended-running"], true)
	running := create(t, spaces["suspended-running"], nil)
	expect(t, running, hasReason(datav1alpha1.ReasonProgressing))
	update(t, running, func(mix *datav1alpha1.DatasetMix) { mix.Spec.Suspend = ptr.To(true) })
	expect(t, stalled, hasReason(datav1alpha1.ReasonSourceNotFound))
	expect(t, suspended, hasReason(datav1alpha1.ReasonSuspended))
	expect(t, running, hasReason(datav1alpha1.ReasonSuspended))

	mine := func(event auditEvent) bool {
		return event.writes() && slices.Contains(slices.Collect(maps.Values(spaces)), event.ObjectRef.Namespace)
	}
	eventually(t, "the last Event is written", func() string { // they are written beside the passes
		since := time.Now()
		time.Sleep(2 * time.Second)
		return written(audited(t, since, time.Now(), mine))
	})
	idle := time.Now()
	before := allVersions(t, spaces)
	time.Sleep(idleTime)
	if diff := cmp.Diff(before, allVersions(t, spaces)); diff != "" {
		t.Errorf("versions moved in %s in which nothing happened (-before +after):\n%s", idleTime, diff)
	}
	if wrote := written(audited(t, idle, time.Now(), mine)); wrote != "" {
		t.Errorf("the manager wrote in %s in which nothing happened: %s", idleTime, wrote)
	}
	built := audited(t, begin, idle, func(event auditEvent) bool {
		return event.writes() && event.ObjectRef.Namespace == spaces["ready"]
	})
	counts := tally(built)
	told := counts["create events"] + counts["patch events"]
	cost := float64(len(built)-told) / idleMixes
	t.Logf("%d builds: %.1f writes each, and %.1f Events: %v", idleMixes, cost, float64(told)/idleMixes, counts)
	if cost > writesPerBuild || cost < 1 {
		t.Errorf("a build costs %.1f writes, want at most %d", cost, writesPerBuild)
	}
}

// written returns what was written, "" if nothing was.
func written(events []auditEvent) string {
	if len(events) == 0 {
		return ""
	}
	return fmt.Sprint(tally(events))
}

// many makes mixes of six data sets in a namespace and waits until all are ready.
func many(t *testing.T, space string, number int) {
	t.Helper()
	var group sync.WaitGroup
	for i := range number {
		group.Go(func() {
			mix := sample(t, space)
			mix.Name = fmt.Sprintf("mix-%04d", i)
			if err := api.Create(t.Context(), mix); err != nil {
				t.Errorf("creating %s: %v", mix.Name, err)
				return
			}
			expect(t, mix, isPublished)
		})
	}
	group.Wait()
	if t.Failed() {
		t.FailNow()
	}
}

// expect waits, on the witness's watch, until a mix is as wanted.
func expect(t *testing.T, mix *datav1alpha1.DatasetMix, wanted func(*datav1alpha1.DatasetMix) bool) {
	t.Helper()
	ctx, stop := context.WithTimeout(t.Context(), 10*timeout)
	defer stop()
	if last, err := seen.wait(ctx, client.ObjectKeyFromObject(mix), wanted); err != nil {
		t.Errorf("%s never becomes as wanted: %v: %+v", mix.Name, err, last)
	}
}

// allVersions returns the versions of all objects of some namespaces that a manager may write to.
func allVersions(t *testing.T, spaces map[string]string) map[string]string {
	t.Helper()
	all := map[string]string{}
	for _, space := range spaces {
		for _, list := range []client.ObjectList{
			&datav1alpha1.DatasetMixList{}, &batchv1.JobList{}, &corev1.ConfigMapList{}, &corev1.PersistentVolumeClaimList{},
		} {
			if err := api.List(t.Context(), list, client.InNamespace(space)); err != nil {
				t.Fatal(err)
			}
			for name, version := range versionsOf(list) {
				all[fmt.Sprintf("%s %T %s", space, list, name)] = version
			}
		}
	}
	return all
}
