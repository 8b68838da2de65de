package e2e

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/datasetmix/datasetmix/hack/cluster/internal/host"
	"github.com/datasetmix/datasetmix/hack/cluster/internal/spec"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/clientcmd"
)

const (
	clusterName = "cluster-e2e" // its own, so that a cluster in use is not disturbed
	image       = "cluster.datasetmix.io/testpod:e2e"
	namespace   = "restricted"
	deadline    = 90 * time.Second
)

// harness is one cluster under test.
type harness struct {
	t          *testing.T
	bin, state string
	kubeconfig string
	client     *kubernetes.Clientset
	record     host.Record
}

// newHarness skips the test where no cluster can run.
func newHarness(t *testing.T) *harness {
	if os.Getenv("CLUSTER_E2E") == "" {
		t.Skip("runs a real cluster: set CLUSTER_E2E=1 (and CLUSTER_BIN when the programs are not in bin/ at the top of the repository)")
	}
	bin := os.Getenv("CLUSTER_BIN")
	if bin == "" {
		bin = filepath.Join("..", "..", "..", "bin")
	}
	bin, err := filepath.Abs(bin)
	if err != nil {
		t.Fatal(err)
	}
	if err := host.Check(bin); err != nil {
		t.Skipf("no cluster can run here:\n%v", err)
	}
	dir := t.TempDir()
	return &harness{t: t, bin: bin, state: filepath.Join(dir, "state"), kubeconfig: filepath.Join(dir, "kubeconfig")}
}

// cluster runs the cluster command and returns its output.
func (h *harness) cluster(args ...string) string {
	h.t.Helper()
	return h.run(filepath.Join(h.bin, "cluster"), append([]string{"--name=" + clusterName, "--state=" + h.state}, args...)...)
}

func (h *harness) kubectl(args ...string) string {
	h.t.Helper()
	return h.run(filepath.Join(h.bin, "kubernetes"), append([]string{"kubectl", "--kubeconfig=" + h.kubeconfig}, args...)...)
}

func (h *harness) run(program string, args ...string) string {
	h.t.Helper()
	out, err := exec.CommandContext(h.t.Context(), program, args...).CombinedOutput()
	if err != nil {
		h.t.Fatalf("%s %s: %v\n%s", filepath.Base(program), strings.Join(args, " "), err, out)
	}
	return string(out)
}

func (h *harness) up(flags ...string) {
	h.t.Helper()
	h.t.Cleanup(func() { // also when the test fails half-way; t.Context has ended by then
		out, err := exec.Command(filepath.Join(h.bin, "cluster"), "--name="+clusterName, "--state="+h.state, "down").CombinedOutput()
		if err != nil {
			h.t.Errorf("down: %v\n%s", err, out)
		}
	})
	h.t.Log(h.cluster(append([]string{"up", "--kubeconfig=" + h.kubeconfig}, flags...)...))
	record, found, err := host.ReadRecord(filepath.Join(h.state, clusterName))
	if err != nil || !found {
		h.t.Fatalf("no record of the cluster: %v", err)
	}
	h.record = record
	config, err := clientcmd.BuildConfigFromFlags("", h.kubeconfig)
	if err != nil {
		h.t.Fatal(err)
	}
	if h.client, err = kubernetes.NewForConfig(config); err != nil {
		h.t.Fatal(err)
	}
}

// loadImage builds the test's program, makes an image of it and loads it.
func (h *harness) loadImage() {
	h.t.Helper()
	dir := h.t.TempDir()
	program, archive := filepath.Join(dir, "testpod"), filepath.Join(dir, "testpod.tar")
	build := exec.CommandContext(h.t.Context(), "go", "build", "-o", program, "./testpod")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		h.t.Fatalf("building testpod: %v\n%s", err, out)
	}
	h.cluster("image", "--tag="+image, "--binary="+program+":/testpod", "--out="+archive)
	if out := h.cluster("load", archive); !strings.Contains(out, image) {
		h.t.Fatalf("load says %q, not that it imported %s", out, image)
	}
}

