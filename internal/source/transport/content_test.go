package transport

import (
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/datasetmix/datasetmix/internal/contract"
	"github.com/datasetmix/datasetmix/internal/source"
)

// answered returns an answer with headers in lines of "Name: value".
func answered(status int, body, headers string) *Answer {
	res := &http.Response{StatusCode: status, Header: http.Header{}, Body: io.NopCloser(strings.NewReader(body))}
	res.Request = &http.Request{URL: &url.URL{Scheme: "https", Host: "host.example"}}
	for _, line := range strings.Split(headers, "\n") {
		if name, value, ok := strings.Cut(line, ": "); ok {
			res.Header.Add(name, value)
		}
	}
	return &Answer{Response: res, Said: res.Header}
}

// TestContent: what is read of an answer, or how the message ends.
func TestContent(t *testing.T) {
	const whole = "0123456789"
	sum := strings.Repeat("0", 64)
	for _, tc := range []struct {
		name    string
		status  int
		body    string
		headers string
		file    source.File
		offset  int64
		want    string
		says    string
	}{
		{"whole", 200, whole, "", source.File{Size: 10}, 0, whole, ""},
		{"part", 206, "56789", "Content-Range: bytes 5-9/10", source.File{Size: 10}, 5, "56789", ""},
		{"part of unknown size", 206, "56789", "Content-Range: bytes 5-9/*", source.File{Size: -1}, 5, "56789", ""},
		{"part of a size only the server knows", 206, "56789", "Content-Range: bytes 5-9/10", source.File{Size: -1}, 5, "56789", ""},
		{"part without its range, pinned", 206, "56789", "", source.File{Size: 10, SHA256: sum}, 5, "56789", ""},
		{"part without its range", 206, "56789", "", source.File{Size: 10}, 5, "", "does not say which part it sends: the transfer cannot be continued."},
		{"another part", 206, "456789", "Content-Range: bytes 4-9/10", source.File{Size: 10}, 5, "", `sends another part ("bytes 4-9/10"): the transfer cannot be continued.`},
		{"part of another size", 206, "56789", "Content-Range: bytes 5-9/11", source.File{Size: 10}, 5, "", "copy has 11 bytes instead of 10: the transfer cannot be continued."},
		{"range ignored, pinned", 200, whole, "", source.File{Size: 10, SHA256: sum}, 5, "56789", ""},
		{"range ignored, git blob", 200, whole, "", source.File{Size: 10, GitBlob: "x"}, 5, "56789", ""},
		{"range ignored, git blob of unknown size", 200, whole, "", source.File{Size: -1, GitBlob: "x"}, 5, "", "cannot be continued."},
		{"range ignored, same ETag", 200, whole, `ETag: "a"`, source.File{Size: 10, Validator: `"a"`}, 5, "56789", ""},
		{"range ignored, nothing to prove it", 200, whole, "", source.File{Size: 10}, 5, "", "sends no part of it: the transfer cannot be continued."},
		{"range ignored, too short", 200, "012", "", source.File{Size: 10, SHA256: sum}, 5, "", "ends before that: the transfer cannot be continued."},
		{"changed", 200, whole, `ETag: "b"`, source.File{Size: 10, Validator: `"a"`}, 0, "", "changed since it was listed. Run the stage again, or pin the file's SHA-256."},
		{"changed, pinned", 200, whole, `ETag: "b"`, source.File{Size: 10, Validator: `"a"`, SHA256: sum}, 0, whole, ""},
		{"ETag gone", 200, whole, "", source.File{Size: 10, Validator: `"a"`}, 0, whole, ""},
		{"compressed", 200, "zzz", "Content-Encoding: gzip", source.File{Path: "a.json", Size: 10}, 0, "", "a server or mirror that does not compress."},
		{"called compressed", 200, whole, "Content-Encoding: gzip", source.File{Path: "a.json.gz", Size: 10}, 0, whole, ""},
		{"as it is", 200, whole, "Content-Encoding: identity", source.File{Size: 10}, 0, whole, ""},
	} {
		t.Run(tc.name, func(t *testing.T) {
			body, err := content(answered(tc.status, tc.body, tc.headers), tc.file, tc.offset)
			if tc.says != "" {
				if err == nil || !strings.HasSuffix(err.Error(), tc.says) || contract.ReasonOf(err) == contract.WorkerFailed {
					t.Errorf("%v, want %q", err, tc.says)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if got, err := io.ReadAll(body); string(got) != tc.want || err != nil {
				t.Errorf("read %q, %v; want %q", got, err, tc.want)
			}
		})
	}
}

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
		if err := (&Client{}).Refusal(answered(tc.status, "", tc.headers), "X"); err != nil {
			got = string(contract.ReasonOf(err)) + ": " + err.Error()
		}
		if diff := cmp.Diff(tc.want, got); diff != "" {
			t.Errorf("%d (-want +got):\n%s", tc.status, diff)
		}
	}
}
