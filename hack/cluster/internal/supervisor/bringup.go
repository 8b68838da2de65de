package supervisor

import (
	"bytes"
	"context"
	"fmt"
	"path/filepath"

	"github.com/datasetmix/datasetmix/hack/cluster/internal/control"
	"github.com/datasetmix/datasetmix/hack/cluster/internal/image"
	"github.com/datasetmix/datasetmix/hack/cluster/internal/provision"
	"github.com/datasetmix/datasetmix/hack/cluster/internal/render"
	"github.com/datasetmix/datasetmix/hack/cluster/internal/sandbox"
	"github.com/datasetmix/datasetmix/hack/cluster/internal/spec"
	"golang.org/x/sync/errgroup"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/clientcmd"
)

// bringUp starts all components in order, and returns when a pod has run, or why it did not. Volumes are provisioned in the background until the
// context ends.
func (s *supervisor) bringUp(ctx context.Context) error {
	client, err := newClient()
	if err != nil {
		return err
	}
	steps := []struct {
		doing string
		do    func(context.Context) error
	}{
		{"starting the API server and containerd", s.startBase},
		{"starting the node", func(ctx context.Context) error {
			return s.start(ctx, s.order...) // what runs already is left alone
		}},
		{"creating storage classes and volumes", func(ctx context.Context) error { return createStorage(ctx, client, s.node) }},
		{"waiting for the node to be Ready", func(ctx context.Context) error {
			return waitNodeReady(ctx, client, s.node.NodeName(s.node.Index))
		}},
		{"waiting for default service account", func(ctx context.Context) error { return waitServiceAccount(ctx, client) }},
		{"running a first pod", func(ctx context.Context) error { return runProbe(ctx, client, s.node) }},
	}
	for _, step := range steps {
		s.report(control.Starting, step.doing)
		if err := step.do(ctx); err != nil {
			return fmt.Errorf("%s: %w", step.doing, err)
		}
	}
	s.report(control.Ready, "")
	provision.Run(ctx, client, s.node.NodeName(s.node.Index))
	return nil
}

func newClient() (*kubernetes.Clientset, error) {
	config, err := clientcmd.BuildConfigFromFlags("", filepath.Join(spec.StateDir, spec.AdminKubeconfig))
	if err != nil {
		return nil, err
	}
	return kubernetes.NewForConfig(config)
}

// startBase starts what everything else needs: the API server, and containerd with the image of the pod sandboxes, without
// which a kubelet's first pods would go into back-off.
func (s *supervisor) startBase(ctx context.Context) error {
	if err := sandbox.MakeCgroup(s.node.CgroupRoot(s.node.Index)); err != nil {
		return err
	}
	base := []string{render.Containerd}
	if s.node.Index == 0 {
		base = append(base, render.Etcd, render.APIServer)
	}
	if err := s.start(ctx, base...); err != nil {
		return err
	}
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error { return s.waitServing(ctx, render.APIServer) })
	group.Go(func() error {
		if err := s.waitServing(ctx, render.Containerd); err != nil {
			return err
		}
		var archive bytes.Buffer
		err := image.Write(&archive, image.Spec{
			Tag:        spec.PauseImage,
			Files:      []image.Copy{{From: spec.BinDir + "/pause", To: "/pause"}},
			Entrypoint: []string{"/pause"},
			User:       "65532:65532",
		})
		if err != nil {
			return err
		}
		_, err = importImages(ctx, &archive)
		return err
	})
	return group.Wait()
}

func createStorage(ctx context.Context, client kubernetes.Interface, n spec.Node) error {
	for _, class := range render.StorageClasses() {
		_, err := client.StorageV1().StorageClasses().Create(ctx, class, metav1.CreateOptions{})
		if err != nil && !apierrors.IsAlreadyExists(err) {
			return err
		}
	}
	for _, volume := range render.StaticLocalVolumes(n.Cluster, n.Index) {
		_, err := client.CoreV1().PersistentVolumes().Create(ctx, volume, metav1.CreateOptions{})
		if err != nil && !apierrors.IsAlreadyExists(err) {
			return err
		}
	}
	return nil
}

// runProbe runs one pod: Ready says that there is a CNI configuration, not that a sandbox can be made.
func runProbe(ctx context.Context, client kubernetes.Interface, n spec.Node) error {
	pods := client.CoreV1().Pods(metav1.NamespaceSystem)
	probe := render.Probe(n.Cluster, n.Index)
	if _, err := pods.Create(ctx, probe, metav1.CreateOptions{}); err != nil {
		return err
	}
	var last *corev1.Pod
	err := poll(ctx, podTimeout, func(ctx context.Context) (bool, string) {
		pod, err := pods.Get(ctx, probe.Name, metav1.GetOptions{})
		if err != nil {
			return false, err.Error()
		}
		last = pod
		return pod.Status.Phase == corev1.PodRunning && pod.Status.PodIP != "", "the pod is " + string(pod.Status.Phase)
	})
	if err != nil {
		return fmt.Errorf("%w%s; see `cluster logs kubelet` and `cluster logs containerd`", err, podEvents(ctx, client, last))
	}
	return pods.Delete(ctx, probe.Name, metav1.DeleteOptions{})
}

// podEvents returns the last warning about a pod, which says more than its phase.
func podEvents(ctx context.Context, client kubernetes.Interface, pod *corev1.Pod) string {
	if pod == nil {
		return ""
	}
	events, err := client.CoreV1().Events(pod.Namespace).List(ctx, metav1.ListOptions{
		FieldSelector: "type=Warning,involvedObject.name=" + pod.Name,
	})
	if err != nil || len(events.Items) == 0 {
		return ""
	}
	return ": " + events.Items[len(events.Items)-1].Message
}
