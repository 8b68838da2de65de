package open_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/datasetmix/datasetmix/internal/contract"
	"github.com/datasetmix/datasetmix/internal/source"
	"github.com/datasetmix/datasetmix/internal/source/transport"
	"github.com/datasetmix/datasetmix/internal/testing/sources"
)

// suite is what every kind of source must do. A case that is about a point breaks the way of the bytes.
var suite = []struct {
	name  string
	point point // empty is none: the case needs no way to break
	opts  wireOptions
	run   func(t *testing.T, s subject)
}{
	{"lists the same file twice", "", wireOptions{}, listsTheSame},
	{"opens at every tenth", "", wireOptions{}, opensAtEveryTenth},
	{"opens concurrently", "", wireOptions{}, opensConcurrently},
	{"fetches", "", wireOptions{}, fetches},
	{"fetches over TLS", "", wireOptions{tls: true}, fetches},
	{"continues a part at every tenth", "", wireOptions{}, continuesAPart},
	{"heals a bad part", "", wireOptions{}, healsABadPart},
	{"refuses other content", "", wireOptions{}, refusesOtherContent},
	{"refuses content that became longer", "", wireOptions{}, refusesLongerContent},
	{"ends with its context", "", wireOptions{}, endsWithItsContext},
	{"goes on after a cut at every tenth", cutAnywhere, wireOptions{}, goesOnAfterACut},
	{"goes on after many cuts", cutAnywhere, wireOptions{}, goesOnAfterManyCuts},
	{"copes with a server that ignores ranges", cutAnywhere, wireOptions{}, copesWithIgnoredRanges},
	{"never gives wrong bytes, whatever happens", cutAnywhere, wireOptions{}, neverGivesWrongBytes},
	{"does not mix two files", changedMidFile, wireOptions{}, doesNotMixTwoFiles},
	{"goes on after a short body", shortBody, wireOptions{}, goesOnAfterAShortBody},
	{"gives up on a body that stays short", shortBody, wireOptions{}, givesUpOnAShortBody},
	{"fetches again after a longer body", longBody, wireOptions{}, fetchesAgainAfterALongerBody},
	{"fetches again after other bytes", wrongDigest, wireOptions{}, fetchesAgainAfterOtherBytes},
	{"refuses bytes that stay wrong", wrongDigest, wireOptions{}, refusesWrongBytes},
	{"waits as long as it is asked to", askedToWait, wireOptions{}, waitsAsAsked},
	{"does not wait for too long", askedToWait, wireOptions{}, doesNotWaitTooLong},
	{"outlasts a burst of errors", burstOf5xx, wireOptions{}, outlastsABurst},
	{"gives up on errors that stay", burstOf5xx, wireOptions{}, givesUpOnErrors},
	{"takes no credential to another host", toOtherHost, wireOptions{}, takesNoCredentialElsewhere},
	{"takes no credential to another host over TLS", toOtherHost, wireOptions{tls: true}, takesNoCredentialElsewhere},
	{"does not leave https", toHTTP, wireOptions{tls: true}, doesNotLeaveHTTPS},
	{"does not go to metadata", toMetadata, wireOptions{}, doesNotGoToMetadata},
	{"leaves a loop", redirectLoop, wireOptions{}, leavesALoop},
	{"goes on when the transfer stands still", slowLoris, impatient, goesOnWhenIdle},
	{"goes on when the transfer trickles", slowLoris, impatient, goesOnWhenItTrickles},
	{"gives up on a transfer that trickles for ever", slowLoris, impatient, givesUpOnATrickle},
	{"gives up on a server that does not answer", slowLoris, impatient, givesUpOnSilence},
	{"outlasts a DNS that fails", failingDNS, wireOptions{}, outlastsFailingDNS},
	{"does not go by its own clock", jumpingClock, wireOptions{}, doesNotGoByItsOwnClock},
}

// impatient is for the cases that wait for real.
var impatient = wireOptions{attempts: 3, timeouts: transport.Timeouts{Idle: 150 * time.Millisecond, Connect: 5 * time.Second, Header: 150 * time.Millisecond}}

func TestConformance(t *testing.T) {
	for _, k := range kinds {
		t.Run(k.name, func(t *testing.T) {
			for _, c := range suite {
				if _, without := k.without[c.point]; without {
					continue
				}
				t.Run(c.name, func(t *testing.T) {
					s := k.make(newWire(t, c.opts))
					if c.point != "" && s.wire == nil {
						t.Fatal("there is no way to break, and no reason why not")
					}
					c.run(t, s)
				})
			}
		})
	}
}

// only returns the one file of a subject.
func only(t *testing.T, s subject) source.File {
	t.Helper()
	l, err := s.source.Resolve(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	if len(l.Files) != 1 {
		t.Fatalf("listed %v, want one file", l.Files)
	}
	return l.Files[0]
}

// wantFetched checks a fetch that must have succeeded.
func wantFetched(t *testing.T, s subject, part []byte, reused int64) {
	t.Helper()
	got, content, err := sources.Fetch(t, s.source, only(t, s), part)
	if err != nil {
		t.Fatal(err)
	}
	want := source.Fetched{SHA256: sources.Digest(sources.Text()), Size: int64(len(sources.Text())), Reused: reused}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("fetched (-want +got):\n%s", diff)
	}
	if !bytes.Equal(content, sources.Text()) {
		t.Errorf("the file holds %d other bytes", len(content))
	}
}

