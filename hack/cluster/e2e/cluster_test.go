// Package e2e tests the real thing: it starts a cluster, uses it as the operator will, and looks for what is left of it.
package e2e

import (
	"context"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// The subtests share one cluster and build on each other, in this order.
func TestCluster(t *testing.T) {
	h := newHarness(t)
	before := takeSnapshot(t)
	h.up()
	var lived []string
	for _, p := range h.record.Processes {
		lived = append(lived, namespacesOf(t, p.PID)...)
	}
	h.loadImage()
	h.createNamespace()

	steps := []struct {
		name string
		test func(*testing.T, *harness)
	}{
		{"up again changes nothing", testUpAgain},
		{"a root pod is refused in a restricted namespace", testRestricted},
		{"a pod of the default class writes, another reads", testDefaultClass},
		{"a pod of the local class writes", testLocalClass},
		{"deleting a claim removes its folder", testDeleteClaim},
		{"an indexed job completes", testIndexedJob},
		{"a pod reaches the API server and the host", testNetwork},
		{"kubectl exec", testExec},
		{"components restart and pods live on", testRestart},
	}
	for _, s := range steps {
		ok := t.Run(s.name, func(t *testing.T) {
			sub := *h
			sub.t = t
			s.test(t, &sub)
		})
		if !ok {
			t.FailNow()
		}
	}
	h.cluster("down")
	before.compare(t, h, lived)
}

func (h *harness) createNamespace() {
	h.t.Helper()
	n := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{
		Name: namespace, Labels: map[string]string{"pod-security.kubernetes.io/enforce": "restricted"},
	}}
	if _, err := h.client.CoreV1().Namespaces().Create(h.t.Context(), n, metav1.CreateOptions{}); err != nil {
		h.t.Fatal(err)
	}
	h.eventually("the namespace has its service account", func(ctx context.Context) bool {
		_, err := h.client.CoreV1().ServiceAccounts(namespace).Get(ctx, "default", metav1.GetOptions{})
		return err == nil
	})
}

func testUpAgain(t *testing.T, h *harness) {
	if out := h.cluster("up"); !strings.Contains(out, "already up") {
		t.Errorf("up says %q", out)
	}
	h.cluster("status")
}

func testRestricted(t *testing.T, h *harness) {
	root := podSpec(0, "", false, "wait")
	root.SecurityContext = nil
	pod := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Name: "root"}, Spec: root}
	_, err := h.client.CoreV1().Pods(namespace).Create(t.Context(), pod, metav1.CreateOptions{})
	if !apierrors.IsForbidden(err) {
		t.Errorf("the API server answers %v, not that it is forbidden", err)
	}
}

func testDefaultClass(t *testing.T, h *harness) {
	h.claim("default-class", "")
	if out := h.pod("writer", podSpec(65532, "default-class", false, "write", "/data", "one", "hello"), corev1.PodSucceeded); !strings.Contains(out, "wrote hello") {
		t.Errorf("the writer's log is %q", out)
	}
	reader := podSpec(1000, "default-class", true, "read", "/data/data")
	reader.Containers[0].VolumeMounts[0].SubPath = "current" // a symbolic link, followed when the pod starts
	if out := h.pod("reader", reader, corev1.PodSucceeded); !strings.Contains(out, "read hello") {
		t.Errorf("the reader's log is %q", out)
	}
}

func testLocalClass(t *testing.T, h *harness) {
	h.claim("local-class", "local")
	if out := h.pod("local-writer", podSpec(65532, "local-class", false, "write", "/data", "one", "local"), corev1.PodSucceeded); !strings.Contains(out, "wrote local") {
		t.Errorf("the writer's log is %q", out)
	}
}

