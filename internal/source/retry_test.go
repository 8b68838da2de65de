package source

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/datasetmix/datasetmix/internal/contract"
)

// notingClock notes how long it was asked to wait, in milliseconds.
type notingClock struct{ slept []int64 }

func (c *notingClock) Now() time.Time { return time.Time{} }

func (c *notingClock) Sleep(ctx context.Context, d time.Duration) error {
	c.slept = append(c.slept, d.Milliseconds())
	return ctx.Err()
}

// patient returns a policy without chance, and its clock.
func patient(attempts int) (Policy, *notingClock) {
	c := &notingClock{}
	return Policy{Attempts: attempts, Random: func() float64 { return 0 }, Clock: c}.withDefaults(), c
}

// script is a source that answers each call with the next of its lines:
//
//	"fail Reason"       an error of that reason
//	"wait 7s"           an error that asks to wait
//	"cannot"            an error that says the transfer cannot be continued
//	"text" or "text!"   the bytes from the offset on, of which the text is the whole file; "!" breaks at its end
type script struct {
	lines   []string
	offsets []int64
}

func (s *script) next() string {
	if len(s.lines) == 0 {
		return "fail " + string(contract.InvalidTask)
	}
	line := s.lines[0]
	s.lines = s.lines[1:]
	return line
}

func failureOf(line string) error {
	verb, rest, _ := strings.Cut(line, " ")
	switch verb {
	case "fail":
		return contract.Failf(contract.Reason(rest), "It failed.")
	case "wait":
		d, err := time.ParseDuration(rest)
		if err != nil {
			panic(err)
		}
		return &contract.Failure{Reason: contract.FetchFailed, Message: "It is busy.", Err: &AskedToWait{d}}
	case "cannot":
		return contract.Failf(contract.FetchFailed, "It %w.", errCannotContinue)
	default:
		return nil
	}
}

func (s *script) Resolve(context.Context) (Listing, error) {
	line := s.next()
	return Listing{Revision: line}, failureOf(line)
}

func (s *script) Open(_ context.Context, _ File, offset int64) (io.ReadCloser, error) {
	s.offsets = append(s.offsets, offset)
	line := s.next()
	if err := failureOf(line); err != nil {
		return nil, err
	}
	whole, breaks := strings.CutSuffix(line, "!")
	var r io.Reader = strings.NewReader(whole[min(int(offset), len(whole)):])
	if breaks {
		r = io.MultiReader(r, broken{})
	}
	return io.NopCloser(r), nil
}

type broken struct{}

func (broken) Read([]byte) (int, error) {
	return 0, contract.Failf(contract.FetchFailed, "The connection broke.")
}

func TestRetrying(t *testing.T) {
	for _, tc := range []struct {
		name  string
		lines []string
		want  string // the revision, or the end of the message
		slept []int64
	}{
		{"at once", []string{"ok"}, "ok", nil},
		{"after two failures", []string{"fail FetchFailed", "fail WorkerFailed", "ok"}, "ok", []int64{500, 1000}},
		{"never after a permanent failure", []string{"fail SourceNotFound", "ok"}, "It failed.", nil},
		{"a permanent failure in between", []string{"fail FetchFailed", "fail AuthenticationFailed", "ok"}, "It failed.", []int64{500}},
		{"not for ever", []string{"fail FetchFailed", "fail FetchFailed", "fail RateLimited", "ok"},
			"It failed. Gave up after 3 attempts.", []int64{500, 1000}},
		{"as asked", []string{"wait 42s", "wait 0s", "ok"}, "ok", []int64{42000, 0}},
		{"not longer than allowed", []string{"wait 361s", "ok"}, "It asked to wait 6m1s; a worker waits 6m0s at most.", nil},
		{"not what starting over mends", []string{"cannot", "ok"}, "It the transfer cannot be continued.", nil},
	} {
		t.Run(tc.name, func(t *testing.T) {
			p, c := patient(3)
			l, err := (&retrying{inner: &script{lines: tc.lines}, policy: p}).Resolve(context.Background())
			got := l.Revision
			if err != nil {
				got = err.Error()
			}
			if !strings.HasSuffix(got, tc.want) {
				t.Errorf("got %q, want %q", got, tc.want)
			}
			if diff := cmp.Diff(tc.slept, c.slept); diff != "" {
				t.Errorf("waits (-want +got):\n%s", diff)
			}
		})
	}
}

