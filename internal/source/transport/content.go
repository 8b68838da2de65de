package transport

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/datasetmix/datasetmix/internal/contract"
	"github.com/datasetmix/datasetmix/internal/source"
)

// content returns the body of a successful answer from an offset on. It closes the body when it fails.
func content(a *Answer, f source.File, offset int64) (io.ReadCloser, error) {
	body, err := positioned(a, f, offset)
	if err != nil {
		_ = a.Body.Close() // err is the failure to report
		return nil, err
	}
	return body, nil
}

func positioned(a *Answer, f source.File, offset int64) (io.ReadCloser, error) {
	if encoding := a.Header.Get("Content-Encoding"); encoding != "" && encoding != "identity" && !packed(f.Path) {
		return nil, contract.Failf(contract.InvalidData,
			"%s is sent compressed (%s), though it was asked for as it is, so its size and digest cannot be checked. "+
				"Take it from a server or mirror that does not compress.", f.Path, encoding)
	}
	if !f.Pinned() && f.Validator != "" {
		if now := Validator(a.Header); now != "" && now != f.Validator {
			return nil, contract.Failf(contract.FetchFailed, "%s: %w. Run the stage again, or pin the file's SHA-256.", f.Path, source.ErrChanged)
		}
	}
	if a.StatusCode == http.StatusPartialContent {
		return a.Body, checkRange(a.Header.Get("Content-Range"), f, offset)
	}
	if offset == 0 {
		return a.Body, nil
	}
	// The range was ignored: this is the whole file. Dropping its beginning costs what starting over costs.
	if !f.Pinned() && f.Validator == "" {
		return nil, source.CannotContinue(f, offset, "the server sends no part of it")
	}
	if _, err := io.CopyN(io.Discard, a.Body, offset); err != nil {
		if errors.Is(err, io.EOF) {
			return nil, source.CannotContinue(f, offset, "the server's copy ends before that")
		}
		return nil, err
	}
	return a.Body, nil
}

// packed reports whether a file is compressed by its name; some servers send that as the encoding.
func packed(name string) bool {
	return slices.Contains([]string{".gz", ".zst", ".bz2", ".xz", ".br"}, path.Ext(name))
}

var contentRange = regexp.MustCompile(`^bytes (\d+)-\d+/(\d+|\*)$`)

// checkRange makes sure that a part begins where it was asked to. Some mirrors leave the header out, which is good enough
// where a digest proves the whole.
func checkRange(header string, f source.File, offset int64) error {
	if header == "" {
		if f.Pinned() {
			return nil
		}
		return source.CannotContinue(f, offset, "the server does not say which part it sends")
	}
	m := contentRange.FindStringSubmatch(header)
	if m == nil || m[1] != strconv.FormatInt(offset, 10) {
		return source.CannotContinue(f, offset, "the server sends another part ("+strconv.Quote(contract.Clean(header, 100))+")")
	}
	if total := m[2]; total != "*" && f.Size >= 0 && total != strconv.FormatInt(f.Size, 10) {
		return source.CannotContinue(f, offset, fmt.Sprintf("the server's copy has %s bytes instead of %d", total, f.Size))
	}
	return nil
}

// Validator returns what If-Range may carry: a strong ETag, else a date of modification that is surely older than the answer
// (RFC 9110, 8.8.2.2: two changes within one second have the same date).
func Validator(h http.Header) string {
	if etag := h.Get("ETag"); etag != "" {
		if strings.HasPrefix(etag, "W/") {
			return ""
		}
		return etag
	}
	modified, err1 := http.ParseTime(h.Get("Last-Modified"))
	date, err2 := http.ParseTime(h.Get("Date"))
	if err1 != nil || err2 != nil || date.Sub(modified) < time.Second {
		return ""
	}
	return h.Get("Last-Modified")
}

// retryAfter returns how long an answer asks to wait: the rest of a budget's window when nothing of the budget is left, else
// Retry-After as seconds or as a date. A date is one of the server's clock, and so is compared with the Date of the answer
// where it has one. The second result is false where it does not ask.
func retryAfter(h http.Header, now time.Time) (time.Duration, bool) {
	if left, reset, ok := budget(h.Get("RateLimit")); ok && left == 0 {
		return time.Duration(reset+1) * time.Second, true // a second later, since the reset is rounded
	}
	value := strings.TrimSpace(h.Get("Retry-After"))
	if seconds, err := strconv.ParseInt(value, 10, 32); err == nil && seconds >= 0 {
		return time.Duration(seconds) * time.Second, true
	}
	if at, err := http.ParseTime(value); err == nil {
		if date, err := http.ParseTime(h.Get("Date")); err == nil {
			now = date
		}
		return max(at.Sub(now), 0), true
	}
	return 0, false
}

// budget reads the Hub's RateLimit header, `"api";r=12;t=290`: requests left and seconds to the reset.
func budget(header string) (left, reset int64, ok bool) {
	left, reset = -1, -1
	for _, part := range strings.Split(header, ";") {
		name, value, _ := strings.Cut(strings.TrimSpace(part), "=")
		n, err := strconv.ParseInt(value, 10, 32)
		if err != nil || n < 0 {
			continue
		}
		switch name {
		case "r":
			left = n
		case "t":
			reset = n
		}
	}
	return left, reset, left >= 0 && reset >= 0
}

// Refusal returns the failure that a status means, whichever host answered; nil for a success. what names the thing that was requested.
func (c *Client) Refusal(a *Answer, what string) error {
	status := a.StatusCode
	said := fmt.Sprintf("the answer of %s is %d %s", a.Request.URL.Host, status, http.StatusText(status))
	if id := requestID(a.Said); id != "" {
		said += ", request id " + id
	}
	var cause error
	if wait, ok := retryAfter(a.Header, c.Retry.Now()); ok {
		cause = &source.AskedToWait{Wait: wait}
	}
	fail := func(reason contract.Reason, format string, args ...any) error {
		return &contract.Failure{Reason: reason, Message: fmt.Sprintf(format, args...), Err: cause}
	}
	switch {
	case status < 300:
		return nil
	case status == http.StatusTooManyRequests:
		return fail(contract.RateLimited, "%s cannot be read: too many requests (%s). A token raises the limit, fewer parallel workers keep below it.", what, said)
	case status == http.StatusRequestTimeout, status >= 500:
		return fail(contract.FetchFailed, "%s cannot be read: the server has trouble (%s).", what, said)
	case a.Foreign && status == http.StatusForbidden: // of the storage behind a Hub or a registry; the next signed address will be new
		return fail(contract.FetchFailed, "%s cannot be read from %s: its signed address has ended, or is refused there.", what, a.Request.URL.Host)
	case status == http.StatusUnauthorized, status == http.StatusForbidden, status == http.StatusProxyAuthRequired:
		return fail(contract.AuthenticationFailed, "%s may not be read (%s). Check the address and the credentials.", what, said)
	case status == http.StatusNotFound, status == http.StatusGone:
		return fail(contract.SourceNotFound, "%s does not exist (%s). Check the address.", what, said)
	default:
		return fail(contract.SourceNotFound, "%s cannot be read: the server refuses the request (%s).", what, said)
	}
}

// requestID returns the identifier by which the operators of a service find a request.
func requestID(h http.Header) string {
	for _, name := range []string{"X-Request-Id", "X-Amzn-Trace-Id", "X-Amz-Cf-Id"} {
		if id := h.Get(name); id != "" {
			return contract.Clean(id, 100)
		}
	}
	return ""
}
