package source

import (
	"bytes"
	"testing"
)

// Whatever the sizes of the pieces, the writer beside gets every byte in order, and the caller's buffer is its own again.
func TestBesideHandsOnEverythingInOrder(t *testing.T) {
	for _, size := range []int{1, 7, 1000, copyBuffer} {
		var got, want bytes.Buffer
		b := newBeside(&got)
		piece := make([]byte, size)
		for i := range 50 {
			for j := range piece {
				piece[j] = byte(i*31 + j)
			}
			want.Write(piece)
			if n, err := b.Write(piece); n != size || err != nil {
				t.Fatalf("wrote %d, %v", n, err)
			}
		}
		b.wait()
		if !bytes.Equal(got.Bytes(), want.Bytes()) {
			t.Errorf("pieces of %d bytes: the writer got other bytes", size)
		}
	}
}

func TestBesideWithoutAByte(t *testing.T) {
	var got bytes.Buffer
	b := newBeside(&got)
	b.wait()
	if got.Len() != 0 {
		t.Errorf("%d bytes out of nothing", got.Len())
	}
}
