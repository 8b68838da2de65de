package transport

import (
	"net/http"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/datasetmix/datasetmix/internal/contract"
)

func TestRetryAfter(t *testing.T) {
	now := time.Date(2026, 8, 1, 12, 0, 0, 0, time.UTC)
	for _, tc := range []struct {
		limit, after string
		want         time.Duration
		asked        bool
	}{
		{"", "", 0, false},
		{"", "7", 7 * time.Second, true},
		{"", " 0 ", 0, true},
		{"", "-1", 0, false},
		{"", "soon", 0, false},
		{"", "99999999999999", 0, false},
		{"", "Sat, 01 Aug 2026 12:01:00 GMT", time.Minute, true},
		{"", "Sat, 01 Aug 2026 11:00:00 GMT", 0, true},
		{`"api";r=0;t=30`, "7", 31 * time.Second, true},
		{`"api";t=30;r=0`, "", 31 * time.Second, true},
		{`"api";r=3;t=30`, "7", 7 * time.Second, true},
		{`"api";r=3;t=30`, "", 0, false},
		{`"api";r=0`, "", 0, false},
		{`"api";r=x;t=30`, "", 0, false},
		{`"api";r=0;t=-30`, "", 0, false},
	} {
		header := http.Header{}
		header.Set("RateLimit", tc.limit)
		header.Set("Retry-After", tc.after)
		if got, asked := retryAfter(header, now); got != tc.want || asked != tc.asked {
			t.Errorf("RateLimit %q, Retry-After %q: %v %v, want %v %v", tc.limit, tc.after, got, asked, tc.want, tc.asked)
		}
	}
}
func TestRefusalMessages(t *testing.T) {
	for _, tc := range []struct {
		status  int
		headers string
		want    string
	}{
		{200, "", ""},
		{206, "", ""},
		{304, "", "SourceNotFound: X cannot be read: the server refuses the request (the answer of host.example is 304 Not Modified)."},
		{400, "X-Request-Id: a\nX-Amzn-Trace-Id: b", "SourceNotFound: X cannot be read: the server refuses the request (the answer of host.example is 400 Bad Request, request id a)."},
		{401, "", "AuthenticationFailed: X may not be read (the answer of host.example is 401 Unauthorized). Check the address and the credentials."},
		{404, "X-Amz-Cf-Id: c", "SourceNotFound: X does not exist (the answer of host.example is 404 Not Found, request id c). Check the address."},
		{408, "", "FetchFailed: X cannot be read: the server has trouble (the answer of host.example is 408 Request Timeout)."},
		{429, "", "RateLimited: X cannot be read: too many requests (the answer of host.example is 429 Too Many Requests). A token raises the limit, fewer parallel workers keep below it."},
		{503, "", "FetchFailed: X cannot be read: the server has trouble (the answer of host.example is 503 Service Unavailable)."},
	} {
		got := ""
		if err := refusal(answered(tc.status, "", tc.headers), "X", time.Time{}); err != nil {
			got = string(contract.ReasonOf(err)) + ": " + err.Error()
		}
		if diff := cmp.Diff(tc.want, got); diff != "" {
			t.Errorf("%d (-want +got):\n%s", tc.status, diff)
		}
	}
}
