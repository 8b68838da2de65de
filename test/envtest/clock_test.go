package envtest

import (
	"sync/atomic"
	"time"
)

// shiftedClock is the system's clock, some time ahead.
type shiftedClock struct{ ahead atomic.Int64 }

// managerClock is what the manager takes for the time.
var managerClock shiftedClock

// Now implements clock.PassiveClock.
func (c *shiftedClock) Now() time.Time { return time.Now().Add(time.Duration(c.ahead.Load())) }

// Since implements clock.PassiveClock.
func (c *shiftedClock) Since(then time.Time) time.Duration { return c.Now().Sub(then) }

func (c *shiftedClock) set(ahead time.Duration) { c.ahead.Store(int64(ahead)) }
