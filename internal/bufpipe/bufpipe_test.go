package bufpipe

import (
	"bytes"
	"math/rand/v2"
	"testing"
)

// Whatever the sizes of the pieces and the number of buffers, the work sees every byte in order.
func TestWorkIsDoneInOrder(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	for buffers := 1; buffers < 5; buffers++ {
		var want, got, last bytes.Buffer
		w := Start(buffers, func(p []byte) { got.Write(p) }, func(p []byte) { last.Write(p) })
		for range 200 {
			buffer := w.Buffer(random.IntN(300))
			if len(buffer) != 0 {
				t.Fatalf("a buffer of %d bytes is not empty", len(buffer))
			}
			for range cap(buffer) {
				buffer = append(buffer, byte(random.Uint32()))
			}
			want.Write(buffer)
			w.Hand(buffer)
		}
		w.Wait()
		w.Wait()
		if !bytes.Equal(want.Bytes(), got.Bytes()) || !bytes.Equal(want.Bytes(), last.Bytes()) {
			t.Errorf("%d buffers: %d bytes came, %d were given, or in another order", buffers, got.Len(), want.Len())
		}
	}
}

// A buffer that was handed over stays as it is until another is asked for: two may read it at once.
func TestTheMakerMayReadOn(t *testing.T) {
	sum, own := 0, 0
	w := Start(3, func(p []byte) {
		for _, b := range p {
			sum += int(b)
		}
	})
	for i := range 1000 {
		buffer := append(w.Buffer(8), byte(i), byte(i>>8))
		w.Hand(buffer)
		own += int(buffer[0]) + int(buffer[1])
	}
	if w.Wait(); sum != own || sum == 0 {
		t.Errorf("%d beside, %d here", sum, own)
	}
}

func TestNothingToDo(t *testing.T) {
	Start(2, func([]byte) { t.Error("work without a buffer") }).Wait()
}
