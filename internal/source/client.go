package source

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"strings"
	"time"

	"golang.org/x/net/http/httpproxy"

	"github.com/datasetmix/datasetmix/internal/contract"
)

// Timeouts of the parts of a request. There is none on the whole: a large file may take hours. A zero field is its default.
type Timeouts struct {
	// Connect is for reaching the host, TLS included. Default 10 s.
	Connect time.Duration
	// Header is from the request to the first byte of the answer. Default 60 s.
	Header time.Duration
	// Idle is how long a transfer may stand still, or bring less than 16 KiB. Default 60 s.
	Idle time.Duration
}

func (t Timeouts) withDefaults() Timeouts {
	if t.Connect == 0 {
		t.Connect = 10 * time.Second
	}
	if t.Header == 0 {
		t.Header = time.Minute
	}
	if t.Idle == 0 {
		t.Idle = time.Minute
	}
	return t
}

// newTransport carries requests with the environment's proxy, resolver and certificates. Its errors are
// contract.InvalidTask.
func newTransport(env Environment) (http.RoundTripper, error) {
	t := &http.Transport{
		Proxy:                  proxy(),
		OnProxyConnectResponse: proxyAnswered,
		DialContext:            dialer(env).DialContext,
		TLSHandshakeTimeout:    env.Timeouts.Connect,
		ForceAttemptHTTP2:      true,
		MaxIdleConnsPerHost:    8,
		IdleConnTimeout:        90 * time.Second,
		// Headers are few; an answer that has more is none of a server of files.
		MaxResponseHeaderBytes: 256 << 10,
		DisableCompression:     true, // a file's length, ranges and digest are those of its own bytes
	}
	if len(env.CABundle) > 0 {
		roots, err := x509.SystemCertPool()
		if err != nil {
			roots = x509.NewCertPool() // a worker's image may have none
		}
		if !roots.AppendCertsFromPEM(env.CABundle) {
			return nil, contract.Failf(contract.InvalidTask, "The CA bundle holds no certificate in PEM form. Check the key that caBundleRef names.")
		}
		t.TLSClientConfig = &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12}
	}
	return t, nil
}

// proxy is the one that HTTP_PROXY, HTTPS_PROXY and NO_PROXY name, read anew for every source: net/http reads them once.
func proxy() func(*http.Request) (*url.URL, error) {
	find := httpproxy.FromEnvironment().ProxyFunc()
	return func(r *http.Request) (*url.URL, error) {
		u, err := find(r.URL)
		if err != nil { // which repeats the variable, with a password that it may hold
			return nil, contract.Failf(contract.InvalidTask, "HTTP_PROXY or HTTPS_PROXY is not the address of a proxy. Check the proxy of the workers.")
		}
		return u, nil
	}
}

// proxyAnswered is the failure of a proxy that makes no connection to an https server.
func proxyAnswered(_ context.Context, proxy *url.URL, asked *http.Request, answer *http.Response) error {
	if answer.StatusCode < 300 {
		return nil
	}
	said := fmt.Sprintf("the proxy %s does not connect to %s (its answer is %d %s)",
		proxy.Host, asked.URL.Host, answer.StatusCode, http.StatusText(answer.StatusCode))
	switch answer.StatusCode {
	case http.StatusProxyAuthRequired:
		return contract.Failf(contract.AuthenticationFailed, "%s: it wants credentials, and got none or wrong ones.", said)
	case http.StatusForbidden, http.StatusUnauthorized:
		return contract.Failf(contract.AuthenticationFailed, "%s. Let it allow the host, or name the host in noProxy.", said)
	default:
		return contract.Failf(contract.FetchFailed, "%s.", said)
	}
}

// client sends requests and follows redirects itself: what an answer on the way says of a file is lost to clients that
// follow by themselves, and so is control over where a token goes.
type client struct {
	http     *http.Client
	timeouts Timeouts
	clock    Clock
	patience patience // for the requests that list; a decorator has it for those that open
}

