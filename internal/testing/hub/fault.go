package hub

import (
	"errors"
	"io"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"
)

// Fault is one thing that goes wrong.
type Fault struct {
	// On is the kind of request it hits; empty is every kind.
	On Kind
	// Path is a part of the request's path; empty is every path. The address of a large file holds its SHA-256 only.
	Path string
	// After is how many matching requests pass before the first that is hit.
	After int
	// Times is how many requests are hit; 0 is one, a negative number is all.
	Times int
	// Do is what happens.
	Do Effect
}

// Effect answers a request wrongly. It may let the right answer through next, changed.
type Effect func(w http.ResponseWriter, r *http.Request, next http.Handler)

// Faults is a list of faults in the order they were added: a request goes past each until one hits it, and the later ones
// do not see it. So faults that hit the same requests once each act one after the other. The zero value is an empty list,
// safe for concurrent use.
type Faults struct {
	mu   sync.Mutex
	list []*armed
}

type armed struct {
	Fault
	seen int
}

// Add arms faults.
func (f *Faults) Add(faults ...Fault) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, x := range faults {
		if x.Times == 0 {
			x.Times = 1
		}
		f.list = append(f.list, &armed{Fault: x})
	}
}

// Clear removes every fault.
func (f *Faults) Clear() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.list = nil
}

// Handler puts the faults before any handler; kindOf tells the kinds of its requests, nil gives them none.
func (f *Faults) Handler(kindOf func(*http.Request) Kind, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var kind Kind
		if kindOf != nil {
			kind = kindOf(r)
		}
		if do := f.match(kind, r.URL.Path); do != nil {
			do(w, r, next)
			return
		}
		next.ServeHTTP(w, r)
	})
}

func (f *Faults) match(kind Kind, path string) Effect {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, a := range f.list {
		if a.On != "" && a.On != kind || !strings.Contains(path, a.Path) {
			continue
		}
		a.seen++
		if a.seen > a.After && (a.Times < 0 || a.seen <= a.After+a.Times) {
			return a.Do
		}
	}
	return nil
}

// Answer returns a status instead of the right answer, with headers in pairs: Answer(429, "Retry-After", "7").
func Answer(status int, headers ...string) Effect {
	return func(w http.ResponseWriter, _ *http.Request, _ http.Handler) {
		for i := 0; i+1 < len(headers); i += 2 {
			w.Header().Set(headers[i], headers[i+1])
		}
		w.WriteHeader(status)
		_, _ = io.WriteString(w, http.StatusText(status)) // the client may be gone
	}
}

// CutAfter drops the connection after n bytes of the body.
func CutAfter(n int64) Effect {
	return shaped(func(s *shaper) { s.limit, s.atLimit = n, func(*http.Request) { panic(http.ErrAbortHandler) } })
}

// StallAfter sends n bytes of the body and then nothing more until the client gives up.
func StallAfter(n int64) Effect {
	return shaped(func(s *shaper) {
		s.limit, s.atLimit = n, func(r *http.Request) {
			<-r.Context().Done()
			panic(http.ErrAbortHandler)
		}
	})
}

// TrickleAfter sends n bytes of the body at once and then a byte in each pause, until the client gives up.
func TrickleAfter(n int64, pause time.Duration) Effect {
	return shaped(func(s *shaper) { s.limit, s.slowly, s.pause = n, true, pause })
}

// Short leaves the last n bytes of the body out and says so in its length: a proxy that lost some.
func Short(n int64) Effect { return shaped(func(s *shaper) { s.grow = -n }) }

// Long adds n bytes to the body and says so in its length.
func Long(n int64) Effect { return shaped(func(s *shaper) { s.grow = n }) }

// Corrupt changes every byte and keeps the size.
func Corrupt() Effect { return shaped(func(s *shaper) { s.flip = true }) }

// IgnoreRange answers a request for a part with the whole.
func IgnoreRange() Effect {
	return func(w http.ResponseWriter, r *http.Request, next http.Handler) {
		r = r.Clone(r.Context())
		r.Header.Del("Range")
		next.ServeHTTP(w, r)
	}
}

// Without leaves headers out of the right answer, as mirrors and proxies do.
func Without(headers ...string) Effect { return shaped(func(s *shaper) { s.drop = headers }) }

func shaped(set func(*shaper)) Effect {
	return func(w http.ResponseWriter, r *http.Request, next http.Handler) {
		s := &shaper{ResponseWriter: w, request: r, limit: -1}
		set(s)
		next.ServeHTTP(s, r)
		s.finish()
	}
}

// shaper changes a body on its way out.
type shaper struct {
	http.ResponseWriter
	request *http.Request

	limit   int64 // bytes that pass; negative is no limit
	atLimit func(*http.Request)
	slowly  bool // what is beyond the limit goes out a byte at a time
	pause   time.Duration
	flip    bool
	grow    int64    // by how much the body is longer, or shorter
	drop    []string // headers to leave out

	wroteHeader bool
	left        int64 // bytes that still pass when the body shrinks
}

func (s *shaper) WriteHeader(status int) {
	if s.wroteHeader {
		return
	}
	s.wroteHeader = true
	header := s.Header()
	for _, name := range s.drop {
		header.Del(name)
	}
	if length, err := strconv.ParseInt(header.Get("Content-Length"), 10, 64); err == nil && s.grow != 0 {
		s.left = max(length+s.grow, 0)
		header.Set("Content-Length", strconv.FormatInt(s.left, 10))
	}
	s.ResponseWriter.WriteHeader(status)
}

func (s *shaper) Write(p []byte) (int, error) {
	s.WriteHeader(http.StatusOK)
	whole := len(p)
	if s.flip {
		flipped := make([]byte, len(p))
		for i, b := range p {
			flipped[i] = b ^ 0xff
		}
		p = flipped
	}
	if s.grow < 0 {
		p = p[:min(int64(len(p)), s.left)]
		s.left -= int64(len(p))
	}
	if s.limit < 0 {
		_, err := s.ResponseWriter.Write(p)
		return whole, err
	}
	p, rest := p[:min(int64(len(p)), s.limit)], p[min(int64(len(p)), s.limit):]
	s.limit -= int64(len(p))
	_, err := s.ResponseWriter.Write(p)
	if s.slowly {
		return whole, errors.Join(err, s.trickle(rest))
	}
	if s.limit == 0 {
		s.stop()
	}
	return whole, err
}

// trickle sends bytes one by one.
func (s *shaper) trickle(p []byte) error {
	control := http.NewResponseController(s.ResponseWriter)
	for i := range p {
		if err := control.Flush(); err != nil {
			return err
		}
		select {
		case <-s.request.Context().Done():
			panic(http.ErrAbortHandler)
		case <-time.After(s.pause):
		}
		if _, err := s.ResponseWriter.Write(p[i : i+1]); err != nil {
			return err
		}
	}
	return nil
}

// finish adds what makes the body longer, and cuts a body that was shorter than the limit at its end.
func (s *shaper) finish() {
	if s.grow > 0 {
		_, _ = s.ResponseWriter.Write(make([]byte, s.grow)) // the client may be gone
	}
	if s.limit >= 0 && !s.slowly {
		s.stop()
	}
}

func (s *shaper) stop() {
	_ = http.NewResponseController(s.ResponseWriter).Flush() // what was written must reach the client first
	s.atLimit(s.request)
}
