// Package contract is all that the manager and the worker agree on: a task in, a result out, and exit codes.
package contract

import (
	"encoding/json"
	"errors"
	"fmt"
	"unicode/utf8"

	"github.com/datasetmix/datasetmix/internal/pipeline"
	"github.com/datasetmix/datasetmix/internal/recipe"
)

// TaskVersion and MessageVersion are refused when they are not known, so that a manager and a worker of different releases
// never half-understand each other.
const (
	TaskVersion    = "datasetmix.task/v1"
	MessageVersion = "datasetmix.result/v1"
)

// Where things lie in a worker's pod.
const (
	ContainerName = "worker"                    // the container whose termination message is the result
	WorkerProgram = "/worker"                   // in the worker image, which may hold the manager as well
	TaskFile      = "/etc/datasetmix/task.json" // the mounted task
	IdentityFile  = "identity"                  // in a data set's folder of tokens: which service account the pod runs as
	HostsKey      = "hosts"                     // of a Secret: where its credentials may be sent; in a data set's folder of tokens, too
	TokenFolder   = "/etc/datasetmix/tokens"    // <data set>/token, for sources with a credential
	BundleFolder  = "/etc/datasetmix/bundles"   // <data set>/ca.crt, for sources with certificates of their own
	SecretFolder  = "/secrets"                  // <data set>/<key>, for sources with a whole Secret
	VolumeFolder  = "/data"                     // the mix's claim
	ClaimFolder   = "/claims"                   // <claim name>, read-only: the claims of volume sources
	MessageFile   = "/dev/termination-log"      // the result
	IndexVariable = "JOB_COMPLETION_INDEX"      // which of the task's units this pod builds
	BuildVariable = "DATASETMIX_BUILD"          // the id that the log lines of manager and workers of one build share
	MessageLimit  = 4096                        // bytes that Kubernetes keeps of a termination message
	taskTooNew    = "use the worker image that belongs to this manager"
)

// Task is what a Job is to build: one unit per completion index.
type Task struct {
	Version string          `json:"version"`
	Stage   pipeline.Stage  `json:"stage"`
	Nodes   []pipeline.Node `json:"units"`
	Recipe  recipe.Recipe   `json:"recipe"`
	// Results of the finished units of all earlier stages, by key.
	Results map[string]pipeline.Result `json:"results,omitempty"`
	// Chain reports that one pod builds all units, and then those of every later stage.
	Chain bool `json:"chain,omitempty"`
	// Again names a request to build everything anew, finished or not; empty means none. It is in no key.
	Again string `json:"again,omitempty"`
	// Keep is what a publication leaves on the volume in addition to what the recipe keeps; nil adds nothing.
	Keep *Keep `json:"keep,omitempty"`
}

// ParseTask reads a task and refuses what it does not understand.
func ParseTask(encoded []byte) (Task, error) {
	var version struct {
		Version string `json:"version"`
	}
	if err := json.Unmarshal(encoded, &version); err != nil {
		return Task{}, Failf(InvalidTask, "the task is not JSON: %w", err)
	}
	if version.Version != TaskVersion {
		return Task{}, Failf(InvalidTask, "the task has version %q, this worker reads %q: %s", version.Version, TaskVersion, taskTooNew)
	}
	var task Task
	if err := DecodeStrict(encoded, &task); err != nil {
		return Task{}, Failf(InvalidTask, "the task cannot be read: %w: %s", err, taskTooNew)
	}
	if err := task.Recipe.Validate(); err != nil {
		return Task{}, Failf(InvalidTask, "the task cannot be built: %w: %s", err, taskTooNew)
	}
	return task, nil
}

// Node returns the unit of a completion index, once the worker has found that it comes to the same keys as the manager.
func (t Task) Node(index int) (pipeline.Node, error) {
	if index < 0 || index >= len(t.Nodes) {
		return pipeline.Node{}, Failf(InvalidTask, "the task has %d units and none with index %d", len(t.Nodes), index)
	}
	unit := t.Nodes[index]
	graph, err := pipeline.Walk(t.Recipe, t.Results)
	if err != nil {
		return pipeline.Node{}, Failf(InvalidTask, "the task's results contradict its recipe: %w", err)
	}
	if step, ok := graph.Step(t.Stage); ok {
		for _, own := range step.Nodes {
			if own == unit {
				return unit, nil
			}
		}
	}
	return pipeline.Node{}, Failf(InvalidTask, "this worker knows no unit %s of stage %s with key %s: %s", unit.Name, t.Stage, unit.Key, taskTooNew)
}

