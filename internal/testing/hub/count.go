package hub

import (
	"fmt"
	"io"
	"maps"
	"net/http"
	"strconv"
	"strings"
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

// KindOf tells the kind of a request by its method and path.
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

// Count is the number of requests of a kind since the start or the last ResetCounts, refused and broken ones included.
func (h *Hub) Count(k Kind) int {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.counts[k]
}

// Counts is Count for every kind that was asked for.
func (h *Hub) Counts() map[Kind]int {
	h.mu.Lock()
	defer h.mu.Unlock()
	return maps.Clone(h.counts)
}

// Downloads is the number of requests that asked for a file's bytes.
func (h *Hub) Downloads() int { return h.Count(KindBlob) + h.Count(KindCDN) }

// Bytes is the number of body bytes sent in answer to requests for files.
func (h *Hub) Bytes() int64 {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.bytes
}

// ResetCounts sets every counter to zero.
func (h *Hub) ResetCounts() {
	h.mu.Lock()
	defer h.mu.Unlock()
	clear(h.counts)
	h.bytes = 0
}

// observe counts and logs every request, whatever becomes of it.
func (h *Hub) observe(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		kind := KindOf(r)
		h.mu.Lock()
		h.counts[kind]++
		h.mu.Unlock()
		seen := &countingWriter{ResponseWriter: w, sent: func(int64) {}}
		if kind == KindBlob || kind == KindCDN {
			seen.sent = h.countBytes
		}
		defer func() { // also when a fault cuts the connection by a panic
			h.mu.Lock()
			defer h.mu.Unlock()
			if h.opts.AccessLog != nil {
				fmt.Fprintf(h.opts.AccessLog, "%s %d %8d %s %s\n", h.opts.Now().UTC().Format(time.RFC3339),
					seen.status, seen.bytes, r.Method, r.URL.Path) // without the query: it may hold a signature
			}
		}()
		next.ServeHTTP(seen, r)
	})
}

func (h *Hub) countBytes(n int64) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.bytes += n
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

// meter says on every answer how much of the budget is left, and refuses once nothing is.
func (h *Hub) meter(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		budget := budgets[KindOf(r)]
		quota := h.opts.Quota[budget]
		if quota == 0 {
			next.ServeHTTP(w, r)
			return
		}
		left, reset := h.take(budget, quota)
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

// take uses one request of a budget, and says how many are left (negative: this one was too many) and for how long.
func (h *Hub) take(budget string, quota int) (left int, reset time.Duration) {
	h.mu.Lock()
	defer h.mu.Unlock()
	now, win := h.opts.Now(), h.windows[budget]
	if now.Sub(win.start) >= windowLength {
		win = window{start: now}
	}
	win.used++
	h.windows[budget] = win
	return quota - win.used, win.start.Add(windowLength).Sub(now)
}
