// Package gctune sets up the garbage collector of this project's programs.
package gctune

import (
	"os"
	"runtime"
	"runtime/debug"
	"runtime/metrics"

	"github.com/KimMachineGun/automemlimit/memlimit"
)

// SetMemoryLimit sets the garbage collector's limit to what the pod may use, less a tenth for what it does not count, and returns that in bytes.
// Without it, a heap that doubles between two collections meets the pod's limit, and the pod is killed. An error is that there
// is no limit that is known.
func SetMemoryLimit() (int64, error) {
	return memlimit.Set(memlimit.WithRatio(0.9), memlimit.WithProvider(memlimit.FromCgroup))
}

// The heap grows by collectAt percent of what is alive between two collections, and by no more than mostGarbage where that is at least
// leastAt. Most of a build's memory is of buffers that stay and of rows that soon go, so collecting half as often as Go does by itself
// saves a twentieth of the processor's time and costs about 30 MiB; where more is alive, as with the tables of an export, it would
// cost twice that and more.
const (
	collectAt   = 200
	leastAt     = 100
	mostGarbage = 48 << 20
)

// SetGCPercent sets this process up to build, unless GOGC says otherwise. A limit of memory that was set stays in force.
func SetGCPercent() {
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(collectAt)
		eachCollection(&tuner{percent: collectAt})
	}
}

// tuner sets the percentage anew after each collection.
type tuner struct{ percent int }

// eachCollection has a tuner look at the heap after the next collection, and after each that follows: what nothing refers to is
// finalized then.
func eachCollection(t *tuner) {
	runtime.SetFinalizer(&struct{ of *tuner }{t}, func(*struct{ of *tuner }) {
		t.tune()
		eachCollection(t)
	})
}

func (t *tuner) tune() {
	live := []metrics.Sample{{Name: "/gc/heap/live:bytes"}}
	metrics.Read(live)
	if percent := percentFor(live[0].Value.Uint64()); percent != t.percent {
		t.percent = percent
		debug.SetGCPercent(percent)
	}
}

// percentFor returns how far a heap with so many live bytes may grow.
func percentFor(live uint64) int {
	return int(min(collectAt, max(leastAt, mostGarbage*100/max(live, 1))))
}
