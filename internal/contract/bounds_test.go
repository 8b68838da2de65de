package contract

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/datasetmix/datasetmix/internal/pipeline"
)

// noise returns characters that no packing makes much smaller.
func noise(characters int) string {
	var b strings.Builder
	for i := 0; b.Len() < characters; i++ {
		sum := sha256.Sum256(fmt.Append(nil, i))
		b.WriteString(hex.EncodeToString(sum[:]))
	}
	return b.String()[:characters]
}

// TestResultsAtTheirBounds: what reaches a bound is a result, and what passes it by one is not.
func TestResultsAtTheirBounds(t *testing.T) {
	split := func(digest, reasons int) pipeline.Result {
		dropped := map[string]int64{}
		for i := range reasons {
			dropped[fmt.Sprint("reason ", i)] = 1
		}
		return pipeline.Result{Split: &pipeline.SplitResult{Digest: strings.Repeat("d", digest), Dropped: dropped}}
	}
	download := func(files int) pipeline.Result {
		return pipeline.Result{Download: &pipeline.DownloadResult{Digest: "d", Files: files}}
	}
	counts := func(n int) []int64 { return make([]int64, n) }
	balance := func(table [][]int64) pipeline.Result {
		return pipeline.Result{Balance: &pipeline.BalanceResult{Plan: "d", Variants: table}}
	}
	mixed := func(datasets int) pipeline.Result {
		return pipeline.Result{Mix: &pipeline.MixResult{Digest: "d", Datasets: make([]pipeline.MixedDataset, datasets)}}
	}
	for _, tc := range []struct {
		name   string
		result pipeline.Result
		fits   bool
	}{
		{"units of splits", pipeline.Result{Split: &pipeline.SplitResult{Digest: "d", Units: counts(mostTable)}}, true},
		{"units of a split too many", pipeline.Result{Split: &pipeline.SplitResult{Digest: "d", Units: counts(mostTable + 1)}}, false},
		{"columns of a table", balance([][]int64{counts(mostTable)}), true},
		{"a column too many", balance([][]int64{counts(mostTable + 1)}), false},
		{"lines of a table", balance(make([][]int64, mostTable)), true},
		{"a line too many", balance(make([][]int64, mostTable+1)), false},
		{"mixed data sets", mixed(mostTable), true},
		{"a mixed data set too many", mixed(mostTable + 1), false},
		{"reasons", split(1, mostReasons), true},
		{"a reason too many", split(1, mostReasons+1), false},
		{"a long digest", split(digestLimit, 0), true},
		{"a digest that is too long", split(digestLimit+1, 0), false},
		{"files", download(mostFiles), true},
		{"a file too many", download(mostFiles + 1), false},
	} {
		if _, err := Judge(tc.result); (err == nil) != tc.fits {
			t.Errorf("%s: %v", tc.name, err)
		}
	}
	long := Reason(strings.Repeat("a", failureReasons))
	if got := (FailureNote{Reason: long}).Judged().Reason; got != long {
		t.Errorf("a long reason became %q", got)
	}
}

// TestMessagesAtTheLimit: a message of as many bytes as Kubernetes keeps is sent as it is, and one that takes more is packed.
func TestMessagesAtTheLimit(t *testing.T) {
	named := func(name string) Message {
		return Message{Version: MessageVersion, Stage: pipeline.StageMix, Node: pipeline.Node{Name: name}, Failure: &FailureNote{Reason: WorkerFailed}}
	}
	plain, err := json.Marshal(named(""))
	if err != nil {
		t.Fatal(err)
	}
	encoded, err := named(strings.Repeat("n", MessageLimit-len(plain))).Encode()
	if err != nil || len(encoded) != MessageLimit || bytes.Contains(encoded, []byte(`"packed"`)) {
		t.Errorf("%d bytes: %v: %.40s", len(encoded), err, encoded)
	}
	most := 0 // bytes of a packed message; the next longer one is an error
	for characters := MessageLimit; ; characters++ {
		encoded, err := named(noise(characters)).Encode()
		if err != nil {
			break
		}
		most = max(most, len(encoded))
	}
	if most > MessageLimit || most <= MessageLimit-4 { // base64 makes four bytes of three
		t.Errorf("at most %d bytes are packed", most)
	}
}

// TestAChainOfOneThatDoesNotFit: without a failure a message keeps a result, and beside a failure it needs none.
func TestAChainOfOneThatDoesNotFit(t *testing.T) {
	large := NodeResult{Node: pipeline.Node{Name: noise(4 * MessageLimit)}}
	if encoded, err := (Message{Results: []NodeResult{large}}).Encode(); err == nil {
		t.Errorf("%d bytes", len(encoded))
	}
	encoded, err := (Message{Results: []NodeResult{large}, Failure: &FailureNote{Reason: WorkerFailed}}).Encode()
	if err != nil {
		t.Fatal(err)
	}
	if got, err := ParseMessage(encoded); err != nil || len(got.Results) != 0 || got.Failure.Reason != WorkerFailed {
		t.Errorf("%+v, %v", got, err)
	}
}

// TestTheLargestPackedMessage unpacks to as many bytes as may be.
func TestTheLargestPackedMessage(t *testing.T) {
	plain, err := Message{Failure: &FailureNote{Reason: InvalidData}}.Encode()
	if err != nil {
		t.Fatal(err)
	}
	for _, over := range []int{0, 1} {
		packed, err := pack(append(plain, bytes.Repeat([]byte(" "), mostUnpacked+over-len(plain))...))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := ParseMessage(packed); (err == nil) != (over == 0) {
			t.Errorf("%d bytes over: %v", over, err)
		}
	}
}

func TestShorten(t *testing.T) {
	for _, tc := range []struct {
		text  string
		limit int
		want  string
	}{
		{"abcd", 4, "abcd"}, {"abcde", 4, "a…"}, {"aäbcd", 5, "a…"}, {"\x80\x80\x80\x80", 3, "…"},
	} {
		if got := Shorten(tc.text, tc.limit); got != tc.want {
			t.Errorf("%q in %d bytes: %q", tc.text, tc.limit, got)
		}
	}
}

// TestNothingKeepsWithoutSeconds: a clock that is behind keeps no revision by itself.
func TestNothingKeepsWithoutSeconds(t *testing.T) {
	now := time.Unix(1_700_000_000, 0)
	if (Keep{}).Keeps("r", now, now.Add(time.Minute), now) {
		t.Error("it is kept")
	}
}
