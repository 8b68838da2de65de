package source_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/datasetmix/datasetmix/internal/contract"
	"github.com/datasetmix/datasetmix/internal/source"
)

// suite is what every kind of source must do; those that break the way of the bytes run where there is one.
var suite = []struct {
	name  string
	fault bool
	run   func(t *testing.T, s subject)
}{
	{"lists the same file twice", false, listsTheSame},
	{"opens at every tenth", false, opensAtEveryTenth},
	{"opens concurrently", false, opensConcurrently},
	{"fetches", false, fetches},
	{"continues a part at every tenth", false, continuesAPart},
	{"heals a bad part", false, healsABadPart},
	{"refuses other content", false, refusesOtherContent},
	{"refuses content that became longer", false, refusesLongerContent},
	{"ends with its context", false, endsWithItsContext},
	{"goes on after a cut at every tenth", true, goesOnAfterACut},
	{"goes on after many cuts", true, goesOnAfterManyCuts},
	{idleCase, true, goesOnWhenIdle},
	{"copes with a server that ignores ranges", true, copesWithIgnoredRanges},
	{"goes on after a short body", true, goesOnAfterAShortBody},
	{"gives up on a body that stays short", true, givesUpOnAShortBody},
	{"fetches again after a longer body", true, fetchesAgainAfterALongerBody},
	{"fetches again after other bytes", true, fetchesAgainAfterOtherBytes},
	{"refuses bytes that stay wrong", true, refusesWrongBytes},
	{"waits as long as it is asked to", true, waitsAsAsked},
	{"does not wait for too long", true, doesNotWaitTooLong},
	{"outlasts a burst of errors", true, outlastsABurst},
	{"gives up on errors that stay", true, givesUpOnErrors},
	{"never gives wrong bytes, whatever happens", true, neverGivesWrongBytes},
}

// idleCase alone waits for real, for the watchdog of a transfer.
const idleCase = "goes on when the transfer stands still"

func TestConformance(t *testing.T) {
	for _, kind := range kinds {
		t.Run(kind.name, func(t *testing.T) {
			for _, c := range suite {
				t.Run(c.name, func(t *testing.T) {
					idle := time.Minute
					if c.name == idleCase {
						idle = 100 * time.Millisecond
					}
					if s := kind.make(t, idle); !c.fault || s.faults != nil {
						c.run(t, s)
					}
				})
			}
		})
	}
}

// only is the one file of a subject.
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

func read(s subject, f source.File, offset int64) ([]byte, error) {
	body, err := s.source.Open(context.Background(), f, offset)
	if err != nil {
		return nil, err
	}
	defer body.Close()
	return io.ReadAll(body)
}

// fetch fetches the file over a part that holds the given bytes, and returns what lies there afterwards; nil is no file.
func fetch(t *testing.T, s subject, f source.File, part []byte) (source.Fetched, []byte, error) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "part")
	if part != nil {
		if err := os.WriteFile(path, part, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	got, err := source.Fetch(context.Background(), s.source, f, path)
	content, readErr := os.ReadFile(path)
	if readErr != nil && !errors.Is(readErr, os.ErrNotExist) {
		t.Fatal(readErr)
	}
	return got, content, err
}

// wantFetched checks a fetch that must have succeeded.
func wantFetched(t *testing.T, s subject, part []byte, reused int64) {
	t.Helper()
	got, content, err := fetch(t, s, only(t, s), part)
	if err != nil {
		t.Fatal(err)
	}
	want := source.Fetched{SHA256: digest(text()), Size: int64(len(text())), Reused: reused}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("fetched (-want +got):\n%s", diff)
	}
	if !bytes.Equal(content, text()) {
		t.Errorf("the file holds %d other bytes", len(content))
	}
}

func wantReason(t *testing.T, err error, want contract.Reason) {
	t.Helper()
	if err == nil {
		t.Fatalf("no error, want %s", want)
	}
	if got := contract.ReasonOf(err); got != want {
		t.Errorf("reason %s, want %s: %v", got, want, err)
	}
}

