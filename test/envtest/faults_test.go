package envtest

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"regexp"
	"strings"
	"sync"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	apimeta "k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/interceptor"

	datav1alpha1 "github.com/datasetmix/datasetmix/api/v1alpha1"
)

// fault is what happens at one call of the manager's.
type fault string

const (
	// failBefore: the call is not made, and fails with 500.
	failBefore fault = "fail before"
	// failAfter: the call is made, a write is committed, and its answer is lost in a 500.
	failAfter fault = "fail after commit"
	// conflict: the call is not made, and is answered with 409; a read is, too, though no API server does that.
	conflict fault = "conflict"
	// timedOut: the call is made, and its answer does not come within the time of the pass.
	timedOut fault = "timeout"
	// panics: the call is made, and the controller panics; controller-runtime recovers, and the manager lives on.
	panics fault = "panic"
	// crash: the call is made, and the process ends with it. Another one starts with an empty cache.
	crash fault = "crash"
	// stale: a read from the cache shows the version before the one that is there, or, where none was seen before, nothing.
	// At a write it is the next read of the same kind that does not show the write yet. A live read cannot be stale; it fails
	// with 410 as one that asks for a version which is gone.
	stale fault = "stale read"
)

var faults = []fault{failBefore, failAfter, conflict, timedOut, panics, crash, stale}

// call tells one call of the manager's from others: what it does and to which kind of object; n is how often it did so
// before in the same run.
type call struct {
	what string
	n    int
}

// injector wraps the client of a manager, counts the calls, and makes one fail.
type injector struct {
	at    call
	fault fault

	mutex sync.Mutex
	calls []call
	count map[string]int
	fired bool
	// hit is closed when the fault happens, dead when the process ends by it.
	hit  chan struct{}
	dead chan struct{}
	// reads are the last two different answers to each read, the older one first.
	reads map[string][2]answer
	// unseen is the read that has to miss a write.
	unseen string
}

// answer is what a read came to.
type answer struct {
	object runtime.Object
	err    error
}

var (
	errLost = apierrors.NewInternalError(errors.New("injected"))
	errGone = errors.New("the process has ended")
)

func newInjector(at call, fault fault) *injector {
	return &injector{at: at, fault: fault, count: map[string]int{}, hit: make(chan struct{}), dead: make(chan struct{}), reads: map[string][2]answer{}}
}

// hashed is what differs between two runs in the name of a Job.
var hashed = regexp.MustCompile(`^.*-(download|split|balance|mix|publish)-[0-9a-f]{10}`)

// anyHash is the same anywhere in a text.
var anyHash = regexp.MustCompile(`-(download|split|balance|mix|publish)-[0-9a-f]{10}`)

// about describes a call on an object or a list.
func about(verb string, object runtime.Object, live bool) string {
	kind := reflect.TypeOf(object).Elem().Name()
	if live {
		verb = "live " + verb
	}
	if single, ok := object.(client.Object); ok && !strings.Contains(verb, "get") {
		if found := hashed.FindStringSubmatch(single.GetName()); found != nil {
			kind += " " + found[1]
		}
	}
	return verb + " " + kind
}

// next counts a call, and says which fault it meets.
func (i *injector) next(what string) (fault, error) {
	i.mutex.Lock()
	defer i.mutex.Unlock()
	if i.isDead() {
		return "", errGone
	}
	made := call{what, i.count[what]}
	i.count[what]++
	i.calls = append(i.calls, made)
	if i.fired || made != i.at {
		return "", nil
	}
	i.fired = true
	close(i.hit)
	return i.fault, nil
}

func (i *injector) isDead() bool {
	select {
	case <-i.dead:
		return true
	default:
		return false
	}
}

// met reports whether the fault has happened.
func (i *injector) met() bool {
	i.mutex.Lock()
	defer i.mutex.Unlock()
	return i.fired
}

// trace returns the calls so far.
func (i *injector) trace() []call {
	i.mutex.Lock()
	defer i.mutex.Unlock()
	return append([]call(nil), i.calls...)
}

