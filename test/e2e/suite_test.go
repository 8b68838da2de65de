// Package e2e tests the operator as it is deployed, on the real cluster that `make cluster-up deploy` prepares: real API
// server, kubelet and containerd, restricted namespaces, volumes on a disk, a Hub over HTTP.
package e2e

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/go-logr/logr"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	apimeta "k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
	"k8s.io/utils/ptr"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/yaml"

	datav1alpha1 "github.com/datasetmix/datasetmix/api/v1alpha1"
	"github.com/datasetmix/datasetmix/controllers"
)

const (
	samples    = "../../config/samples/"
	kubeconfig = "../../bin/kubeconfig"
	// patience is how long one mix may take on a busy machine.
	patience = 6 * time.Minute
)

func TestMain(m *testing.M) {
	ctrl.SetLogger(logr.Discard()) // the client wants one; the tests say what matters
	os.Exit(m.Run())
}

// cluster is one namespace of the real cluster.
type cluster struct {
	*testing.T
	client.Client
	config    *rest.Config
	clientset *kubernetes.Clientset
	namespace string
}

// newCluster makes a namespace that enforces the restricted Pod Security Standard and goes away with the test.
func newCluster(t *testing.T) *cluster {
	t.Helper()
	config, err := clientcmd.BuildConfigFromFlags("", kubeconfig)
	if err != nil {
		t.Fatalf("there is no cluster: %v; run `make cluster-up deploy`, or `make e2e`", err)
	}
	config.QPS = -1 // the default, five requests a second, would be what the tests wait for
	c, err := client.New(config, client.Options{Scheme: controllers.Scheme()})
	if err != nil {
		t.Fatal(err)
	}
	namespace := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{
		GenerateName: "e2e-", Labels: map[string]string{"pod-security.kubernetes.io/enforce": "restricted"},
	}}
	if err := c.Create(t.Context(), namespace); err != nil {
		t.Fatal(err)
	}
	e := &cluster{T: t, Client: c, config: config, clientset: kubernetes.NewForConfigOrDie(config), namespace: namespace.Name}
	t.Cleanup(func() {
		if t.Failed() {
			e.tell()
		}
		if err := c.Delete(context.Background(), namespace); client.IgnoreNotFound(err) != nil {
			t.Error(err)
		}
	})
	return e
}

// in returns the same namespace in a part of the test.
func (e *cluster) in(t *testing.T) *cluster {
	part := *e
	part.T = t
	return &part
}

// tell prints what a person would look at after a failure.
func (e *cluster) tell() {
	ctx := context.Background()
	mixes, pods := &datav1alpha1.DatasetMixList{}, &corev1.PodList{}
	if err := e.List(ctx, mixes, client.InNamespace(e.namespace)); err == nil {
		for _, mix := range mixes.Items {
			status, _ := yaml.Marshal(mix.Status)
			e.Logf("status of %s:\n%s", mix.Name, status)
		}
	}
	if err := e.List(ctx, pods, client.InNamespace(e.namespace)); err == nil {
		for _, pod := range pods.Items {
			e.Logf("pod %s: %s %s\n%s", pod.Name, pod.Status.Phase, pod.Status.Message, e.log(pod.Name))
		}
	}
}

func (e *cluster) log(pod string) string {
	stream, err := e.clientset.CoreV1().Pods(e.namespace).GetLogs(pod, &corev1.PodLogOptions{}).Stream(context.Background())
	if err != nil {
		return err.Error()
	}
	defer stream.Close()
	content, err := io.ReadAll(stream)
	if err != nil {
		return err.Error()
	}
	return string(content)
}

// must ends the test on an error.
func (e *cluster) must(err error) {
	e.Helper()
	if err != nil {
		e.Fatal(err)
	}
}

// sixDataSets reads the sample of the six data sets, with some texts replaced.
func (e *cluster) sixDataSets(replace ...string) *datav1alpha1.DatasetMix {
	e.Helper()
	content, err := os.ReadFile(filepath.Join(samples, grpoSix))
	e.must(err)
	return e.parse(strings.NewReplacer(replace...).Replace(string(content)))
}

func (e *cluster) parse(manifest string) *datav1alpha1.DatasetMix {
	e.Helper()
	mix := &datav1alpha1.DatasetMix{}
	e.must(yaml.UnmarshalStrict([]byte(manifest), mix))
	mix.Namespace = e.namespace
	return mix
}

