package transport

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
	"github.com/datasetmix/datasetmix/internal/source"
)

// Content returns the body of a successful answer from an offset on. It closes the body when it fails.
func Content(a *Answer, f source.File, offset int64) (io.ReadCloser, error) {
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

// packed reports whether a file's own bytes are compressed, which some servers call its encoding.
func packed(path string) bool {
	for _, end := range []string{".gz", ".zst", ".bz2", ".xz", ".br"} {
		if strings.HasSuffix(path, end) {
			return true
		}
	}
	return false
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
