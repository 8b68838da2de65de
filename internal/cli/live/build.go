// Package live shows the progress of a build: a pure function from what is known to the lines of a frame, a redraw of the last lines of a
// terminal, and an object for each change where a program reads.
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
	// Outcome is how it ended, or that it is running.
	Outcome Outcome
	// Elapsed since it began; Left is how much longer it takes, as far as can be said.
	Elapsed, Left time.Duration
	// AtLeast is how many percent are known to be done; more may follow from the stages.
	AtLeast int
	Stages  []Stage
	// Notes are what cannot be shown, and why.
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

// Stage is how far a stage is.
type Stage struct {
	Name    string
	Outcome Outcome
	// Done units, of Total; Total is 0 while it is not known.
	Done, Total int
	Took        time.Duration
	// Units are those that are known by name, in a fixed order.
	Units []Unit
}

// Unit is how far a unit is: a data set, a mixed file or the whole mix.
type Unit struct {
	Name    string
	Outcome Outcome
	progress.Snapshot

	// Rate in bytes a second, or in rows where no bytes are counted; 0 is not known.
	Rate float64
	// Left is how much longer it takes; 0 is not known.
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

// Began is when a unit's present phase was first seen, and what it had done then: a rate is of what was done since.
type Began struct {
	Phase       string
	At          time.Time
	Rows, Bytes int64
	Percent     int
}

// Measure returns a running unit with its rate and the time left, by what it has done since the phase began, and updates what that was.
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
