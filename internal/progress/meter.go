// Package progress counts the rows and bytes that a unit of a build has done, writes them as lines to the worker's log, and reads those lines.
// docs/progress.md has their format, which the live view of kubectl-datasetmix relies on.
//
// The code that does the work counts whole buffers, batches or thousands of rows on the Meter of its context, never single rows: a few hundred additions a
// second. The code that shows the progress takes a Snapshot.
package progress

import (
	"context"
	"io"
	"sync"
	"time"
)

// Snapshot is the progress of a unit at one time.
type Snapshot struct {
	// Phase is the present phase: fetch, read, compare, write or prove; empty before the first one.
	Phase string
	// Rows and Bytes were done in this phase, of OfRows and OfBytes, which are 0 if they are not known.
	Rows, Bytes, OfRows, OfBytes int64
	// Percent is the percentage of the whole unit that is done. It never falls, and is 100 only once the unit is finished.
	Percent int
	// Since is when the phase began.
	Since time.Time
}

// Meter counts the rows and bytes that a unit has done. A nil Meter counts nothing. It is safe for concurrent use.
type Meter struct {
	mutex    sync.Mutex
	now      Snapshot
	from, to int // percent at which the phase begins and ends
}

// Begin begins a phase. to is the percentage of the unit that is done when the phase ends; rows and bytes are what the phase will do, 0 if that is not known.
func (m *Meter) Begin(phase string, to int, rows, bytes int64) {
	if m == nil {
		return
	}
	m.mutex.Lock()
	defer m.mutex.Unlock()
	m.from, m.to = m.to, to
	m.now = Snapshot{Phase: phase, OfRows: rows, OfBytes: bytes, Percent: max(m.now.Percent, min(m.from, 99)), Since: time.Now()}
}

// Add counts rows and bytes that were done.
func (m *Meter) Add(rows, bytes int64) {
	if m == nil {
		return
	}
	m.mutex.Lock()
	defer m.mutex.Unlock()
	m.now.Rows += rows
	m.now.Bytes += bytes
	if m.now.OfBytes > 0 { // some bytes are read twice, such as those from which a file's format is detected
		m.now.Bytes = min(m.now.Bytes, m.now.OfBytes)
	}
	done, of := m.now.Bytes, m.now.OfBytes
	if of <= 0 {
		done, of = m.now.Rows, m.now.OfRows
	}
	if of > 0 {
		percent := m.from + int(float64(m.to-m.from)*min(1, float64(done)/float64(of)))
		m.now.Percent = max(m.now.Percent, min(percent, 99))
	}
}

// Reach sets the number of bytes that were done in this phase, for a source of which some bytes came twice, or were there already.
func (m *Meter) Reach(bytes int64) {
	if m != nil {
		m.Add(0, bytes-m.Snapshot().Bytes)
	}
}

// Counter counts single rows, and adds them to a meter some thousand at a time. It is not safe for concurrent use.
type Counter struct {
	meter       *Meter
	rows, bytes int64
	left        int // rows until the next Flush
}

// Counter returns a counter of the meter, which may be nil.
func (m *Meter) Counter() *Counter { return &Counter{meter: m} }

// rowsAtOnce is the number of rows that a Counter adds to its meter at a time.
const rowsAtOnce = 4096

// Row counts a row and its bytes. It returns the error of the context, which it checks at the first row and then every few thousand rows.
func (c *Counter) Row(ctx context.Context, bytes int) error {
	c.rows++
	c.bytes += int64(bytes)
	if c.left--; c.left > 0 {
		return nil
	}
	c.left = rowsAtOnce
	c.Flush()
	return ctx.Err()
}

// Flush adds the rows that the meter does not have yet.
func (c *Counter) Flush() {
	c.meter.Add(c.rows, c.bytes)
	c.rows, c.bytes = 0, 0
}

// Finish marks the unit as finished.
func (m *Meter) Finish() {
	if m == nil {
		return
	}
	m.mutex.Lock()
	defer m.mutex.Unlock()
	m.now.Percent = 100
}

// Snapshot returns the progress of the unit.
func (m *Meter) Snapshot() Snapshot {
	m.mutex.Lock()
	defer m.mutex.Unlock()
	return m.now
}

// ReaderAt returns a reader that counts the bytes that are read from another one.
func (m *Meter) ReaderAt(of io.ReaderAt) io.ReaderAt {
	if m == nil {
		return of
	}
	return &readerAt{of, m}
}

// Reader does what ReaderAt does, for a stream.
func (m *Meter) Reader(of io.Reader) io.Reader {
	if m == nil {
		return of
	}
	return &reader{of, m}
}

type reader struct {
	io.Reader
	meter *Meter
}

func (r *reader) Read(p []byte) (int, error) {
	n, err := r.Reader.Read(p)
	r.meter.Add(0, int64(n))
	return n, err
}

type readerAt struct {
	io.ReaderAt
	meter *Meter
}

func (r *readerAt) ReadAt(p []byte, at int64) (int, error) {
	n, err := r.ReaderAt.ReadAt(p, at)
	r.meter.Add(0, int64(n))
	return n, err
}

type ofContext struct{}

// With returns a context with a meter, or without one if it is nil.
func With(ctx context.Context, m *Meter) context.Context {
	return context.WithValue(ctx, ofContext{}, m)
}

// Of returns the meter of a context, nil if it has none.
func Of(ctx context.Context) *Meter {
	m, _ := ctx.Value(ofContext{}).(*Meter)
	return m
}