func TestRetryingKeepsTheReason(t *testing.T) {
	p, _ := patient(2)
	_, err := (&retrying{inner: &script{lines: []string{"fail RateLimited", "fail RateLimited"}}, policy: p}).Resolve(context.Background())
	if contract.ReasonOf(err) != contract.RateLimited || !errors.Is(err, errGaveUp) {
		t.Errorf("reason %s: %v", contract.ReasonOf(err), err)
	}
	outer := &retrying{inner: &retrying{inner: &script{lines: []string{"fail FetchFailed", "fail FetchFailed", "ok"}}, policy: p}, policy: p}
	if _, err := outer.Resolve(context.Background()); err == nil {
		t.Error("the outer layer tried again what the inner one gave up")
	}
}

func TestRetryingEndsWithItsContext(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	p, c := patient(9)
	s := &script{lines: []string{"fail FetchFailed", "ok"}}
	p.Clock = sleepThen{c, cancel}
	if _, err := (&retrying{inner: s, policy: p}).Resolve(ctx); err == nil || len(s.lines) != 1 {
		t.Errorf("%v with %d answers left, want the failure and one", err, len(s.lines))
	}
}

// sleepThen is a clock during whose first sleep something happens.
type sleepThen struct {
	*notingClock
	happens func()
}

func (s sleepThen) Sleep(ctx context.Context, d time.Duration) error {
	s.happens()
	return s.notingClock.Sleep(ctx, d)
}

func TestResuming(t *testing.T) {
	const whole = "0123456789"
	for _, tc := range []struct {
		name    string
		lines   []string
		size    int64
		from    int64
		want    string
		says    string // end of the message; empty is io.EOF
		offsets []int64
		slept   []int64
	}{
		{"in one go", []string{whole}, 10, 0, whole, "", []int64{0}, nil},
		{"from the middle", []string{whole}, 10, 4, "456789", "", []int64{4}, nil},
		{"from the end", nil, 10, 10, "", "", nil, nil},
		{"of unknown size", []string{whole}, -1, 0, whole, "", []int64{0}, nil},
		{"broken twice", []string{"012!", "01234!", whole}, 10, 0, whole, "", []int64{0, 3, 5}, []int64{500, 500}},
		{"short", []string{"012", whole}, 10, 0, whole, "", []int64{0, 3}, []int64{500}},
		{"broken at its end", []string{whole + "!"}, 10, 0, whole, "", []int64{0, 10}, []int64{500}},
		{"broken without progress", []string{"0!", "0!", "0!", "0!"}, 10, 0, "0", "The connection broke. Gave up after 3 attempts.",
			[]int64{0, 1, 1}, []int64{500, 1000}},
		{"short without progress", []string{"0", "0", "0"}, 10, 0, "0", "ended after 1 of 10 bytes. Gave up after 3 attempts.",
			[]int64{0, 1, 1}, []int64{500, 1000}},
		{"cannot go on", []string{"012!", "cannot"}, 10, 0, "012", "cannot be continued.", []int64{0, 3}, []int64{500}},
		{"gone meanwhile", []string{"012!", "fail SourceNotFound"}, 10, 0, "012", "It failed.", []int64{0, 3}, []int64{500}},
		{"longer", []string{whole + "ab"}, 10, 0, whole + "ab", "is longer than the 10 bytes it was listed with.", []int64{0}, nil},
		{"not there", []string{"fail SourceNotFound"}, 10, 0, "", "It failed.", []int64{0}, nil},
	} {
		t.Run(tc.name, func(t *testing.T) {
			p, c := patient(3)
			inner, told := &script{lines: tc.lines}, int64(0)
			if tc.name == "broken at its end" {
				inner.lines = append(inner.lines, whole)
			}
			s := &resuming{inner: inner, policy: p, maxFile: 1 << 40, progress: func(n int64) { told += n }}
			got, err := readAll(s, File{Path: "f", Size: tc.size}, tc.from)
			if got != tc.want || (err == nil) != (tc.says == "") || err != nil && !strings.HasSuffix(err.Error(), tc.says) {
				t.Errorf("read %q, %v; want %q, %q", got, err, tc.want, tc.says)
			}
			if diff := cmp.Diff(tc.offsets, inner.offsets); diff != "" {
				t.Errorf("offsets (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(tc.slept, c.slept); diff != "" {
				t.Errorf("waits (-want +got):\n%s", diff)
			}
			if told != int64(len(got)) {
				t.Errorf("told of %d bytes of %d", told, len(got))
			}
		})
	}
}

// readAll reads with an error given twice, as it must stay the same.
func readAll(s Source, f File, offset int64) (string, error) {
	body, err := s.Open(context.Background(), f, offset)
	if err != nil {
		return "", err
	}
	defer body.Close()
	content, err := io.ReadAll(body)
	if err != nil {
		if _, again := body.Read(make([]byte, 1)); again == nil {
			return string(content), fmt.Errorf("reading went on after %w", err)
		}
	}
	return string(content), err
}