func newClient(env Environment) *client {
	stay := func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return &client{
		http:     &http.Client{Transport: env.Transport, CheckRedirect: stay},
		timeouts: env.Timeouts,
		clock:    env.Clock,
		patience: env.patience(),
	}
}

// request is what is asked for.
type request struct {
	method string
	url    *url.URL
	// authorization for the host of url and no other; empty is none.
	authorization string
	// header holds further fields.
	header http.Header
}

// answer is the response at the end of the redirects.
type answer struct {
	*http.Response
	// said holds the fields that any answer on the way carried, the first of a name counting: those of the host that
	// knows the file come before those of the host that merely keeps its bytes.
	said http.Header
	// foreign says that the last answer came from another host than the one that was asked.
	foreign bool
}

// do sends a request and follows redirects to an answer, whatever its status. The answer's body must be closed; reading
// it fails when it stands still for too long.
func (c *client) do(ctx context.Context, req request) (*answer, error) {
	at, said, foreign := req.url, http.Header{}, false
	for requests := 1; ; requests++ {
		foreign = foreign || !sameHost(at, req.url) // for good: another host does not choose what credentials open
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
			return &answer{Response: res, said: said, foreign: foreign}, nil
		}
		drain(res.Body)
		if err == nil {
			err = mayFollow(at, next, requests)
		}
		if err != nil {
			return nil, err
		}
		at = next
	}
}

// redirect is where a response leads, nil where it is no redirect.
func redirect(at *url.URL, res *http.Response) (*url.URL, error) {
	switch res.StatusCode {
	case http.StatusMovedPermanently, http.StatusFound, http.StatusSeeOther,
		http.StatusTemporaryRedirect, http.StatusPermanentRedirect:
	default:
		return nil, nil
	}
	location := res.Header.Get("Location")
	next, err := at.Parse(location)
	if location == "" || err != nil || !onTheWeb(next) {
		return nil, contract.Failf(contract.FetchFailed, "%s redirects to something that is no address.", shown(at))
	}
	return next, nil
}

func sameHost(a, b *url.URL) bool { return a.Scheme == b.Scheme && authorityOf(a) == authorityOf(b) }

// onTheWeb says that an address is one of an http or https server.
func onTheWeb(u *url.URL) bool { return (u.Scheme == https || u.Scheme == "http") && u.Host != "" }

const https = "https"

// authorityOf is host and port as they are the same however they are written.
func authorityOf(u *url.URL) string { return strings.ToLower(u.Hostname()) + ":" + portOf(u) }

func portOf(u *url.URL) string {
	if port := u.Port(); port != "" {
		return port
	}
	return map[string]string{"http": "80", https: "443"}[u.Scheme]
}

// once sends one request.
func (c *client) once(ctx context.Context, req request, at *url.URL, foreign bool) (*http.Response, error) {
	r, err := http.NewRequestWithContext(ctx, req.method, at.String(), nil)
	if err != nil {
		return nil, contract.Failf(contract.InvalidTask, "%s is no address: %w.", shown(at), withoutURL(err))
	}
	for name, values := range req.header {
		r.Header[name] = values
	}
	r.Header.Set("User-Agent", "datasetmix")
	r.Header.Set("Accept-Encoding", "identity")
	if req.authorization != "" && !foreign {
		r.Header.Set("Authorization", req.authorization)
	}
	return c.timeouts.watch(r, c.http.Do)
}

// watch sends a request. Its context ends with the answer's body, or when nothing moves for too long.
func (t Timeouts) watch(r *http.Request, send func(*http.Request) (*http.Response, error)) (*http.Response, error) {
	ctx, cancel := context.WithCancelCause(r.Context())
	silence := time.AfterFunc(t.Connect+t.Header, func() { cancel(errSilent) })
	trace := httptrace.ClientTrace{WroteRequest: func(httptrace.WroteRequestInfo) { silence.Reset(t.Header) }}
	res, err := send(r.WithContext(httptrace.WithClientTrace(ctx, &trace)))
	silence.Stop()
	if err == nil && ctx.Err() != nil {
		// Over TLS a server can answer between our farewell and the end of the connection, and net/http hands that on. It is no
		// answer to go by.
		res.Body.Close() // nobody reads it
		err = ctx.Err()
	}
	if err != nil {
		err = unreachable(ctx, r.URL, err)
		cancel(nil)
		return nil, err
	}
	res.Body = &watched{ReadCloser: res.Body, ctx: ctx, cancel: cancel, at: r.URL, idle: t.Idle}
	return res, nil
}

