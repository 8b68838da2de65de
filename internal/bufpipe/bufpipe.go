// Package bufpipe processes buffers in background goroutines while the producer fills the next one: a file is hashed while
// more of it is read or written.
package bufpipe

// Worker takes filled buffers, in order, and gives them back to be filled again.
type Worker struct {
	free, full chan []byte
	ended      chan struct{}
}

// Start begins to work through buffers; up to so many are on their way at once. Each goes through the works in their order, and
// each work has a goroutine of its own: one is at a buffer while the next is at the one before. They must not keep them.
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

// pass does a work and hands the buffers on.
func pass(from <-chan []byte, to chan<- []byte, work func([]byte)) {
	defer close(to)
	for buffer := range from {
		work(buffer)
		to <- buffer
	}
}

// finish does the last work and gives the buffers back.
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

// Hand passes a buffer on to be processed. The caller may go on to read it, until it asks for another.
func (w *Worker) Hand(buffer []byte) { w.full <- buffer }

// Wait returns when all buffers were worked through. Nothing may be handed over after it; it may be called again.
func (w *Worker) Wait() {
	if w.full != nil {
		close(w.full)
		w.full = nil
	}
	<-w.ended
}
