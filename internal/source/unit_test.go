package source

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/datasetmix/datasetmix/internal/contract"
)

func TestPolicyDefaults(t *testing.T) {
	p := Policy{}.withDefaults()
	if p.Random() < 0 || p.Random() >= 1 {
		t.Error("the default chance is not in [0, 1)")
	}
	if _, ok := p.Clock.(systemClock); !ok {
		t.Errorf("the default clock is %T", p.Clock)
	}
	p.Random, p.Clock = nil, nil
	want := Policy{Attempts: 6, Base: time.Second, Max: 30 * time.Second, MaxWait: 6 * time.Minute}
	if diff := cmp.Diff(want, p); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	own := Policy{Attempts: 1, Base: 2, Max: 3, MaxWait: 4}.withDefaults()
	own.Random, own.Clock = nil, nil
	if diff := cmp.Diff(Policy{Attempts: 1, Base: 2, Max: 3, MaxWait: 4}, own); diff != "" {
		t.Errorf("own values (-want +got):\n%s", diff)
	}
}

func TestBackoff(t *testing.T) {
	for _, tc := range []struct {
		random float64
		want   []time.Duration // after the 1st, 2nd … failure, in milliseconds
	}{
		{0, []time.Duration{500, 1000, 2000, 4000, 8000, 15000, 15000}},
		{0.5, []time.Duration{750, 1500, 3000, 6000, 12000, 22500, 22500}},
	} {
		p := Policy{Random: func() float64 { return tc.random }}.withDefaults()
		for i, want := range tc.want {
			if got := p.backoff(i + 1); got != want*time.Millisecond {
				t.Errorf("chance %v, failure %d: %v, want %v", tc.random, i+1, got, want*time.Millisecond)
			}
		}
	}
	if got := (Policy{Random: func() float64 { return 0 }}).withDefaults().backoff(1_000_000); got != 15*time.Second {
		t.Errorf("after a million failures: %v", got)
	}
}

func TestSystemClock(t *testing.T) {
	clock := systemClock{}
	if d := time.Since(clock.Now()); d < 0 || d > time.Minute {
		t.Errorf("the clock is %v behind", d)
	}
	if err := clock.Sleep(context.Background(), 0); err != nil {
		t.Errorf("sleeping for no time: %v", err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if err := clock.Sleep(ctx, time.Hour); !errors.Is(err, context.Canceled) {
		t.Errorf("sleeping after the end: %v", err)
	}
}

func TestPlural(t *testing.T) {
	if got := Plural(1, "file") + ", " + Plural(0, "file") + ", " + Plural(2, "attempt"); got != "1 file, 0 files, 2 attempts" {
		t.Error(got)
	}
}

func TestVerifier(t *testing.T) {
	const (
		sum  = "7f83b1657ff1fc53b92dc18148a1d65dfc2d4b1fa3d677284addd200126d9069" // of "Hello World!"
		blob = "c57eff55ebc0c54973903af5f72bac72762cf4f4"                         // git hash-object
	)
	for _, tc := range []struct {
		name string
		file File
		says string
	}{
		{"nothing promised", File{Size: -1}, ""},
		{"right", File{Size: 12, SHA256: sum}, ""},
		{"right blob", File{Size: 12, GitBlob: blob}, ""},
		{"blob without a size", File{Size: -1, GitBlob: "wrong"}, ""},
		{"size", File{Size: 13, SHA256: sum}, "has 12 bytes, and it was listed with 13"},
		{"digest", File{Size: 12, SHA256: "wrong"}, "the SHA-256 " + sum + ", and wrong was promised"},
		{"blob", File{Size: 12, GitBlob: "wrong"}, "git blob SHA-1 " + blob},
	} {
		t.Run(tc.name, func(t *testing.T) {
			v := newVerifier(tc.file)
			for _, part := range []string{"Hello", "", " World!"} {
				v.write([]byte(part))
			}
			err := v.check()
			if tc.says == "" {
				if err != nil {
					t.Error(err)
				}
				return
			}
			if err == nil || !strings.Contains(err.Error(), tc.says) || contract.ReasonOf(err) != contract.ChecksumMismatch {
				t.Errorf("%v, want %q", err, tc.says)
			}
		})
	}
}

func TestDiskFailure(t *testing.T) {
	f := File{Path: "a.parquet", Size: 7}
	for _, tc := range []struct {
		err  error
		want contract.Reason
		says string
	}{
		{&os.PathError{Op: "write", Err: syscall.ENOSPC}, contract.InsufficientStorage, "a.parquet of 7 bytes does not fit"},
		{fmt.Errorf("%w", syscall.EDQUOT), contract.InsufficientStorage, "volume is full"},
		{syscall.EIO, contract.VolumeIOError, "a.parquet cannot be stored"},
	} {
		err := diskFailure(f, tc.err)
		if contract.ReasonOf(err) != tc.want || !strings.Contains(err.Error(), tc.says) || !errors.Is(err, tc.err) {
			t.Errorf("%v becomes %s: %v", tc.err, contract.ReasonOf(err), err)
		}
	}
}

// bare is a part with nothing beside it.
type bare struct {
	Part
	file *os.File
}

func (b bare) File() *os.File { return b.file }

func TestFullDiskIsNotTakenForTheSource(t *testing.T) {
	full, err := os.OpenFile("/dev/full", os.O_WRONLY, 0)
	if err != nil {
		t.Skipf("no device that is always full: %v", err)
	}
	defer full.Close()
	err = (&disk{part: bare{file: full}, file: File{Path: "a", Size: -1}}).write([]byte("x"))
	if contract.ReasonOf(err) != contract.InsufficientStorage {
		t.Errorf("reason %s: %v", contract.ReasonOf(err), err)
	}
}
