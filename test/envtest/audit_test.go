package envtest

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"sigs.k8s.io/controller-runtime/pkg/envtest"
)

// auditLog is where the API server writes every request of the manager's down, when it has been answered.
var auditLog string

// auditPolicy logs the requests of the manager, and no others.
const auditPolicy = `apiVersion: audit.k8s.io/v1
kind: Policy
omitStages: [RequestReceived, ResponseStarted]
rules:
- {level: Metadata, users: ["` + managerAccount + `"]}
- {level: None}
`

// auditEvent is the part of the API server's record that the tests read.
type auditEvent struct {
	Verb      string
	ObjectRef struct{ Resource, Namespace, Name, Subresource string }
	Time      time.Time          `json:"stageTimestamp"`
	Response  struct{ Code int } `json:"responseStatus"`
}

func (e auditEvent) String() string {
	kind := e.ObjectRef.Resource
	if e.ObjectRef.Subresource != "" {
		kind += "/" + e.ObjectRef.Subresource
	}
	return e.Verb + " " + kind
}

func (e auditEvent) writes() bool {
	return slices.Contains([]string{"create", "update", "patch", "delete", "deletecollection"}, e.Verb)
}

func keepAudit(environment *envtest.Environment) error {
	folder, err := os.MkdirTemp("", "audit")
	if err != nil {
		return err
	}
	auditLog = filepath.Join(folder, "audit.log")
	policy := filepath.Join(folder, "policy.yaml")
	if err := os.WriteFile(policy, []byte(auditPolicy), 0o600); err != nil {
		return err
	}
	environment.ControlPlane.GetAPIServer().Configure().
		Set("audit-policy-file", policy).Set("audit-log-path", auditLog).Set("audit-log-maxsize", "4096")
	return nil
}

// audited returns the manager's requests that the API server answered in a span of time and that a test picks.
func audited(t *testing.T, from, to time.Time, pick func(auditEvent) bool) []auditEvent {
	t.Helper()
	encoded, err := os.ReadFile(auditLog)
	if err != nil {
		t.Fatal(err)
	}
	encoded = encoded[:bytes.LastIndexByte(encoded, '\n')+1] // the API server may be in the middle of a line
	var events []auditEvent
	lines := bufio.NewScanner(bytes.NewReader(encoded))
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		var event auditEvent
		if err := json.Unmarshal(lines.Bytes(), &event); err != nil {
			t.Fatalf("the audit log has a line that cannot be read: %v: %s", err, lines.Text())
		}
		if !event.Time.Before(from) && event.Time.Before(to) && pick(event) {
			events = append(events, event)
		}
	}
	return events
}

// tally counts events by what they do.
func tally(events []auditEvent) map[string]int {
	counts := map[string]int{}
	for _, event := range events {
		counts[fmt.Sprint(event)]++
	}
	return counts
}