// around makes a call, or spoils it. What a stale read is depends on the call: do is told.
func (i *injector) around(what string, do func(met fault) error) error {
	met, err := i.next(what)
	if err != nil {
		return err
	}
	switch met {
	case failBefore:
		return errLost
	case conflict:
		return apierrors.NewConflict(schema.GroupResource{Resource: "injected"}, what, errors.New("injected"))
	}
	err = do(met)
	switch met {
	case failAfter:
		return errLost
	case timedOut:
		return fmt.Errorf("%s: %w", what, context.DeadlineExceeded)
	case crash:
		close(i.dead)
		return errGone
	case panics:
		if what == eventRead { // it is made by no pass, and nothing recovers
			close(i.dead)
			return errGone
		}
		panic("injected at " + what)
	}
	return err
}

// eventRead is the read by which the event of a claim finds its mixes.
const eventRead = "list DatasetMixList"

// lagRead is the read of a Job's pods past the cache. It is made where the cache of Jobs is ahead of that of pods, so on a busy machine
// more often, and no pass can be made to need it.
const lagRead = "live list PodList"

// read makes a read from the cache, and remembers what it came to.
func (i *injector) read(what, key string, into runtime.Object, do func() error) error {
	return i.around(what, func(met fault) error {
		now := answer{err: do()}
		now.object = into.DeepCopyObject()
		before := i.note(key, now, met == stale)
		if before != nil {
			return before.serve(into)
		}
		return now.err
	})
}

// note keeps an answer to a read, and tells what to serve in its place when the read has to be stale.
func (i *injector) note(key string, now answer, late bool) *answer {
	i.mutex.Lock()
	defer i.mutex.Unlock()
	known := i.reads[key]
	if !same(known[1], now) {
		i.reads[key] = [2]answer{known[1], now}
	}
	if late || i.unseen == key {
		i.unseen = ""
		before := i.reads[key][0]
		return &before
	}
	return nil
}

// serve answers with what was read earlier; before the first read there was nothing.
func (a *answer) serve(into runtime.Object) error {
	if a.err != nil {
		return a.err
	}
	switch {
	case a.object != nil:
		reflect.ValueOf(into).Elem().Set(reflect.ValueOf(a.object.DeepCopyObject()).Elem())
	case apimeta.IsListType(into):
		return apimeta.SetList(into, nil)
	default:
		return apierrors.NewNotFound(schema.GroupResource{Resource: "injected"}, "not seen yet")
	}
	return nil
}

func same(a, b answer) bool {
	if (a.err == nil) != (b.err == nil) || (a.object == nil) != (b.object == nil) {
		return false
	}
	return a.err != nil || a.object == nil || cmp.Equal(versionsOf(a.object), versionsOf(b.object))
}

// versionsOf returns the resource versions of an object or of the items of a list.
func versionsOf(object runtime.Object) map[string]string {
	versions := map[string]string{}
	note := func(object runtime.Object) error {
		item, err := apimeta.Accessor(object)
		if err == nil {
			versions[item.GetName()] = item.GetResourceVersion()
		}
		return err
	}
	if apimeta.IsListType(object) {
		_ = apimeta.EachListItem(object, note)
	} else {
		_ = note(object)
	}
	return versions
}

// write makes a write; after a stale fault the next read of the same kind does not see it.
func (i *injector) write(what string, object runtime.Object, do func() error) error {
	return i.around(what, func(met fault) error {
		err := do()
		if met == stale {
			i.mutex.Lock()
			defer i.mutex.Unlock()
			i.unseen = readOf(object)
		}
		return err
	})
}

// readOf returns the key of the read that shows an object.
func readOf(object runtime.Object) string {
	kind := reflect.TypeOf(object).Elem().Name()
	if kind == "DatasetMix" || kind == "PersistentVolumeClaim" {
		return "get " + kind
	}
	return "list " + kind + "List"
}

