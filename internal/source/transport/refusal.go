package transport

import (
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/datasetmix/datasetmix/internal/contract"
	"github.com/datasetmix/datasetmix/internal/source"
)

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

// Refusal returns the failure that a status stands for, whoever answered; nil where it stands for success. what names the
// thing that was asked for.
func (c *Client) Refusal(a *Answer, what string) error { return refusal(a, what, c.Retry.Now()) }

func refusal(a *Answer, what string, now time.Time) error {
	status := a.StatusCode
	said := fmt.Sprintf("the answer of %s is %d %s", a.Request.URL.Host, status, http.StatusText(status))
	if id := requestID(a.Said); id != "" {
		said += ", request id " + id
	}
	var cause error
	if wait, ok := retryAfter(a.Header, now); ok {
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
