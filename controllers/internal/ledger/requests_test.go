package ledger

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	datav1alpha1 "github.com/datasetmix/datasetmix/api/v1alpha1"
)

var at = metav1.NewTime(time.Unix(1_700_000_001, 0))

func annotated(requestedAt, forceAt string) map[string]string {
	return map[string]string{datav1alpha1.AnnotationRequestedAt: requestedAt, datav1alpha1.AnnotationForceAt: forceAt}
}

// TestObserved: every new value of an annotation asks once; force counts only with the value of requestedAt.
func TestObserved(t *testing.T) {
	first := Requests{RequestedAt: "1", Request: RequestName("requestedAt", "1"), At: at}
	forced := first
	forced.ForceAt, forced.Again = "1", RequestName("forceAt", "1")
	long := strings.Repeat("x", shownLimit+1)
	tests := []struct {
		name        string
		have        Requests
		annotations map[string]string
		want        Requests
	}{
		{name: "nothing asked"},
		{name: "a first value", annotations: annotated("1", ""), want: first},
		{name: "the same value", have: first, annotations: annotated("1", ""), want: first},
		{name: "another value", have: first, annotations: annotated("0", ""), want: Requests{RequestedAt: "0", Request: RequestName("requestedAt", "0"), At: at}},
		{name: "the value is taken away", have: first, want: first},
		{name: "with force", annotations: annotated("1", "1"), want: forced},
		{name: "force a moment later", have: first, annotations: annotated("1", "1"), want: forced},
		{name: "force twice", have: forced, annotations: annotated("1", "1"), want: forced},
		{name: "force alone", annotations: annotated("", "1")},
		{name: "an old force", have: first, annotations: annotated("1", "0"), want: first},
		{name: "asked after force", have: forced, annotations: annotated("2", "1"),
			want: Requests{RequestedAt: "2", ForceAt: "1", Request: RequestName("requestedAt", "2"), Again: RequestName("forceAt", "1"), At: at}},
		{name: "a long value", annotations: annotated(long, ""), want: Requests{RequestedAt: shown(long), Request: RequestName("requestedAt", shown(long)), At: at}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			if diff := cmp.Diff(test.want, test.have.Observed(test.annotations, at)); diff != "" {
				t.Errorf("asked (-want +got):\n%s", diff)
			}
		})
	}
	if got := shown(long); len(got) > shownLimit {
		t.Errorf("%d characters do not fit into the status", len(got))
	}
}

// TestReadRequests: what is damaged was never asked, and requests are read wherever the results are.
func TestReadRequests(t *testing.T) {
	asked := Requests{RequestedAt: "1", ForceAt: "1", Request: "a", Again: "b", At: at}
	data, err := Ledger{Requests: asked}.Data()
	if err != nil {
		t.Fatal(err)
	}
	for name, test := range map[string]struct {
		config *corev1.ConfigMap
		want   Requests
	}{
		"none": {}, "recorded": {&corev1.ConfigMap{Data: data}, asked}, "damaged": {config: &corev1.ConfigMap{Data: map[string]string{requestsKey: "{"}}},
	} {
		if diff := cmp.Diff(test.want, ReadRequests(test.config)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}
