package sampler

import "iter"

// Woven yields the rows of a mixed file in their order. A background goroutine reads ahead.
type Woven struct {
	full, free chan *batch
	stop       chan struct{}
	ended      chan struct{}

	now *batch // whose rows are returned
	row int    // the next row of now
	at  int    // where that row begins in now.lines
}

// batch is a run of rows, and the error that follows them.
type batch struct {
	lines []byte
	rows  []wovenRow
	err   error
}

type wovenRow struct {
	dataset, end int
	units        int64
}

// A batch is handed over once it has batchBytes bytes; up to batchCount batches are ahead of the reader.
const (
	batchBytes = 256 << 10
	batchCount = 3
)

// Weave begins to read the rows of the sequences in an order of data sets. No other caller may use the sequences until it is closed.
func Weave(sequences Sequences, order iter.Seq[int]) *Woven {
	w := &Woven{full: make(chan *batch, batchCount), free: make(chan *batch, batchCount), stop: make(chan struct{}), ended: make(chan struct{}), now: &batch{}}
	for range batchCount {
		w.free <- &batch{}
	}
	go w.read(sequences, order)
	return w
}

func (w *Woven) read(sequences Sequences, order iter.Seq[int]) {
	defer close(w.ended)
	defer close(w.full)
	b := <-w.free
	for dataset := range order {
		row, err := sequences[dataset].Next()
		if err != nil {
			b.err = err
			break
		}
		b.lines = append(b.lines, row.Line...)
		b.rows = append(b.rows, wovenRow{dataset, len(b.lines), row.Units})
		if len(b.lines) < batchBytes {
			continue
		}
		w.full <- b // it has room for all that there are
		select {
		case b = <-w.free:
		case <-w.stop:
			return
		}
	}
	w.full <- b
}

// Next returns the next row and the place of its data set among the sequences; more is false after the last.
func (w *Woven) Next() (dataset int, row Row, more bool, err error) {
	for w.row == len(w.now.rows) {
		if w.now.err != nil {
			return 0, Row{}, false, w.now.err
		}
		if !w.turn() {
			return 0, Row{}, false, nil
		}
	}
	next := w.now.rows[w.row]
	line := w.now.lines[w.at:next.end]
	w.row, w.at = w.row+1, next.end
	return next.dataset, Row{line, next.units}, true, nil
}

// turn goes on to the next batch and frees the one before. It reports false after the last batch.
func (w *Woven) turn() bool {
	done := w.now
	next, more := <-w.full
	if !more {
		next = &batch{}
	}
	w.now, w.row, w.at = next, 0, 0
	if done.lines, done.rows = done.lines[:0], done.rows[:0]; cap(done.lines) > 0 {
		w.free <- done
	}
	return more
}

// Close ends the reading. The sequences stay open.
func (w *Woven) Close() {
	close(w.stop)
	<-w.ended
}
