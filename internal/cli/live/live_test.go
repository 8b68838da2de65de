package live

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/datasetmix/datasetmix/internal/progress"
)

// sample returns a build of so many data sets in the middle of the split stage.
func sample(datasets int) Build {
	b := Build{Name: "grpo-six", State: "building", Outcome: Running, Elapsed: 75 * time.Second, Left: 2 * time.Minute}
	var downloads, splits []Unit
	for i := range datasets {
		name := fmt.Sprintf("set-%02d", i)
		downloads = append(downloads, Unit{Name: name, Outcome: Done, Text: "1 files"})
		unit := Unit{Name: name}
		switch i % 8 {
		case 1:
			unit.Outcome, unit.Snapshot = Done, progress.Snapshot{Percent: 100}
		case 2:
			unit.Outcome, unit.Rate, unit.Left = Running, 35e6, 8*time.Second
			unit.Snapshot = progress.Snapshot{Phase: "read", Rows: 39_000, Bytes: 212e6, OfBytes: 493e6, Percent: 43}
		}
		splits = append(splits, unit)
	}
	done := (datasets + 6) / 8
	b.Stages = []Stage{
		{Name: "download", Outcome: Done, Done: datasets, Total: datasets, Took: 30 * time.Second, Units: downloads},
		{Name: "split", Outcome: Running, Done: done, Total: datasets, Took: 45 * time.Second, Units: splits},
		{Name: "balance", Total: 1, Units: []Unit{{Name: "grpo-six"}}},
		{Name: "mix", Total: 2, Units: []Unit{{Name: "train"}, {Name: "test"}}},
		{Name: "publish", Total: 1, Units: []Unit{{Name: "grpo-six"}}},
	}
	return b
}

