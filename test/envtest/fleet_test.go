package envtest

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"sync"
	"time"

	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	toolscache "k8s.io/client-go/tools/cache"
	"k8s.io/client-go/util/workqueue"
	"k8s.io/utils/ptr"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/client"

	datav1alpha1 "github.com/datasetmix/datasetmix/api/v1alpha1"
	"github.com/datasetmix/datasetmix/controllers"
	"github.com/datasetmix/datasetmix/internal/contract"
	"github.com/datasetmix/datasetmix/internal/pipeline"
)

// fleet is the Job controller and the kubelet of many namespaces. It does not poll: the Jobs come by a watch, and each is run
// to its end at once.
type fleet struct {
	queue workqueue.TypedRateLimitingInterface[client.ObjectKey]
	jobs  client.Reader

	mutex  sync.Mutex
	served map[string]*shift // by namespace
}

// shift is what happens in one namespace.
type shift struct {
	// work is what a worker does at its first, second and later try.
	work func(task contract.Task, unit pipeline.Node, try int) ending
	// held keeps Jobs from running.
	held bool
	// made has every Job that was ever seen, by UID, in the order in which they came.
	made []*batchv1.Job
	// created and ended of the Jobs by name.
	created, ended map[string]time.Time
	problems       []string
}

// steady returns a worker that never fails.
func steady(task contract.Task, unit pipeline.Node, _ int) ending { return worker(task, unit) }

// newFleet runs until the context ends.
func newFleet(ctx context.Context, workers int) (*fleet, error) {
	own := labels.SelectorFromSet(labels.Set{"app.kubernetes.io/managed-by": datav1alpha1.LabelValueManagedBy})
	jobs, err := cache.New(server, cache.Options{Scheme: controllers.Scheme(), DefaultLabelSelector: own})
	if err != nil {
		return nil, err
	}
	f := &fleet{
		queue: workqueue.NewTypedRateLimitingQueue(workqueue.DefaultTypedControllerRateLimiter[client.ObjectKey]()),
		jobs:  jobs, served: map[string]*shift{},
	}
	informer, err := jobs.GetInformer(ctx, &batchv1.Job{})
	if err != nil {
		return nil, err
	}
	handler := toolscache.ResourceEventHandlerFuncs{
		AddFunc:    func(object any) { f.see(object.(*batchv1.Job)) },
		UpdateFunc: func(_, object any) { f.see(object.(*batchv1.Job)) },
	}
	if _, err := informer.AddEventHandler(handler); err != nil {
		return nil, err
	}
	go func() { _ = jobs.Start(ctx) }()
	for range workers {
		go func() {
			for f.next(ctx) {
			}
		}()
	}
	go func() { <-ctx.Done(); f.queue.ShutDown() }()
	return f, nil
}

// serve drives the Jobs of a namespace from now on.
func (f *fleet) serve(namespace string, work func(contract.Task, pipeline.Node, int) ending) *shift {
	f.mutex.Lock()
	defer f.mutex.Unlock()
	s := &shift{work: work, created: map[string]time.Time{}, ended: map[string]time.Time{}}
	f.served[namespace] = s
	return s
}

// hold keeps the Jobs of a namespace from running, or lets them.
func (f *fleet) hold(namespace string, held bool) {
	f.mutex.Lock()
	defer f.mutex.Unlock()
	f.served[namespace].held = held
	for _, job := range f.served[namespace].made {
		f.queue.Add(client.ObjectKeyFromObject(job))
	}
}

func (f *fleet) see(job *batchv1.Job) {
	f.mutex.Lock()
	defer f.mutex.Unlock()
	s := f.served[job.Namespace]
	if s == nil {
		return
	}
	same := func(known *batchv1.Job) bool { return known.UID == job.UID }
	if !slices.ContainsFunc(s.made, same) {
		s.made = append(s.made, job)
		s.created[job.Name] = time.Now()
	}
	f.queue.Add(client.ObjectKeyFromObject(job))
}

// all returns copies of the Jobs that a namespace has ever had.
func (f *fleet) all(namespace string) []*batchv1.Job {
	f.mutex.Lock()
	defer f.mutex.Unlock()
	return slices.Clone(f.served[namespace].made)
}

