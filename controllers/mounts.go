package controllers

import (
	"cmp"
	"context"
	"fmt"
	"path"
	"slices"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	datav1alpha1 "github.com/datasetmix/datasetmix/api/v1alpha1"
	"github.com/datasetmix/datasetmix/controllers/internal/outcome"
	"github.com/datasetmix/datasetmix/internal/contract"
	"github.com/datasetmix/datasetmix/internal/pipeline"
	"github.com/datasetmix/datasetmix/internal/render"
)

const (
	// watchAgain is when a mix looks again at who reads its old revisions, while somebody does.
	watchAgain = 10 * time.Minute
	// heldLimit and podLimit bound what the status lists.
	heldLimit = 30
	podLimit  = 8
)

// mounts are how the pods of a namespace came to the revisions of a mix, by the pods' names.
type mounts struct {
	of []mount
}

type mount struct {
	pod  string
	hold contract.Hold
}

// keep tells the Job of a publication, or of a chain that ends with one, what it must leave on the volume besides what the recipe keeps.
// A pod that starts afterwards mounts what is the newest until this publication, which no publication removes before its time has
// passed.
func (r *DatasetMixReconciler) keep(ctx context.Context, s *scope, work *render.Work) error {
	if work.Step.Stage != pipeline.StagePublish && work.Chain == "" {
		return nil
	}
	if err := r.readMounts(ctx, s); err != nil {
		return err
	}
	work.Keep = &contract.Keep{Seconds: cmp.Or(s.mix.Spec.Output.KeepSeconds, render.DefaultKeepSeconds), Holds: s.mounts.holds()}
	return nil
}

// watch finds who reads the revisions of a mix that is published and has old ones, for the status.
func (r *DatasetMixReconciler) watch(ctx context.Context, s *scope) (*outcome.Outcome, error) {
	if len(s.mix.Status.History) <= s.recipe.Output.KeepRevisions && len(s.mix.Status.Held) == 0 {
		return nil, nil
	}
	if err := r.readMounts(ctx, s); err != nil {
		return nil, err
	}
	if len(s.held(s.mix.Status.History)) > 0 {
		s.askAgain = watchAgain
	}
	return nil, nil
}

// readMounts asks the API server for the pods of the namespace that have not ended: the manager's cache has those of mixes alone, and
// a namespace may hold thousands that have ended.
func (r *DatasetMixReconciler) readMounts(ctx context.Context, s *scope) error {
	var pods []corev1.Pod
	for _, phase := range []corev1.PodPhase{corev1.PodPending, corev1.PodRunning} {
		list := &corev1.PodList{}
		if err := r.Live.List(ctx, list, client.InNamespace(s.mix.Namespace), client.MatchingFields{"status.phase": string(phase)}); err != nil {
			return fmt.Errorf("listing the pods that may read a revision: %w", err)
		}
		pods = append(pods, list.Items...)
	}
	s.mounts = &mounts{}
	for i := range pods {
		pod := &pods[i]
		if pod.Labels[datav1alpha1.LabelUID] == string(s.mix.UID) {
			continue // a worker of the mix itself
		}
		for _, hold := range holdsOf(pod, s.location.ClaimName, s.location.Path) {
			s.mounts.of = append(s.mounts.of, mount{pod.Name, hold})
		}
	}
	slices.SortStableFunc(s.mounts.of, func(a, b mount) int { return cmp.Compare(a.pod, b.pod) })
	return nil
}

// holds are those of all pods, each once, in an order of their own.
func (m *mounts) holds() []contract.Hold {
	var all []contract.Hold
	for _, mount := range m.of {
		all = append(all, mount.hold)
	}
	slices.SortFunc(all, func(a, b contract.Hold) int {
		return cmp.Or(cmp.Compare(a.Revision, b.Revision), a.From.Compare(b.From), a.Until.Compare(b.Until))
	})
	return slices.Compact(all)
}

// held are the revisions of a history, beyond those that a publication keeps, that pods read.
func (s *scope) held(history []datav1alpha1.HistoryEntry) []datav1alpha1.HeldRevision {
	var held []datav1alpha1.HeldRevision
	for i, entry := range history {
		if i < max(1, s.recipe.Output.KeepRevisions) || len(held) == heldLimit {
			continue
		}
		var pods []string
		for _, mount := range s.mounts.of {
			if mount.hold.Covers(entry.Revision, entry.Time.Time, history[i-1].Time.Time) && !slices.Contains(pods, mount.pod) {
				pods = append(pods, mount.pod)
			}
		}
		if len(pods) > 0 {
			held = append(held, datav1alpha1.HeldRevision{
				Revision: entry.Revision, Bytes: entry.Bytes, PodCount: int32(len(pods)), Pods: pods[:min(len(pods), podLimit)],
			})
		}
	}
	return held
}

// holdsOf is how the containers of a pod, which has not ended, came to what they read of a mix's folder on a claim.
func holdsOf(pod *corev1.Pod, claim, folder string) []contract.Hold {
	if pod.Status.Phase == corev1.PodSucceeded || pod.Status.Phase == corev1.PodFailed {
		return nil
	}
	volumes := map[string]bool{}
	for _, volume := range pod.Spec.Volumes {
		volumes[volume.Name] = volume.PersistentVolumeClaim != nil && volume.PersistentVolumeClaim.ClaimName == claim
	}
	statuses := map[string]corev1.ContainerStatus{}
	for _, status := range slices.Concat(pod.Status.InitContainerStatuses, pod.Status.ContainerStatuses) {
		statuses[status.Name] = status
	}
	var holds []contract.Hold
	for _, container := range slices.Concat(pod.Spec.InitContainers, pod.Spec.Containers) {
		status := statuses[container.Name]
		for _, mount := range container.VolumeMounts {
			// a container that has ended reads nothing any more; where it is started again, it mounts what is the newest then
			if hold, ok := holdOf(mount, folder, pod.CreationTimestamp, status); ok && volumes[mount.Name] && status.State.Terminated == nil {
				holds = append(holds, hold)
			}
		}
	}
	return holds
}

// holdOf is how a container came to what it mounts. The kubelet follows links in a subPath when it makes the container.
func holdOf(mount corev1.VolumeMount, folder string, made metav1.Time, status corev1.ContainerStatus) (contract.Hold, bool) {
	hold := contract.Hold{From: made.UTC()}
	if before := status.LastTerminationState.Terminated; before != nil && !before.FinishedAt.IsZero() {
		hold.From = before.FinishedAt.UTC()
	}
	of, below := strings.CutPrefix(path.Clean(mount.SubPath)+"/", folder+"/")
	first, rest, _ := strings.Cut(of, "/")
	second, _, _ := strings.Cut(rest, "/")
	switch {
	case mount.SubPathExpr != "": // nobody but the kubelet knows
	case below && first == "revisions" && second != "":
		return contract.Hold{Revision: second}, true
	case below && first == "current":
		if running := status.State.Running; running != nil {
			hold.Until = running.StartedAt.UTC()
		}
	case path.Clean(mount.SubPath) != "." && !within(path.Clean(mount.SubPath), folder):
		return contract.Hold{}, false
	}
	return hold, true
}
