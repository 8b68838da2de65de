package open_test

import (
	"bytes"
	"math/rand/v2"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/datasetmix/datasetmix/internal/contract"
	"github.com/datasetmix/datasetmix/internal/testing/hub"
	"github.com/datasetmix/datasetmix/internal/testing/sources"
)

func goesOnAfterACut(t *testing.T, s subject) {
	for _, offset := range tenths() {
		before := s.sent()
		s.fault(hub.CutAfter(offset), 1)
		wantFetched(t, s, nil, 0)
		// Each byte is sent once, but for those that wait in a buffer when the connection goes, and but for a
		// source that must begin again.
		sent, most := s.sent()-before, int64(len(sources.Text()))+64<<10
		if s.continues && sent > most {
			t.Errorf("cut after %d: %d bytes were sent", offset, sent)
		}
	}
}

func goesOnAfterManyCuts(t *testing.T, s subject) {
	s.fault(hub.CutAfter(1000), 20)
	f := only(t, s)
	got, err := sources.Read(s.source, f, 0)
	if !s.continues {
		sources.WantReason(t, err, contract.FetchFailed)
		return
	}
	if err != nil || !bytes.Equal(got, sources.Text()) {
		t.Fatalf("%d bytes, %v", len(got), err)
	}
	for _, wait := range s.clock.Waits() { // every cut came after progress, so waits do not grow
		if wait != 500*time.Millisecond {
			t.Errorf("waited %v, want half a second each time", s.clock.Waits())
			break
		}
	}
}

func copesWithIgnoredRanges(t *testing.T, s subject) {
	s.fault(hub.CutAfter(5000), 1)
	s.fault(hub.IgnoreRange(), -1)
	wantFetched(t, s, nil, 0)
}

func goesOnAfterAShortBody(t *testing.T, s subject) {
	s.fault(hub.Short(700), 1)
	wantFetched(t, s, nil, 0)
}

func givesUpOnAShortBody(t *testing.T, s subject) {
	f := only(t, s)
	s.fault(hub.Short(int64(len(sources.Text()))), -1)
	_, err := sources.Read(s.source, f, 0)
	sources.WantReason(t, err, contract.FetchFailed)
	if s.continues && len(s.clock.Waits()) != 5 {
		t.Errorf("waited %v, want 5 times", s.clock.Waits())
	}
}

func fetchesAgainAfterALongerBody(t *testing.T, s subject) {
	s.fault(hub.Long(5), 1)
	wantFetched(t, s, nil, 0)
}

func fetchesAgainAfterOtherBytes(t *testing.T, s subject) {
	s.fault(hub.Corrupt(), 1)
	wantFetched(t, s, nil, 0)
}

func refusesWrongBytes(t *testing.T, s subject) {
	f, before := only(t, s), s.sent()
	s.fault(hub.Corrupt(), -1)
	_, content, err := sources.Fetch(t, s.source, f, nil)
	sources.WantReason(t, err, contract.ChecksumMismatch)
	if content != nil {
		t.Errorf("%d wrong bytes were left behind", len(content))
	}
	if sent := s.sent() - before; sent != 2*f.Size {
		t.Errorf("%d bytes were sent, want the file twice", sent)
	}
}

func waitsAsAsked(t *testing.T, s subject) {
	date := s.clock.Now().Add(40 * time.Second).Format(http.TimeFormat)
	s.fault(hub.Answer(429, "Retry-After", "33"), 1)
	s.fault(hub.Answer(503, "Retry-After", "5"), 1)
	s.fault(hub.Answer(429, "RateLimit", `"resolvers";r=0;t=200`, "Retry-After", "1"), 1)
	s.fault(hub.Answer(429, "RateLimit", `"resolvers";r=9;t=200`, "Retry-After", date, "Date", date), 1)
	wantFetched(t, s, nil, 0)
	// The last date is that of its own answer: nothing is left to wait.
	want := []time.Duration{33 * time.Second, 5 * time.Second, 201 * time.Second, 0}
	if diff := cmp.Diff(want, s.clock.Waits()); diff != "" {
		t.Errorf("waits (-want +got):\n%s", diff)
	}
}

func doesNotWaitTooLong(t *testing.T, s subject) {
	f := only(t, s)
	s.fault(hub.Answer(503, "Retry-After", "3600"), -1)
	_, err := sources.Read(s.source, f, 0)
	sources.WantReason(t, err, contract.RateLimited)
	if waits := s.clock.Waits(); len(waits) > 0 {
		t.Errorf("waited %v", waits)
	}
}

func outlastsABurst(t *testing.T, s subject) {
	for _, status := range []int{500, 502, 503, 504, 408} {
		s.fault(hub.Answer(status), 1)
	}
	wantFetched(t, s, nil, 0)
	want := []time.Duration{500 * time.Millisecond, time.Second, 2 * time.Second, 4 * time.Second, 8 * time.Second}
	if diff := cmp.Diff(want, s.clock.Waits()); diff != "" {
		t.Errorf("waits (-want +got):\n%s", diff)
	}
}

func givesUpOnErrors(t *testing.T, s subject) {
	f := only(t, s)
	s.fault(hub.Answer(502), -1)
	_, err := sources.Read(s.source, f, 0)
	sources.WantReason(t, err, contract.FetchFailed)
	if n := len(s.clock.Waits()); n != 5 {
		t.Errorf("waited %d times, want 5", n)
	}
	if strings.Contains(err.Error(), "secret") || !strings.Contains(err.Error(), "Gave up after 6 attempts") {
		t.Errorf("message %q", err)
	}
}

// neverGivesWrongBytes runs fetches through sequences of faults drawn at random, over parts that may be good or bad: each
// ends with the right bytes or with an error.
func neverGivesWrongBytes(t *testing.T, s subject) {
	size, right := int64(len(sources.Text())), 0
	for seed := range uint64(40) {
		draw := rand.New(rand.NewPCG(seed, 0))
		s.wire.faults.Clear()
		for range draw.IntN(8) {
			s.fault(anyFault(draw, size, s.pinned), 1+draw.IntN(2))
		}
		part := sources.Text()[:draw.Int64N(size)]
		if draw.IntN(3) == 0 {
			part = bytes.ToUpper(part)
		}
		f := only(t, s)
		got, content, err := sources.Fetch(t, s.source, f, part)
		switch {
		case err != nil:
			if contract.ReasonOf(err) == contract.WorkerFailed {
				t.Errorf("seed %d: no reason in %v", seed, err)
			}
		case got.SHA256 != sources.Digest(sources.Text()) || got.Size != size || !bytes.Equal(content, sources.Text()):
			t.Errorf("seed %d: %+v and %d bytes that are others", seed, got, len(content))
		default:
			right++
		}
	}
	if right < 10 {
		t.Errorf("only %d of 40 fetches succeeded", right)
	}
}

// anyFault draws a fault. Changed bytes are among them only where a digest can tell: nothing else could.
func anyFault(draw *rand.Rand, size int64, pinned bool) hub.Effect {
	effects := []hub.Effect{
		hub.CutAfter(draw.Int64N(size)),
		hub.Short(draw.Int64N(size)),
		hub.Answer(500 + draw.IntN(5)),
		hub.Answer(429, "Retry-After", "3"),
		hub.Answer(416),
		hub.IgnoreRange(),
		hub.Without("Content-Range"),
		hub.Without("ETag", "Content-Length"),
		hub.Long(1 + draw.Int64N(9)),
		hub.Corrupt(),
	}
	if !pinned {
		effects = effects[:len(effects)-1]
	}
	return effects[draw.IntN(len(effects))]
}