// until polls a mix until it is as wanted.
func (e *cluster) until(name, what string, wanted func(*datav1alpha1.DatasetMix) bool) *datav1alpha1.DatasetMix {
	e.Helper()
	mix := &datav1alpha1.DatasetMix{}
	e.eventually(what, func() bool {
		err := e.Get(e.Context(), client.ObjectKey{Namespace: e.namespace, Name: name}, mix)
		if err != nil && apierrors.ReasonForError(err) != metav1.StatusReasonNotFound {
			return false // a component of the cluster was killed, and is coming back
		}
		e.must(err)
		return wanted(mix)
	})
	return mix
}

func (e *cluster) eventually(what string, happened func() bool) {
	e.Helper()
	tick := time.NewTicker(250 * time.Millisecond)
	defer tick.Stop()
	for deadline := time.Now().Add(patience); time.Now().Before(deadline); <-tick.C {
		if happened() {
			return
		}
	}
	e.Fatalf("in %s it did not happen that %s", patience, what)
}

// ready waits until a mix's present generation is published; it fails at once when the mix stalls.
func (e *cluster) ready(name string) *datav1alpha1.DatasetMix {
	e.Helper()
	return e.until(name, name+" is Ready", func(mix *datav1alpha1.DatasetMix) bool {
		stalled := apimeta.FindStatusCondition(mix.Status.Conditions, datav1alpha1.ConditionStalled)
		if stalled != nil && stalled.Status == metav1.ConditionTrue && stalled.ObservedGeneration == mix.Generation {
			e.Fatalf("%s is stalled: %s: %s", name, stalled.Reason, stalled.Message)
		}
		return isReady(mix)
	})
}

func isReady(mix *datav1alpha1.DatasetMix) bool {
	ready := apimeta.FindStatusCondition(mix.Status.Conditions, datav1alpha1.ConditionReady)
	return ready != nil && ready.Status == metav1.ConditionTrue && ready.ObservedGeneration == mix.Generation
}

// read runs a pod of another user that mounts a folder of a claim read-only, and gives what it prints of a file.
func (e *cluster) read(claim, folder, file string) string {
	e.Helper()
	pod := restricted("reader-", 1000, map[string]corev1.VolumeMount{claim: {MountPath: "/mix", SubPath: folder, ReadOnly: true}}, "/reader", "/mix", file)
	return e.finish(pod)
}

// restricted returns a pod of one container of the Hub's image, with claims mounted.
func restricted(name string, user int64, mounts map[string]corev1.VolumeMount, command ...string) *corev1.Pod {
	pod := &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{GenerateName: name},
		Spec: corev1.PodSpec{
			RestartPolicy:                 corev1.RestartPolicyNever,
			TerminationGracePeriodSeconds: ptr.To[int64](0),
			SecurityContext: &corev1.PodSecurityContext{
				RunAsNonRoot: ptr.To(true), RunAsUser: ptr.To(user), RunAsGroup: ptr.To(user),
				SeccompProfile: &corev1.SeccompProfile{Type: corev1.SeccompProfileTypeRuntimeDefault},
			},
			Containers: []corev1.Container{{
				Name: "main", Image: "datasetmix-hub:dev", ImagePullPolicy: corev1.PullIfNotPresent, Command: command,
				SecurityContext: &corev1.SecurityContext{
					AllowPrivilegeEscalation: ptr.To(false), ReadOnlyRootFilesystem: ptr.To(true),
					Capabilities: &corev1.Capabilities{Drop: []corev1.Capability{"ALL"}},
				},
			}},
		},
	}
	for claim, mount := range mounts {
		mount.Name = claim
		pod.Spec.Containers[0].VolumeMounts = append(pod.Spec.Containers[0].VolumeMounts, mount)
		pod.Spec.Volumes = append(pod.Spec.Volumes, corev1.Volume{Name: claim, VolumeSource: corev1.VolumeSource{
			PersistentVolumeClaim: &corev1.PersistentVolumeClaimVolumeSource{ClaimName: claim},
		}})
	}
	return pod
}

// finish runs a pod to its end, and gives what it printed.
func (e *cluster) finish(pod *corev1.Pod) string {
	e.Helper()
	pod.Namespace = e.namespace
	e.must(e.Create(e.Context(), pod))
	e.eventually("pod "+pod.Name+" ends", func() bool {
		e.must(e.Get(e.Context(), client.ObjectKeyFromObject(pod), pod))
		return pod.Status.Phase == corev1.PodSucceeded || pod.Status.Phase == corev1.PodFailed
	})
	out := e.log(pod.Name)
	if pod.Status.Phase != corev1.PodSucceeded {
		e.Fatalf("pod %s failed:\n%s", pod.Name, out)
	}
	e.must(client.IgnoreNotFound(e.Delete(e.Context(), pod)))
	return out
}

