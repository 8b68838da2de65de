package gctune

import (
	"runtime"
	"runtime/debug"
	"testing"
	"time"
)

// TestPercentFor: as much garbage as is worth its memory, and never less than is alive.
func TestPercentFor(t *testing.T) {
	for live, want := range map[uint64]int{0: 200, 8 << 20: 200, 24 << 20: 200, 32 << 20: 150, 48 << 20: 100, 1 << 30: 100} {
		if got := percentFor(live); got != want {
			t.Errorf("%d MiB alive: %d percent, want %d", live>>20, got, want)
		}
	}
}

// TestSetGCPercent holds much and lets it go: the percentage follows what is alive.
func TestSetGCPercent(t *testing.T) {
	t.Setenv("GOGC", "")
	defer debug.SetGCPercent(debug.SetGCPercent(leastAt))
	SetGCPercent()
	held := make([]byte, 2*mostGarbage)
	becomes(t, leastAt)
	runtime.KeepAlive(held)
	becomes(t, collectAt)
}

// becomes waits until the percentage has a value: finalizers run behind a collection.
func becomes(t *testing.T, want int) {
	t.Helper()
	for range 1000 {
		runtime.GC()
		now := debug.SetGCPercent(want)
		debug.SetGCPercent(now)
		if now == want {
			return
		}
		time.Sleep(time.Millisecond)
	}
	t.Errorf("the percentage never becomes %d", want)
}
