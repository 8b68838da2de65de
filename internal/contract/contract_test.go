package contract

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/datasetmix/datasetmix/internal/pipeline"
	"github.com/datasetmix/datasetmix/internal/testing/recipes"
)

func smallTask(t testing.TB) Task {
	t.Helper()
	graph, err := pipeline.Walk(recipes.Small(), nil)
	if err != nil {
		t.Fatal(err)
	}
	return Task{Version: TaskVersion, Stage: pipeline.StageDownload, Nodes: graph.Next().Nodes, Recipe: recipes.Small()}
}

func TestTaskRoundTrip(t *testing.T) {
	want := smallTask(t)
	encoded, err := json.Marshal(want)
	if err != nil {
		t.Fatal(err)
	}
	got, err := ParseTask(encoded)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	unit, err := got.Node(0)
	if err != nil || unit != want.Nodes[0] {
		t.Errorf("unit 0 is %v, %v", unit, err)
	}
}

func TestTasksThatCannotBeUnderstoodAreRefused(t *testing.T) {
	for _, c := range []struct{ encoded, want string }{
		{`{`, "not JSON"},
		{`{}`, `version ""`},
		{`{"version":"datasetmix.task/v9"}`, "use the worker image"},
		{`{"version":"datasetmix.task/v1","extra":1}`, "extra"},
	} {
		_, err := ParseTask([]byte(c.encoded))
		if err == nil || !strings.Contains(err.Error(), c.want) || ReasonOf(err) != InvalidTask {
			t.Errorf("%s: %v (%s), want %q", c.encoded, err, ReasonOf(err), c.want)
		}
	}
	task := smallTask(t)
	for _, index := range []int{-1, 1} {
		if _, err := task.Node(index); ReasonOf(err) != InvalidTask {
			t.Errorf("unit %d: %v", index, err)
		}
	}
	task.Nodes[0].Key = "0123"
	if _, err := task.Node(0); err == nil || !strings.Contains(err.Error(), "knows no unit gsm8k of stage download") {
		t.Errorf("a foreign key: %v", err)
	}
}

func TestMessageRoundTrip(t *testing.T) {
	for _, want := range []Message{
		{Stage: pipeline.StagePublish, Node: pipeline.Node{Name: "small", Key: "k"}, Result: &pipeline.Result{Publish: &pipeline.PublishResult{Revision: "0123456789", Digest: "d", Bytes: 5, Files: 2}}},
		{Stage: pipeline.StagePublish, Node: pipeline.Node{Name: "small", Key: "k"}, Results: []NodeResult{
			{pipeline.Node{Name: "small", Key: "b"}, pipeline.Result{Balance: &pipeline.BalanceResult{Plan: "0a"}}},
			{pipeline.Node{Name: "small", Key: "k"}, pipeline.Result{Publish: &pipeline.PublishResult{Revision: "0123456789", Digest: "d", Bytes: 5, Files: 2}}},
		}},
		{Results: []NodeResult{{pipeline.Node{Name: "small", Key: "b"}, pipeline.Result{Balance: &pipeline.BalanceResult{Plan: "0a"}}}}, Failure: &FailureNote{Reason: WorkerFailed, Message: "x"}},
		{Failure: &FailureNote{Reason: SourceNotFound, Message: "data set gsm8k: there is no revision x."}},
	} {
		encoded, err := want.Encode()
		if err != nil {
			t.Fatal(err)
		}
		got, err := ParseMessage(encoded)
		if err != nil {
			t.Fatal(err)
		}
		want.Version = MessageVersion
		if diff := cmp.Diff(want, got); diff != "" {
			t.Error(diff)
		}
	}
}

// The largest results that a mix within the bounds of the API can have must fit: 64 data sets, 8 splits.
func TestTheLargestResultFits(t *testing.T) {
	key := strings.Repeat("f", 64)
	overlap := make([][]int64, 8)
	for s := range overlap {
		overlap[s] = make([]int64, 64)
		for d := range overlap[s] {
			overlap[s][d] = 999_999
		}
	}
	mixed := pipeline.MixResult{Rows: 1 << 40, Bytes: 1 << 49, Digest: key}
	random := rand.New(rand.NewPCG(1, 2)) // real numbers are hard to pack
	for range 64 {
		mixed.Datasets = append(mixed.Datasets, pipeline.MixedDataset{Unique: 1e11 + random.Int64N(1e11), MaxRepeats: 1e8 + random.Int64N(1e8), Units: 1e14 + random.Int64N(1e14)})
	}
	for stage, result := range map[pipeline.Stage]pipeline.Result{
		pipeline.StageBalance: {Balance: &pipeline.BalanceResult{Plan: key, Overlap: overlap}},
		pipeline.StageMix:     {Mix: &mixed},
	} {
		message := Message{Version: MessageVersion, Stage: stage, Node: pipeline.Node{Name: strings.Repeat("n", 40), Key: key}, Result: &result}
		encoded, err := message.Encode()
		if err != nil {
			t.Fatal(err)
		}
		if len(encoded) > MessageLimit {
			t.Errorf("%d bytes", len(encoded))
		}
		got, err := ParseMessage(encoded)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(message, got); diff != "" {
			t.Error(diff)
		}
	}
}

