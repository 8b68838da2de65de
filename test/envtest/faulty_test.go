package envtest

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	apimeta "k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	datav1alpha1 "github.com/datasetmix/datasetmix/api/v1alpha1"
	"github.com/datasetmix/datasetmix/internal/contract"
	"github.com/datasetmix/datasetmix/internal/pipeline"
)

const (
	// atOnce is the number of concurrent runs.
	atOnce = 12
	// patience is how long a run may take; an undisturbed one takes half a second alone.
	patience = 2 * time.Minute
)

type workers = func(contract.Task, pipeline.Node, int) ending

// small returns a mix of one data set: what the manager calls does not depend on how many there are.
func small(t *testing.T) *datav1alpha1.DatasetMix {
	t.Helper()
	mix := sample(t, "")
	mix.Name = "small"
	mix.Spec.Domains = mix.Spec.Domains[:1]
	mix.Spec.Domains[0].Datasets = mix.Spec.Domains[0].Datasets[:1]
	return mix
}

// campaign runs a scenario with each fault at each call.
type campaign struct {
	t        *testing.T
	fleet    *fleet
	scenario scenario
	want     string
	number   atomic.Int64
}

// play runs the scenario once; inject may spoil a call of it.
func (c *campaign) play(ctx context.Context, inject *injector) (*course, error) {
	space := fmt.Sprintf("fault-%s-%d", c.scenario.name, c.number.Add(1))
	apart.Store(space, true)
	if err := api.Create(ctx, &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: space}}); err != nil {
		return nil, err
	}
	r := &course{space: space, name: c.scenario.mix.Name, fleet: c.fleet, inject: inject}
	r.shift = c.fleet.serve(space, c.scenario.work())
	mix := c.scenario.mix.DeepCopy()
	mix.Namespace = space
	if err := api.Create(ctx, mix); err != nil {
		return nil, err
	}
	life, end := context.WithCancel(ctx)
	operated := make(chan error, 1)
	go func() { operated <- r.operate(life) }()
	err := c.steps(ctx, r)
	end()
	if ended := <-operated; err == nil && ended != nil {
		err = fmt.Errorf("the manager ended: %w", ended)
	}
	return r, err
}

func (c *campaign) steps(ctx context.Context, r *course) error {
	if r.inject.fault == stale {
		// A cache that was late catches up, and the event of what it had missed starts a pass.
		go func() {
			select {
			case <-r.inject.hit:
				_ = r.poke(ctx)
			case <-ctx.Done():
			}
		}()
	}
	if err := c.scenario.steps(ctx, r); err != nil {
		return err
	}
	if c.want == "" {
		return nil
	}
	if err := r.settles(ctx, c.want); err != nil {
		return err
	}
	// How often a pass is made, and a status written, depends on which events come together: a call that this run made less often
	// than the recorded one is provoked.
	for r.inject.fault != "" && !r.inject.met() {
		if err := r.provoke(ctx, r.inject.at.what); err != nil {
			return fmt.Errorf("the call was never made: %w", err)
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("the call was never made, in %d calls", len(r.inject.trace()))
		case <-time.After(interval / 4):
		}
		if r.inject.met() {
			return r.settles(ctx, c.want)
		}
	}
	return nil
}

// record plays the scenario undisturbed: it sets the state to come to, and returns the calls.
func (c *campaign) record() []call {
	c.t.Helper()
	counts := map[string][]int{}
	const plays = 3
	for range plays {
		ctx, stop := context.WithTimeout(c.t.Context(), patience)
		inject := newInjector(call{}, "")
		r, err := c.play(ctx, inject)
		if err != nil {
			c.t.Fatalf("undisturbed: %v", err)
		}
		state, err := r.state(ctx)
		stop()
		if err != nil {
			c.t.Fatal(err)
		}
		if c.want != "" && c.want != state {
			c.t.Fatalf("two undisturbed runs differ:\n%s", byLine(c.want, state))
		}
		c.want = state
		for what, n := range inject.count {
			counts[what] = append(counts[what], n)
		}
	}
	var calls []call
	for what, n := range counts {
		most := slices.Max(n)
		if !strings.Contains(what, "get ") && !strings.Contains(what, "list ") || what == eventRead || what == lagRead {
			// how often a write or an event happens cannot be helped along: every run makes the fewest
			most = slices.Min(n)
			if len(n) < plays {
				most = 0
			}
		}
		for i := range most {
			calls = append(calls, call{what, i})
		}
	}
	slices.SortFunc(calls, func(a, b call) int { return cmp.Or(cmp.Compare(a.what, b.what), cmp.Compare(a.n, b.n)) })
	return calls
}

