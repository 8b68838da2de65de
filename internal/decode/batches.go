package decode

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"iter"
	"runtime"
	"slices"
	"sync"

	"github.com/datasetmix/datasetmix/internal/decode/decoded"
)

const (
	// batchRows bounds a batch, which has one row where rows are large: of values, not of the file.
	batchRows  = 64
	batchBytes = 1 << 20
	// chunkBytes is what one processor decodes of JSON Lines at a time, and chunkMost what a chunk may grow to for the sake of
	// a long row.
	chunkBytes = 256 << 10
	chunkMost  = 512 << 10
	// valueBytes is about what a value takes in addition to its text.
	valueBytes = 32
	maxWorkers = 4
)

// Batches yields the rows that Rows yields, several at a time, decoded ahead of the caller in other goroutines; JSON Lines are decoded on
// several processors. An error belongs behind the rows that it is yielded with: after a BadRow a caller may go on, any other error is the
// last. When Batches returns, no goroutine reads the file any more.
func Batches(ctx context.Context, f File, fields []decoded.Field) iter.Seq2[Batch, error] {
	return func(yield func(Batch, error) bool) {
		inner, cancel := context.WithCancel(ctx)
		p := &producer{ctx: inner, file: f, fields: fields, src: &source{data: f.Data}, queue: make(chan chan []batch, maxWorkers)}
		go p.run()
		defer func() {
			cancel()
			for range p.queue { // until the producer and its workers have ended
			}
		}()
		var at base
		for done := range p.queue {
			if ctx.Err() != nil {
				break
			}
			for _, b := range <-done {
				last, err := at.move(&b)
				if (len(b.rows) > 0 || err != nil || b.chunk != nil) && !yield(Batch{b.rows, b.chunk}, err) || last {
					return
				}
			}
		}
		if ctx.Err() != nil {
			yield(Batch{}, fmt.Errorf("reading %s: %w", f.Name, context.Cause(ctx)))
		}
	}
}

// Batch is rows that come one after the other. They belong to the caller until it frees them.
type Batch struct {
	Rows  []decoded.Row
	chunk *chunk
}

// Free returns the memory of the rows, with that of the batches before them: their strings become those of other rows.
func (b Batch) Free() {
	if b.chunk != nil {
		freeChunks.Put(b.chunk)
	}
}

// batch is rows and the bare error of the row after them. Row numbers and line numbers count from the beginning of the piece of the file
// that the batch is part of; count and lines, set in the last batch of a piece, are the rows and the lines of the piece.
type batch struct {
	rows         []decoded.Row
	failed       decoded.Row
	err, srcErr  error
	count, lines int64
	chunk        *chunk // set in the last batch of a chunk
}

// base is the number of rows and lines in the file before a piece.
type base struct{ rows, lines int64 }

// move numbers the rows of a batch as in the file, and returns its error in the caller's form.
func (a *base) move(b *batch) (last bool, err error) {
	for i := range b.rows {
		a.place(&b.rows[i])
	}
	if b.err != nil {
		a.place(&b.failed)
		last, err = explain(b.failed.Place, &source{err: b.srcErr}, b.err)
	}
	a.rows += b.count
	a.lines += b.lines
	return last, err
}

func (a *base) place(row *decoded.Row) {
	row.Number += a.rows
	row.Place.N += a.lines
}

// producer reads a file in up to three phases: its first rows as Rows does; then, of JSON Lines, chunks of whole lines, each
// decoded by a worker; then what those leave, a last line without an end or a very long one, as Rows does again.
type producer struct {
	ctx    context.Context
	file   File
	fields []decoded.Field
	src    *source
	// queue has the batches of each piece, in the order of the file.
	queue chan chan []batch
}

func (p *producer) run() {
	defer close(p.queue)
	r, err := open(p.file, p.src, p.fields)
	if err != nil {
		p.send(batch{failed: decoded.Row{Place: decoded.Place{File: p.file.Name}}, err: err, srcErr: p.src.err})
		return
	}
	defer r.Close()
	lines, _ := r.(*jsonLines)
	if !p.pieces(r, lines) || lines == nil {
		return
	}
	if p.chunks(lines) {
		p.pieces(r, nil)
	}
}

func (p *producer) send(b batch) bool {
	done := make(chan []batch, 1)
	done <- []batch{b}
	return p.enqueue(done)
}

func (p *producer) enqueue(done chan []batch) bool {
	select {
	case p.queue <- done:
		return true
	case <-p.ctx.Done():
		return false
	}
}

// pieces sends batch after batch. It ends with true when lines can be read in chunks: not before the first rows have shown
// what the file is.
func (p *producer) pieces(r decoded.Reader, lines *jsonLines) bool {
	row := decoded.Row{Place: decoded.Place{File: p.file.Name}}
	for {
		b := p.gather(r, &row)
		last := b.err != nil && !decoded.IsBad(b.err)
		if b.err == io.EOF {
			b.err = nil
		}
		split := !last && lines != nil && lines.divisible()
		if split {
			b.count, b.lines = row.Number, lines.lines.number
		}
		if !p.send(b) || last {
			return false
		}
		if split {
			return true
		}
	}
}

