package contract

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/datasetmix/datasetmix/internal/pipeline"
)

// TestWhatIsSaidForPeopleIsCut: texts of a result are made fit for the status, and the result stays.
func TestWhatIsSaidForPeopleIsCut(t *testing.T) {
	digest := strings.Repeat("d", 64)
	got, err := Judge(pipeline.Result{Download: &pipeline.DownloadResult{
		License: strings.Repeat("ä", 201), Revision: "main\x1b[0m", Digest: digest,
		Listed: []pipeline.OriginalFile{{Path: "a\nb", SHA256: digest}, {Path: "no digest"}, {SHA256: digest}},
	}})
	want := pipeline.Result{Download: &pipeline.DownloadResult{
		License: strings.Repeat("ä", 199) + "…", Revision: "main\ufffd[0m", Digest: digest, Listed: []pipeline.OriginalFile{{Path: "a b", SHA256: digest}},
	}}
	if diff := cmp.Diff(want, got); diff != "" || err != nil {
		t.Errorf("%v (-want +got):\n%s", err, diff)
	}
	for _, tc := range []struct{ bad, want []string }{
		{nil, nil},
		{[]string{"a.jsonl, row 3: no answer", ""}, []string{"a.jsonl, row 3: no answer"}},
		{[]string{strings.Repeat("ä", 256), strings.Repeat("ä", 257)}, []string{strings.Repeat("ä", 256), strings.Repeat("ä", 255) + "…"}},
		{strings.Split("123456789", ""), strings.Split("12345678", "")},
	} {
		got, err := Judge(pipeline.Result{Split: &pipeline.SplitResult{Digest: digest, Bad: tc.bad}})
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(tc.want, got.Split.Bad); diff != "" {
			t.Errorf("%q (-want +got):\n%s", tc.bad, diff)
		}
	}
}

// TestNoResult: what no worker reports is no result.
func TestNoResult(t *testing.T) {
	published := func(change func(*pipeline.PublishResult)) pipeline.Result {
		p := pipeline.PublishResult{Revision: "3f9c2a1b0d", Digest: "d", Bytes: 1, Files: 1}
		change(&p)
		return pipeline.Result{Publish: &p}
	}
	for _, tc := range []struct {
		name   string
		result pipeline.Result
		names  string // what the error is about
	}{
		{"of no stage", pipeline.Result{}, "0"},
		{"of two stages", pipeline.Result{Mix: &pipeline.MixResult{Digest: "d"}, Publish: &pipeline.PublishResult{Revision: "r", Digest: "d"}}, "2"},
		{"a revision that leads elsewhere", published(func(p *pipeline.PublishResult) { p.Revision = "../../other" }), `"../../other"`},
		{"a revision without a name", published(func(p *pipeline.PublishResult) { p.Revision = "" }), `""`},
		{"a negative number of files", published(func(p *pipeline.PublishResult) { p.Files = -1 }), "-1 "},
		{"more bytes than there are", published(func(p *pipeline.PublishResult) { p.Bytes = 1<<53 + 1 }), "9007199254740993"},
		{"no digest", published(func(p *pipeline.PublishResult) { p.Digest = "" }), `""`},
		{"negative rows", pipeline.Result{Split: &pipeline.SplitResult{Digest: "d", Rows: []int64{1, -2}}}, "-2"},
		{"a reason of two lines", pipeline.Result{Split: &pipeline.SplitResult{Digest: "d", Dropped: map[string]int64{"a\nb": 1}}}, `"a b"`},
		{"negative tables", pipeline.Result{Balance: &pipeline.BalanceResult{Plan: "d", Overlap: [][]int64{{-3}}}}, "-3"},
		{"negative draws", pipeline.Result{Mix: &pipeline.MixResult{Digest: "d", Datasets: []pipeline.MixedDataset{{Unique: -4}}}}, "-4"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			encoded, err := json.Marshal(Message{Version: MessageVersion, Result: &tc.result})
			if err != nil {
				t.Fatal(err)
			}
			if _, err := ParseMessage(encoded); err == nil || !strings.Contains(err.Error(), tc.names) {
				t.Errorf("%v, want %q", err, tc.names)
			}
		})
	}
}

// TestFailureNotes: a reason that cannot be one of a condition is the one for what is unforeseen.
func TestFailureNotes(t *testing.T) {
	for reason, want := range map[Reason]Reason{
		InvalidData: InvalidData, "OfAnotherRelease": "OfAnotherRelease", "": WorkerFailed, "a b": WorkerFailed, "a\x1b": WorkerFailed,
		Reason(strings.Repeat("a", 65)): WorkerFailed,
	} {
		got := FailureNote{Reason: reason, Message: fmt.Sprint("first\n", strings.Repeat("x", 2000))}.Judged()
		if got.Reason != want || len([]rune(got.Message)) != 1024 || strings.Contains(got.Message, "\n") {
			t.Errorf("%q: %q with %d characters", reason, got.Reason, len([]rune(got.Message)))
		}
	}
}
