// Package progress counts what a unit of a build has done while it is under way, says it in lines of the worker's log, and reads those
// lines. docs/progress.md has their form, which the live view of kubectl-datasetmix relies on.
//
// Whoever does the work counts whole buffers, batches or thousands of rows on the Meter of its context, never single rows: that is a few
// hundred additions a second. Whoever shows the work takes a Snapshot when it wants one.
package progress

import (
	"context"
	"io"
	"sync"
	"time"
)

// Snapshot is how far a unit is. Rows and Bytes are of its present phase, as are the numbers that are expected of it; of an expected
// number, 0 is not known.
type Snapshot struct {
	// Phase is what the unit does now: fetch, read, compare, write or prove. It is empty before the first one.
	Phase string
	// Rows and Bytes were done in this phase, of OfRows and OfBytes.
	Rows, Bytes, OfRows, OfBytes int64
	// Percent of the whole unit: it never falls, and is 100 only once the unit is finished.
	Percent int
	// Since is when the phase began.
	Since time.Time
}

// Meter counts what a unit does. A nil Meter counts nothing. It may be used by several goroutines.
type Meter struct {
	mutex    sync.Mutex
	now      Snapshot
	from, to int // percent at which the phase begins and ends
}

// Begin begins a phase that takes the unit to a percentage, with the rows and the bytes that it will do, as far as that is known.
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
	if m.now.OfBytes > 0 { // some are read twice, such as those by which a file's form is told
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

// Reach corrects the bytes that were done in this phase: some came twice, others were at hand.
func (m *Meter) Reach(bytes int64) {
	if m != nil {
		m.Add(0, bytes-m.Snapshot().Bytes)
	}
}

// Counter counts rows one by one, and tells the meter of some thousand at once, when it looks at the context, too. It is of one goroutine.
type Counter struct {
	meter       *Meter
	rows, bytes int64
	left        int // rows until the meter is told
}

// Counter returns a counter of the meter, which may be nil.
func (m *Meter) Counter() *Counter { return &Counter{meter: m} }

// rowsAtOnce is how many rows a Counter keeps.
const rowsAtOnce = 4096

// Row counts a row and its bytes. Its error is that of the context, at which it looks at the first row and then at one in some thousand.
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

// Flush counts the rows that the meter does not have yet.
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

// Snapshot returns how far the unit is.
func (m *Meter) Snapshot() Snapshot {
	m.mutex.Lock()
	defer m.mutex.Unlock()
	return m.now
}

// ReaderAt returns a reader that counts what is read of another one as bytes done.
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

// With returns a context whose work is counted on a meter; a nil one ends the counting.
func With(ctx context.Context, m *Meter) context.Context {
	return context.WithValue(ctx, ofContext{}, m)
}

// Of returns the meter of a context, nil where it has none.
func Of(ctx context.Context) *Meter {
	m, _ := ctx.Value(ofContext{}).(*Meter)
	return m
}
