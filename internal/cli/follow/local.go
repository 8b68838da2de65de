package follow

import (
	"cmp"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/datasetmix/datasetmix/internal/cli/live"
	"github.com/datasetmix/datasetmix/internal/cli/view"
	"github.com/datasetmix/datasetmix/internal/pipeline"
	"github.com/datasetmix/datasetmix/internal/progress"
	"github.com/datasetmix/datasetmix/internal/recipe"
	"github.com/datasetmix/datasetmix/internal/stage"
)

// Local observes a build in this process. If its display shows no states, it prints a line for each finished unit.
type Local struct {
	out    io.Writer
	lines  bool
	recipe recipe.Recipe

	mutex   sync.Mutex
	started time.Time
	state   string
	outcome live.Outcome
	stages  map[pipeline.Stage]*localStage
	notes   []string
}

// localStage is a stage with its units, whose names are known before they begin.
type localStage struct {
	names       []string
	units       map[string]*localUnit
	begun, last time.Time
	// done and total count the units that had no result, for lines.
	done, total int
}

// localUnit is a unit that has begun.
type localUnit struct {
	meter  *progress.Meter
	began  live.Began
	done   bool
	reused bool
	text   string
}

// NewLocal returns the observer of a build of a recipe.
func NewLocal(out io.Writer, display *Display, r recipe.Recipe) *Local {
	l := &Local{out: out, lines: !display.Shows(), recipe: r, started: time.Now(), state: "building", outcome: live.Running,
		stages: map[pipeline.Stage]*localStage{}}
	for _, name := range pipeline.Stages() {
		l.stages[name] = &localStage{names: progress.Units(r, name), units: map[string]*localUnit{}}
	}
	l.stages[pipeline.StageSplit].total = len(r.DatasetNames()) // a data set may be split while others are downloaded
	return l
}

// Meter returns the meter of a unit that begins.
func (l *Local) Meter(name pipeline.Stage, unit pipeline.Node) *progress.Meter {
	l.mutex.Lock()
	defer l.mutex.Unlock()
	of, meter := l.stages[name], &progress.Meter{}
	if of.begun.IsZero() {
		of.begun = time.Now()
	}
	of.units[unit.Name] = &localUnit{meter: meter}
	return meter
}

// Note adds a remark on the build as a whole.
func (l *Local) Note(text string) {
	l.mutex.Lock()
	defer l.mutex.Unlock()
	l.notes = append(l.notes, text)
}

// Begin notes that the units of a stage come next.
func (l *Local) Begin(step pipeline.Step) {
	l.mutex.Lock()
	defer l.mutex.Unlock()
	of := l.stages[step.Stage]
	of.total = of.done + len(step.Missing)
}

// Done notes the result of a unit, and how it was obtained.
func (l *Local) Done(name pipeline.Stage, unit pipeline.Node, result pipeline.Result, way stage.Way) {
	l.mutex.Lock()
	defer l.mutex.Unlock()
	of := l.stages[name]
	of.done++
	of.last = time.Now()
	text := describe(result)
	switch {
	case name == pipeline.StagePublish && way.How == stage.Reused:
		text += ", every byte as it was published"
	case name == pipeline.StagePublish:
		text += ", verified"
	}
	if way.Why != "" {
		text += ", since " + way.Why
	}
	if built := of.units[unit.Name]; built != nil {
		built.done, built.reused, built.text = true, way.How == stage.Reused, text
		if way.How != stage.Built {
			built.text = string(way.How) + ", " + text
		}
	}
	if l.lines {
		fmt.Fprintf(l.out, "%7.1fs  %-8s %2d/%d  %-12s %-10s  %s\n", time.Since(l.started).Seconds(), name, of.done, of.total, unit.Name, way.How, text)
	}
}

// End notes how the build ended.
func (l *Local) End(err error) {
	l.mutex.Lock()
	defer l.mutex.Unlock()
	l.state, l.outcome = "published", live.Done
	if err != nil {
		l.state, l.outcome = "failed", live.Failed
	}
}

