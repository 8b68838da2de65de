package contract

import "time"

// clockSkew is how far the clocks of a node, a worker and the API server may be apart before a revision that a pod mounts is taken for
// another.
const clockSkew = time.Minute

// Keep is which revisions a publication leaves on the volume in addition to those that the recipe keeps.
type Keep struct {
	// Seconds is for how long a revision stays after a newer one was published, for pods that the manager does not see.
	Seconds int64 `json:"seconds,omitempty"`
	// Holds are those of the pods that mount the volume, one for each.
	Holds []Hold `json:"holds,omitempty"`
}

// Hold is how a pod came to the revision that it reads: by its name, or by looking up, between two times, which one was the newest. A
// pod without an end may look it up again at any time.
type Hold struct {
	Revision string    `json:"revision,omitempty"`
	From     time.Time `json:"from,omitzero"`
	Until    time.Time `json:"until,omitzero"`
}

// Covers reports whether a pod may read a revision that was the newest between two times; superseded is zero while it is.
func (h Hold) Covers(revision string, published, superseded time.Time) bool {
	if h.Revision != "" {
		return h.Revision == revision
	}
	begun := h.Until.IsZero() || published.Add(-clockSkew).Before(h.Until)
	ended := !superseded.IsZero() && superseded.Add(clockSkew).Before(h.From)
	return begun && !ended
}

// Keeps reports whether a revision stays that was the newest between two times.
func (k Keep) Keeps(revision string, published, superseded, now time.Time) bool {
	if k.Seconds > 0 && now.Sub(superseded) < time.Duration(k.Seconds)*time.Second {
		return true
	}
	for _, hold := range k.Holds {
		if hold.Covers(revision, published, superseded) {
			return true
		}
	}
	return false
}
