package repos

import (
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestQuestionsAreDistinct over all six data sets and all their splits together, at full size.
func TestQuestionsAreDistinct(t *testing.T) {
	c := generate(1)
	seen := map[string]string{}
	add := func(set string, i int, question string) {
		here := fmt.Sprintf("row %d of %s", i, set)
		if before, dup := seen[question]; dup {
			t.Fatalf("%q is %s and %s", question, before, here)
		}
		seen[question] = here
	}
	for set, rows := range map[string][]gsm8kRow{"gsm8k": c.gsm8k, "gsm8k test": c.gsm8kTest} {
		for i, row := range rows {
			add(set, i, row.Question)
		}
	}
	for _, m := range mathConfigs {
		for i, row := range append(c.math[m.name], c.mathTest[m.name]...) {
			add(m.name, i, row.Problem)
		}
	}
	for i, row := range append(c.squad, c.squadTest...) {
		add("squad", i, row.Question)
	}
	for i, row := range append(c.hotpot, c.hotpotTest...) {
		add("hotpot", i, row.Question)
	}
	for i, row := range c.humanEval {
		add("humaneval", i, row.Prompt)
	}
	for _, s := range mbppSplits {
		for i, row := range c.mbpp[s.name] {
			add("mbpp "+s.name, i, row.Prompt)
		}
	}
	const trainRows, others = 7473 + 7500 + 87599 + 88966 + 164 + 427, otherRows * (1 + 7 + 1 + 1)
	if len(seen) != trainRows+others {
		t.Errorf("%d questions, want %d", len(seen), trainRows+others)
	}
}

func TestTaskIDsTellTheSplitsOfMBPP(t *testing.T) {
	for split, rows := range generate(1).mbpp {
		for _, row := range rows {
			if got := mbppSplit(row.TaskID); got != split {
				t.Fatalf("task %d of split %s belongs to %s", row.TaskID, split, got)
			}
		}
	}
}

func TestName(t *testing.T) {
	var got []string
	for _, i := range []int{0, 1, 15, 16, 17, 271, 272, 100_000} {
		got = append(got, name(i))
	}
	want := []string{"Ba", "Ke", "Nel", "Baba", "Keba", "Nelnel", "Bababa", "Bagalsavinba"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestThousands(t *testing.T) {
	for n, want := range map[int]string{0: "0", 999: "999", 1000: "1,000", 1234567: "1,234,567"} {
		if got := thousands(n); got != want {
			t.Errorf("%d is %s, want %s", n, got, want)
		}
	}
}