// Causes of a request that this side ended.
var (
	errSilent = errors.New("it did not answer in time")
	errIdle   = errors.New("the transfer stood still")
	errSlow   = errors.New("the transfer brought next to nothing")
)

// unreachable is the failure of a request without an answer.
func unreachable(ctx context.Context, at *url.URL, err error) error {
	var known *contract.Failure
	if errors.As(err, &known) {
		return contract.Within(shown(at), known) // a host that is refused, a proxy that refuses
	}
	if cause := context.Cause(ctx); cause != nil {
		err = cause // why it was ended says more than that it was
	}
	var certificate *tls.CertificateVerificationError
	if errors.As(err, &certificate) {
		return contract.Failf(contract.AuthenticationFailed,
			"%s cannot be read: the certificate of the server, or of a proxy on the way, is not trusted: %w. "+
				"Where it is one of your own, give its authority's certificate; for an http source, with caBundleRef.", shown(at), certificate.Err)
	}
	return contract.Failf(contract.FetchFailed, "%s cannot be read: %w.", shown(at), withoutURL(err))
}

// withoutURL takes the address out of an error of net/http, since its query may hold a signature.
func withoutURL(err error) error {
	var u *url.Error
	if errors.As(err, &u) {
		return u.Err
	}
	return err
}

// shown is an address without what may be secret in it: user, query and fragment.
func shown(u *url.URL) string {
	bare := url.URL{Scheme: u.Scheme, Host: u.Host, Path: u.Path, RawPath: u.RawPath}
	return bare.String()
}

// minimum is how many bytes a transfer must bring in the time that it may stand still. A server that sends a byte now and
// then would else hold a worker for ever.
const minimum = 16 << 10

// watched is a body whose reads end when nothing comes for too long, or too little. The time that the reader takes for
// itself, to write to a slow disk, does not count.
type watched struct {
	io.ReadCloser
	ctx    context.Context // of the request; the body ends with it, and its cause says why
	cancel context.CancelCauseFunc
	at     *url.URL
	idle   time.Duration

	waited  time.Duration // in reads, since the bytes were last counted
	brought int           // bytes in that time
}

func (w *watched) Read(p []byte) (int, error) {
	timer, began := time.AfterFunc(w.idle, func() { w.cancel(errIdle) }), time.Now()
	n, err := w.ReadCloser.Read(p)
	timer.Stop()
	if err == nil {
		w.measure(n, time.Since(began))
	} else if !errors.Is(err, io.EOF) {
		err = unreachable(w.ctx, w.at, err)
	}
	return n, err
}

// measure ends a transfer that has brought too little.
func (w *watched) measure(n int, took time.Duration) {
	w.waited, w.brought = w.waited+took, w.brought+n
	if w.waited < w.idle {
		return
	}
	if w.brought < minimum {
		w.cancel(errSlow)
	}
	w.waited, w.brought = 0, 0
}

func (w *watched) Close() error {
	w.cancel(nil)
	return w.ReadCloser.Close()
}

// drain reads a short body to its end, so that the connection can be used again, and closes it.
func drain(body io.ReadCloser) {
	_, _ = io.CopyN(io.Discard, body, 16<<10) // the answer is known; its body is not wanted
	_ = body.Close()
}

// rangeFrom is the header that asks for a file from an offset on, unless it is no longer the one with the validator.
func rangeFrom(offset int64, validator string) http.Header {
	header := http.Header{}
	if offset > 0 {
		header.Set("Range", fmt.Sprintf("bytes=%d-", offset))
		if validator != "" {
			header.Set("If-Range", validator)
		}
	}
	return header
}
