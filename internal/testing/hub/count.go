package hub

import (
	"fmt"
	"io"
	"maps"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"
)

// Kind is what a request asks for.
type Kind string

// The kinds of requests.
const (
	KindInfo    Kind = "info"    // information about a repository: the commit, the card
	KindTree    Kind = "tree"    // one page of the file tree
	KindHead    Kind = "head"    // HEAD of a file
	KindResolve Kind = "resolve" // GET of a file: answered with a redirect
	KindBlob    Kind = "blob"    // a small file's bytes
	KindCDN     Kind = "cdn"     // a large file's bytes
	KindOther   Kind = "other"
)

// KindOf returns the kind of a request by its method and path.
func KindOf(r *http.Request) Kind {
	path := r.URL.Path
	switch {
	case strings.HasPrefix(path, "/cdn/"):
		return KindCDN
	case strings.HasPrefix(path, "/api/resolve-cache/"):
		return KindBlob
	case strings.HasPrefix(path, "/api/datasets/") && strings.Contains(path, "/tree/"):
		return KindTree
	case strings.HasPrefix(path, "/api/datasets/") && !strings.HasSuffix(path, "/auth-check"):
		return KindInfo
	case strings.HasPrefix(path, "/datasets/") && r.Method == http.MethodHead:
		return KindHead
	case strings.HasPrefix(path, "/datasets/"):
		return KindResolve
	default:
		return KindOther
	}
}

// Counter knows what a Hub was asked for. It is safe for concurrent use.
type Counter struct {
	log io.Writer
	now func() time.Time

	mu     sync.Mutex
	counts map[Kind]int
	bytes  int64
}

// Count returns the number of requests of a kind since the start or the last ResetCounts, refused and broken ones included.
func (c *Counter) Count(k Kind) int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.counts[k]
}

// Counts returns Count for every kind that was asked for.
func (c *Counter) Counts() map[Kind]int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return maps.Clone(c.counts)
}

// Downloads returns the number of requests that asked for a file's bytes.
func (c *Counter) Downloads() int { return c.Count(KindBlob) + c.Count(KindCDN) }

// Bytes returns the number of body bytes sent in answer to requests for files.
func (c *Counter) Bytes() int64 {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.bytes
}

// ResetCounts sets every counter to zero.
func (c *Counter) ResetCounts() {
	c.mu.Lock()
	defer c.mu.Unlock()
	clear(c.counts)
	c.bytes = 0
}

// observe counts and logs every request, whatever becomes of it.
func (c *Counter) observe(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		kind := KindOf(r)
		c.mu.Lock()
		c.counts[kind]++
		c.mu.Unlock()
		seen := &countingWriter{ResponseWriter: w, sent: func(int64) {}}
		if kind == KindBlob || kind == KindCDN {
			seen.sent = c.countBytes
		}
		defer func() { // also when a fault cuts the connection by a panic
			c.mu.Lock()
			defer c.mu.Unlock()
			if c.log != nil {
				fmt.Fprintf(c.log, "%s %d %8d %s %s\n", c.now().UTC().Format(time.RFC3339),
					seen.status, seen.bytes, r.Method, r.URL.Path) // without the query: it may hold a signature
			}
		}()
		next.ServeHTTP(seen, r)
	})
}

func (c *Counter) countBytes(n int64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.bytes += n
}

// countingWriter remembers what was answered. Bytes count before they leave, so that a client that has them all finds
// them counted.
type countingWriter struct {
	http.ResponseWriter
	sent   func(n int64)
	status int
	bytes  int64
}

func (w *countingWriter) WriteHeader(status int) {
	if w.status == 0 {
		w.status = status
	}
	w.ResponseWriter.WriteHeader(status)
}

func (w *countingWriter) Write(p []byte) (int, error) {
	if w.status == 0 {
		w.status = http.StatusOK
	}
	w.bytes += int64(len(p))
	w.sent(int64(len(p)))
	return w.ResponseWriter.Write(p)
}

// Unwrap lets http.ResponseController flush through.
func (w *countingWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }

// windowLength is how long a budget lasts: the Hub counts requests in windows of five minutes.
const windowLength = 300 * time.Second

// window is what one budget has used since its start.
type window struct {
	start time.Time
	used  int
}

// budgets of the Hub that the kinds of requests count on; the other host has none.
var budgets = map[Kind]string{KindInfo: "api", KindTree: "api", KindHead: "resolvers", KindResolve: "resolvers", KindBlob: "resolvers"}

// quotas are how many requests of each budget a window holds, and what was used of them.
type quotas struct {
	limits map[string]int
	now    func() time.Time

	mu      sync.Mutex
	windows map[string]window // by budget
}

// meter adds to every answer how much of the budget is left, and refuses once nothing is.
func (q *quotas) meter(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		budget := budgets[KindOf(r)]
		quota := q.limits[budget]
		if quota == 0 {
			next.ServeHTTP(w, r)
			return
		}
		left, reset := q.take(budget, quota)
		seconds := strconv.Itoa(int((reset + time.Second - 1) / time.Second))
		w.Header().Set("RateLimit", fmt.Sprintf("%q;r=%d;t=%s", budget, max(left, 0), seconds))
		w.Header().Set("RateLimit-Policy", fmt.Sprintf("%q;%q;q=%d;w=%d", "fixed window", budget, quota, int(windowLength.Seconds())))
		if left >= 0 {
			next.ServeHTTP(w, r)
			return
		}
		w.Header().Set("Retry-After", seconds)
		w.WriteHeader(http.StatusTooManyRequests)
		_, _ = io.WriteString(w, "We had to rate limit you.") // the client may be gone
	})
}

// take uses one request of a budget, and returns how many are left (negative if this one was too many) and the time to the reset.
func (q *quotas) take(budget string, quota int) (left int, reset time.Duration) {
	q.mu.Lock()
	defer q.mu.Unlock()
	now, win := q.now(), q.windows[budget]
	if now.Sub(win.start) >= windowLength {
		win = window{start: now}
	}
	win.used++
	q.windows[budget] = win
	return quota - win.used, win.start.Add(windowLength).Sub(now)
}