// claim makes a claim of 1 GiB; the class "" is the default one.
func (h *harness) claim(name, class string) {
	h.t.Helper()
	claim := &corev1.PersistentVolumeClaim{
		ObjectMeta: metav1.ObjectMeta{Name: name},
		Spec: corev1.PersistentVolumeClaimSpec{
			AccessModes: []corev1.PersistentVolumeAccessMode{corev1.ReadWriteOnce},
			Resources: corev1.VolumeResourceRequirements{
				Requests: corev1.ResourceList{corev1.ResourceStorage: resource.MustParse("1Gi")},
			},
		},
	}
	if class != "" {
		claim.Spec.StorageClassName = &class
	}
	if _, err := h.client.CoreV1().PersistentVolumeClaims(namespace).Create(h.t.Context(), claim, metav1.CreateOptions{}); err != nil {
		h.t.Fatal(err)
	}
}

// podSpec returns a pod that satisfies the restricted profile. With a claim, it has it at /data.
func podSpec(uid int64, claim string, readOnly bool, args ...string) corev1.PodSpec {
	yes, no := true, false
	p := corev1.PodSpec{
		RestartPolicy: corev1.RestartPolicyNever,
		SecurityContext: &corev1.PodSecurityContext{
			RunAsNonRoot: &yes, RunAsUser: &uid, RunAsGroup: &uid, FSGroup: &uid,
			SeccompProfile: &corev1.SeccompProfile{Type: corev1.SeccompProfileTypeRuntimeDefault},
		},
		TerminationGracePeriodSeconds: new(int64),
		Containers: []corev1.Container{{
			Name: "testpod", Image: image, Args: args, ImagePullPolicy: corev1.PullNever,
			SecurityContext: &corev1.SecurityContext{
				AllowPrivilegeEscalation: &no, ReadOnlyRootFilesystem: &yes,
				Capabilities: &corev1.Capabilities{Drop: []corev1.Capability{"ALL"}},
			},
		}},
	}
	if claim != "" {
		p.Volumes = []corev1.Volume{{Name: "data", VolumeSource: corev1.VolumeSource{
			PersistentVolumeClaim: &corev1.PersistentVolumeClaimVolumeSource{ClaimName: claim},
		}}}
		p.Containers[0].VolumeMounts = []corev1.VolumeMount{{Name: "data", MountPath: "/data", ReadOnly: readOnly}}
	}
	return p
}

// pod runs a pod until it is in the phase and returns its log, as kubectl prints it.
func (h *harness) pod(name string, p corev1.PodSpec, phase corev1.PodPhase) string {
	h.t.Helper()
	pod := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Name: name}, Spec: p}
	if _, err := h.client.CoreV1().Pods(namespace).Create(h.t.Context(), pod, metav1.CreateOptions{}); err != nil {
		h.t.Fatal(err)
	}
	h.eventually("pod "+name+" is "+string(phase), func(ctx context.Context) bool {
		pod, err := h.client.CoreV1().Pods(namespace).Get(ctx, name, metav1.GetOptions{})
		if err == nil && pod.Status.Phase == corev1.PodFailed && phase != corev1.PodFailed {
			h.t.Fatalf("pod %s failed: %s", name, h.kubectl("-n", namespace, "logs", name))
		}
		return err == nil && pod.Status.Phase == phase
	})
	return h.kubectl("-n", namespace, "logs", name)
}

func (h *harness) eventually(what string, check func(context.Context) bool) {
	h.t.Helper()
	err := wait.PollUntilContextTimeout(h.t.Context(), 100*time.Millisecond, deadline, true,
		func(ctx context.Context) (bool, error) { return check(ctx), nil })
	if err != nil {
		h.t.Fatalf("not within %s: %s\n%s\n%s", deadline, what, h.cluster("status"),
			h.kubectl("get", "pods,events", "--all-namespaces"))
	}
}

// boundVolume returns the folder, on the host, of the claim's volume on the given node.
func (h *harness) boundVolume(claim string, node int) string {
	h.t.Helper()
	bound, err := h.client.CoreV1().PersistentVolumeClaims(namespace).Get(h.t.Context(), claim, metav1.GetOptions{})
	if err != nil {
		h.t.Fatal(err)
	}
	volume, err := h.client.CoreV1().PersistentVolumes().Get(h.t.Context(), bound.Spec.VolumeName, metav1.GetOptions{})
	if err != nil {
		h.t.Fatal(err)
	}
	return h.record.NodeDir(node, strings.TrimPrefix(volume.Spec.Local.Path, spec.StateDir))
}
