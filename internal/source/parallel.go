package source

import (
	"context"
	"io"
	"sync"
)

// Ranged is a Source that reads any part of a file.
type Ranged interface {
	Source
	// OpenRange reads length bytes from an offset; otherwise it is like Open.
	OpenRange(ctx context.Context, f File, offset, length int64) (io.ReadCloser, error)
}

// A file larger than a part is read in parts, several at once: one connection to a store uses a small share of the network. A reader keeps
// these parts in memory.
const (
	partSize = 4 << 20
	parts    = 4
)

// parallel reads a large file's parts at the same time and hands them on in order. Each part resumes where its connection breaks.
type parallel struct {
	*resuming
	kind Ranged
	part int64
}

func (p *parallel) Open(ctx context.Context, f File, offset int64) (io.ReadCloser, error) {
	if f.Size-offset <= p.part || f.Size > p.maxFile { // resuming.Open reports the error
		return p.resuming.Open(ctx, f, offset)
	}
	ctx, cancel := context.WithCancel(ctx)
	r := &inParts{parallel: p, ctx: ctx, cancel: cancel, file: f, next: offset}
	for range parts {
		r.start(nil)
	}
	return r, nil
}

// read brings the bytes of a file from an offset up to another.
func (p *parallel) read(ctx context.Context, f File, from, to int64, buffer []byte) ([]byte, error) {
	within := f
	within.Size = to
	s := *p.resuming
	s.inner = &retrying{inner: &span{Ranged: p.kind, file: f, end: to}, policy: p.policy}
	body, err := s.Open(ctx, within, from)
	if err != nil {
		return nil, err
	}
	defer body.Close()
	buffer = append(buffer[:0], make([]byte, to-from)...)
	_, err = io.ReadFull(body, buffer) // a short body returns a better error than ReadFull
	return buffer, err
}

// span is a file up to an offset.
type span struct {
	Ranged
	file File
	end  int64
}

func (s *span) Open(ctx context.Context, _ File, offset int64) (io.ReadCloser, error) {
	return s.OpenRange(ctx, s.file, offset, s.end-offset)
}

// inParts is a file whose parts are on their way.
type inParts struct {
	*parallel
	ctx    context.Context // of the Open; the parts end with it
	cancel context.CancelFunc
	file   File
	next   int64 // where the next part begins
	coming []*part
	held   []byte // of the first part that has come, what is still to be read
	spent  []byte // its whole buffer
	err    error
	group  sync.WaitGroup
}

type part struct {
	done  chan struct{}
	bytes []byte
	err   error
}

// start asks for the next part, into a buffer that is no longer used.
func (r *inParts) start(buffer []byte) {
	if r.next >= r.file.Size {
		return
	}
	from := r.next
	to := min(from+r.part, r.file.Size)
	p := &part{done: make(chan struct{})}
	r.next, r.coming = to, append(r.coming, p)
	r.group.Go(func() {
		defer close(p.done)
		p.bytes, p.err = r.read(r.ctx, r.file, from, to, buffer)
	})
}

func (r *inParts) Read(p []byte) (int, error) {
	for len(r.held) == 0 {
		if r.err != nil {
			return 0, r.err
		}
		if len(r.coming) == 0 {
			return 0, io.EOF
		}
		first := r.coming[0]
		<-first.done
		if r.err = first.err; r.err != nil {
			r.cancel() // the parts after it are not needed
			continue
		}
		r.coming = r.coming[1:]
		r.start(r.spent)
		r.held, r.spent = first.bytes, first.bytes
	}
	n := copy(p, r.held)
	r.held = r.held[n:]
	return n, nil
}

// Close ends the parts that are on their way.
func (r *inParts) Close() error {
	r.cancel()
	r.group.Wait()
	return nil
}
