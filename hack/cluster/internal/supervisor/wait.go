package supervisor

import (
	"bytes"
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"net/http"
	"os/exec"
	"strings"
	"time"

	"github.com/datasetmix/datasetmix/hack/cluster/internal/render"
	"github.com/datasetmix/datasetmix/hack/cluster/internal/spec"
	"github.com/datasetmix/datasetmix/hack/cluster/internal/supervise"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/client-go/kubernetes"
)

// Deadlines, many times what a small machine needs (a node is Ready about 10 s after its start).
const (
	serveTimeout = 2 * time.Minute
	nodeTimeout  = 2 * time.Minute
	podTimeout   = time.Minute
	interval     = 100 * time.Millisecond
)

// poll calls check until it returns true. The error has the last result of check.
func poll(ctx context.Context, timeout time.Duration, check func(context.Context) (bool, string)) error {
	var last string
	err := wait.PollUntilContextTimeout(ctx, interval, timeout, true, func(ctx context.Context) (done bool, _ error) {
		done, last = check(ctx)
		return done, nil
	})
	if err != nil {
		return fmt.Errorf("not within %s: %s", timeout, last)
	}
	return nil
}

// waitServing waits until the component answers.
func (s *supervisor) waitServing(ctx context.Context, component string) error {
	checks := map[string]func(context.Context) error{
		render.Etcd:              get("http://127.0.0.1:2379/readyz"),
		render.APIServer:         get(s.node.Server() + "/readyz"),
		render.ControllerManager: get("https://127.0.0.1:10257/healthz"),
		render.Scheduler:         get("https://127.0.0.1:10259/healthz"),
		render.Kubelet:           get("http://127.0.0.1:10248/healthz"),
		render.Proxy:             get("http://127.0.0.1:10249/healthz"),
		render.Containerd:        func(ctx context.Context) error { _, err := ctr(ctx, nil, "version"); return err },
	}
	err := poll(ctx, serveTimeout, func(ctx context.Context) (bool, string) {
		if err := checks[component](ctx); err != nil {
			return false, err.Error()
		}
		return true, ""
	})
	if err != nil {
		return fmt.Errorf("%s does not answer: %w; see `cluster logs %s`", component, err, component)
	}
	return nil
}

func get(url string) func(context.Context) error {
	client := &http.Client{
		Timeout: 5 * time.Second,
		Transport: &http.Transport{
			DisableKeepAlives: true,
			DialContext:       (&net.Dialer{Timeout: time.Second}).DialContext,
			// Health only, inside the node's network namespace; the components' own certificates are of no authority.
			TLSClientConfig: &tls.Config{InsecureSkipVerify: true},
		},
	}
	return func(ctx context.Context) error {
		request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
		if err != nil {
			return err
		}
		response, err := client.Do(request)
		if err != nil {
			return err
		}
		defer response.Body.Close()
		if response.StatusCode != http.StatusOK {
			return fmt.Errorf("%s answers %s", url, response.Status)
		}
		return nil
	}
}

// ctr runs containerd's own client and returns its output.
func ctr(ctx context.Context, in io.Reader, args ...string) (string, error) {
	cmd := exec.CommandContext(ctx, "ctr", append([]string{"--address=" + spec.ContainerdSocket, "--namespace=k8s.io"}, args...)...)
	cmd.Env = supervise.Environment()
	cmd.Stdin = in
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	if err := cmd.Run(); err != nil {
		return "", fmt.Errorf("ctr %s: %w: %s", args[0], err, strings.TrimSpace(stderr.String()))
	}
	return stdout.String(), nil
}

func importImages(ctx context.Context, archive io.Reader) (string, error) {
	return ctr(ctx, archive, "images", "import", "-")
}

func waitNodeReady(ctx context.Context, client kubernetes.Interface, name string) error {
	return poll(ctx, nodeTimeout, func(ctx context.Context) (bool, string) {
		node, err := client.CoreV1().Nodes().Get(ctx, name, metav1.GetOptions{})
		if err != nil {
			return false, err.Error()
		}
		message := "the kubelet has not reported yet"
		for _, condition := range node.Status.Conditions {
			if condition.Type == corev1.NodeReady {
				message = condition.Message
				// The taints go a moment later, and until then nothing is scheduled.
				if condition.Status == corev1.ConditionTrue && len(node.Spec.Taints) == 0 {
					return true, ""
				}
			}
		}
		return false, message
	})
}

// waitServiceAccount waits for what the controller manager makes in every namespace: until then no pod can be created.
func waitServiceAccount(ctx context.Context, client kubernetes.Interface) error {
	for _, namespace := range []string{metav1.NamespaceDefault, metav1.NamespaceSystem} {
		err := poll(ctx, nodeTimeout, func(ctx context.Context) (bool, string) {
			_, err := client.CoreV1().ServiceAccounts(namespace).Get(ctx, "default", metav1.GetOptions{})
			return err == nil, fmt.Sprint(err)
		})
		if err != nil {
			return fmt.Errorf("namespace %s: %w", namespace, err)
		}
	}
	return nil
}
