package transport

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"

	"github.com/datasetmix/datasetmix/internal/contract"
	"github.com/datasetmix/datasetmix/internal/source"
)

// Client sends requests and follows redirects itself: http.Client would lose what an answer on the way says of a file, and decide where a
// token goes.
type Client struct {
	// Retry is for the requests that list; source.Wrap retries those that open a file.
	Retry source.Policy
	// Hosts are those that credentials may be sent to.
	Hosts    Hosts
	carrier  http.RoundTripper
	timeouts Timeouts
}

// NewClient returns a client whose every request is guarded, whatever transport the options have. Its errors are
// contract.InvalidTask.
func NewClient(o Options, retry source.Policy) (*Client, error) {
	o.Timeouts = o.Timeouts.withDefaults()
	carrier, err := newTransport(o)
	if err != nil {
		return nil, err
	}
	return &Client{Retry: retry, Hosts: o.Hosts, carrier: guarded{carrier, o.Hosts}, timeouts: o.Timeouts}, nil
}

// Transport returns what carries the client's requests.
func (c *Client) Transport() http.RoundTripper { return c.carrier }

// With returns a client whose requests are carried by a transport that wraps this client's.
func (c *Client) With(carrier http.RoundTripper) *Client {
	other := *c
	other.carrier = carrier
	return &other
}

// staying returns an HTTP client that returns redirects as they are.
func staying(carrier http.RoundTripper) *http.Client {
	return &http.Client{Transport: carrier, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
}

// Request is a request for an address.
type Request struct {
	Method string
	URL    *url.URL
	// Authorization is sent to the host of URL and to no other; empty means no header.
	Authorization string
	// Header holds further fields.
	Header http.Header
}

// Answer is the response at the end of the redirects.
type Answer struct {
	*http.Response
	// Said holds the fields of all answers on the way; of several with one name, the first. The host that knows the file answers before the
	// host that only stores its bytes.
	Said http.Header
	// Foreign is true if the last answer came from another host than the one that was asked.
	Foreign bool
}

// Do sends a request and follows redirects to an answer, whatever its status. The answer's body must be closed; reading
// it fails when no bytes arrive for too long.
func (c *Client) Do(ctx context.Context, req Request) (*Answer, error) {
	at, said, foreign := req.URL, http.Header{}, false
	for requests := 1; ; requests++ {
		foreign = foreign || !SameHost(at, req.URL) // also back on the first host: another host does not choose what credentials open
		res, err := c.once(ctx, req, at, foreign)
		if err != nil {
			return nil, err
		}
		for name, values := range res.Header {
			if _, known := said[name]; !known {
				said[name] = values
			}
		}
		next, err := redirect(at, res)
		if next == nil && err == nil {
			return &Answer{Response: res, Said: said, Foreign: foreign}, nil
		}
		Drain(res.Body)
		if err == nil {
			err = mayFollow(at, next, requests)
		}
		if err != nil {
			return nil, err
		}
		at = next
	}
}

// redirect returns where a response leads; nil where it is no redirect.
func redirect(at *url.URL, res *http.Response) (*url.URL, error) {
	switch res.StatusCode {
	case http.StatusMovedPermanently, http.StatusFound, http.StatusSeeOther,
		http.StatusTemporaryRedirect, http.StatusPermanentRedirect:
	default:
		return nil, nil
	}
	location := res.Header.Get("Location")
	next, err := at.Parse(location)
	if location == "" || err != nil || !OnTheWeb(next) {
		return nil, contract.Failf(contract.FetchFailed, "%s redirects to something that is no address.", Shown(at))
	}
	return next, nil
}

// once sends one request.
func (c *Client) once(ctx context.Context, req Request, at *url.URL, foreign bool) (*http.Response, error) {
	r, err := http.NewRequestWithContext(ctx, req.Method, at.String(), nil)
	if err != nil {
		return nil, contract.Failf(contract.InvalidTask, "%s is no address: %w.", Shown(at), withoutURL(err))
	}
	for name, values := range req.Header {
		r.Header[name] = values
	}
	r.Header.Set("User-Agent", "datasetmix")
	r.Header.Set("Accept-Encoding", "identity")
	if req.Authorization != "" && !foreign {
		r.Header.Set("Authorization", req.Authorization)
	}
	return c.timeouts.watch(r, staying(c.carrier).Do)
}

// Read sends a request for a file and returns its content from an offset on. refusal returns the failure of an answer without the
// file, nil for a success.
func (c *Client) Read(ctx context.Context, req Request, f source.File, offset int64, refusal func(*Answer) error) (io.ReadCloser, error) {
	a, err := c.Do(ctx, req)
	if err != nil {
		return nil, err
	}
	if a.StatusCode == http.StatusRequestedRangeNotSatisfiable {
		err = source.CannotContinue(f, offset, "the server's copy ends before that")
	} else {
		err = refusal(a)
	}
	if err != nil {
		Drain(a.Body)
		return nil, err
	}
	return content(a, f, offset)
}

// RangeFrom returns the header that asks for a file from an offset, if it is still the one with the validator.
func RangeFrom(offset int64, validator string) http.Header {
	header := http.Header{}
	if offset > 0 {
		header.Set("Range", fmt.Sprintf("bytes=%d-", offset))
		if validator != "" {
			header.Set("If-Range", validator)
		}
	}
	return header
}

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

// Bearer returns the value of Authorization for a token, which may be empty.
func Bearer(token string) string {
	if token == "" {
		return ""
	}
	return "Bearer " + token
}

// Malformed reports whether a token holds characters that no token has, and that a header may not have.
func Malformed(token string) bool {
	return strings.ContainsFunc(token, func(r rune) bool { return r <= ' ' || r >= 0x7f })
}