// Message is what a worker leaves as its termination message: the result of one unit, or why there is none.
type Message struct {
	Version string           `json:"version"`
	Stage   pipeline.Stage   `json:"stage,omitempty"`
	Node    pipeline.Node    `json:"unit"`
	Result  *pipeline.Result `json:"result,omitempty"`
	Failure *FailureNote     `json:"failure,omitempty"`
	// Results are those of a chain, in the order in which its units were finished, in place of Result. Beside a failure they are what was
	// finished before; Unit is then the one that failed.
	Results []NodeResult `json:"results,omitempty"`
}

// NodeResult is a unit of a chain with its result.
type NodeResult struct {
	Node   pipeline.Node   `json:"unit"`
	Result pipeline.Result `json:"result"`
}

// FailureNote is a Failure on its way to the manager.
type FailureNote struct {
	Reason  Reason `json:"reason"`
	Message string `json:"message"`
	// Damaged are the keys, cut short, of finished units that were removed, since they were not what their stages had left.
	Damaged []string `json:"damaged,omitempty"`
}

// noteLimit bounds the text of a failure, in bytes, so that a message always fits.
const noteLimit = 1024

// Encode returns the message in at most MessageLimit bytes, packed where it would take more. A single result that does not fit even when packed
// is an error. Of a chain's results, the last ones are left out until the rest fits: the pods of the units left out find them finished on the
// volume and report them again in milliseconds.
func (m Message) Encode() ([]byte, error) {
	m.Version = MessageVersion
	if m.Failure != nil {
		note := *m.Failure
		note.Message = Shorten(note.Message, noteLimit)
		m.Failure = &note
	}
	for {
		encoded, err := m.encode()
		least := 1
		if m.Failure != nil {
			least = 0
		}
		if err == nil || len(m.Results) <= least {
			return encoded, err
		}
		m.Results = m.Results[:len(m.Results)-1]
	}
}

func (m Message) encode() ([]byte, error) {
	encoded, err := json.Marshal(m)
	if err != nil {
		return nil, fmt.Errorf("encode the result: %w", err)
	}
	if len(encoded) <= MessageLimit {
		return encoded, nil
	}
	if encoded, err = pack(encoded); err != nil {
		return nil, fmt.Errorf("pack the result: %w", err)
	}
	if len(encoded) > MessageLimit {
		return nil, Failf(WorkerFailed, "the result of %s %s takes %d bytes, and a termination message holds %d", m.Stage, m.Node.Name, len(encoded), MessageLimit)
	}
	return encoded, nil
}

// ParseMessage reads a termination message. Anything but a whole message of this version is an error, and the manager then
// runs the unit again: a finished one reports once more in milliseconds.
func ParseMessage(encoded []byte) (Message, error) {
	encoded, err := unpack(encoded)
	if err != nil {
		return Message{}, err
	}
	var m Message
	if err := json.Unmarshal(encoded, &m); err != nil {
		return Message{}, fmt.Errorf("the termination message is not a result: %w", err)
	}
	if m.Version != MessageVersion {
		return Message{}, fmt.Errorf("the termination message has version %q, this manager reads %q", m.Version, MessageVersion)
	}
	if told := m.Result != nil || len(m.Results) > 0 && m.Failure == nil; told == (m.Failure != nil) || m.Result != nil && len(m.Results) > 0 {
		return Message{}, errors.New("the termination message must hold a result, the results of a chain or a failure, one of them")
	}
	return m.judged()
}

// judged returns the message fit for the status.
func (m Message) judged() (Message, error) {
	var errs []error
	judge := func(result *pipeline.Result) *pipeline.Result {
		fit, err := Judge(*result)
		errs = append(errs, err)
		return &fit
	}
	if m.Failure != nil {
		note := m.Failure.Judged()
		m.Failure = &note
	}
	if m.Result != nil {
		m.Result = judge(m.Result)
	}
	for i := range m.Results {
		m.Results[i].Result = *judge(&m.Results[i].Result)
	}
	if err := errors.Join(errs...); err != nil {
		return Message{}, fmt.Errorf("the termination message has a result that no worker reports: %w", err)
	}
	return m, nil
}

// Shorten cuts a text to a limit of bytes at a whole character.
func Shorten(text string, limit int) string {
	if len(text) <= limit {
		return text
	}
	cut := limit - len("…")
	for cut > 0 && !utf8.RuneStart(text[cut]) {
		cut--
	}
	return text[:cut] + "…"
}
