package contract

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/datasetmix/datasetmix/internal/pipeline"
)

// FuzzParseMessage: whatever a container leaves is a message or an error. A message that is sent on comes back the same, in no
// more bytes than Kubernetes keeps.
func FuzzParseMessage(f *testing.F) {
	dropped := map[string]int64{}
	for _, name := range []string{"a", "b", "c", "d", "e"} {
		dropped[strings.Repeat(name, 2000)] = 1
	}
	for _, m := range []Message{
		{Stage: pipeline.StageDownload, Node: pipeline.Node{Name: "a", Key: "b"}, Result: &pipeline.Result{}},
		{Stage: pipeline.StageSplit, Result: &pipeline.Result{Split: &pipeline.SplitResult{Dropped: dropped}}}, // packed
		{Failure: &FailureNote{Reason: InvalidData, Message: strings.Repeat("é", 2000)}},
	} {
		encoded, err := m.Encode()
		if err != nil {
			f.Fatal(err)
		}
		f.Add(encoded)
	}
	bomb, err := pack(make([]byte, 2*mostUnpacked))
	if err != nil {
		f.Fatal(err)
	}
	f.Add(bomb)
	f.Add([]byte(`{"version":"datasetmix.result/v1","packed":""}`))
	f.Fuzz(func(t *testing.T, encoded []byte) {
		m, err := ParseMessage(encoded)
		if err != nil {
			return
		}
		sent, err := m.Encode()
		if err != nil {
			return // It is too long, even packed.
		}
		if len(sent) > MessageLimit {
			t.Fatalf("%d bytes", len(sent))
		}
		got, err := ParseMessage(sent)
		if err != nil {
			t.Fatalf("%s does not survive a round trip: %v", encoded, err)
		}
		again, err := got.Encode()
		if diff := cmp.Diff(string(sent), string(again)); err != nil || diff != "" {
			t.Errorf("%s changes on its way: %v\n%s", encoded, err, diff)
		}
	})
}

// FuzzParseTask: any bytes are a task or an InvalidTask failure, and so is each of its units. A task that is read is written and
// read again as the same.
func FuzzParseTask(f *testing.F) {
	encoded, err := json.Marshal(smallTask(f))
	if err != nil {
		f.Fatal(err)
	}
	f.Add(encoded, 0)
	f.Add(encoded, -1)
	f.Add([]byte(`{"version":"datasetmix.task/v1","stage":"mix","units":[{"name":"a","key":"b"}],"recipe":{"splits":null},"results":{"b":{}}}`), 0)
	f.Add([]byte(`{"version":"datasetmix.task/v2"}`), 0)
	f.Fuzz(func(t *testing.T, encoded []byte, index int) {
		task, err := ParseTask(encoded)
		if err == nil {
			_, unitError := task.Node(index)
			if unitError != nil && ReasonOf(unitError) != InvalidTask {
				t.Fatalf("unit %d: %s: %v", index, ReasonOf(unitError), unitError)
			}
			roundTrip(t, task)
			return
		}
		if ReasonOf(err) != InvalidTask {
			t.Fatalf("%s: %v", ReasonOf(err), err)
		}
	})
}

func roundTrip(t *testing.T, task Task) {
	t.Helper()
	first, err := json.Marshal(task)
	if err != nil {
		t.Fatal(err)
	}
	got, err := ParseTask(first)
	if err != nil {
		t.Fatalf("%s cannot be read again: %v", first, err)
	}
	second, err := json.Marshal(got)
	if diff := cmp.Diff(string(first), string(second)); err != nil || diff != "" {
		t.Fatalf("%v\n%s", err, diff)
	}
}
