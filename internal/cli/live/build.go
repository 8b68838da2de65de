// Package live shows the progress of a build: Frame, a pure function, returns the lines that show it, Screen draws them over the last lines of a
// terminal, and Changes writes a JSON object for each change, for programs.
package live

import (
	"time"

	"github.com/datasetmix/datasetmix/internal/pipeline"
	"github.com/datasetmix/datasetmix/internal/progress"
)

// Build is what is known of a build.
type Build struct {
	// Name of the mix, with its namespace on a cluster, and its State in a few words.
	Name, State string
	// Outcome of the build so far.
	Outcome Outcome
	// Elapsed is the time since the build began, Left an estimate of the time until it ends; 0 without one.
	Elapsed, Left time.Duration
	// AtLeast is a percentage that is known to be done; the stages may show that it is more.
	AtLeast int
	Stages  []Stage
	// Notes are remarks on the build as a whole, such as what cannot be shown and why.
	Notes []string
}

// Outcome of a build, a stage or a unit.
type Outcome int

// The outcomes, in the order of a build.
const (
	Waiting Outcome = iota
	Running
	Done
	Failed
)

func (o Outcome) String() string { return [...]string{"waiting", "running", "done", "failed"}[o] }

// Stage is the progress of a stage.
type Stage struct {
	Name    string
	Outcome Outcome
	// Done units, of Total; Total is 0 while it is not known.
	Done, Total int
	Took        time.Duration
	// Units are the units whose names are known, in a fixed order.
	Units []Unit
}

// Unit is the progress of a unit: a data set, a mixed file or the whole mix.
type Unit struct {
	Name    string
	Outcome Outcome
	progress.Snapshot

	// Rate is in bytes a second, or in rows a second if no bytes are counted; 0 if it is not known.
	Rate float64
	// Left is an estimate of the time until the unit is done; 0 without one.
	Left time.Duration
	// Text describes the outcome.
	Text string
}

// fraction returns how much of a stage is done, 0 to 1.
func (s Stage) fraction() float64 {
	if s.Outcome == Done {
		return 1
	}
	if s.Total == 0 {
		return 0
	}
	done, sum := 0, 0
	for _, unit := range s.Units {
		if unit.Outcome == Done {
			done++
		} else {
			sum += unit.Percent
		}
	}
	return min(1, (float64(max(done, s.Done))+float64(sum)/100)/float64(s.Total))
}

// Percent returns how much of the build is done; 100 only once it is.
func (b Build) Percent() int {
	if b.Outcome == Done {
		return 100
	}
	done := map[pipeline.Stage]float64{}
	for _, stage := range b.Stages {
		done[pipeline.Stage(stage.Name)] = stage.fraction()
	}
	return min(99, max(b.AtLeast, int(progress.Overall(done))))
}

// Began is when a unit's present phase was first seen, and what was done by then: a rate counts what was done since.
type Began struct {
	Phase       string
	At          time.Time
	Rows, Bytes int64
	Percent     int
}

// Measure returns a running unit with its rate and the time left, computed from what was done since its phase began. A new phase sets s anew.
func (s *Began) Measure(name string, now progress.Snapshot, at time.Time) Unit {
	unit := Unit{Name: name, Outcome: Running, Snapshot: now}
	if now.Percent >= 100 {
		unit.Outcome = Done
		return unit
	}
	if s.Phase != now.Phase || s.At.IsZero() || now.Bytes < s.Bytes || now.Rows < s.Rows {
		*s = Began{Phase: now.Phase, At: at, Rows: now.Rows, Bytes: now.Bytes, Percent: now.Percent}
		if !now.Since.IsZero() {
			s.At, s.Rows, s.Bytes = now.Since, 0, 0
		}
	}
	took := at.Sub(s.At)
	if took < time.Second {
		return unit
	}
	if unit.Rate = float64(now.Bytes-s.Bytes) / took.Seconds(); unit.Rate <= 0 {
		unit.Rate = float64(now.Rows-s.Rows) / took.Seconds()
	}
	if done := now.Percent - s.Percent; done >= 3 {
		unit.Left = time.Duration(float64(took) / float64(done) * float64(100-now.Percent))
	}
	return unit
}