// problems returns what a worker or the Job controller would have refused.
func (f *fleet) problems(namespace string) []string {
	f.mutex.Lock()
	defer f.mutex.Unlock()
	return slices.Clone(f.served[namespace].problems)
}

func (f *fleet) next(ctx context.Context) bool {
	key, shutdown := f.queue.Get()
	if shutdown {
		return false
	}
	defer f.queue.Done(key)
	err := f.drive(ctx, key)
	if err == nil || apierrors.IsNotFound(err) || ctx.Err() != nil {
		f.queue.Forget(key)
		return true
	}
	if !apierrors.IsConflict(err) {
		f.mutex.Lock()
		s := f.served[key.Namespace]
		s.problems = append(s.problems, fmt.Sprintf("driving Job %s: %v", key.Name, err))
		f.mutex.Unlock()
	}
	f.queue.AddRateLimited(key)
	return true
}

// drive runs a Job to its end.
func (f *fleet) drive(ctx context.Context, key client.ObjectKey) error {
	job := &batchv1.Job{}
	if err := f.jobs.Get(ctx, key, job); err != nil {
		return err
	}
	f.mutex.Lock()
	s := f.served[key.Namespace]
	held, work, over := s.held, s.work, !s.ended[key.Name].IsZero()
	f.mutex.Unlock()
	if held || over || ptr.Deref(job.Spec.Suspend, false) || !job.DeletionTimestamp.IsZero() {
		return nil
	}
	config := &corev1.ConfigMap{}
	if err := api.Get(ctx, key, config); err != nil {
		return err
	}
	task, err := contract.ParseTask([]byte(config.Data["task.json"]))
	if err != nil {
		return err
	}
	succeeded, failed, permanent := 0, 0, false
	for index, unit := range task.Nodes[:podsOf(task)] {
		end, err := f.pods(ctx, job, index, func(try int) ending {
			if !task.Chain {
				return work(task, unit, try)
			}
			one := func(task contract.Task, unit pipeline.Node) ending { return work(task, unit, try) }
			return chain(task, one, func(pipeline.Stage, pipeline.Node) {})
		})
		if err != nil {
			return err
		}
		if end.code == 0 {
			succeeded++
			continue
		}
		failed++
		permanent = permanent || isPermanent(job, end.code)
	}
	changed := job.DeepCopy()
	changed.Status = jobStatus(job, podsOf(task), succeeded, failed, permanent)
	if err := api.Status().Update(ctx, changed); err != nil {
		return err
	}
	f.mutex.Lock()
	defer f.mutex.Unlock()
	s.ended[key.Name] = time.Now()
	return nil
}

func isPermanent(job *batchv1.Job, code int32) bool {
	return slices.Contains(job.Spec.PodFailurePolicy.Rules[1].OnExitCodes.Values, code)
}

// pods makes the pods of one index: a second after a failure that may pass, as the Job controller does.
func (f *fleet) pods(ctx context.Context, job *batchv1.Job, index int, work func(try int) ending) (ending, error) {
	for try := 0; ; try++ {
		end := work(try)
		if err := makePod(ctx, job, index, try, end); err != nil {
			return ending{}, err
		}
		if end.code == 0 || isPermanent(job, end.code) || try >= int(ptr.Deref(job.Spec.BackoffLimitPerIndex, 0)) {
			return end, nil
		}
	}
}

func makePod(ctx context.Context, job *batchv1.Job, index, try int, end ending) error {
	pod := &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{
			Namespace:       job.Namespace,
			Name:            fmt.Sprintf("%s-%d-%d", job.Name, index, try),
			Labels:          maps.Clone(job.Spec.Template.Labels),
			Annotations:     map[string]string{batchv1.JobCompletionIndexAnnotation: strconv.Itoa(index)},
			OwnerReferences: []metav1.OwnerReference{*metav1.NewControllerRef(job, batchv1.SchemeGroupVersion.WithKind("Job"))},
		},
		Spec: job.Spec.Template.Spec,
	}
	pod.Labels[batchv1.JobNameLabel] = job.Name
	if err := api.Create(ctx, pod); apierrors.IsAlreadyExists(err) {
		if err := api.Get(ctx, client.ObjectKeyFromObject(pod), pod); err != nil {
			return err
		}
	} else if err != nil {
		return err
	}
	pod.Status = end.status()
	return api.Status().Update(ctx, pod)
}