// gather reads rows up to the first error, or as many as a batch has.
func (p *producer) gather(r decoded.Reader, row *decoded.Row) (b batch) {
	slab, size := make([]any, batchRows*len(p.fields)), 0
	for len(b.rows) < batchRows && size < batchBytes && b.err == nil {
		row.Values, slab = cut(slab, len(p.fields))
		if b.err = r.Next(row); b.err == nil {
			b.rows = append(b.rows, *row)
			size += sizeOf(row.Values)
		}
		b.failed = *row
		row.Number++
	}
	b.srcErr = p.src.err
	return b
}

// cut takes the values of one row off a slab.
func cut(slab []any, n int) (values, rest []any) { return slab[:n:n], slab[n:] }

// divisible reports whether the lines that follow can be decoded by themselves.
func (j *jsonLines) divisible() bool {
	return runtime.GOMAXPROCS(0) > 1 && j.scanner.there != nil && !j.held && !j.lines.long && !j.lines.open && j.lines.err == nil
}

// chunk is whole lines, and the memory of their rows: room is for strings that are not in the text as they are.
type chunk struct {
	text, room []byte
	values     []any
	rows       []decoded.Row
	done       chan []batch
}

// freeChunks keeps the chunks that were freed.
var freeChunks = sync.Pool{New: func() any { return &chunk{text: make([]byte, 0, chunkBytes), room: make([]byte, 0, chunkBytes/64)} }}

// chunks lets workers decode the lines that follow, and leaves the rest that is not a whole line to j. It returns false when the context
// has ended.
func (p *producer) chunks(j *jsonLines) bool {
	workers := min(runtime.GOMAXPROCS(0), maxWorkers)
	work := make(chan *chunk, workers)
	var running sync.WaitGroup
	for range workers {
		running.Go(func() {
			d := jsonLines{lines: &lines{}, scanner: scanner{selection: j.scanner.selection, nonFinite: j.scanner.nonFinite, there: j.scanner.there, lent: true}}
			for c := range work {
				c.done <- d.chunk(c, p.file.Name)
			}
		})
	}
	defer running.Wait()
	defer close(work)
	rest := j.lines.buf[j.lines.start:j.lines.end]
	for {
		c := freeChunks.Get().(*chunk)
		text, tail, err := fill(c.text, rest, j.lines.stream)
		rest = bytes.Clone(tail) // The text is its worker's, and then anybody's.
		if len(text) > 0 {
			c.text, c.done = text, make(chan []batch, 1)
			select {
			case work <- c:
			case <-p.ctx.Done():
				return false
			}
			if !p.enqueue(c.done) {
				return false
			}
		}
		if err != nil || len(rest) >= chunkMost {
			j.later = true
			j.lines = &lines{stream: j.lines.stream, limit: j.lines.limit, buf: rest, end: len(rest), err: err}
			return true
		}
	}
}

// fill reads until there are whole lines: text, and tail behind it. Without one it stops at chunkMost.
func fill(buf, rest []byte, stream io.Reader) (text, tail []byte, err error) {
	buf = append(buf[:0], rest...)
	for end := 0; err == nil; {
		if len(buf) == cap(buf) {
			buf = append(buf, make([]byte, max(len(buf), chunkBytes))...)[:len(buf)]
		}
		for len(buf) < cap(buf) && err == nil {
			var n int
			n, err = stream.Read(buf[len(buf):cap(buf)])
			buf = buf[:len(buf)+n]
		}
		if end = bytes.LastIndexByte(buf, '\n') + 1; end > 0 || len(buf) >= chunkMost {
			return buf[:end], buf[end:], err
		}
	}
	return nil, buf, err
}

// chunk decodes whole lines. Only single rows can be bad there.
func (j *jsonLines) chunk(c *chunk, file string) []batch {
	clear(j.scanner.before) // it points into the previous chunk
	j.scanner.cursor.Room = c.room[:0]
	defer func() { c.room = j.scanner.cursor.Room }()
	var out []batch
	var b batch
	row := decoded.Row{Place: decoded.Place{File: file, Format: lineFormat}}
	count, first := int64(0), 0
	c.values, c.rows = c.values[:0], c.rows[:0]
	for text := c.text; len(text) > 0; {
		end := bytes.IndexByte(text, '\n')
		line := trim(text[:end])
		text = text[end+1:]
		if row.Place.N++; len(line) == 0 {
			continue
		}
		from, fields := len(c.values), len(j.scanner.fields)
		c.values = slices.Grow(c.values, fields)[:from+fields]
		row.Values = c.values[from : from+fields : from+fields]
		row.Number, count = count, count+1
		b.err = j.row(line, row.Values)
		if row.Plain = j.scanner.plain; b.err == nil {
			c.rows = append(c.rows, row)
			continue
		}
		b.rows, b.failed = c.rows[first:], row
		out, b, first = append(out, b), batch{}, len(c.rows)
	}
	b.rows, b.count, b.lines, b.chunk = c.rows[first:], count, row.Place.N, c
	return append(out, b)
}

// sizeOf returns about how much memory values hold, in bytes.
func sizeOf(values []any) int {
	size := valueBytes * len(values)
	for _, value := range values {
		switch v := value.(type) {
		case string:
			size += len(v)
		case decoded.JSON:
			size += len(v)
		case decoded.Number:
			size += len(v)
		case []any:
			size += sizeOf(v)
		case map[string]any:
			for name, member := range v {
				size += len(name) + valueBytes + sizeOf([]any{member})
			}
		}
	}
	return size
}
