package transport

import (
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"

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
			body, err := Content(answered(tc.status, tc.body, tc.headers), tc.file, tc.offset)
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