// State returns the progress of the build.
func (l *Local) State(now time.Time) live.Build {
	l.mutex.Lock()
	defer l.mutex.Unlock()
	b := live.Build{Name: l.recipe.Name, State: l.state, Outcome: l.outcome, Elapsed: now.Sub(l.started), Notes: slices.Clone(l.notes)}
	var reused live.Build
	for _, name := range pipeline.Stages() {
		of := l.stages[name]
		b.Stages = append(b.Stages, of.state(string(name), now, l.outcome))
		reused.Stages = append(reused.Stages, of.reused(string(name)))
	}
	if percent, before := b.Percent(), reused.Percent(); percent-before >= 3 && b.Elapsed > 2*time.Second {
		b.Left = time.Duration(float64(b.Elapsed) * float64(100-percent) / float64(percent-before))
	}
	return b
}

// reused returns the stage as it was before the build: only the units that are reused are done.
func (s *localStage) reused(name string) live.Stage {
	of := live.Stage{Name: name, Total: len(s.names)}
	for _, unit := range s.units {
		if unit.reused {
			of.Done++
		}
	}
	return of
}

func (s *localStage) state(name string, now time.Time, outcome live.Outcome) live.Stage {
	of := live.Stage{Name: name, Total: len(s.names)}
	for _, name := range s.names {
		unit := live.Unit{Name: name}
		if built := s.units[name]; built != nil {
			unit = built.state(name, now)
			if outcome == live.Failed && !built.done {
				unit.Outcome, unit.Left, unit.Rate = live.Failed, 0, 0
			}
		}
		if unit.Outcome == live.Done {
			of.Done++
		}
		of.Units = append(of.Units, unit)
	}
	switch {
	case of.Done == of.Total:
		of.Outcome, of.Took = live.Done, s.last.Sub(s.begun)
	case s.begun.IsZero():
	case outcome == live.Failed:
		of.Outcome = live.Failed
	default:
		of.Outcome, of.Took = live.Running, now.Sub(s.begun)
	}
	return of
}

func (u *localUnit) state(name string, now time.Time) live.Unit {
	if u.done {
		u.meter.Finish()
		return live.Unit{Name: name, Outcome: live.Done, Snapshot: u.meter.Snapshot(), Text: u.text}
	}
	return u.began.Measure(name, u.meter.Snapshot(), now)
}

// describe returns a result in words.
func describe(result pipeline.Result) string {
	switch {
	case result.Download != nil:
		return view.English.Sprintf("%d files, %d bytes, revision %s", result.Download.Files, result.Download.Bytes, cmp.Or(result.Download.Revision, "-"))
	case result.Split != nil:
		return view.English.Sprintf("%d rows, %s → %v", result.Split.Read, leftOut(*result.Split), result.Split.Rows)
	case result.Balance != nil:
		return balanced(*result.Balance)
	case result.Mix != nil:
		return view.English.Sprintf("%d rows, %d bytes", result.Mix.Rows, result.Mix.Bytes)
	default:
		return view.English.Sprintf("revision %s, %d files, %d bytes", result.Publish.Revision, result.Publish.Files, result.Publish.Bytes)
	}
}

// leftOut returns how many rows of a data set are in no split, and why.
func leftOut(result pipeline.SplitResult) string {
	text := view.English.Sprintf("%d dropped", result.DroppedRows())
	var reasons []string
	for _, reason := range slices.Sorted(maps.Keys(result.Dropped)) {
		reasons = append(reasons, view.English.Sprintf("%d %s", result.Dropped[reason], reason))
	}
	if len(reasons) > 0 {
		text += " (" + strings.Join(reasons, ", ") + ")"
	}
	return text
}

func balanced(result pipeline.BalanceResult) string {
	text := view.English.Sprintf("%d rows dropped that another split has", result.Overlap.Total())
	if variants := result.Variants.Total(); variants > 0 {
		text += view.English.Sprintf(", %d rows with a question that another has, written in another way", variants)
	}
	if result.Duplicates != nil {
		text += view.English.Sprintf(", %d duplicates", result.Duplicates.Total())
	}
	if result.NearDuplicates != nil {
		text += view.English.Sprintf(", %d near duplicates", result.NearDuplicates.Total())
	}
	return text
}