func listsTheSame(t *testing.T, s subject) {
	f := only(t, s)
	if f.Size != int64(len(text())) {
		t.Errorf("listed with %d bytes, want %d", f.Size, len(text()))
	}
	if diff := cmp.Diff(f, only(t, s)); diff != "" {
		t.Errorf("listed again (-first +second):\n%s", diff)
	}
	if pinned := f.SHA256+f.GitBlob != ""; pinned != s.pinned {
		t.Errorf("pinned by a digest: %v, want %v", pinned, s.pinned)
	}
}

// tenths are the offsets at which the suite cuts, both ends included.
func tenths() []int64 {
	var out []int64
	for i := range int64(11) {
		out = append(out, i*int64(len(text()))/10)
	}
	return out
}

func opensAtEveryTenth(t *testing.T, s subject) {
	f := only(t, s)
	for _, offset := range tenths() {
		got, err := read(s, f, offset)
		if offset > 0 && offset < f.Size && !s.continues {
			wantReason(t, err, contract.FetchFailed)
		} else if err != nil || !bytes.Equal(got, text()[offset:]) {
			t.Errorf("from %d: %d bytes, %v", offset, len(got), err)
		}
	}
}

func opensConcurrently(t *testing.T, s subject) {
	f := only(t, s)
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			if got, err := read(s, f, 0); err != nil || !bytes.Equal(got, text()) {
				t.Errorf("%d bytes, %v", len(got), err)
			}
		})
	}
	wg.Wait()
}

func fetches(t *testing.T, s subject) { wantFetched(t, s, nil, 0) }

func continuesAPart(t *testing.T, s subject) {
	for _, offset := range tenths() {
		before := int64(0)
		if s.sent != nil {
			before = s.sent()
		}
		reused := offset
		if !s.pinned { // nothing could prove that the part belongs to this file
			reused = 0
		}
		wantFetched(t, s, text()[:offset], reused)
		if s.sent == nil {
			continue
		}
		if sent := s.sent() - before; sent != int64(len(text()))-reused {
			t.Errorf("%d bytes were sent for a part of %d", sent, offset)
		}
	}
}

func healsABadPart(t *testing.T, s subject) {
	for name, part := range map[string][]byte{
		"other bytes":             bytes.Repeat([]byte("x"), 1000),
		"other bytes, whole":      bytes.Repeat([]byte("x"), len(text())),
		"longer than the file is": append(text(), "more"...),
	} {
		t.Run(name, func(t *testing.T) { wantFetched(t, s, part, 0) })
	}
}

func refusesOtherContent(t *testing.T, s subject) {
	f := only(t, s)
	s.write(bytes.ToUpper(text()))
	_, content, err := fetch(t, s, f, nil)
	switch {
	case s.pinned:
		wantReason(t, err, contract.ChecksumMismatch)
		if content != nil {
			t.Errorf("%d wrong bytes were left behind", len(content))
		}
	case s.continues:
		wantReason(t, err, contract.FetchFailed)
	case err != nil: // nothing tells that the file is another one
		t.Error(err)
	}
	if waits := s.clock.waits(); len(waits) > 0 {
		t.Errorf("waited %v for what does not change", waits)
	}
}

func refusesLongerContent(t *testing.T, s subject) {
	f := only(t, s)
	s.write(append(text(), "more"...))
	if _, _, err := fetch(t, s, f, nil); err == nil {
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
	if _, err := io.Copy(io.Discard, body); err == nil && s.faults == nil {
		t.Error("went on after the context ended")
	} else if err != nil && !errors.Is(err, context.Canceled) {
		t.Errorf("ended with %v, want context.Canceled", err)
	}
	if _, err := s.source.Resolve(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("resolving ended with %v, want context.Canceled", err)
	}
	if waits := s.clock.waits(); len(waits) > 0 {
		t.Errorf("waited %v after the end", waits)
	}
}
