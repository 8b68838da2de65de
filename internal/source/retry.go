package source

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"time"

	"github.com/datasetmix/datasetmix/internal/contract"
)

// Policy is how often and how long to retry; a zero field means its default.
type Policy struct {
	// Attempts at one request, the first included, and at going on with one transfer without a byte of progress.
	// Default 6.
	Attempts int
	// Base is the wait before the second attempt; each further wait is twice as long, up to Max. Half of a wait is
	// random, so that the pods of a cluster do not come back together. Defaults 1 s and 30 s.
	Base, Max time.Duration
	// MaxWait is the longest wait that a source may ask for; a longer one fails with RateLimited, and the Job releases its pod meanwhile.
	// Default 6 min: the Hub renews its budgets every 5.
	MaxWait time.Duration
	// Random returns a number in [0, 1); nil is math/rand's.
	Random func() float64
	// Clock tells the time and waits; nil is the system's.
	Clock Clock
}

func (p Policy) withDefaults() Policy {
	p.Attempts = cmp.Or(p.Attempts, 6)
	p.Base, p.Max, p.MaxWait = cmp.Or(p.Base, time.Second), cmp.Or(p.Max, 30*time.Second), cmp.Or(p.MaxWait, 6*time.Minute)
	if p.Random == nil {
		p.Random = rand.Float64
	}
	if p.Clock == nil {
		p.Clock = systemClock{}
	}
	return p
}

// Now returns the time of the clock.
func (p Policy) Now() time.Time { return p.withDefaults().Clock.Now() }

// backoff returns the wait after the given number of failures in a row, from 1.
func (p Policy) backoff(failures int) time.Duration {
	wait := p.Base
	for i := 1; i < failures && wait < p.Max; i++ {
		wait *= 2
	}
	wait = min(wait, p.Max)
	return wait/2 + time.Duration(p.Random()*float64(wait/2))
}

// Clock tells the time and waits.
type Clock interface {
	Now() time.Time
	// Sleep waits, or returns the context's error when that ends first.
	Sleep(ctx context.Context, d time.Duration) error
}

type systemClock struct{}

func (systemClock) Now() time.Time { return time.Now() }

func (systemClock) Sleep(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-timer.C:
		return nil
	}
}

// AskedToWait is the cause of a failure whose answer said when to come back.
type AskedToWait struct{ Wait time.Duration }

func (a *AskedToWait) Error() string { return "asked to wait " + a.Wait.String() }

// Causes of transient failures that this process cannot mend by doing the same again.
var (
	// errCannotContinue: the source does not serve the rest of a file. Reading it from the start may work.
	errCannotContinue = errors.New("the transfer cannot be continued")
	// ErrChanged means that the file is no longer the one that was listed. Listing again may work.
	ErrChanged = errors.New("the file has changed since it was listed")
	// ErrSlow means that a transfer was ended because it brought next to nothing: those bytes are no progress.
	ErrSlow = errors.New("the transfer brought next to nothing")
	// errGaveUp: it was tried as often as the policy says, by a deeper layer.
	errGaveUp = errors.New("gave up")
)

// CannotContinue returns the failure of a transfer that would have to begin again.
func CannotContinue(f File, offset int64, why string) error {
	return contract.Failf(contract.FetchFailed, "%s cannot be read from byte %d on, because %s: %w.", f.Path, offset, why, errCannotContinue)
}

// worthRetrying reports whether the same call may succeed a little later.
func worthRetrying(ctx context.Context, err error) bool {
	return ctx.Err() == nil && !contract.ReasonOf(err).Permanent() &&
		!errors.Is(err, errCannotContinue) && !errors.Is(err, ErrChanged) && !errors.Is(err, errGaveUp)
}

// gaveUp returns the failure after the last attempt. It keeps the reason and keeps other layers from trying again.
func gaveUp(err error, attempts int) error {
	return &contract.Failure{
		Reason:  contract.ReasonOf(err),
		Message: contract.Sentences(err.Error(), "Gave up after "+Plural(attempts, "attempt")+"."),
		Err:     errors.Join(errGaveUp, err),
	}
}

// Do repeats a call until it succeeds, fails permanently, or has failed as often as the policy allows.
func (p Policy) Do(ctx context.Context, call func() error) error {
	p = p.withDefaults()
	for attempt := 1; ; attempt++ {
		err := call()
		if err == nil || !worthRetrying(ctx, err) {
			return err
		}
		if attempt >= p.Attempts {
			return gaveUp(err, attempt)
		}
		if err := p.pause(ctx, attempt, err); err != nil {
			return err
		}
	}
}

// pause waits before the next attempt: as long as the source asked for, plus a little so that many workers do not come back at the
// same time, else the backoff. It returns the failure when waiting is useless.
func (p Policy) pause(ctx context.Context, failures int, failure error) error {
	wait := p.backoff(failures)
	var asked *AskedToWait
	if errors.As(failure, &asked) {
		if asked.Wait > p.MaxWait {
			return &contract.Failure{
				Reason:  contract.RateLimited,
				Message: contract.Sentences(failure.Error(), fmt.Sprintf("It asked to wait %s; a worker waits %s at most.", asked.Wait, p.MaxWait)),
				Err:     errors.Join(errGaveUp, failure),
			}
		}
		wait = asked.Wait + time.Duration(p.Random()*float64(p.Base))
	}
	if p.Clock.Sleep(ctx, wait) != nil {
		return failure
	}
	return nil
}

// retrying is a source whose calls are repeated.
type retrying struct {
	inner  Source
	policy Policy
}

func (r *retrying) Resolve(ctx context.Context) (l Listing, err error) {
	err = r.policy.Do(ctx, func() error {
		l, err = r.inner.Resolve(ctx)
		return err
	})
	return l, err
}

func (r *retrying) Open(ctx context.Context, f File, offset int64) (body io.ReadCloser, err error) {
	err = r.policy.Do(ctx, func() error {
		body, err = r.inner.Open(ctx, f, offset)
		return err
	})
	return body, err
}
