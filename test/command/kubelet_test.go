package command

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	streaming "k8s.io/streaming/pkg/httpstream"
	"k8s.io/streaming/pkg/httpstream/spdy"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/datasetmix/datasetmix/internal/contract"
)

// kubelet takes the place of a node's: it runs the real worker, as a process of this machine, for every pod of a namespace, with folders as its
// claims. The API server asks it for logs and forwards ports through it, as it would a real one.
type kubelet struct {
	t      *testing.T
	space  string
	claims string // a folder for each claim
	node   string
	worker string
	// refuse, if there is one, is what every pod fails with: an exit code and its message.
	refuse func() (int32, string)

	mutex sync.Mutex
	pods  map[string]*process
}

// process is a pod that runs.
type process struct {
	log    lockedBuffer
	port   int
	cancel context.CancelFunc
	done   chan struct{}
}

type lockedBuffer struct {
	mutex sync.Mutex
	bytes.Buffer
}

func (b *lockedBuffer) Write(p []byte) (int, error) {
	b.mutex.Lock()
	defer b.mutex.Unlock()
	return b.Buffer.Write(p)
}

func (b *lockedBuffer) text() string {
	b.mutex.Lock()
	defer b.mutex.Unlock()
	return b.String()
}

// theWorker is built once.
var theWorker = sync.OnceValues(func() (string, error) {
	at := filepath.Join(filepath.Dir(program), "worker")
	build := exec.CommandContext(context.Background(), "go", "build", "-tags", "disable_grpc_modules", "-o", at, "../../cmd/worker")
	if out, err := build.CombinedOutput(); err != nil {
		return "", fmt.Errorf("building the worker: %w\n%s", err, out)
	}
	return at, nil
})

// newKubelet registers a node and runs the pods of a namespace until the test ends.
func newKubelet(t *testing.T, space string) *kubelet {
	t.Helper()
	worker, err := theWorker()
	if err != nil {
		t.Fatal(err)
	}
	k := &kubelet{t: t, space: space, claims: t.TempDir(), node: "node-" + space, worker: worker, pods: map[string]*process{}}
	server := httptest.NewTLSServer(http.HandlerFunc(k.serve))
	t.Cleanup(server.Close)
	port, err := strconv.Atoi(server.Listener.Addr().String()[strings.LastIndex(server.Listener.Addr().String(), ":")+1:])
	if err != nil {
		t.Fatal(err)
	}
	node := &corev1.Node{ObjectMeta: metav1.ObjectMeta{Name: k.node}}
	create(t, node)
	t.Cleanup(func() { _ = api.Delete(context.Background(), node) })
	node.Status.Addresses = []corev1.NodeAddress{{Type: corev1.NodeInternalIP, Address: "127.0.0.1"}}
	node.Status.DaemonEndpoints.KubeletEndpoint.Port = int32(port)
	if err := api.Status().Update(t.Context(), node); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		for ctx.Err() == nil {
			k.sync(ctx)
			time.Sleep(50 * time.Millisecond)
		}
	}()
	t.Cleanup(func() { cancel(); <-ended; k.stop("") })
	return k
}

// claim makes a claim and returns its folder.
func (k *kubelet) claim(name string) string {
	k.t.Helper()
	folder := filepath.Join(k.claims, name)
	if err := os.MkdirAll(folder, 0o750); err != nil {
		k.t.Fatal(err)
	}
	return folder
}

// sync starts pods that are new, and stops those that are deleted.
func (k *kubelet) sync(ctx context.Context) {
	var list corev1.PodList
	if err := api.List(ctx, &list, client.InNamespace(k.space)); err != nil {
		return
	}
	there := map[string]bool{}
	for i := range list.Items {
		pod := &list.Items[i]
		there[pod.Name] = pod.DeletionTimestamp == nil
		switch {
		case pod.DeletionTimestamp != nil:
			k.stop(pod.Name)
			now := int64(0)
			_ = api.Delete(ctx, pod, &client.DeleteOptions{GracePeriodSeconds: &now})
		case pod.Spec.NodeName == "" && strings.HasPrefix(pod.Name, "datasetmix-"):
			if err := api.SubResource("binding").Create(ctx, pod, &corev1.Binding{Target: corev1.ObjectReference{Kind: "Node", Name: k.node}}); err == nil {
				k.start(pod)
			}
		}
	}
}

// start runs the worker of a pod.
func (k *kubelet) start(pod *corev1.Pod) {
	if k.refuse != nil {
		code, message := k.refuse()
		k.status(pod, corev1.PodFailed, &corev1.ContainerStateTerminated{ExitCode: code, Message: message})
		return
	}
	listener, err := (&net.ListenConfig{}).Listen(context.Background(), "tcp", "127.0.0.1:0")
	if err != nil {
		return
	}
	port := listener.Addr().(*net.TCPAddr).Port
	_ = listener.Close()
	container := pod.Spec.Containers[0]
	arguments := []string{container.Command[1]}
	switch container.Command[1] {
	case "look":
		root := k.mounted(pod)
		arguments = append(arguments, "--claims="+k.claims, "--tokens="+root+contract.TokenFolder, "--bundles="+root+contract.BundleFolder, "--secrets="+root+contract.SecretFolder)
	case "read":
		arguments = append(arguments, "--data="+filepath.Join(k.claims, pod.Spec.Volumes[0].PersistentVolumeClaim.ClaimName))
	default:
		arguments = append(arguments, "--data="+filepath.Join(k.claims, pod.Spec.Volumes[0].PersistentVolumeClaim.ClaimName), fmt.Sprintf("--listen=127.0.0.1:%d", port), "--patience=5s")
	}
	ctx, cancel := context.WithCancel(context.Background())
	p := &process{port: port, cancel: cancel, done: make(chan struct{})}
	k.mutex.Lock()
	k.pods[pod.Name] = p
	k.mutex.Unlock()
	line := exec.CommandContext(ctx, k.worker, append(arguments, container.Command[2:]...)...)
	line.Cancel = func() error { return line.Process.Signal(os.Interrupt) }
	for _, variable := range container.Env {
		line.Env = append(line.Environ(), variable.Name+"="+variable.Value)
	}
	line.Stdout, line.Stderr = &p.log, &p.log
	k.status(pod, corev1.PodRunning, nil)
	go func() {
		defer close(p.done)
		_ = line.Run()
		code := int32(line.ProcessState.ExitCode())
		phase := corev1.PodSucceeded
		if code != 0 {
			phase = corev1.PodFailed
		}
		k.status(pod, phase, &corev1.ContainerStateTerminated{ExitCode: code, Message: lastError(p.log.text())})
	}()
}