// spoil runs one case, and says what is wrong.
func (c *campaign) spoil(at call, with fault) error {
	ctx, stop := context.WithTimeout(c.t.Context(), patience)
	defer stop()
	r, err := c.play(ctx, newInjector(at, with))
	if err != nil {
		return err
	}
	if problems := append(r.duplicates(), r.fleet.problems(r.space)...); len(problems) > 0 {
		return fmt.Errorf("%s", strings.Join(problems, "\n"))
	}
	return nil
}

// each runs every case, and returns how many there were.
func (c *campaign) each(calls []call) int {
	type one struct {
		at   call
		with fault
	}
	cases := make(chan one)
	var group sync.WaitGroup
	var done atomic.Int64
	for range atOnce {
		group.Go(func() {
			for one := range cases {
				if err := c.spoil(one.at, one.with); err != nil {
					c.t.Errorf("%s at %s, number %d: %v", one.with, one.at.what, one.at.n, err)
				}
				done.Add(1)
			}
		})
	}
	for _, at := range calls {
		for _, with := range faults {
			cases <- one{at, with}
		}
	}
	close(cases)
	group.Wait()
	return int(done.Load())
}

// TestFaults: whichever call of the manager's fails, in whichever way, it comes to the same end.
func TestFaults(t *testing.T) {
	needServer(t)
	t.Parallel()
	fleet, err := newFleet(t.Context(), atOnce)
	if err != nil {
		t.Fatal(err)
	}
	known := map[string]bool{}
	for _, scenario := range []scenario{
		{name: "build", mix: small(t), work: func() workers { return steady }, steps: build},
		{name: "life", mix: small(t), work: forgetful, steps: life},
	} {
		t.Run(scenario.name, func(t *testing.T) {
			start := time.Now()
			c := &campaign{t: t, fleet: fleet, scenario: scenario}
			// of a later scenario, only what no earlier one calls
			calls := slices.DeleteFunc(c.record(), func(at call) bool { return known[at.what] })
			number := c.each(calls)
			kinds := map[string]int{}
			for _, at := range calls {
				kinds[at.what]++
				known[at.what] = true
			}
			t.Logf("%d cases, %d calls with %d faults each, in %s: %v", number, len(calls), len(faults), time.Since(start).Round(time.Second), kinds)
			if number == 0 || number != len(calls)*len(faults) {
				t.Errorf("%d cases ran of %d", number, len(calls)*len(faults))
			}
		})
	}
}

// build makes the mix and waits.
func build(ctx context.Context, r *course) error { return r.until(ctx, "published", isPublished) }

// life does what a person can do to a mix between its creation and its second revision: hold it up, let it go on, change it while
// it is built, take its claim over. Its first publish Job leaves no result that can be read.
func life(ctx context.Context, r *course) error {
	r.fleet.hold(r.space, true)
	const runs, rests, published = "Stage download: 0 of 1 done.", "Stage download comes next", "is published"
	for _, step := range []step{
		{says: runs},
		{patch: `{"spec":{"suspend":true}}`, says: rests},
		{patch: `{"spec":{"suspend":false}}`, says: runs},
		{patch: `{"spec":{"output":{"path":"elsewhere"}}}`, says: runs},
		{patch: `{"spec":{"output":{"deletionPolicy":"Delete"}}}`, release: true, says: published},
		{patch: `{"spec":{"seed":43}}`, says: published},
	} {
		if step.patch != "" {
			if err := r.edit(ctx, step.patch); err != nil {
				return err
			}
		}
		if step.release {
			r.fleet.hold(r.space, false)
		}
		if err := r.until(ctx, step.says, step.reached); err != nil {
			return err
		}
	}
	return nil
}

// step is an edit, and what the condition Ready says when it has had its effect.
type step struct {
	patch   string
	release bool
	says    string
}

func (s step) reached(mix *datav1alpha1.DatasetMix) bool {
	ready := apimeta.FindStatusCondition(mix.Status.Conditions, datav1alpha1.ConditionReady)
	return ready != nil && strings.Contains(ready.Message, s.says) && ready.ObservedGeneration == mix.Generation
}

// forgetful workers leave no readable result of the first publish Job.
func forgetful() workers {
	var mutex sync.Mutex
	first := ""
	return func(task contract.Task, unit pipeline.Node, _ int) ending {
		mutex.Lock()
		defer mutex.Unlock()
		if task.Stage == pipeline.StagePublish && first == "" {
			first = unit.Key
			return ending{message: "{"}
		}
		return worker(task, unit)
	}
}