// line finds what follows a label in a pod's output.
func line(out, label string) string {
	for _, l := range strings.Split(out, "\n") {
		if rest, ok := strings.CutPrefix(l, label); ok {
			return strings.TrimSpace(rest)
		}
	}
	return ""
}

// address returns where a Service is reached from pods, without a port.
func (e *cluster) address(namespace, service string) string {
	e.Helper()
	object := &corev1.Service{}
	e.must(e.Get(e.Context(), client.ObjectKey{Namespace: namespace, Name: service}, object))
	return object.Spec.ClusterIP
}

// apply makes what a manifest of hack/demo lists, in a namespace if that is named, with some texts replaced. What is there stays.
func (e *cluster) apply(file, namespace string, replace ...string) {
	e.Helper()
	manifest, err := os.ReadFile(filepath.Join("../../hack/demo", file))
	e.must(err)
	text := strings.NewReplacer(replace...).Replace(string(manifest))
	for _, document := range bytes.Split([]byte(text), []byte("\n---\n")) {
		object, err := decode(document)
		e.must(err)
		if namespace != "" {
			object.SetNamespace(namespace)
		}
		if err := e.Create(e.Context(), object); err != nil && !apierrors.IsAlreadyExists(err) {
			e.Fatal(err)
		}
	}
}

// serving waits until a pod is ready behind a namespace's only Service.
func (e *cluster) serving(namespace string) {
	e.Helper()
	e.eventually("the server in "+namespace+" is ready", func() bool {
		endpoints, err := e.clientset.DiscoveryV1().EndpointSlices(namespace).List(e.Context(), metav1.ListOptions{})
		e.must(err)
		for _, slice := range endpoints.Items {
			for _, endpoint := range slice.Endpoints {
				if ptr.Deref(endpoint.Conditions.Ready, false) {
					return true
				}
			}
		}
		return false
	})
}

// dataHub starts the Hub that serves the real rows, once per cluster, and gives its address.
func (e *cluster) dataHub() string {
	e.Helper()
	const namespace = "datasetmix-hub-data"
	e.apply("hub.yaml", "", "datasetmix-hub", namespace, "HUB_IMAGE", "datasetmix-hub-data:dev")
	e.serving(namespace)
	return "http://" + e.address(namespace, "hub")
}

// present checks numbers by name.
func present(t *testing.T, got map[string]int64, want map[string]int64) {
	t.Helper()
	for name, n := range want {
		if got[name] != n {
			t.Errorf("%s is %d, want %d", name, got[name], n)
		}
	}
}

func key(parts ...string) string { return strings.Join(parts, " ") }

// numbers returns the counts of a status by name: "train rows", "train math rows", "train gsm8k balanced" and so on.
func numbers(mix *datav1alpha1.DatasetMix) map[string]int64 {
	out := map[string]int64{}
	for _, split := range mix.Status.Splits {
		out[key(split.Name, "rows")] = ptr.Deref(split.Rows, -1)
	}
	for _, domain := range mix.Status.Domains {
		for _, split := range domain.Splits {
			out[key(split.Name, "domain", domain.Name)] = ptr.Deref(split.Rows, -1)
		}
	}
	for _, dataset := range mix.Status.Datasets {
		out[key(dataset.Name, "rows")] = ptr.Deref(dataset.Rows, -1)
		for _, split := range dataset.Splits {
			out[key(split.Name, dataset.Name, "rows")] = ptr.Deref(split.Rows, -1)
			out[key(split.Name, dataset.Name, "balanced")] = ptr.Deref(split.Balanced, -1)
			out[key(split.Name, dataset.Name, "mixed")] = ptr.Deref(split.Mixed, -1)
			out[key(split.Name, dataset.Name, "unique")] = ptr.Deref(split.Unique, -1)
		}
	}
	return out
}

// show prints a mix as kubectl would.
func show(mix *datav1alpha1.DatasetMix) string {
	status, _ := yaml.Marshal(mix.Status)
	return fmt.Sprintf("%s:\n%s", mix.Name, status)
}
