package transport

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/datasetmix/datasetmix/internal/source"
)

// FuzzHeaders: no header makes a wait negative, or a range begin elsewhere than it was asked to.
//
//fuzz:brief headers are short
func FuzzHeaders(f *testing.F) {
	f.Add(`"api";r=0;t=30`, "7", "bytes 5-9/10")
	f.Add(`;;r=;t`, "Sat, 01 Aug 2026 12:00:00 GMT", "bytes 5-9/*")
	f.Add(`r=99999999999;t=99999999999`, "-0", "bytes */10")
	f.Fuzz(func(t *testing.T, limit, after, contentRange string) {
		header := http.Header{}
		header.Set("RateLimit", limit)
		header.Set("Retry-After", after)
		if wait, asked := retryAfter(header, time.Unix(0, 0)); wait < 0 || !asked && wait != 0 {
			t.Errorf("asked %v to wait %v", asked, wait)
		}
		if checkRange(contentRange, source.File{Size: 10}, 5) == nil && !strings.HasPrefix(contentRange, "bytes 5-") {
			t.Errorf("took the range %q", contentRange)
		}
	})
}

// FuzzHosts: what is read of a Secret's key lets no other host through than it names.
//
//fuzz:brief entries are short, and a regular expression reads them
func FuzzHosts(f *testing.F) {
	f.Add("hub.example.org, *.b.org:8443 [::1]", "evil.example.org")
	f.Fuzz(func(t *testing.T, text, host string) {
		hosts, err := ParseHosts(text)
		if err != nil {
			return
		}
		u := &url.URL{Scheme: https, Host: host}
		if hosts.may(u) && !slices.ContainsFunc(hosts, func(rule hostRule) bool { return strings.HasSuffix(hostName(u.Hostname()), rule.name) }) {
			t.Errorf("%q lets %q through", text, host)
		}
	})
}
