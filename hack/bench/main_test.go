package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// The corpus is the same on every machine, so that figures can be compared, and every line of it is a JSON object.
func TestTheCorpusIsTheSameEveryTime(t *testing.T) {
	var first string
	for range 2 {
		folder := filepath.Join(t.TempDir(), "corpus")
		size, err := corpus(folder, 0.001)
		if err != nil {
			t.Fatal(err)
		}
		var all strings.Builder
		for _, d := range datasets {
			content, err := os.ReadFile(filepath.Join(folder, d.name+".jsonl"))
			if err != nil {
				t.Fatal(err)
			}
			for _, line := range strings.Split(strings.TrimSpace(string(content)), "\n") {
				var row map[string]any
				if err := json.Unmarshal([]byte(line), &row); err != nil {
					t.Fatalf("%s: %v", d.name, err)
				}
			}
			all.Write(content)
		}
		if int64(all.Len()) != size {
			t.Errorf("%d bytes, said to be %d", all.Len(), size)
		}
		if first != "" && all.String() != first {
			t.Error("the second corpus differs")
		}
		first = all.String()
	}
	if len(first) < 400_000 || len(first) > 700_000 {
		t.Errorf("a thousandth has %d bytes; the whole should have 568 MB", len(first))
	}
}

func TestMediansAreOfEachFigure(t *testing.T) {
	got := median([]figure{{Seconds: 3, Resident: 1}, {Seconds: 1, Resident: 9}, {Seconds: 2, Resident: 5}})
	if got.Seconds != 2 || got.Resident != 5 {
		t.Errorf("%+v", got)
	}
}

func TestTheReportIsReadable(t *testing.T) {
	var out strings.Builder
	report{Processors: 2, Corpora: []result{{Corpus: "own corpus", Faster: 6.25, MixedFaster: 7.5, Polars: &figure{}, PolarsFaster: 2.25, SecondShare: 0.12, ExportCost: 0.2}}, Growth: &growth{Scale: 10, Times: 9.9}}.print(&out)
	for _, want := range []string{"6.2 times as fast", "7.5 times as fast as plain Python", "2.2 times as fast", "12 % of the first", "+20 % of processor time", "9.9 times as long"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("%q is not in\n%s", want, out.String())
		}
	}
}
