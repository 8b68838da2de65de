package ledger

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	datav1alpha1 "github.com/datasetmix/datasetmix/api/v1alpha1"
)

// Requests are the refresh and rebuild requests, from annotations or the schedule, that have been handled. They are kept with the
// results: a request stays in the keys of what it resolved, so removing an annotation does not restore what was resolved before.
type Requests struct {
	// RequestedAt and ForceAt are the values of the annotations that were acted upon, as the status shows them.
	RequestedAt string `json:"requestedAt,omitempty"`
	ForceAt     string `json:"forceAt,omitempty"`
	// Request is in the keys of the downloads of floating sources; empty before the first.
	Request string `json:"request,omitempty"`
	// Again is in the location of the results; empty before the first.
	Again string `json:"again,omitempty"`
	// At is when Request was made, or, before the first, when the schedule began.
	At metav1.Time `json:"at,omitzero"`
}

const (
	// requestsKey is their entry in the ConfigMap. No content key and no Job has that name.
	requestsKey = "asked"
	// shownLimit is how long a value of an annotation may be to be shown in full in the status.
	shownLimit = 128
	// nameLength is how many hex digits of a hash name a request.
	nameLength = 16
)

// ReadRequests reads the handled requests, whatever the location of their results. What cannot be read counts as never requested.
func ReadRequests(config *corev1.ConfigMap) Requests {
	var r Requests
	if config != nil {
		_ = json.Unmarshal([]byte(config.Data[requestsKey]), &r)
	}
	return r
}

// encode returns the entry of the ConfigMap, "" without requests.
func (r Requests) encode() (string, bool) {
	if r == (Requests{}) {
		return "", false
	}
	encoded, err := json.Marshal(r)
	return string(encoded), err == nil // strings and a time: it does not fail
}

// Observed returns the requests with those in the annotations of a mix. Each value is handled once, and removing one requests nothing.
func (r Requests) Observed(annotations map[string]string, now metav1.Time) Requests {
	requested, forced := shown(annotations[datav1alpha1.AnnotationRequestedAt]), shown(annotations[datav1alpha1.AnnotationForceAt])
	if requested == "" {
		return r
	}
	if requested != r.RequestedAt {
		r.RequestedAt, r.Request, r.At = requested, RequestName("requestedAt", requested), now
	}
	if forced == requested && forced != r.ForceAt {
		r.ForceAt, r.Again = forced, RequestName("forceAt", forced)
	}
	return r
}

// RequestName returns the name of a request by its origin and its value.
func RequestName(by, value string) string {
	sum := sha256.Sum256([]byte(by + "\n" + value))
	return hex.EncodeToString(sum[:])[:nameLength]
}

// shown returns a value as the status can hold it.
func shown(value string) string {
	if len(value) <= shownLimit {
		return value
	}
	sum := sha256.Sum256([]byte(value))
	return hex.EncodeToString(sum[:])
}
