package envtest

import (
	"context"
	"fmt"
	"io"
	"sync"

	"github.com/fluxcd/cli-utils/pkg/kstatus/status"
	"github.com/google/go-cmp/cmp"
	apimeta "k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/watch"
	toolswatch "k8s.io/client-go/tools/watch"
	"k8s.io/utils/ptr"
	"sigs.k8s.io/controller-runtime/pkg/client"

	datav1alpha1 "github.com/datasetmix/datasetmix/api/v1alpha1"
)

// seen is what the witness saw of every version of every mix of every test.
var seen = &testimony{
	published: map[string]datav1alpha1.Published{},
	latest:    map[client.ObjectKey]*datav1alpha1.DatasetMix{}, waiting: map[client.ObjectKey]chan struct{}{},
}

// testimony gathers what is wrong with a status, whichever test it belongs to.
type testimony struct {
	mutex    sync.Mutex
	versions int
	problems []string
	// published by mix, claim and path.
	published map[string]datav1alpha1.Published
	// latest version of each mix, and who waits for another.
	latest  map[client.ObjectKey]*datav1alpha1.DatasetMix
	waiting map[client.ObjectKey]chan struct{}
}

// witness watches all mixes until the context ends. A watch skips no version, so each status that a pass wrote is judged.
func witness(ctx context.Context) error {
	list := &datav1alpha1.DatasetMixList{}
	if err := api.List(ctx, list); err != nil {
		return fmt.Errorf("listing the mixes: %w", err)
	}
	watcher, err := toolswatch.NewRetryWatcherWithContext(ctx, list.ResourceVersion, mixWatcher{})
	if err != nil {
		return fmt.Errorf("watching the mixes: %w", err)
	}
	go func() {
		for event := range watcher.ResultChan() {
			if mix, ok := event.Object.(*datav1alpha1.DatasetMix); ok && event.Type != watch.Deleted {
				seen.see(mix)
			}
		}
	}()
	return nil
}

type mixWatcher struct{}

func (mixWatcher) WatchWithContext(ctx context.Context, options metav1.ListOptions) (watch.Interface, error) {
	return api.Watch(ctx, &datav1alpha1.DatasetMixList{}, &client.ListOptions{Raw: &options})
}

func (s *testimony) see(mix *datav1alpha1.DatasetMix) {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	s.versions++
	key := client.ObjectKeyFromObject(mix)
	s.latest[key] = mix
	if waiting := s.waiting[key]; waiting != nil {
		close(waiting)
		delete(s.waiting, key)
	}
	name := mix.Namespace + "/" + mix.Name + "/" + string(mix.UID)
	for _, problem := range append(flaws(mix), s.moved(name, mix)...) {
		s.problems = append(s.problems, fmt.Sprintf("%s at resourceVersion %s: %s", name, mix.ResourceVersion, problem))
	}
}

// wait returns the first version of a mix that is as wanted; when the context ends before, the last one.
func (s *testimony) wait(ctx context.Context, key client.ObjectKey, wanted func(*datav1alpha1.DatasetMix) bool) (*datav1alpha1.DatasetMix, error) {
	for {
		s.mutex.Lock()
		mix, waiting := s.latest[key], s.waiting[key]
		if waiting == nil {
			waiting = make(chan struct{})
			s.waiting[key] = waiting
		}
		s.mutex.Unlock()
		if mix != nil && wanted(mix) {
			return mix, nil
		}
		select {
		case <-waiting:
		case <-ctx.Done():
			return mix, ctx.Err()
		}
	}
}

// moved returns what of a published revision changed. One that is built again somewhere else has another path.
func (s *testimony) moved(name string, mix *datav1alpha1.DatasetMix) []string {
	var problems []string
	if now := mix.Status.Published; now != nil {
		key := fmt.Sprint(name, "/", now.ClaimName, "/", now.Path)
		now := *now.DeepCopy()
		now.Time = metav1.Time{} // a status that was lost with its Jobs tells a later one
		if then, ok := s.published[key]; ok && !cmp.Equal(then, now) {
			problems = append(problems, "a published revision changed:\n"+cmp.Diff(then, now))
		}
		s.published[key] = now
	}
	return problems
}