// mounted writes what a pod mounts of Secrets below a folder, and returns that.
func (k *kubelet) mounted(pod *corev1.Pod) string {
	root := filepath.Join(filepath.Dir(k.claims), pod.Name)
	write := func(secret, key, at string) {
		var of corev1.Secret
		_ = api.Get(context.Background(), client.ObjectKey{Namespace: k.space, Name: secret}, &of)
		for name, value := range of.Data {
			if key == "" || key == name {
				file := filepath.Join(root, at)
				if key == "" {
					file = filepath.Join(file, name)
				}
				_ = errors.Join(os.MkdirAll(filepath.Dir(file), 0o750), os.WriteFile(file, value, 0o600))
			}
		}
	}
	for i, volume := range pod.Spec.Volumes {
		at := pod.Spec.Containers[0].VolumeMounts[i].MountPath
		if volume.Secret != nil {
			write(volume.Secret.SecretName, "", at)
		}
		if volume.Projected == nil {
			continue
		}
		for _, from := range volume.Projected.Sources {
			if from.Secret != nil {
				write(from.Secret.Name, from.Secret.Items[0].Key, filepath.Join(at, from.Secret.Items[0].Path))
			}
		}
	}
	return root
}

// lastError returns the message that a worker leaves, as its log has it.
func lastError(log string) string {
	_, rest, ok := strings.Cut(log, `"error":"`)
	if !ok {
		return ""
	}
	text, _, _ := strings.Cut(rest, `"}`)
	return strings.ReplaceAll(text, `\"`, `"`)
}

func (k *kubelet) status(pod *corev1.Pod, phase corev1.PodPhase, end *corev1.ContainerStateTerminated) {
	now := pod.DeepCopy()
	now.Status.Phase = phase
	now.Status.ContainerStatuses = []corev1.ContainerStatus{{Name: pod.Spec.Containers[0].Name, Image: pod.Spec.Containers[0].Image, ContainerID: "test://" + pod.Name}}
	if end == nil {
		now.Status.ContainerStatuses[0].State.Running = &corev1.ContainerStateRunning{StartedAt: metav1.Now()}
	} else {
		now.Status.ContainerStatuses[0].State.Terminated = end
	}
	_ = api.Status().Patch(context.Background(), now, client.MergeFrom(pod))
}

// stop ends a pod's process, or all of them, and waits for it.
func (k *kubelet) stop(name string) {
	k.mutex.Lock()
	var stopping []*process
	for its, p := range k.pods {
		if name == "" || its == name {
			stopping = append(stopping, p)
		}
	}
	k.mutex.Unlock()
	for _, p := range stopping {
		p.cancel()
		<-p.done
	}
}

// serve answers the API server.
func (k *kubelet) serve(w http.ResponseWriter, r *http.Request) {
	parts := strings.Split(strings.Trim(r.URL.Path, "/"), "/")
	if len(parts) < 3 || parts[1] != k.space {
		http.NotFound(w, r)
		return
	}
	k.mutex.Lock()
	p := k.pods[parts[2]]
	k.mutex.Unlock()
	switch {
	case p == nil:
		http.NotFound(w, r)
	case parts[0] == "containerLogs":
		_, _ = io.WriteString(w, p.log.text())
	case parts[0] == "portForward":
		forward(w, r, p.port)
	default:
		http.NotFound(w, r)
	}
}

// forward connects the streams of a request with a port, as a kubelet does.
func forward(w http.ResponseWriter, r *http.Request, port int) {
	if _, err := streaming.Handshake(r, w, []string{"portforward.k8s.io"}); err != nil {
		return
	}
	streams := make(chan streaming.Stream, 8)
	conn := spdy.NewResponseUpgrader().UpgradeResponse(w, r, func(stream streaming.Stream, _ <-chan struct{}) error {
		streams <- stream
		return nil
	})
	if conn == nil {
		return
	}
	defer conn.Close()
	for {
		select {
		case <-conn.CloseChan():
			return
		case stream := <-streams:
			if stream.Headers().Get(corev1.StreamType) == corev1.StreamTypeError {
				_ = stream.Close()
				continue
			}
			go func() {
				to, err := net.Dial("tcp", fmt.Sprintf("127.0.0.1:%d", port))
				if err != nil {
					_ = stream.Reset()
					return
				}
				go func() {
					_, _ = io.Copy(to, stream)
					_ = to.(*net.TCPConn).CloseWrite()
				}()
				_, _ = io.Copy(stream, to)
				_ = errors.Join(stream.Close(), to.Close())
			}()
		}
	}
}
