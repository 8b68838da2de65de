package open_test

import (
	"bytes"
	"net/http"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/datasetmix/datasetmix/internal/contract"
	"github.com/datasetmix/datasetmix/internal/testing/hub"
	"github.com/datasetmix/datasetmix/internal/testing/sources"
)

// doorsOf returns the kinds of requests at which a subject can be led elsewhere.
func doorsOf(s subject) []hub.Kind {
	if s.doors == nil {
		return []hub.Kind{onFile}
	}
	return s.doors
}

func doesNotMixTwoFiles(t *testing.T, s subject) {
	f := only(t, s)
	other := bytes.ToUpper(sources.Text())
	s.fault(func(w http.ResponseWriter, r *http.Request, next http.Handler) {
		defer s.write(other)
		hub.CutAfter(10_000)(w, r, next)
	}, 1)
	_, content, err := sources.Fetch(t, s.source, f, nil)
	switch {
	case s.keeps:
		if err != nil || !bytes.Equal(content, sources.Text()) {
			t.Errorf("%d bytes, %v, want those that were listed", len(content), err)
		}
	case s.pinned && !s.guarded:
		sources.WantReason(t, err, contract.ChecksumMismatch)
	case s.continues:
		sources.WantReason(t, err, contract.FetchFailed) // a new listing finds the new file
	case err != nil || !bytes.Equal(content, other): // nothing tells it from the listed file, but it is one file
		t.Errorf("%d bytes, %v", len(content), err)
	}
}

// credentials are headers that no host gets but the one they are for.
var credentials = regexp.MustCompile(`(?im)^(authorization|proxy-authorization|cookie|x-amz-security-token|x-ms-[^:]*|referer):`)

func takesNoCredentialElsewhere(t *testing.T, s subject) {
	there := newElsewhere(t, s.wire.opts.tls)
	for _, door := range doorsOf(s) {
		for _, status := range []int{301, 302, 303, 307, 308} {
			s.faultOn(door, hub.Answer(status, "Location", there.url+"/moved"), 1)
			before := len(there.requests())
			if s.follows {
				wantFetched(t, s, nil, 0)
				if len(there.requests()) == before {
					t.Errorf("%d was not followed", status)
				}
			} else if got, content, err := sources.Fetch(t, s.source, only(t, s), nil); err == nil && !bytes.Equal(content, sources.Text()) {
				t.Errorf("%d: fetched %+v", status, got)
			}
			s.wire.faults.Clear()
		}
	}
	for _, request := range there.requests() {
		if credentials.MatchString(request) || s.secret != "" && strings.Contains(request, s.secret) {
			t.Errorf("another host was sent\n%s", request)
		}
	}
}

// wantRefused checks a fetch that must have failed for good, at once, without a secret in its message.
func wantRefused(t *testing.T, s subject, says string) {
	t.Helper()
	_, content, err := sources.Fetch(t, s.source, only(t, s), nil)
	if err == nil {
		t.Fatalf("fetched %d bytes", len(content))
	}
	if reason := contract.ReasonOf(err); !reason.Permanent() {
		t.Errorf("reason %s, want a permanent one: %v", reason, err)
	}
	if !strings.Contains(err.Error(), says) || s.secret != "" && strings.Contains(err.Error(), s.secret) {
		t.Errorf("message %q, want %q and no secret", err, says)
	}
	if waits := s.clock.Waits(); len(waits) > 0 {
		t.Errorf("waited %v for what does not change", waits)
	}
}

func doesNotLeaveHTTPS(t *testing.T, s subject) {
	there := newElsewhere(t, false)
	for _, door := range doorsOf(s) {
		s.faultOn(door, hub.Answer(302, "Location", there.url+"/moved?signature=secret"), -1)
		wantRefused(t, s, "unprotected")
		s.wire.faults.Clear()
	}
	if requests := there.requests(); len(requests) > 0 {
		t.Errorf("the unprotected host was asked %d times, first\n%s", len(requests), requests[0])
	}
}

