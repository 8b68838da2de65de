package stage

import (
	"context"
	"errors"
	"iter"
	"runtime"
	"sync"

	"github.com/datasetmix/datasetmix/internal/decode"
	"github.com/datasetmix/datasetmix/internal/decode/decoded"
	"github.com/datasetmix/datasetmix/internal/mix"
	"github.com/datasetmix/datasetmix/internal/revision"
)

// mapper does with each row what needs no other row. Each mapper belongs to one goroutine; several work on one source.
type mapper interface {
	// row maps a row with its number at the source. It appends what it writes to lines, and returns them.
	row(number int64, row decoded.Row, lines []byte) (mapped, []byte)
}

// mapped is what became of a row: an error, of this row alone if it is unmappable; a row to drop; or its line, and where that belongs.
type mapped struct {
	err     error
	leftOut *revision.DroppedSourceRow
	end     int // of its line, in the lines of the batch
	at      mix.Place
	head    rowHead
}

// batch is rows that were mapped together, and the error that follows them in the file.
type batch struct {
	decode.Batch
	first  int64 // the number of the first row at the source
	err    error
	mapped []mapped // of the rows, in their order
	lines  []byte   // of the rows, one after the other
	done   chan struct{}
}

func (b *batch) mapAll(m mapper) {
	defer close(b.done)
	b.lines = *arenas.Get().(*[]byte)
	b.mapped = make([]mapped, len(b.Rows))
	for i, row := range b.Rows {
		b.mapped[i], b.lines = m.row(b.first+int64(i), row, b.lines)
		b.mapped[i].end = len(b.lines)
	}
}

// arenas keeps the memory of processed batches for the next ones.
var arenas = sync.Pool{New: func() any { return new([]byte) }}

func (b *batch) release() {
	empty := b.lines[:0]
	arenas.Put(&empty)
	b.Free()
}

// ahead decodes and maps the rows of a file in other goroutines, and passes them on in the order of the file. The numbers of the rows begin with
// first. When it returns, no goroutine reads the file any more.
func ahead(ctx context.Context, file decode.File, fields []decoded.Field, first int64, newMapper func() mapper) iter.Seq[*batch] {
	return func(yield func(*batch) bool) {
		ctx, cancel := context.WithCancel(ctx)
		workers := runtime.GOMAXPROCS(0)
		queue, work := make(chan *batch, 2*workers), make(chan *batch, workers)
		var running sync.WaitGroup
		for range workers {
			running.Go(func() {
				m := newMapper()
				for b := range work {
					b.mapAll(m)
				}
			})
		}
		running.Go(func() {
			defer close(queue)
			defer close(work)
			for rows, err := range decode.Batches(ctx, file, fields) {
				b := &batch{Batch: rows, first: first, err: err, done: make(chan struct{})}
				select {
				case queue <- b:
				case <-ctx.Done():
					return
				}
				work <- b
				if first += int64(len(b.Rows)); isBadRow(err) {
					first++
				}
			}
		})
		defer running.Wait()
		defer func() {
			cancel()
			for range queue { // until the decoder has ended
			}
		}()
		for b := range queue {
			<-b.done
			if !yield(b) {
				return
			}
			b.release()
		}
	}
}

// isBadRow reports whether an error of decode is about a single row, which is counted like any other.
func isBadRow(err error) bool {
	_, bad := errors.AsType[*decoded.BadRow](err)
	return bad
}