func listsTheSame(t *testing.T, s subject) {
	f := only(t, s)
	if f.Size != int64(len(sources.Text())) {
		t.Errorf("listed with %d bytes, want %d", f.Size, len(sources.Text()))
	}
	if diff := cmp.Diff(f, only(t, s)); diff != "" {
		t.Errorf("listed again (-first +second):\n%s", diff)
	}
	if pinned := f.SHA256+f.GitBlob+f.Checksum != ""; pinned != s.pinned {
		t.Errorf("pinned by a digest: %v, want %v", pinned, s.pinned)
	}
}

// tenths returns the offsets at which the suite cuts, both ends included.
func tenths() []int64 {
	var out []int64
	for i := range int64(11) {
		out = append(out, i*int64(len(sources.Text()))/10)
	}
	return out
}

func opensAtEveryTenth(t *testing.T, s subject) {
	f := only(t, s)
	for _, offset := range tenths() {
		got, err := sources.Read(s.source, f, offset)
		if offset > 0 && offset < f.Size && !s.continues {
			sources.WantReason(t, err, contract.FetchFailed)
		} else if err != nil || !bytes.Equal(got, sources.Text()[offset:]) {
			t.Errorf("from %d: %d bytes, %v", offset, len(got), err)
		}
	}
}

func opensConcurrently(t *testing.T, s subject) {
	f := only(t, s)
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			if got, err := sources.Read(s.source, f, 0); err != nil || !bytes.Equal(got, sources.Text()) {
				t.Errorf("%d bytes, %v", len(got), err)
			}
		})
	}
	wg.Wait()
}

func fetches(t *testing.T, s subject) { wantFetched(t, s, nil, 0) }

func continuesAPart(t *testing.T, s subject) {
	for _, offset := range tenths() {
		before := s.sent()
		reused := offset
		if !s.pinned { // nothing could prove that the part belongs to this file
			reused = 0
		}
		wantFetched(t, s, sources.Text()[:offset], reused)
		if s.wire == nil {
			continue
		}
		if sent := s.sent() - before; sent != int64(len(sources.Text()))-reused {
			t.Errorf("%d bytes were sent for a part of %d", sent, offset)
		}
	}
}

func healsABadPart(t *testing.T, s subject) {
	for name, part := range map[string][]byte{
		"other bytes":             bytes.Repeat([]byte("x"), 1000),
		"other bytes, whole":      bytes.Repeat([]byte("x"), len(sources.Text())),
		"longer than the file is": append(sources.Text(), "more"...),
	} {
		t.Run(name, func(t *testing.T) { wantFetched(t, s, part, 0) })
	}
}

func refusesOtherContent(t *testing.T, s subject) {
	f := only(t, s)
	s.write(bytes.ToUpper(sources.Text()))
	_, content, err := sources.Fetch(t, s.source, f, nil)
	switch {
	case s.keeps:
		if err != nil || !bytes.Equal(content, sources.Text()) {
			t.Errorf("%d bytes, %v, want those that were listed", len(content), err)
		}
	case s.guarded:
		sources.WantReason(t, err, contract.FetchFailed) // a new listing finds the new file
	case s.pinned:
		sources.WantReason(t, err, contract.ChecksumMismatch)
		if content != nil {
			t.Errorf("%d wrong bytes were left behind", len(content))
		}
	case s.continues:
		sources.WantReason(t, err, contract.FetchFailed)
	case err != nil: // nothing tells that the file is another one
		t.Error(err)
	}
	if waits := s.clock.Waits(); len(waits) > 0 {
		t.Errorf("waited %v for what does not change", waits)
	}
}

func refusesLongerContent(t *testing.T, s subject) {
	f := only(t, s)
	s.write(append(sources.Text(), "more"...))
	if _, content, err := sources.Fetch(t, s.source, f, nil); err == nil && (!s.keeps || !bytes.Equal(content, sources.Text())) {
		t.Error("more bytes than were listed were taken")
	}
}

func endsWithItsContext(t *testing.T, s subject) {
	f := only(t, s)
	ctx, cancel := context.WithCancel(context.Background())
	body, err := s.source.Open(ctx, f, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer body.Close()
	if _, err := io.ReadFull(body, make([]byte, 10)); err != nil {
		t.Fatal(err)
	}
	cancel()
	if _, err := io.Copy(io.Discard, body); err == nil && s.wire == nil {
		t.Error("went on after the context ended")
	} else if err != nil && !errors.Is(err, context.Canceled) {
		t.Errorf("ended with %v, want context.Canceled", err)
	}
	if _, err := s.source.Resolve(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("resolving ended with %v, want context.Canceled", err)
	}
	if waits := s.clock.Waits(); len(waits) > 0 {
		t.Errorf("waited %v after the end", waits)
	}
}
