package progress

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/datasetmix/datasetmix/internal/pipeline"
)

// TestPercent: it is that of the phases, never falls, and is 100 only once the unit is finished.
func TestPercent(t *testing.T) {
	m := &Meter{}
	var seen []int
	see := func() { seen = append(seen, m.Snapshot().Percent) }
	see()
	m.Begin("read", 60, 0, 1000)
	m.Add(10, 500)
	see()
	m.Add(10, 5000) // more than was expected
	see()
	m.Begin("write", 99, 20, 0)
	see()
	m.Add(10, 1)
	see()
	m.Begin("unknown", 99, 0, 0)
	m.Add(1<<40, 1<<40)
	see()
	m.Begin("late", 100, 1, 0)
	m.Add(1, 0)
	see()
	m.Finish()
	see()
	if diff := cmp.Diff([]int{0, 30, 60, 60, 79, 99, 99, 100}, seen); diff != "" {
		t.Error(diff)
	}
	if !slices.IsSorted(seen) {
		t.Errorf("it falls: %v", seen)
	}
}

func TestReachCorrects(t *testing.T) {
	m := &Meter{}
	m.Begin("fetch", 99, 0, 100)
	m.Add(0, 70) // some of it twice
	m.Reach(50)
	m.Reach(60)
	if got := m.Snapshot(); got.Bytes != 60 {
		t.Errorf("%d bytes", got.Bytes)
	}
}

// TestNothingIsCountedWithoutAMeter: a context that has none costs nothing and breaks nothing.
func TestNothingIsCountedWithoutAMeter(t *testing.T) {
	m := Of(With(t.Context(), nil))
	if m != nil || Of(t.Context()) != nil {
		t.Fatal("there is a meter")
	}
	m.Begin("read", 60, 0, 1)
	m.Add(1, 1)
	m.Reach(1)
	m.Finish()
	text := strings.NewReader("text")
	if m.Reader(text) != io.Reader(text) || m.ReaderAt(text) != io.ReaderAt(text) {
		t.Error("a reader is wrapped for nothing")
	}
	if err := m.Counter().Row(t.Context(), 1); err != nil {
		t.Error(err)
	}
}

func TestReadersCount(t *testing.T) {
	m := &Meter{}
	ctx := With(t.Context(), m)
	if _, err := io.ReadAll(Of(ctx).Reader(strings.NewReader("four"))); err != nil {
		t.Fatal(err)
	}
	if _, err := Of(ctx).ReaderAt(strings.NewReader("four")).ReadAt(make([]byte, 3), 1); err != nil {
		t.Fatal(err)
	}
	if got := m.Snapshot().Bytes; got != 7 {
		t.Errorf("%d bytes", got)
	}
}

// TestCounter: the meter is told of thousands of rows at once and of the rest, and the context's end is seen at the first row, too.
func TestCounter(t *testing.T) {
	m := &Meter{}
	counter := m.Counter()
	for range rowsAtOnce + 5 {
		if err := counter.Row(t.Context(), 2); err != nil {
			t.Fatal(err)
		}
	}
	if got := m.Snapshot().Rows; got != rowsAtOnce+1 {
		t.Errorf("%d rows before the end", got)
	}
	counter.Flush()
	if got := m.Snapshot(); got.Rows != rowsAtOnce+5 || got.Bytes != 2*(rowsAtOnce+5) {
		t.Errorf("%+v", got)
	}
	ended, end := context.WithCancel(t.Context())
	end()
	if err := m.Counter().Row(ended, 1); !errors.Is(err, context.Canceled) {
		t.Errorf("at the first row: %v", err)
	}
	if got := testing.AllocsPerRun(10, func() {
		for range 3 * rowsAtOnce {
			_ = counter.Row(t.Context(), 1)
		}
	}); got != 0 {
		t.Errorf("%v allocations", got)
	}
}

// lines returns those of progress in a log.
func lines(t *testing.T, log string) []Line {
	t.Helper()
	var all []Line
	for text := range strings.Lines(log) {
		if line, ok := Parse([]byte(text)); ok {
			all = append(all, line)
		}
	}
	return all
}

