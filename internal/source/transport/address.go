package transport

import (
	"errors"
	"net/url"
	"strings"
)

// SameHost reports whether two addresses are of one server.
func SameHost(a, b *url.URL) bool { return a.Scheme == b.Scheme && authorityOf(a) == authorityOf(b) }

// OnTheWeb reports whether an address is one of an http or https server.
func OnTheWeb(u *url.URL) bool { return (u.Scheme == https || u.Scheme == "http") && u.Host != "" }

const https = "https"

// authorityOf returns host and port in one spelling, however they are written.
func authorityOf(u *url.URL) string { return strings.ToLower(u.Hostname()) + ":" + portOf(u) }

func portOf(u *url.URL) string {
	if port := u.Port(); port != "" {
		return port
	}
	return map[string]string{"http": "80", https: "443"}[u.Scheme]
}

// withoutURL returns an error of net/http without the address, whose query may hold a signature.
func withoutURL(err error) error {
	var u *url.Error
	if errors.As(err, &u) {
		return u.Err
	}
	return err
}

// Shown returns an address without what may be secret in it: user, query and fragment.
func Shown(u *url.URL) string {
	bare := url.URL{Scheme: u.Scheme, Host: u.Host, Path: u.Path, RawPath: u.RawPath}
	return bare.String()
}
