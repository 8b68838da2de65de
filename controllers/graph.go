package controllers

import (
	"context"
	"fmt"
	"time"

	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	datav1alpha1 "github.com/datasetmix/datasetmix/api/v1alpha1"
	"github.com/datasetmix/datasetmix/controllers/internal/build"
	"github.com/datasetmix/datasetmix/controllers/internal/jobs"
	"github.com/datasetmix/datasetmix/controllers/internal/ledger"
	"github.com/datasetmix/datasetmix/controllers/internal/outcome"
)

// recordResults reads the results from the pods of Jobs that have ended, or whose workers have, walks the graph as far as they lead, and records the
// new ones.
func (r *DatasetMixReconciler) recordResults(ctx context.Context, s *scope) (*outcome.Outcome, error) {
	b := &s.build
	recorded := ledger.Read(s.results, b.Target.Location)
	recorded.Requests = b.Ledger.Requests
	b.Ledger = recorded
	for _, job := range b.Jobs {
		if jobs.Finished(job) != "" || b.ReportedAt(job) != nil {
			s.harvest(job)
		}
	}
	asked := map[types.UID]bool{}
	for {
		b.Walk()
		job := b.Unread(asked)
		if job == nil {
			break
		}
		// The cache of Jobs can be ahead of the cache of pods: before a result counts as lost, the API server is asked.
		asked[job.UID] = true
		pods, err := podsOf(ctx, r.Live, job)
		if err != nil {
			return nil, err
		}
		b.Pods = append(b.Pods, pods...)
		s.harvest(job)
	}
	b.Prune()
	return r.objects(s).save(ctx, s)
}

// harvest records the results in the pods of a Job.
func (s *scope) harvest(job *batchv1.Job) {
	s.tally.fetchErrors = append(s.tally.fetchErrors, s.build.Harvest(job)...)
}

// podsOf reads the pods of a Job from the API server.
func podsOf(ctx context.Context, live client.Reader, job *batchv1.Job) ([]*corev1.Pod, error) {
	list := &corev1.PodList{}
	err := live.List(ctx, list, client.InNamespace(job.Namespace), client.MatchingLabels{batchv1.JobNameLabel: job.Name})
	if err != nil {
		return nil, fmt.Errorf("reading the pods of Job %s: %w", job.Name, err)
	}
	return pointers(list.Items), nil
}

// checkGraph stalls a mix whose graph ended with an error.
func (r *DatasetMixReconciler) checkGraph(_ context.Context, s *scope) (*outcome.Outcome, error) {
	return outcome.OfMistake(s.build.Target.Err, datav1alpha1.ReasonPlanMismatch), nil
}

// observeRequests reads the requests in the mix's annotations. From here on, floating sources are resolved for the newest request.
func (r *DatasetMixReconciler) observeRequests(_ context.Context, s *scope) (*outcome.Outcome, error) {
	now, b := metav1.NewTime(r.Clock.Now()).Rfc3339Copy(), &s.build
	requests := ledger.ReadRequests(s.results).Observed(b.Mix.Annotations, now)
	if requests.At.IsZero() && build.RefreshInterval(b.Mix, b.Target.Recipe) > 0 {
		requests.At = now
	}
	b.Ledger.Requests = requests
	b.Target.Recipe = b.Target.Recipe.Refreshed(requests.Request)
	return nil, nil
}

// scheduleRefresh makes a refresh request when one is due and nothing is being built: a build that takes longer than the refresh interval is not
// restarted.
func (r *DatasetMixReconciler) scheduleRefresh(ctx context.Context, s *scope) (*outcome.Outcome, error) {
	now, b := metav1.NewTime(r.Clock.Now()).Rfc3339Copy(), &s.build
	if wait, ok := b.NextRefresh(now.Time); !ok || wait > 0 {
		return nil, nil
	}
	requests := &b.Ledger.Requests
	requests.Request, requests.At = ledger.RequestName("every", now.UTC().Format(time.RFC3339)), now
	b.Target.Recipe = b.Target.Recipe.Refreshed(requests.Request)
	b.Walk()
	return r.objects(s).save(ctx, s)
}