func testDeleteClaim(t *testing.T, h *harness) {
	dir := h.boundVolume("default-class", 0)
	if _, err := os.Stat(filepath.Join(dir, "current", "data")); err != nil {
		t.Fatalf("what the pod wrote is not on the host: %v", err)
	}
	h.kubectl("-n", namespace, "delete", "pods", "writer", "reader")
	h.kubectl("-n", namespace, "delete", "pvc", "default-class")
	h.eventually("the volume's folder is gone", func(context.Context) bool {
		_, err := os.Stat(dir)
		return os.IsNotExist(err)
	})
}

func testIndexedJob(t *testing.T, h *harness) {
	h.claim("job", "")
	indexed, three := batchv1.IndexedCompletion, int32(3)
	worker := podSpec(65532, "job", false, "write", "/data", "part-$(JOB_COMPLETION_INDEX)", "$(JOB_COMPLETION_INDEX)")
	worker.Containers[0].Env = []corev1.EnvVar{{Name: "JOB_COMPLETION_INDEX", ValueFrom: &corev1.EnvVarSource{
		FieldRef: &corev1.ObjectFieldSelector{FieldPath: "metadata.annotations['batch.kubernetes.io/job-completion-index']"},
	}}}
	job := &batchv1.Job{
		ObjectMeta: metav1.ObjectMeta{Name: "indexed"},
		Spec: batchv1.JobSpec{
			CompletionMode: &indexed, Completions: &three, Parallelism: &three,
			Template: corev1.PodTemplateSpec{Spec: worker},
		},
	}
	if _, err := h.client.BatchV1().Jobs(namespace).Create(t.Context(), job, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	h.eventually("the job is complete", func(ctx context.Context) bool {
		job, err := h.client.BatchV1().Jobs(namespace).Get(ctx, "indexed", metav1.GetOptions{})
		return err == nil && job.Status.CompletedIndexes == "0-2"
	})
}

func testNetwork(t *testing.T, h *harness) {
	if out := h.pod("api", podSpec(65532, "", false, "get", "https://10.96.0.1/readyz"), corev1.PodSucceeded); !strings.Contains(out, "got 200 ok") {
		t.Errorf("the API server's Service answers a pod %q", out)
	}
	listener, err := net.Listen("tcp", net.JoinHostPort(h.record.HostIP().String(), "0"))
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, "the host")
	}))
	server.Listener = listener
	server.Start()
	defer server.Close()
	if out := h.pod("host", podSpec(65532, "", false, "get", server.URL), corev1.PodSucceeded); !strings.Contains(out, "got 200 the host") {
		t.Errorf("a server on the host answers a pod %q", out)
	}
}

func testExec(t *testing.T, h *harness) {
	h.pod("long", podSpec(65532, "job", false, "wait"), corev1.PodRunning)
	if out := h.kubectl("-n", namespace, "exec", "long", "--", "/testpod", "get", "https://10.96.0.1/readyz"); !strings.Contains(out, "got 200") {
		t.Errorf("exec prints %q", out)
	}
}

func testRestart(t *testing.T, h *harness) {
	for _, args := range [][]string{
		{"kube-apiserver"}, {"etcd", "--kill"}, {"kubelet"}, {"containerd"}, {"kube-controller-manager"}, {"kube-scheduler"}, {"kube-proxy"},
	} {
		h.cluster(append([]string{"restart"}, args...)...)
	}
	h.eventually("the API server answers", func(ctx context.Context) bool {
		_, err := h.client.CoreV1().Nodes().Get(ctx, clusterName, metav1.GetOptions{})
		return err == nil
	})
	if out := h.pod("after", podSpec(65532, "job", false, "write", "/data", "after", "after"), corev1.PodSucceeded); !strings.Contains(out, "wrote after") {
		t.Errorf("after the restarts, a pod's log is %q", out)
	}
	pod, err := h.client.CoreV1().Pods(namespace).Get(t.Context(), "long", metav1.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if s := pod.Status; s.Phase != corev1.PodRunning || s.ContainerStatuses[0].RestartCount != 0 {
		t.Errorf("the pod that ran before is %s, restarted %d times", s.Phase, s.ContainerStatuses[0].RestartCount)
	}
}
