package transport

import (
	"net/url"
	"testing"
)

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
		if got := SameHost(a, b); got != tc.want {
			t.Errorf("%s and %s: %v, want %v", tc.a, tc.b, got, tc.want)
		}
	}
}

func TestShownHidesWhatMayBeSecret(t *testing.T) {
	u, err := url.Parse("https://user:pass@host:8080/a%2Fb/c?sig=1#part")
	if err != nil {
		t.Fatal(err)
	}
	if got := Shown(u); got != "https://host:8080/a%2Fb/c" {
		t.Error(got)
	}
}
