// Package bufpipe processes buffers in background goroutines while the producer fills the next one: a file is hashed while
// more of it is read or written.
package bufpipe

// Worker takes filled buffers, in order, and gives them back to be filled again.
type Worker struct {
	free, full chan []byte
	ended      chan struct{}
}

// Start returns a worker with so many buffers. Each buffer goes through the works in their order. Each work has its own goroutine, so that one
// processes a buffer while the next one processes the buffer before. A work must not keep its buffer.
func Start(buffers int, works ...func([]byte)) *Worker {
	w := &Worker{free: make(chan []byte, buffers), full: make(chan []byte, buffers), ended: make(chan struct{})}
	for range buffers {
		w.free <- nil // made when it is needed: most files are smaller than one
	}
	from, last := w.full, len(works)-1 // full is what Wait takes away from w
	for _, work := range works[:last] {
		to := make(chan []byte, buffers)
		go pass(from, to, work)
		from = to
	}
	go w.finish(from, works[last])
	return w
}

// pass processes buffers and hands them to the next work.
func pass(from <-chan []byte, to chan<- []byte, work func([]byte)) {
	defer close(to)
	for buffer := range from {
		work(buffer)
		to <- buffer
	}
}

// finish processes buffers by the last work and makes them free again.
func (w *Worker) finish(from <-chan []byte, work func([]byte)) {
	defer close(w.ended)
	for buffer := range from {
		work(buffer)
		w.free <- buffer[:0]
	}
}

// Buffer returns an empty buffer of at least this capacity. It waits until there is one.
func (w *Worker) Buffer(size int) []byte {
	buffer := <-w.free
	if cap(buffer) < size {
		return make([]byte, 0, size)
	}
	return buffer
}

// Hand passes a buffer on to be processed. The caller may read it until it asks for another one.
func (w *Worker) Hand(buffer []byte) { w.full <- buffer }

// Wait returns once all buffers are processed. Nothing may be handed over after it; it may be called again.
func (w *Worker) Wait() {
	if w.full != nil {
		close(w.full)
		w.full = nil
	}
	<-w.ended
}