func TestFrame(t *testing.T) {
	got := strings.Join(Frame(sample(3), 80, 24, false), "\n")
	want := `grpo-six  building  49%  1m15s, about 2m00s left
download  ███████████████████████   3/3  30s
  set-00  ███████████████████████  100%  1 files
  set-01  ███████████████████████  100%  1 files
  set-02  ███████████████████████  100%  1 files
split     ██████████░░░░░░░░░░░░░   1/3  45s
  set-00  ░░░░░░░░░░░░░░░░░░░░░░░     -
  set-01  ███████████████████████  100%
  set-02  █████████░░░░░░░░░░░░░░   43%  212 MB of 493 MB, 8.0s left, 35.0 MB/s
balance   ░░░░░░░░░░░░░░░░░░░░░░░   0/1
mix       ░░░░░░░░░░░░░░░░░░░░░░░   0/2
publish   ░░░░░░░░░░░░░░░░░░░░░░░   0/1`
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

// TestFramesFit: whatever there is to show and however small the terminal is, no line is as wide as it and no frame as high.
func TestFramesFit(t *testing.T) {
	hostile := sample(64)
	hostile.Name = "a\x1b[2Jname\r\n" + strings.Repeat("long", 40)
	hostile.Stages[1].Units[2].Name = strings.Repeat("名", 90) + "\x1b]0;owned\a"
	hostile.Stages[1].Units[3].Text = "text\x1b[31m\u202e"
	hostile.Notes = []string{"not permitted: get pods/log", "a\nb\x1b[1m", strings.Repeat("n", 300), "4", "5"}
	for _, b := range []Build{{}, sample(1), sample(6), sample(64), hostile} {
		for _, size := range [][2]int{{80, 24}, {200, 50}, {40, 10}, {20, 5}, {10, 3}, {2, 2}, {1, 1}, {500, 200}} {
			for _, colors := range []bool{false, true} {
				lines := Frame(b, size[0], size[1], colors)
				if len(lines) > max(1, size[1]-1) {
					t.Errorf("%v: %d lines", size, len(lines))
				}
				for _, line := range lines {
					if got := cells(plain(line)); got > max(1, size[0]-1) {
						t.Errorf("%v: %d cells: %q", size, got, line)
					}
					if strings.ContainsAny(plain(line), "\x1b\a\r\n\u202e") {
						t.Errorf("%v: %q", size, line)
					}
					if !colors && strings.Contains(line, "\x1b") {
						t.Errorf("%v has colors: %q", size, line)
					}
				}
			}
		}
	}
}

// TestWorkComesFirst: of more units than there is room for, those at work have their lines, and every stage has.
func TestWorkComesFirst(t *testing.T) {
	text := strings.Join(Frame(sample(64), 80, 24, false), "\n")
	for i := 2; i < 64; i += 8 {
		if name := fmt.Sprintf("  set-%02d ", i); strings.Count(text, name) != 1 {
			t.Errorf("%s is at work and has no line:\n%s", name, text)
		}
	}
	for _, stage := range []string{"download", "split", "balance", "mix", "publish"} {
		if !strings.Contains(text, "\n"+stage+" ") {
			t.Errorf("%s has no line:\n%s", stage, text)
		}
	}
}

// TestFinishedStagesAreWhole: the units of a finished stage are all shown, or none of them.
func TestFinishedStagesAreWhole(t *testing.T) {
	b := sample(6)
	b.Outcome = Done
	for i := range b.Stages {
		b.Stages[i].Outcome = Done
		for j := range b.Stages[i].Units {
			b.Stages[i].Units[j].Outcome = Done
		}
	}
	for rows := 7; rows < 24; rows++ {
		text := strings.Join(Frame(b, 80, rows, false), "\n")
		if n := strings.Count(text, "  set-"); n%6 != 0 {
			t.Errorf("%d rows: %d units of stages that have 6:\n%s", rows, n, text)
		}
	}
}

// TestPercentIsHundredOnlyAtTheEnd: neither before a build is published nor by what is known from elsewhere.
func TestPercentIsHundredOnlyAtTheEnd(t *testing.T) {
	b := sample(3)
	for i := range b.Stages {
		b.Stages[i].Outcome = Done
	}
	if got := b.Percent(); got != 99 {
		t.Errorf("with all stages done and nothing published: %d", got)
	}
	b.Outcome = Done
	if got := b.Percent(); got != 100 {
		t.Errorf("published: %d", got)
	}
	if got := (Build{AtLeast: 41}).Percent(); got != 41 {
		t.Errorf("what the manager knows: %d", got)
	}
}

// vt is a terminal as far as the screen uses one: lines that scroll away are kept.
type vt struct {
	columns, rows int
	scrollback    []string
	lines         []string
	row, column   int
	hidden        bool
}

func newVT(columns, rows int) *vt {
	return &vt{columns: columns, rows: rows, lines: make([]string, rows)}
}

func (v *vt) Write(p []byte) (int, error) {
	for text := []rune(string(p)); len(text) > 0; {
		r := text[0]
		text = text[1:]
		switch r {
		case '\r':
			v.column = 0
		case '\n':
			if v.row++; v.row == v.rows {
				v.scrollback = append(v.scrollback, v.lines[0])
				v.lines = append(v.lines[1:], "")
				v.row--
			}
		case '\x1b':
			end := 1
			for !strings.ContainsRune("AKJhlm", text[end]) {
				end++
			}
			v.obey(string(text[1:end]), text[end])
			text = text[end+1:]
		default:
			line := []rune(v.lines[v.row])
			for len(line) <= v.column {
				line = append(line, ' ')
			}
			line[v.column] = r
			v.lines[v.row] = string(line)
			v.column++
		}
	}
	return len(p), nil
}

func (v *vt) obey(argument string, command rune) {
	switch command {
	case 'A':
		n := 0
		_, _ = fmt.Sscan(argument, &n)
		v.row = max(0, v.row-n)
	case 'K':
		v.lines[v.row] = string([]rune(v.lines[v.row])[:min(v.column, len([]rune(v.lines[v.row])))])
	case 'J':
		for i := v.row + 1; i < v.rows; i++ {
			v.lines[i] = ""
		}
		v.obey("", 'K')
	case 'h':
		v.hidden = false
	case 'l':
		v.hidden = true
	}
}

// everything returns what a user sees who scrolls up.
func (v *vt) everything() string {
	return strings.TrimRight(strings.Join(append(v.scrollback, v.lines...), "\n"), "\n ")
}

// TestScreenLeavesWhatWasThere: frames replace one another at the end of the terminal, also when they grow and shrink, what was there before
// stays, and so does the last frame.
func TestScreenLeavesWhatWasThere(t *testing.T) {
	terminal := newVT(80, 24)
	var before []string
	for i := range 40 {
		before = append(before, fmt.Sprintf("line %d before", i))
		fmt.Fprintf(terminal, "line %d before\r\n", i)
	}
	screen := Screen{Out: terminal, Size: func() (int, int) { return 80, 24 }, Colors: true}
	for _, datasets := range []int{3, 64, 6, 1, 64, 3} {
		if err := screen.Draw(sample(datasets)); err != nil {
			t.Fatal(err)
		}
		if terminal.hidden {
			t.Error("the cursor is hidden between two frames")
		}
	}
	fmt.Fprint(terminal, "after\r\n")
	want := strings.Join(before, "\n") + "\n" + strings.Join(Frame(sample(3), 80, 24, false), "\n") + "\nafter"
	if diff := cmp.Diff(want, terminal.everything()); diff != "" {
		t.Error(diff)
	}
}

// TestNarrowedScreen: a frame of lines that a narrower terminal has broken is left, and nothing above it is overwritten.
func TestNarrowedScreen(t *testing.T) {
	terminal := newVT(80, 24)
	fmt.Fprint(terminal, "before\r\n")
	columns := 80
	screen := Screen{Out: terminal, Size: func() (int, int) { return columns, 24 }}
	draw := func() {
		if err := screen.Draw(sample(1)); err != nil {
			t.Fatal(err)
		}
	}
	draw()
	columns = 40
	draw()
	draw()
	want := strings.Join(append(append([]string{"before"}, Frame(sample(1), 80, 24, false)...), Frame(sample(1), 40, 24, false)...), "\n")
	if diff := cmp.Diff(want, terminal.everything()); diff != "" {
		t.Error(diff)
	}
}

// TestChanges: every line has every key, and a line is written for what has changed alone.
func TestChanges(t *testing.T) {
	var out bytes.Buffer
	changes := Changes{Out: &out}
	write := func(b Build) []Change {
		out.Reset()
		if err := changes.Write(b, time.Date(2026, 5, 4, 12, 0, 0, 0, time.UTC)); err != nil {
			t.Fatal(err)
		}
		var all []Change
		for line := range strings.Lines(out.String()) {
			var keys map[string]any
			var change Change
			if err := json.Unmarshal([]byte(line), &keys); err != nil {
				t.Fatal(err)
			}
			if err := json.Unmarshal([]byte(line), &change); err != nil {
				t.Fatal(err)
			}
			if len(keys) != 15 {
				t.Errorf("%d keys in %s", len(keys), line)
			}
			all = append(all, change)
		}
		return all
	}
	b := sample(3)
	if got := write(b); len(got) != 3+2+5+1 {
		t.Errorf("%d lines at first: %+v", len(got), got)
	}
	b.Left, b.Elapsed = time.Minute, 2*time.Minute
	if got := write(b); len(got) != 0 {
		t.Errorf("the clock alone: %+v", got)
	}
	b.Stages[1].Units[2].Rows, b.Stages[1].Units[2].Bytes = 40_000, 220e6
	got := write(b)
	left := int64(8)
	want := []Change{{Time: time.Date(2026, 5, 4, 12, 0, 0, 0, time.UTC), Mix: "grpo-six", Stage: "split", Unit: "set-02", State: "running", Phase: "read",
		Rows: 40_000, Bytes: 220e6, OfBytes: 493e6, Percent: 43, SecondsLeft: &left}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	b.Outcome, b.State = Done, "published"
	if got := write(b); len(got) != 1 || got[0].Stage != "" || got[0].Percent != 100 || got[0].State != "published" {
		t.Errorf("the end: %+v", got)
	}
}

// TestMeasure: a rate is that of the phase, and nothing is said of the first second.
func TestMeasure(t *testing.T) {
	var began Began
	begin := time.Date(2026, 5, 4, 12, 0, 0, 0, time.UTC)
	snapshot := func(phase string, bytes int64, percent int) progress.Snapshot {
		return progress.Snapshot{Phase: phase, Bytes: bytes, OfBytes: 1000, Percent: percent}
	}
	if got := began.Measure("a", snapshot("read", 100, 10), begin); got.Rate != 0 || got.Left != 0 || got.Outcome != Running {
		t.Errorf("at first: %+v", got)
	}
	got := began.Measure("a", snapshot("read", 500, 30), begin.Add(2*time.Second))
	if got.Rate != 200 || got.Left != 7*time.Second {
		t.Errorf("then: %+v", got)
	}
	if got := began.Measure("a", snapshot("write", 0, 60), begin.Add(4*time.Second)); got.Rate != 0 {
		t.Errorf("another phase: %+v", got)
	}
	rows := progress.Snapshot{Phase: "write", Rows: 50, OfRows: 100, Percent: 80}
	if got := began.Measure("a", rows, begin.Add(6*time.Second)); got.Rate != 25 {
		t.Errorf("rows: %+v", got)
	}
	if got := began.Measure("a", progress.Snapshot{Percent: 100}, begin.Add(7*time.Second)); got.Outcome != Done {
		t.Errorf("the end: %+v", got)
	}
}