// report writes the problems down and says how many there are.
func (s *testimony) report(to io.Writer) int {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	fmt.Fprintf(to, "witness: %d versions of mixes, %d problems\n", s.versions, len(s.problems))
	for _, problem := range s.problems {
		fmt.Fprintln(to, problem)
	}
	return len(s.problems)
}

// flaws returns the ways in which a status contradicts kstatus and the conventions for conditions.
func flaws(mix *datav1alpha1.DatasetMix) []string {
	var problems []string
	wrong := func(format string, args ...any) { problems = append(problems, fmt.Sprintf(format, args...)) }
	conditions := mix.Status.Conditions
	is := func(kind string) bool { return apimeta.IsStatusConditionTrue(conditions, kind) }
	ready, reconciling, stalled := is(datav1alpha1.ConditionReady), is(datav1alpha1.ConditionReconciling), is(datav1alpha1.ConditionStalled)
	if ready && (reconciling || stalled) {
		wrong("Ready together with an abnormal condition: %+v", conditions)
	}
	if reconciling && stalled {
		wrong("Reconciling together with Stalled: %+v", conditions)
	}
	if stalled && !apimeta.IsStatusConditionFalse(conditions, datav1alpha1.ConditionReady) {
		wrong("Stalled without Ready being False: %+v", conditions)
	}
	for _, condition := range conditions {
		if condition.Type != datav1alpha1.ConditionReady && condition.Status != metav1.ConditionTrue {
			wrong("condition %s is present and not True", condition.Type)
		}
		if len(condition.Message) > 2048 || condition.Message == "" {
			wrong("the message of %s has %d bytes", condition.Type, len(condition.Message))
		}
		if condition.ObservedGeneration > mix.Generation {
			wrong("condition %s is of generation %d, of %d", condition.Type, condition.ObservedGeneration, mix.Generation)
		}
	}
	return append(problems, generationFlaws(mix)...)
}

// generationFlaws returns what is wrong with observedGeneration, which is -1 until the controller came to an end with a generation, and then that
// generation; and kstatus sees what the conditions say.
func generationFlaws(mix *datav1alpha1.DatasetMix) []string {
	var problems []string
	observed := ptr.Deref(mix.Status.ObservedGeneration, 0)
	if observed == 0 || observed < -1 || observed > mix.Generation {
		problems = append(problems, fmt.Sprintf("observedGeneration is %v, generation %d", mix.Status.ObservedGeneration, mix.Generation))
	}
	of := func(kind string) bool {
		condition := apimeta.FindStatusCondition(mix.Status.Conditions, kind)
		return condition != nil && condition.Status == metav1.ConditionTrue && condition.ObservedGeneration == mix.Generation
	}
	want := status.InProgressStatus
	switch {
	case !mix.DeletionTimestamp.IsZero():
		want = status.TerminatingStatus
	case of(datav1alpha1.ConditionReady):
		want = status.CurrentStatus
	case of(datav1alpha1.ConditionStalled):
		want = status.FailedStatus
	}
	if want != status.InProgressStatus && want != status.TerminatingStatus && observed != mix.Generation {
		problems = append(problems, fmt.Sprintf("it is %s, and observedGeneration is %d, not %d", want, observed, mix.Generation))
	}
	content, err := runtime.DefaultUnstructuredConverter.ToUnstructured(mix)
	if err != nil {
		return append(problems, err.Error())
	}
	switch result, err := status.Compute(&unstructured.Unstructured{Object: content}); {
	case err != nil:
		problems = append(problems, "kstatus: "+err.Error())
	case result.Status != want:
		problems = append(problems, fmt.Sprintf("kstatus says %s, want %s: %+v", result.Status, want, mix.Status.Conditions))
	}
	return problems
}
