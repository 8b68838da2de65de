package ledger

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	datav1alpha1 "github.com/datasetmix/datasetmix/api/v1alpha1"
)

// Requests are the refresh and rebuild requests, from annotations or the schedule, that have been handled. They are recorded with the results: the last
// request is part of the keys of downloads, so removing an annotation does not restore earlier downloads.
type Requests struct {
	// RequestedAt and ForceAt are the values of the annotations that were handled, as the status shows them.
	RequestedAt string `json:"requestedAt,omitempty"`
	ForceAt     string `json:"forceAt,omitempty"`
	// Request is the name of the last refresh request, which is part of the keys of floating sources' downloads; empty before the first.
	Request string `json:"request,omitempty"`
	// Again is the name of the last rebuild request, which is part of the location; empty before the first.
	Again string `json:"again,omitempty"`
	// At is when Request was made, or, before the first, when the schedule began.
	At metav1.Time `json:"at,omitzero"`
}

const (
	// requestsKey is the entry of the requests in the ConfigMap. No content key and no failure has that name.
	requestsKey = "asked"
	// shownLimit is the number of bytes up to which the status shows the value of an annotation in full.
	shownLimit = 128
	// nameLength is the number of hex digits of a request's name, which is a hash.
	nameLength = 16
)

// ReadRequests returns the handled requests that a ConfigMap records, which may be nil. It returns none if they cannot be read.
func ReadRequests(config *corev1.ConfigMap) Requests {
	var r Requests
	if config != nil {
		_ = json.Unmarshal([]byte(config.Data[requestsKey]), &r)
	}
	return r
}

// encode returns the entry of the ConfigMap; ok is false without requests.
func (r Requests) encode() (entry string, ok bool) {
	if r == (Requests{}) {
		return "", false
	}
	encoded, err := json.Marshal(r)
	return string(encoded), err == nil // strings and a time: it does not fail
}

// Observed returns the requests with those in the annotations of a mix. Each value of an annotation is one request; removing it requests nothing.
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

// shown returns a value as the status shows it: a long one by its hash.
func shown(value string) string {
	if len(value) <= shownLimit {
		return value
	}
	sum := sha256.Sum256([]byte(value))
	return hex.EncodeToString(sum[:])
}