// Of a chain whose results do not fit, the first are told; beside a failure there may be none.
func TestAChainThatDoesNotFitIsCut(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	for _, failure := range []*FailureNote{nil, {Reason: WorkerFailed, Message: strings.Repeat("é", noteLimit)}} {
		message := Message{Stage: pipeline.StageMix, Failure: failure}
		for i := range 200 {
			digest := make([]byte, 32)
			for i := range digest {
				digest[i] = byte(random.Uint32())
			}
			mixed := pipeline.MixResult{Rows: random.Int64N(1 << 40), Bytes: random.Int64N(1 << 49), Digest: hex.EncodeToString(digest)}
			message.Results = append(message.Results, NodeResult{pipeline.Node{Name: fmt.Sprint("train-", i), Key: hex.EncodeToString(digest)}, pipeline.Result{Mix: &mixed}})
		}
		encoded, err := message.Encode()
		if err != nil || len(encoded) > MessageLimit {
			t.Fatalf("%d bytes: %v", len(encoded), err)
		}
		got, err := ParseMessage(encoded)
		if err != nil {
			t.Fatal(err)
		}
		if n := len(got.Results); n < 8 || n >= len(message.Results) {
			t.Errorf("%d results are told", n)
		}
		if diff := cmp.Diff(message.Results[:len(got.Results)], got.Results); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
	}
}

// A packed message is as whole as any other, or none; and one that would fill the manager's memory is refused.
func TestPackedMessagesThatAreNoResult(t *testing.T) {
	bomb, err := pack(bytes.Repeat([]byte(" "), 2*mostUnpacked))
	if err != nil {
		t.Fatal(err)
	}
	nested, err := pack([]byte(`{"version":"datasetmix.result/v1","packed":"AAAA"}`))
	if err != nil {
		t.Fatal(err)
	}
	for want, encoded := range map[string]string{
		"more than": string(bomb), "one of them": string(nested), "unpack the result": `{"version":"datasetmix.result/v1","packed":"AAAA"}`,
	} {
		if _, err := ParseMessage([]byte(encoded)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %q", err, want)
		}
	}
}

func TestAMessageThatDoesNotFitIsAnErrorAndNotHalfAMessage(t *testing.T) {
	dropped := map[string]int64{}
	for i := range 1000 {
		dropped[fmt.Sprintf("%x", sha256.Sum256(fmt.Append(nil, i)))] = 1 // which no packing makes small
	}
	if _, err := (Message{Result: &pipeline.Result{Split: &pipeline.SplitResult{Dropped: dropped}}}).Encode(); err == nil {
		t.Error("a message over the limit was encoded")
	}
	long := Message{Failure: &FailureNote{Reason: InvalidData, Message: strings.Repeat("ä", 5000)}}
	encoded, err := long.Encode()
	if err != nil {
		t.Fatal(err)
	}
	got, err := ParseMessage(encoded)
	if err != nil || !strings.HasSuffix(got.Failure.Message, "ä…") || len(got.Failure.Message) > noteLimit {
		t.Errorf("a long failure came back as %d bytes, %v", len(got.Failure.Message), err)
	}
	if len(long.Failure.Message) != 10000 {
		t.Error("encoding changed its argument")
	}
}

func TestMessagesThatAreNoResult(t *testing.T) {
	for _, c := range []struct{ encoded, want string }{
		{"panic: runtime error", "not a result"}, {"", "not a result"}, {`{"version":"x"}`, "version"},
		{`{"version":"datasetmix.result/v1"}`, "one of them"}, {`{"version":"datasetmix.result/v1","result":{},"failure":{}}`, "one of them"},
	} {
		if _, err := ParseMessage([]byte(c.encoded)); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%q: %v, want %q", c.encoded, err, c.want)
		}
	}
}

func TestReasonsDecideExitCodes(t *testing.T) {
	codes := map[int]Reason{}
	for reason, code := range Reasons() {
		if other, taken := codes[code]; taken {
			t.Errorf("%s and %s share exit code %d", reason, other, code)
		}
		codes[code] = reason
		if code <= 0 || code >= 126 {
			t.Errorf("%s has exit code %d, which shells and signals use", reason, code)
		}
	}
	for reason, permanent := range map[Reason]bool{SourceNotFound: true, InvalidData: true, InfeasibleMix: true, InvalidTask: true, FetchFailed: false, RateLimited: false, WorkerFailed: false, "Unheard": false} {
		if reason.Permanent() != permanent {
			t.Errorf("%s: permanent is %v", reason, reason.Permanent())
		}
	}
}

func TestFailuresKeepTheirReasonAndCause(t *testing.T) {
	err := Within("data set squad2", Failf(InvalidData, "%s, line 3: %w", "train.jsonl", fs.ErrInvalid))
	if ReasonOf(err) != InvalidData || !errors.Is(err, fs.ErrInvalid) {
		t.Errorf("%v lost its reason or its cause", err)
	}
	if got, want := err.Error(), "data set squad2: train.jsonl, line 3: invalid argument"; got != want {
		t.Errorf("message %q, want %q", got, want)
	}
	if Within("x", nil) != nil {
		t.Error("no error became one")
	}
	if ReasonOf(errors.New("anything")) != WorkerFailed {
		t.Error("an error without a reason has one")
	}
}