// TestLoggerIsBounded: a line a second at most and then one in five, none where nothing moves, and always a last one.
func TestLoggerIsBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var out bytes.Buffer
		logger := Logger{Log: slog.New(slog.NewJSONHandler(&out, nil)).With("build", "48929c4493")}
		m := logger.Begin("split", "gsm8k")
		m.Begin("read", 60, 0, 10_000)
		for range 1200 {
			time.Sleep(100 * time.Millisecond)
			m.Add(1, 1)
		}
		time.Sleep(10 * time.Minute)
		synctest.Wait()
		said := lines(t, out.String())
		if n := len(said); n < 65 || n > 75 {
			t.Errorf("%d lines in two minutes of work and ten of none", n)
		}
		logger.Done()
		said = lines(t, out.String())
		got := said[len(said)-1]
		if got.Time.IsZero() {
			t.Error("a line has no time")
		}
		got.Time = time.Time{}
		if diff := cmp.Diff(Line{Stage: "split", Unit: "gsm8k", Phase: "read", Rows: 1200, Bytes: 1200, OfBytes: 10_000, Percent: 100}, got); diff != "" {
			t.Error(diff)
		}
		logger.Begin("mix", "train")
		logger.Begin("mix", "test") // of a unit that failed nothing is said
		logger.Stop()
		logger.Done()
		if more := lines(t, out.String()); len(more) != len(said) {
			t.Errorf("%d lines more", len(more)-len(said))
		}
	})
}

// TestLineHasItsKeys: the keys are a contract, in docs/progress.md as well.
func TestLineHasItsKeys(t *testing.T) {
	var out bytes.Buffer
	logger := Logger{Log: slog.New(slog.NewJSONHandler(&out, nil))}
	logger.Begin("download", "gsm8k").Begin("fetch", 99, 0, 7)
	logger.Done()
	var line map[string]any
	if err := json.Unmarshal(out.Bytes(), &line); err != nil {
		t.Fatal(err)
	}
	delete(line, "time")
	want := map[string]any{"level": "INFO", "msg": "progress", "stage": "download", "unit": "gsm8k", "phase": "fetch", "rows": 0., "ofRows": 0., "bytes": 0., "ofBytes": 7., "percent": 100.}
	if diff := cmp.Diff(want, line); diff != "" {
		t.Error(diff)
	}
	page, err := os.ReadFile("../../docs/progress.md")
	if err != nil {
		t.Fatal(err)
	}
	for key := range want {
		if !strings.Contains(string(page), "`"+key+"`") {
			t.Errorf("docs/progress.md lacks %s", key)
		}
	}
}

func TestOtherLinesAreNone(t *testing.T) {
	for _, text := range []string{"", "text", "{}", `{"msg":"done","stage":"split","unit":"a"}`, `{"msg":"progress"}`, `{"msg":"progress","stage":"split"}`, `{"msg":"progress","stage":"split","unit":"a","rows":"many"}`, "null", "[1]"} {
		if line, ok := Parse([]byte(text)); ok {
			t.Errorf("%q is %+v", text, line)
		}
	}
	line, ok := Parse([]byte(`{"msg":"progress","stage":"split","unit":"a","percent":300,"later":{"key":1}}`))
	if !ok || line.Percent != 100 {
		t.Errorf("%+v, %v", line, ok)
	}
}

func TestOverall(t *testing.T) {
	all := map[pipeline.Stage]float64{}
	last := Overall(all)
	if last != 0 {
		t.Errorf("nothing done is %v", last)
	}
	for _, stage := range pipeline.Stages() {
		all[stage] = 2 // more than all of it
		if now := Overall(all); now <= last {
			t.Errorf("%s adds nothing", stage)
		} else {
			last = now
		}
	}
	if last != 100 {
		t.Errorf("everything is %v", last)
	}
}

// BenchmarkCounting is what two processors say to a meter in a second of work: a worker reads at most some gigabytes a second in buffers
// of 64 KiB, and a million rows. It should be well below 5 ms.
func BenchmarkCounting(b *testing.B) {
	for b.Loop() {
		m := &Meter{}
		m.Begin("read", 60, 0, 1<<40)
		var group sync.WaitGroup
		for range 2 {
			group.Go(func() {
				counter := m.Counter()
				for range 500_000 {
					_ = counter.Row(b.Context(), 1)
				}
				for range 8_000 {
					m.Add(0, 64<<10)
				}
			})
		}
		group.Wait()
	}
}
