package transport

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"time"

	"github.com/datasetmix/datasetmix/internal/contract"
	"github.com/datasetmix/datasetmix/internal/source"
)

// watch sends a request. Its context ends with the answer's body, or when nothing moves for too long.
func (t Timeouts) watch(r *http.Request, send func(*http.Request) (*http.Response, error)) (*http.Response, error) {
	ctx, cancel := context.WithCancelCause(r.Context())
	silence := time.AfterFunc(t.Connect+t.Header, func() { cancel(errSilent) })
	trace := httptrace.ClientTrace{WroteRequest: func(httptrace.WroteRequestInfo) { silence.Reset(t.Header) }}
	res, err := send(r.WithContext(httptrace.WithClientTrace(ctx, &trace)))
	silence.Stop()
	if err == nil && ctx.Err() != nil {
		// Over TLS a server can answer between our close and the end of the connection, and net/http returns that. It is not the
		// answer to the request.
		res.Body.Close() // it is not read
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
)

// unreachable returns the failure of a request without an answer.
func unreachable(ctx context.Context, at *url.URL, err error) error {
	var known *contract.Failure
	if errors.As(err, &known) {
		return contract.Within(Shown(at), known) // a host that is refused, a proxy that refuses
	}
	if cause := context.Cause(ctx); cause != nil {
		err = cause // why it was ended says more than that it was
	}
	var certificate *tls.CertificateVerificationError
	if errors.As(err, &certificate) {
		return contract.Failf(contract.AuthenticationFailed,
			"%s cannot be read: the certificate of the server, or of a proxy on the way, is not trusted: %w. "+
				"Where it is one of your own, give its authority's certificate; for an http source, with caBundleRef.", Shown(at), certificate.Err)
	}
	return contract.Failf(contract.FetchFailed, "%s cannot be read: %w.", Shown(at), withoutURL(err))
}

// minimum is how many bytes a transfer must bring in the time that it may make no progress. Otherwise a server
// that sends a byte now and then would hold a worker for ever.
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
		w.cancel(source.ErrSlow)
	}
	w.waited, w.brought = 0, 0
}

func (w *watched) Close() error {
	w.cancel(nil)
	return w.ReadCloser.Close()
}

// Drain reads a short body to its end, so that the connection can be used again, and closes it.
func Drain(body io.ReadCloser) {
	_, _ = io.CopyN(io.Discard, body, 16<<10) // the answer is known; its body is not wanted
	_ = body.Close()
}