func doesNotGoToMetadata(t *testing.T, s subject) {
	for _, door := range doorsOf(s) {
		for _, address := range []string{
			"http://169.254.169.254/latest/meta-data/?key=secret",
			"http://[::ffff:169.254.169.254]/latest/",
			"http://[fd00:ec2::254]/latest/",
			"http://[fe80::1]/",
			"http://2852039166/latest/",
			"http://metadata.google.internal/computeMetadata/v1/",
			"http://metadata.example.com/", // which the DNS says is 169.254.169.254
		} {
			if s.wire.opts.tls {
				address = strings.Replace(address, "http:", "https:", 1) // the other would be refused for another reason
			}
			s.faultOn(door, hub.Answer(302, "Location", address), -1)
			wantRefused(t, s, "is refused: it is ")
			s.wire.faults.Clear()
		}
	}
}

func leavesALoop(t *testing.T, s subject) {
	for _, door := range doorsOf(s) {
		requests := 0
		s.faultOn(door, func(w http.ResponseWriter, r *http.Request, next http.Handler) {
			requests++
			hub.Answer(302, "Location", r.URL.RequestURI())(w, r, next)
		}, -1)
		wantRefused(t, s, "redirects")
		if requests > 12 {
			t.Errorf("went round %d times", requests)
		}
		s.wire.faults.Clear()
	}
}

func goesOnWhenIdle(t *testing.T, s subject) {
	s.fault(hub.StallAfter(5000), 1)
	wantFetched(t, s, nil, 0)
}

func goesOnWhenItTrickles(t *testing.T, s subject) {
	s.fault(hub.TrickleAfter(5000, 10*time.Millisecond), 1)
	wantFetched(t, s, nil, 0)
}

func givesUpOnATrickle(t *testing.T, s subject) {
	f := only(t, s)
	s.fault(hub.TrickleAfter(0, 10*time.Millisecond), -1)
	_, err := sources.Read(s.source, f, 0)
	sources.WantReason(t, err, contract.FetchFailed)
}

func givesUpOnSilence(t *testing.T, s subject) {
	f := only(t, s)
	s.fault(func(_ http.ResponseWriter, r *http.Request, _ http.Handler) { <-r.Context().Done() }, -1)
	before := len(s.clock.Waits()) // a busy machine may have waited for the listing
	_, err := sources.Read(s.source, f, 0)
	sources.WantReason(t, err, contract.FetchFailed)
	if n := len(s.clock.Waits()) - before; n != s.wire.opts.attempts-1 {
		t.Errorf("waited %d times, want %d", n, s.wire.opts.attempts-1)
	}
}

func outlastsFailingDNS(t *testing.T, s subject) {
	s.wire.names.fail(3)
	wantFetched(t, s, nil, 0)
	if n := len(s.clock.Waits()); n < 3 {
		t.Errorf("waited %d times: nobody asked the DNS", n)
	}
	s.fault(func(w http.ResponseWriter, r *http.Request, next http.Handler) {
		s.wire.names.fail(4)
		hub.CutAfter(10_000)(w, r, next)
	}, 1)
	wantFetched(t, s, nil, 0)
}

func doesNotGoByItsOwnClock(t *testing.T, s subject) {
	now := time.Date(2031, 5, 1, 8, 0, 0, 0, time.UTC) // of the server, which does not know ours
	for _, jump := range []time.Duration{-400 * 24 * time.Hour, 9 * 365 * 24 * time.Hour, -time.Minute} {
		before := len(s.clock.Waits())
		s.fault(func(w http.ResponseWriter, r *http.Request, next http.Handler) {
			s.clock.Jump(jump)
			hub.CutAfter(10_000)(w, r, next)
		}, 1)
		date, later := now.Format(http.TimeFormat), now.Add(40*time.Second).Format(http.TimeFormat)
		s.fault(hub.Answer(429, "Date", date, "Retry-After", later), 1)
		wantFetched(t, s, nil, 0)
		asked := false
		for _, wait := range s.clock.Waits()[before:] {
			asked = asked || wait == 40*time.Second
			if wait > 40*time.Second {
				t.Errorf("after a jump of %s: waited %s", jump, wait)
			}
		}
		if !asked {
			t.Errorf("after a jump of %s: waited %v, and was asked to wait 40 s", jump, s.clock.Waits()[before:])
		}
		s.wire.faults.Clear()
	}
}
