package e2e

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

func TestTwoNodes(t *testing.T) {
	h := newHarness(t)
	before := takeSnapshot(t)
	h.up("--nodes=2")
	var lived []string
	for _, p := range h.record.Processes {
		lived = append(lived, namespacesOf(t, p.PID)...)
	}
	h.loadImage()
	h.createNamespace()
	second := h.record.NodeName(1)

	h.claim("far", "")
	writer := podSpec(65532, "far", false, "write", "/data", "one", "far")
	writer.NodeSelector = map[string]string{corev1.LabelHostname: second}
	if out := h.pod("writer", writer, corev1.PodSucceeded); !strings.Contains(out, "wrote far") {
		t.Errorf("on the second node, the writer's log is %q", out)
	}
	if content, err := os.ReadFile(filepath.Join(h.boundVolume("far", 1), "one")); err != nil || string(content) != "far" {
		t.Errorf("on the second node's disk is %q (%v)", content, err)
	}
	// With no node named, the pod must follow its volume.
	if out := h.pod("reader", podSpec(65532, "far", true, "read", "/data/current/data"), corev1.PodSucceeded); !strings.Contains(out, "read far") {
		t.Errorf("the reader's log is %q", out)
	}
	api := podSpec(65532, "", false, "get", "https://10.96.0.1/readyz")
	api.NodeSelector = writer.NodeSelector
	if out := h.pod("api", api, corev1.PodSucceeded); !strings.Contains(out, "got 200 ok") {
		t.Errorf("on the second node, the API server's Service answers %q", out)
	}

	h.cluster("disconnect", second)
	h.nodeIs(second, corev1.ConditionUnknown)
	h.cluster("connect", second)
	h.nodeIs(second, corev1.ConditionTrue)

	h.cluster("down")
	before.compare(t, h, lived)
}

// nodeIs waits until the node's Ready condition has the status. Losing a node takes the controller manager 50 s.
func (h *harness) nodeIs(name string, want corev1.ConditionStatus) {
	h.t.Helper()
	h.eventually("node "+name+" is Ready="+string(want), func(ctx context.Context) bool {
		node, err := h.client.CoreV1().Nodes().Get(ctx, name, metav1.GetOptions{})
		if err != nil {
			return false
		}
		for _, c := range node.Status.Conditions {
			if c.Type == corev1.NodeReady && c.Status == want {
				return true
			}
		}
		return false
	})
}
