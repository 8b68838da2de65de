package readers

import (
	"cmp"
	"path"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	datav1alpha1 "github.com/datasetmix/datasetmix/api/v1alpha1"
	"github.com/datasetmix/datasetmix/internal/contract"
	"github.com/datasetmix/datasetmix/internal/render"
)

const (
	// heldLimit and podLimit bound what the status lists.
	heldLimit = 30
	podLimit  = 8
)

// Readers are how the pods of a namespace chose the revisions of a mix, by the pods' names.
type Readers struct {
	mounts []mount
}

type mount struct {
	pod  string
	hold contract.Hold
}

// Find returns the readers of a mix at a location among pods, without its own workers.
func Find(pods []corev1.Pod, mix types.UID, location render.Location) *Readers {
	r := &Readers{}
	for i := range pods {
		pod := &pods[i]
		if pod.Labels[datav1alpha1.LabelUID] == string(mix) {
			continue
		}
		for _, hold := range holdsOf(pod, location.ClaimName, location.Path) {
			r.mounts = append(r.mounts, mount{pod.Name, hold})
		}
	}
	slices.SortStableFunc(r.mounts, func(a, b mount) int { return cmp.Compare(a.pod, b.pod) })
	return r
}

// Holds returns the holds of all pods, each once, sorted.
func (r *Readers) Holds() []contract.Hold {
	var all []contract.Hold
	for _, mount := range r.mounts {
		all = append(all, mount.hold)
	}
	slices.SortFunc(all, func(a, b contract.Hold) int {
		return cmp.Or(cmp.Compare(a.Revision, b.Revision), a.From.Compare(b.From), a.Until.Compare(b.Until))
	})
	return slices.Compact(all)
}

// Held returns the revisions of a history, beyond those that a publication keeps, that pods read.
func (r *Readers) Held(history []datav1alpha1.HistoryEntry, keep int) []datav1alpha1.HeldRevision {
	var held []datav1alpha1.HeldRevision
	for i, entry := range history {
		if i < max(1, keep) || len(held) == heldLimit {
			continue
		}
		var pods []string
		for _, mount := range r.mounts {
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

// holdsOf returns how the containers of a pod, which has not ended, chose what they read of a mix's folder on a claim.
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
			// a container that has ended reads nothing any more; if it is restarted, it mounts the newest revision then
			if hold, ok := holdOf(mount, folder, pod.CreationTimestamp, status); ok && volumes[mount.Name] && status.State.Terminated == nil {
				holds = append(holds, hold)
			}
		}
	}
	return holds
}

// holdOf returns how a container chose what it mounts. The kubelet follows links in a subPath when it makes the container.
func holdOf(mount corev1.VolumeMount, folder string, made metav1.Time, status corev1.ContainerStatus) (contract.Hold, bool) {
	hold := contract.Hold{From: made.UTC()}
	if before := status.LastTerminationState.Terminated; before != nil && !before.FinishedAt.IsZero() {
		hold.From = before.FinishedAt.UTC()
	}
	of, below := strings.CutPrefix(path.Clean(mount.SubPath)+"/", folder+"/")
	first, rest, _ := strings.Cut(of, "/")
	second, _, _ := strings.Cut(rest, "/")
	switch {
	case mount.SubPathExpr != "": // only the kubelet knows
	case below && first == "revisions" && second != "":
		return contract.Hold{Revision: second}, true
	case below && first == "current":
		if running := status.State.Running; running != nil {
			hold.Until = running.StartedAt.UTC()
		}
	case path.Clean(mount.SubPath) != "." && !render.Overlap(path.Clean(mount.SubPath), folder):
		return contract.Hold{}, false
	}
	return hold, true
}
