// Package transport sends the requests of sources to servers. No other package of the data plane creates HTTP transports, so that every
// request is guarded: its address, the hosts that credentials may be sent to, its time, its redirects, and its answer.
package transport

import (
	"cmp"
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"time"

	"golang.org/x/net/http/httpproxy"

	"github.com/datasetmix/datasetmix/internal/contract"
)

// Timeouts limit the parts of a request. Nothing limits the whole: a large file may take hours. A zero field is its default.
type Timeouts struct {
	// Connect is for reaching the host, TLS included. Default 10 s.
	Connect time.Duration
	// Header is from the request to the first byte of the answer. Default 60 s.
	Header time.Duration
	// Idle is how long a transfer may make no progress, or bring less than 16 KiB. Default 60 s.
	Idle time.Duration
}

func (t Timeouts) withDefaults() Timeouts {
	return Timeouts{cmp.Or(t.Connect, 10*time.Second), cmp.Or(t.Header, time.Minute), cmp.Or(t.Idle, time.Minute)}
}

// Options are how a source's servers are reached; the zero value reaches public ones.
type Options struct {
	// Hosts are those that credentials may be sent to; nil is whichever the source names.
	Hosts Hosts
	// CABundle holds certificates of authorities in PEM form that are trusted in addition to those of the system.
	CABundle []byte
	// Resolver finds the addresses of hosts; nil is the system's.
	Resolver *net.Resolver
	// Transport carries the requests; nil is one with the bundle, the resolver and the timeouts here, and the proxy of the
	// process's environment. Whichever it is, no request leaves for a host that is refused.
	Transport http.RoundTripper
	// Timeouts of connecting, of an answer and of a transfer that makes no progress.
	Timeouts Timeouts
}

// newTransport returns the transport of the options. Its errors are contract.InvalidTask.
func newTransport(o Options) (http.RoundTripper, error) {
	if o.Transport != nil {
		return o.Transport, nil
	}
	t := &http.Transport{
		Proxy:                  proxy(),
		OnProxyConnectResponse: proxyAnswered,
		DialContext:            dialer(o).DialContext,
		TLSHandshakeTimeout:    o.Timeouts.Connect,
		ForceAttemptHTTP2:      true,
		MaxIdleConnsPerHost:    8,
		IdleConnTimeout:        90 * time.Second,
		// Headers are few; an answer that has more is not one of a server of files.
		MaxResponseHeaderBytes: 256 << 10,
		DisableCompression:     true, // a file's length, ranges and digest are those of its own bytes
	}
	if len(o.CABundle) > 0 {
		roots, err := x509.SystemCertPool()
		if err != nil {
			roots = x509.NewCertPool() // a worker's image may have none
		}
		if !roots.AppendCertsFromPEM(o.CABundle) {
			return nil, contract.Failf(contract.InvalidTask, "The CA bundle holds no certificate in PEM form. Check the key that caBundleRef names.")
		}
		t.TLSClientConfig = &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12}
	}
	return t, nil
}

// proxy returns the proxy of HTTP_PROXY, HTTPS_PROXY and NO_PROXY, read anew for every source: net/http reads them once.
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

// proxyAnswered returns the failure of a proxy that makes no connection to an https server.
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
