package progress

import (
	"context"
	"encoding/json"
	"log/slog"
	"time"
)

// message is the msg of lines of progress, by which they are recognized.
const message = "progress"

// Line is a line of progress in the log of a worker.
type Line struct {
	Time  time.Time `json:"time"`
	Stage string    `json:"stage"`
	Unit  string    `json:"unit"`
	Phase string    `json:"phase"`

	Rows    int64 `json:"rows"`
	OfRows  int64 `json:"ofRows"`
	Bytes   int64 `json:"bytes"`
	OfBytes int64 `json:"ofBytes"`
	Percent int   `json:"percent"`
}

// Parse reads a line of a worker's log; ok is false for a line that is not one of progress. Other keys of the line are ignored.
func Parse(text []byte) (line Line, ok bool) {
	var read struct {
		Line

		Message string `json:"msg"`
	}
	if json.Unmarshal(text, &read) != nil || read.Message != message || read.Stage == "" || read.Unit == "" {
		return Line{}, false
	}
	read.Percent = min(max(read.Percent, 0), 100)
	return read.Line, true
}

// pause returns the time between two lines of a unit: a second, and five seconds after the first minute, so that the log of a long build stays small.
func pause(worked time.Duration) time.Duration {
	if worked < time.Minute {
		return time.Second
	}
	return 5 * time.Second
}

// Logger writes the progress of a pod's units to its log, one unit after another. It is not safe for concurrent use.
type Logger struct {
	// Log is the log.
	Log *slog.Logger

	stage, unit string
	meter       *Meter
	last        Snapshot
	stop, ended chan struct{}
}

// Begin begins a unit and returns its meter. It writes lines in the background, the first one after a second, until Done or Stop.
func (l *Logger) Begin(stage, unit string) *Meter {
	l.Stop()
	l.stage, l.unit, l.last = stage, unit, Snapshot{}
	l.meter, l.stop, l.ended = &Meter{}, make(chan struct{}), make(chan struct{})
	go l.run(time.Now())
	return l.meter
}

func (l *Logger) run(began time.Time) {
	defer close(l.ended)
	for {
		select {
		case <-l.stop:
			return
		case <-time.After(pause(time.Since(began))):
			if now := l.meter.Snapshot(); now != l.last {
				l.last = now
				l.write(now)
			}
		}
	}
}

// Done marks the unit as finished and writes its last line.
func (l *Logger) Done() {
	if l.meter == nil {
		return
	}
	meter := l.meter
	l.Stop()
	meter.Finish()
	l.write(meter.Snapshot())
}

// Stop ends the lines of a unit without a last one, for a unit that has failed.
func (l *Logger) Stop() {
	if l.meter != nil {
		close(l.stop)
		<-l.ended
		l.meter = nil
	}
}

func (l *Logger) write(s Snapshot) {
	l.Log.LogAttrs(context.Background(), slog.LevelInfo, message, slog.String("stage", l.stage), slog.String("unit", l.unit), slog.String("phase", s.Phase),
		slog.Int64("rows", s.Rows), slog.Int64("ofRows", s.OfRows), slog.Int64("bytes", s.Bytes), slog.Int64("ofBytes", s.OfBytes), slog.Int("percent", s.Percent))
}
