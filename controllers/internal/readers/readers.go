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

// The numbers of held revisions, and of pods for each, that the status lists.
const (
	heldLimit = 30
	podLimit  = 8
)

// Readers has the mounts of a mix's revisions by the pods of a namespace, sorted by the names of the pods.
type Readers struct {
	mounts []mount
}

type mount struct {
	pod  string
	hold contract.Hold
}

// Find returns the readers of a mix at a location among pods, which may include its own workers: they are left out.
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

// Holds returns the holds of all pods, sorted and without duplicates.
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

// Held returns the revisions of a history that pods read, except for the first ones, which a publication keeps anyway.
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

// holdsOf returns a hold for each container that mounts revisions in a mix's folder on a claim; none for a pod that has ended.
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
			// a container that has ended reads nothing; if it is restarted, it mounts the newest revision
			if hold, ok := holdOf(mount, folder, pod.CreationTimestamp, status); ok && volumes[mount.Name] && status.State.Terminated == nil {
				holds = append(holds, hold)
			}
		}
	}
	return holds
}

// holdOf returns the hold of a mount: the revision that the subPath names or, since the kubelet follows links when it starts the container, those that
// were current at that time. ok is false for a mount of another folder.
func holdOf(mount corev1.VolumeMount, folder string, made metav1.Time, status corev1.ContainerStatus) (_ contract.Hold, ok bool) {
	hold := contract.Hold{From: made.UTC()}
	if before := status.LastTerminationState.Terminated; before != nil && !before.FinishedAt.IsZero() {
		hold.From = before.FinishedAt.UTC()
	}
	of, below := strings.CutPrefix(path.Clean(mount.SubPath)+"/", folder+"/")
	first, rest, _ := strings.Cut(of, "/")
	second, _, _ := strings.Cut(rest, "/")
	switch {
	case mount.SubPathExpr != "": // it may be any revision
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
