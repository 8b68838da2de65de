package cli

import (
	"errors"
	"fmt"
	"os"
	"regexp"
	"strconv"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/datasetmix/datasetmix/internal/contract"
)

// TestTheDocumentedCodesAreTheTrueOnes: docs/exit-codes.md tells users what this package decides.
func TestTheDocumentedCodesAreTheTrueOnes(t *testing.T) {
	page, err := os.ReadFile("../../docs/exit-codes.md")
	if err != nil {
		t.Fatal(err)
	}
	documented := map[string]int{}
	for _, row := range regexp.MustCompile(`(?m)^\| (\d+) \| ([a-z ]+) \| `).FindAllStringSubmatch(string(page), -1) {
		documented[row[2]], _ = strconv.Atoi(row[1])
	}
	codes := map[string]int{
		"stalled": StalledCode, "timeout": TimedOut, "no such mix": NoSuchMix, "not permitted": NotPermitted, "suspended": AtRest, "already there": AlreadyThere, "interrupted": Interrupted,
	}
	if diff := cmp.Diff(codes, documented); diff != "" {
		t.Errorf("the page differs from the code (-code +page):\n%s", diff)
	}
	for what, code := range codes {
		for reason, taken := range contract.Reasons() {
			if code == taken {
				t.Errorf("%s and %s have the same code %d", what, reason, code)
			}
		}
	}
}

func TestCodeOf(t *testing.T) {
	tests := []struct {
		err  error
		want int
	}{
		{nil, 0},
		{errors.New("unforeseen"), 1},
		{contract.Failf(contract.InfeasibleMix, "too few rows"), 13},
		{fmt.Errorf("around: %w", &Exit{Code: TimedOut, Err: errors.New("late")}), 41},
		{&Exit{Code: Differs}, 1},
	}
	for _, test := range tests {
		if got := CodeOf(test.err); got != test.want {
			t.Errorf("%v: %d, want %d", test.err, got, test.want)
		}
	}
	for reason, want := range map[string]int{"InfeasibleMix": 13, "PathConflict": StalledCode, "WorkerFailed": StalledCode, "InsufficientStorage": 15} {
		if got := CodeOfStall(reason); got != want {
			t.Errorf("%s: %d, want %d", reason, got, want)
		}
	}
}

func TestClosest(t *testing.T) {
	names := []string{"status", "stats", "wait", "gsm8k", "hotpotqa", "humaneval"}
	for typed, want := range map[string]string{"statsu": "stats", "stauts": "stats", "gsm8": "gsm8k", "hotpot_qa": "hotpotqa", "human-eval": "humaneval", "xyz": "", "": "", "wiat": "wait"} {
		if got := Closest(typed, names); got != want {
			t.Errorf("%q: %q, want %q", typed, got, want)
		}
	}
	if got := DidYouMean("wiat", names); got != "; did you mean wait?" {
		t.Errorf("%q", got)
	}
	if got := DidYouMean("wait", names); got != "" {
		t.Errorf("a name that exists: %q", got)
	}
}
