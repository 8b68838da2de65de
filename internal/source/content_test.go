package source

import (
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/datasetmix/datasetmix/internal/contract"
)

// answered is an answer with headers in lines of "Name: value".
func answered(status int, body, headers string) *answer {
	res := &http.Response{StatusCode: status, Header: http.Header{}, Body: io.NopCloser(strings.NewReader(body))}
	res.Request = &http.Request{URL: &url.URL{Scheme: "https", Host: "host.example"}}
	for _, line := range strings.Split(headers, "\n") {
		if name, value, ok := strings.Cut(line, ": "); ok {
			res.Header.Add(name, value)
		}
	}
	return &answer{Response: res, said: res.Header}
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
		file    File
		offset  int64
		want    string
		says    string
	}{
		{"whole", 200, whole, "", File{Size: 10}, 0, whole, ""},
		{"part", 206, "56789", "Content-Range: bytes 5-9/10", File{Size: 10}, 5, "56789", ""},
		{"part of unknown size", 206, "56789", "Content-Range: bytes 5-9/*", File{Size: -1}, 5, "56789", ""},
		{"part of a size only the server knows", 206, "56789", "Content-Range: bytes 5-9/10", File{Size: -1}, 5, "56789", ""},
		{"part without its range, pinned", 206, "56789", "", File{Size: 10, SHA256: sum}, 5, "56789", ""},
		{"part without its range", 206, "56789", "", File{Size: 10}, 5, "", "does not say which part it sends: the transfer cannot be continued."},
		{"another part", 206, "456789", "Content-Range: bytes 4-9/10", File{Size: 10}, 5, "", `sends another part ("bytes 4-9/10"): the transfer cannot be continued.`},
		{"part of another size", 206, "56789", "Content-Range: bytes 5-9/11", File{Size: 10}, 5, "", "copy has 11 bytes instead of 10: the transfer cannot be continued."},
		{"range ignored, pinned", 200, whole, "", File{Size: 10, SHA256: sum}, 5, "56789", ""},
		{"range ignored, git blob", 200, whole, "", File{Size: 10, GitBlob: "x"}, 5, "56789", ""},
		{"range ignored, git blob of unknown size", 200, whole, "", File{Size: -1, GitBlob: "x"}, 5, "", "cannot be continued."},
		{"range ignored, same ETag", 200, whole, `ETag: "a"`, File{Size: 10, Validator: `"a"`}, 5, "56789", ""},
		{"range ignored, nothing to prove it", 200, whole, "", File{Size: 10}, 5, "", "sends no part of it: the transfer cannot be continued."},
		{"range ignored, too short", 200, "012", "", File{Size: 10, SHA256: sum}, 5, "", "ends before that: the transfer cannot be continued."},
		{"changed", 200, whole, `ETag: "b"`, File{Size: 10, Validator: `"a"`}, 0, "", "changed since it was listed. Run the stage again, or pin the file's SHA-256."},
		{"changed, pinned", 200, whole, `ETag: "b"`, File{Size: 10, Validator: `"a"`, SHA256: sum}, 0, whole, ""},
		{"ETag gone", 200, whole, "", File{Size: 10, Validator: `"a"`}, 0, whole, ""},
		{"compressed", 200, "zzz", "Content-Encoding: gzip", File{Path: "a.json", Size: 10}, 0, "", "a server or mirror that does not compress."},
		{"called compressed", 200, whole, "Content-Encoding: gzip", File{Path: "a.json.gz", Size: 10}, 0, whole, ""},
		{"as it is", 200, whole, "Content-Encoding: identity", File{Size: 10}, 0, whole, ""},
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

func TestRedirect(t *testing.T) {
	for _, tc := range []struct {
		status         int
		from, location string
		want           string // empty: stays; "refused": an error
	}{
		{200, "https://a/x", "https://b/y", ""},
		{304, "https://a/x", "https://b/y", ""},
		{302, "https://a/x", "https://b/y?sig=1", "https://b/y?sig=1"},
		{307, "https://a/x/z", "/y?etag=%221%22", "https://a/y?etag=%221%22"},
		{308, "https://a/x/z", "y", "https://a/x/y"},
		{301, "http://a/x", "https://a/x", "https://a/x"},
		{303, "http://a/x", "http://b/x", "http://b/x"},
		{302, "https://a/x", "//b/x", "https://b/x"},
		{302, "https://a/x", "", "refused"},
		{302, "https://a/x", "file:///etc/passwd", "refused"},
		{302, "https://a/x", "https:///x", "refused"},
		{302, "https://a/x", "https://[b", "refused"},
	} {
		from, err := url.Parse(tc.from)
		if err != nil {
			t.Fatal(err)
		}
		next, err := redirect(from, answered(tc.status, "", "Location: "+tc.location).Response)
		got := ""
		if err != nil {
			got = "refused"
		} else if next != nil {
			got = next.String()
		}
		if got != tc.want {
			t.Errorf("%d from %s to %q leads to %q, want %q", tc.status, tc.from, tc.location, got, tc.want)
		}
	}
}

func TestSameHost(t *testing.T) {
	for _, tc := range []struct {
		a, b string
		want bool
	}{
		{"https://hub/x", "https://hub/y", true},
		{"https://hub/x", "https://hub:444/x", false},
		{"https://hub/x", "https://cdn.hub/x", false},
		{"https://hub/x", "http://hub/x", false},
	} {
		a, _ := url.Parse(tc.a)
		b, _ := url.Parse(tc.b)
		if got := sameHost(a, b); got != tc.want {
			t.Errorf("%s and %s: %v, want %v", tc.a, tc.b, got, tc.want)
		}
	}
}

func TestShownHidesWhatMayBeSecret(t *testing.T) {
	u, err := url.Parse("https://user:pass@host:8080/a%2Fb/c?sig=1#part")
	if err != nil {
		t.Fatal(err)
	}
	if got := shown(u); got != "https://host:8080/a%2Fb/c" {
		t.Error(got)
	}
}
