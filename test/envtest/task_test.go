package envtest

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/datasetmix/datasetmix/internal/contract"
	"github.com/datasetmix/datasetmix/internal/pipeline"
)

// TestLostTask: the task of a running Job is recreated unchanged: a pod that has not mounted it would wait forever.
func TestLostTask(t *testing.T) {
	needAPI(t)
	space := namespace(t)
	d := newDriver(t, space)
	d.does(func(contract.Task, pipeline.Node) ending { return ending{hang: true} })
	mix := create(t, space, nil)
	job := onlyJob(t, space)
	task := &corev1.ConfigMap{}
	if err := api.Get(t.Context(), client.ObjectKeyFromObject(job), task); err != nil {
		t.Fatal(err)
	}
	if err := api.Delete(t.Context(), task); err != nil {
		t.Fatal(err)
	}
	again := &corev1.ConfigMap{}
	eventually(t, "the task is there again", func() string {
		if err := api.Get(t.Context(), client.ObjectKeyFromObject(job), again); err != nil {
			return err.Error()
		}
		return ""
	})
	if diff := cmp.Diff(task.Data, again.Data); diff != "" || again.UID == task.UID {
		t.Errorf("task %s, then %s (-before +after):\n%s", task.UID, again.UID, diff)
	}
	if now := onlyJob(t, space); now.UID != job.UID {
		t.Errorf("the Job was made again: %s, then %s", job.UID, now.UID)
	}
	d.does(worker)
	published(t, mix)
}