// between puts the injector before a client.
func (i *injector) between(c client.WithWatch, live bool) client.WithWatch {
	if live {
		return i.beforeLive(c)
	}
	return interceptor.NewClient(c, interceptor.Funcs{
		Get: func(ctx context.Context, c client.WithWatch, key client.ObjectKey, object client.Object, options ...client.GetOption) error {
			return i.read(about("get", object, false), readOf(object), object, func() error { return c.Get(ctx, key, object, options...) })
		},
		List: func(ctx context.Context, c client.WithWatch, list client.ObjectList, options ...client.ListOption) error {
			what := about("list", list, false)
			return i.read(what, what, list, func() error { return c.List(ctx, list, options...) })
		},
		Create: func(ctx context.Context, c client.WithWatch, object client.Object, options ...client.CreateOption) error {
			return i.write(about("create", object, false), object, func() error { return c.Create(ctx, object, options...) })
		},
		Delete: func(ctx context.Context, c client.WithWatch, object client.Object, options ...client.DeleteOption) error {
			return i.write(about("delete", object, false), object, func() error { return c.Delete(ctx, object, options...) })
		},
		Update: func(ctx context.Context, c client.WithWatch, object client.Object, options ...client.UpdateOption) error {
			return i.write(about("update", object, false), object, func() error { return c.Update(ctx, object, options...) })
		},
		Patch: func(ctx context.Context, c client.WithWatch, object client.Object, patch client.Patch, options ...client.PatchOption) error {
			return i.write(about("patch", object, false), object, func() error { return c.Patch(ctx, object, patch, options...) })
		},
		SubResourcePatch: func(ctx context.Context, c client.Client, name string, object client.Object, patch client.Patch, options ...client.SubResourcePatchOption) error {
			return i.write(about("patch "+name+" of", object, false), object, func() error {
				return c.SubResource(name).Patch(ctx, object, patch, options...)
			})
		},
		// what the manager does not call yet fails the run, so that it is not left out
		DeleteAllOf: func(context.Context, client.WithWatch, client.Object, ...client.DeleteAllOfOption) error {
			panic("deleteAllOf is not counted yet")
		},
		Apply: func(context.Context, client.WithWatch, runtime.ApplyConfiguration, ...client.ApplyOption) error {
			panic("apply is not counted yet")
		},
		SubResourceUpdate: func(context.Context, client.Client, string, client.Object, ...client.SubResourceUpdateOption) error {
			panic("subResourceUpdate is not counted yet")
		},
	})
}

// beforeLive counts the reads that no cache answers.
func (i *injector) beforeLive(c client.WithWatch) client.WithWatch {
	fresh := func(what string, do func() error) error {
		return i.around(what, func(met fault) error {
			if met == stale {
				return apierrors.NewResourceExpired("injected")
			}
			return do()
		})
	}
	return interceptor.NewClient(c, interceptor.Funcs{
		Get: func(ctx context.Context, c client.WithWatch, key client.ObjectKey, object client.Object, options ...client.GetOption) error {
			return fresh(about("get", object, true), func() error { return c.Get(ctx, key, object, options...) })
		},
		List: func(ctx context.Context, c client.WithWatch, list client.ObjectList, options ...client.ListOption) error {
			return fresh(about("list", list, true), func() error { return c.List(ctx, list, options...) })
		},
	})
}

// leaveAlone hides the mixes of namespaces that have a manager of their own, and their claims, which would seem to have outlived them.
func leaveAlone(next func(client.WithWatch, bool) client.WithWatch) func(client.WithWatch, bool) client.WithWatch {
	return func(c client.WithWatch, live bool) client.WithWatch {
		return interceptor.NewClient(next(c, live), interceptor.Funcs{
			Get: func(ctx context.Context, c client.WithWatch, key client.ObjectKey, object client.Object, options ...client.GetOption) error {
				switch object.(type) {
				case *datav1alpha1.DatasetMix, *corev1.PersistentVolumeClaim:
					if _, other := apart.Load(key.Namespace); other {
						return apierrors.NewNotFound(schema.GroupResource{}, key.Name)
					}
				}
				return c.Get(ctx, key, object, options...)
			},
		})
	}
}
