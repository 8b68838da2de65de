// Package gctune tunes the garbage collector of the programs.
package gctune

import (
	"os"
	"runtime"
	"runtime/debug"
	"runtime/metrics"

	"github.com/KimMachineGun/automemlimit/memlimit"
)

// SetMemoryLimit sets the garbage collector's limit to nine tenths of the pod's memory limit, and returns it in bytes. The last tenth is for memory that the
// collector does not count. Without a limit, a heap that doubles between two collections exceeds the pod's limit, and the pod is killed. It is an error
// if the pod has no limit that is known.
func SetMemoryLimit() (int64, error) {
	return memlimit.Set(memlimit.WithRatio(0.9), memlimit.WithProvider(memlimit.FromCgroup))
}

// Between two collections, the heap grows by collectAt percent of the live bytes, but by at most mostGarbage bytes or leastAt percent, whichever is more.
// Most of a build's memory is buffers that stay and rows that are soon garbage. Collecting half as often as Go does by default saves a twentieth of the
// processor time and costs about 30 MiB; with more live bytes, such as the tables of an export, it would cost twice that or more.
const (
	collectAt   = 200
	leastAt     = 100
	mostGarbage = 48 << 20
)

// SetGCPercent tunes this process for a build, unless GOGC is set. A memory limit that was set remains in force.
func SetGCPercent() {
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(collectAt)
		eachCollection(&tuner{percent: collectAt})
	}
}

// tuner adjusts the percentage after each collection.
type tuner struct{ percent int }

// eachCollection calls a tuner after each collection: an object without a reference is finalized then.
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

// percentFor returns by how many percent a heap with a number of live bytes may grow.
func percentFor(live uint64) int {
	return int(min(collectAt, max(leastAt, mostGarbage*100/max(live, 1))))
}
