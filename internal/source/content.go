package source

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/datasetmix/datasetmix/internal/contract"
)

// content is the body of a successful answer from an offset on. It closes the body when it fails.
func content(a *answer, f File, offset int64) (io.ReadCloser, error) {
	body, err := positioned(a, f, offset)
	if err != nil {
		_ = a.Body.Close() // err is the failure to report
		return nil, err
	}
	return body, nil
}

func positioned(a *answer, f File, offset int64) (io.ReadCloser, error) {
	if encoding := a.Header.Get("Content-Encoding"); encoding != "" && encoding != "identity" && !packed(f.Path) {
		return nil, contract.Failf(contract.InvalidData,
			"%s is sent compressed (%s), though it was asked for as it is, so its size and digest cannot be checked. "+
				"Take it from a server or mirror that does not compress.", f.Path, encoding)
	}
	if !f.pinned() && f.Validator != "" {
		if now := validator(a.Header); now != "" && now != f.Validator {
			return nil, contract.Failf(contract.FetchFailed, "%s: %w. Run the stage again, or pin the file's SHA-256.", f.Path, errChanged)
		}
	}
	if a.StatusCode == http.StatusPartialContent {
		return a.Body, checkRange(a.Header.Get("Content-Range"), f, offset)
	}
	if offset == 0 {
		return a.Body, nil
	}
	// The range was ignored: this is the whole file. Dropping its beginning costs what starting over costs.
	if !f.pinned() && f.Validator == "" {
		return nil, cannotContinue(f, offset, "the server sends no part of it")
	}
	if _, err := io.CopyN(io.Discard, a.Body, offset); err != nil {
		if errors.Is(err, io.EOF) {
			return nil, cannotContinue(f, offset, "the server's copy ends before that")
		}
		return nil, err
	}
	return a.Body, nil
}

// packed says that a file's own bytes are compressed, so that some servers call that its encoding.
func packed(path string) bool {
	for _, end := range []string{".gz", ".zst", ".bz2", ".xz", ".br"} {
		if strings.HasSuffix(path, end) {
			return true
		}
	}
	return false
}

// cannotContinue is the failure of a transfer that would have to begin again.
func cannotContinue(f File, offset int64, why string) error {
	return contract.Failf(contract.FetchFailed, "%s cannot be read from byte %d on, because %s: %w.", f.Path, offset, why, errCannotContinue)
}

var contentRange = regexp.MustCompile(`^bytes (\d+)-\d+/(\d+|\*)$`)

// checkRange makes sure that a part begins where it was asked to. Some mirrors leave the header out, which is good enough
// where a digest proves the whole.
func checkRange(header string, f File, offset int64) error {
	if header == "" {
		if f.pinned() {
			return nil
		}
		return cannotContinue(f, offset, "the server does not say which part it sends")
	}
	m := contentRange.FindStringSubmatch(header)
	if m == nil || m[1] != strconv.FormatInt(offset, 10) {
		return cannotContinue(f, offset, "the server sends another part ("+strconv.Quote(contract.Clean(header, 100))+")")
	}
	if total := m[2]; total != "*" && f.Size >= 0 && total != strconv.FormatInt(f.Size, 10) {
		return cannotContinue(f, offset, fmt.Sprintf("the server's copy has %s bytes instead of %d", total, f.Size))
	}
	return nil
}

// validator is what If-Range may carry: a strong ETag, else a date of modification that is surely older than the answer
// (RFC 9110, 8.8.2.2: two changes within one second have the same date).
func validator(h http.Header) string {
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

// retryAfter is how long an answer asks to wait: the rest of a budget's window when nothing of the budget is left, else
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

// refusal is the failure that a status stands for, whoever answered; nil where it stands for success. what names the
// thing that was asked for.
func refusal(a *answer, what string, now time.Time) error {
	status := a.StatusCode
	said := fmt.Sprintf("the answer of %s is %d %s", a.Request.URL.Host, status, http.StatusText(status))
	if id := requestID(a.said); id != "" {
		said += ", request id " + id
	}
	var cause error
	if wait, ok := retryAfter(a.Header, now); ok {
		cause = &askedToWait{wait}
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
	case status == http.StatusUnauthorized, status == http.StatusForbidden, status == http.StatusProxyAuthRequired:
		return fail(contract.AuthenticationFailed, "%s may not be read (%s). Check the address and the credentials.", what, said)
	case status == http.StatusNotFound, status == http.StatusGone:
		return fail(contract.SourceNotFound, "%s does not exist (%s). Check the address.", what, said)
	default:
		return fail(contract.SourceNotFound, "%s cannot be read: the server refuses the request (%s).", what, said)
	}
}

// requestID is what the operators of a service can find a request by.
func requestID(h http.Header) string {
	for _, name := range []string{"X-Request-Id", "X-Amzn-Trace-Id", "X-Amz-Cf-Id"} {
		if id := h.Get(name); id != "" {
			return contract.Clean(id, 100)
		}
	}
	return ""
}
