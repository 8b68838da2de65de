package source

import "io"

// besideBuffers is how far the writing of a file may run ahead of its hashing.
const besideBuffers = 4

// beside hands what is written to it on to a writer that runs in a goroutine of its own and cannot fail: a file is hashed
// while its next bytes are read and written to the disk.
type beside struct {
	free, full chan []byte
	ended      chan struct{}
}

func newBeside(w io.Writer) *beside {
	b := &beside{free: make(chan []byte, besideBuffers), full: make(chan []byte, besideBuffers), ended: make(chan struct{})}
	for range besideBuffers {
		b.free <- nil // made when it is needed: small files need one
	}
	go func() {
		defer close(b.ended)
		for p := range b.full {
			_, _ = w.Write(p) // a hash takes everything
			b.free <- p
		}
	}()
	return b
}

func (b *beside) Write(p []byte) (int, error) {
	b.full <- append((<-b.free)[:0], p...)
	return len(p), nil
}

// wait returns when everything has been handed on. Nothing may be written after it.
func (b *beside) wait() {
	close(b.full)
	<-b.ended
}
