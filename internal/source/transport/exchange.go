package transport

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/datasetmix/datasetmix/internal/contract"
	"github.com/datasetmix/datasetmix/internal/source"
)

// Exchange is one call of a library to a service, and the answers to it. A library's errors differ by
// service and may hold a signed address; status and headers do not, and are the same for all.
type Exchange struct {
	// File is read from Offset; nil where the call does not read a file.
	File   *source.File
	Offset int64

	mu     sync.Mutex
	count  int     // of requests
	last   *Answer // nil before an answer
	broke  error   // why the last request has none
	opened bool    // the file was asked for
}

type exchangeKey struct{}

// During returns a context in which requests belong to the exchange.
func (x *Exchange) During(ctx context.Context) context.Context {
	return context.WithValue(ctx, exchangeKey{}, x)
}

// errSecondTry ends a request that a library repeats after the first one failed: only the policy retries.
var errSecondTry = errors.New("the transfer broke")

// maxRequests is how many requests a library makes for one call: it asks for the next page of a listing itself where one is empty.
const maxRequests = 1000

// asks records a request. It fails when the library asks for the file a second time.
func (x *Exchange) asks(r *http.Request) (reads bool, err error) {
	if x == nil {
		return false, nil
	}
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.count++; x.count > maxRequests {
		return false, contract.Failf(contract.InvalidData, "%s does not come to an end, after %s. Check the endpoint.", Shown(r.URL), source.Plural(maxRequests, "answer"))
	}
	if x.File == nil || r.Method != http.MethodGet {
		return false, nil
	}
	if x.opened {
		return true, errSecondTry
	}
	x.opened = true
	return true, nil
}

// note records how a request ended.
func (x *Exchange) note(a *Answer, err error) {
	if x != nil {
		x.mu.Lock()
		defer x.mu.Unlock()
		x.last, x.broke = a, err
	}
}

// Answered returns the last answer; nil where there was none.
func (x *Exchange) Answered() *Answer {
	x.mu.Lock()
	defer x.mu.Unlock()
	return x.last
}

// broken returns why the last request has no answer; libraries lose it.
func (x *Exchange) broken() error {
	x.mu.Lock()
	defer x.mu.Unlock()
	return x.broke
}

// elsewhere returns the failure of an answer that leads to another place: a library's requests are signed for one host.
func elsewhere(r *http.Request, res *http.Response) error {
	if res.Header.Get("Location") == "" || res.Header.Get("X-Amz-Bucket-Region") != "" { // S3 says what it means
		return nil
	}
	next, err := redirect(r.URL, res)
	if err == nil && next != nil {
		if err = mayFollow(r.URL, next, 1); err == nil {
			err = contract.Failf(contract.SourceNotFound,
				"%s redirects to %s, and that is not followed: what is asked of a store is for one host. Check the endpoint.", Shown(r.URL), Shown(next))
		}
	}
	return err
}

// Library returns an HTTP client for a library that makes its own requests. It follows no redirect: such requests are signed for
// one host.
func (c *Client) Library() *http.Client {
	return staying(&exchanging{inner: c.carrier, timeouts: c.timeouts})
}

// Observed returns a transport for a library that follows redirects itself.
func (c *Client) Observed() http.RoundTripper {
	return &exchanging{inner: c.carrier, timeouts: c.timeouts, follows: true}
}

// exchanging carries the requests of libraries: with the client's timeouts, recording what is answered, and so that the body of a file's
// answer is the file from the offset, or an error.
type exchanging struct {
	inner    http.RoundTripper
	timeouts Timeouts
	// follows is true if the library follows redirects itself and gets answers unchanged.
	follows bool
}

func (t *exchanging) RoundTrip(r *http.Request) (*http.Response, error) {
	x, _ := r.Context().Value(exchangeKey{}).(*Exchange)
	reads, err := x.asks(r)
	if err != nil {
		return nil, err
	}
	res, err := t.timeouts.watch(r, t.inner.RoundTrip)
	if err != nil {
		x.note(nil, err)
		return nil, err
	}
	given := *res
	a := &Answer{Response: &given, Said: res.Header}
	x.note(a, nil)
	if err := elsewhere(r, res); err != nil && !t.follows {
		Drain(res.Body)
		x.note(nil, err)
		return nil, err
	}
	if !t.follows && (res.StatusCode == http.StatusTooManyRequests || res.StatusCode >= 500) {
		// It may come from a proxy, whose clock is not the store's: S3's client learns from Date by how much ours is wrong.
		res.Header = res.Header.Clone()
		res.Header.Del("Date")
	}
	if x != nil && !reads || res.StatusCode >= http.StatusMultipleChoices && !t.follows {
		res.Body = &capped{res.Body, MaxAnswer} // a page of a listing, a token, an error: libraries read it whole
	}
	if !reads || res.StatusCode >= http.StatusMultipleChoices {
		return res, nil
	}
	res.Header.Del("Content-Encoding") // metadata of the object, whose bytes are sent as they were stored
	body, err := content(a, *x.File, x.Offset)
	if err != nil {
		x.note(nil, err)
		return nil, err
	}
	res.Body = &noting{body, x}
	x.tidy(r, res)
	return res, nil
}

// MaxAnswer is the most bytes of one answer that is not a file.
const MaxAnswer = 16 << 20

// capped is a body that ends with an error once it has brought more than an answer may have.
type capped struct {
	io.ReadCloser
	left int
}

func (c *capped) Read(p []byte) (int, error) {
	n, err := c.ReadCloser.Read(p)
	if c.left -= n; c.left < 0 {
		return 0, contract.Failf(contract.InvalidData, "The answer has more than %d bytes, which no answer but a file has. Check the endpoint.", MaxAnswer)
	}
	return n, err
}

// tidy makes an answer the one that a library expects: the position was checked by content, and libraries refuse, or fail on, what proxies
// leave out.
func (x *Exchange) tidy(r *http.Request, res *http.Response) {
	if res.Header.Get("Last-Modified") == "" {
		res.Header.Set("Last-Modified", time.Unix(0, 0).UTC().Format(http.TimeFormat))
	}
	asked := r.Header.Get("Range") + r.Header.Get("X-Ms-Range") // one of them, by service
	if asked == "" {
		return
	}
	if res.StatusCode == http.StatusOK && res.ContentLength >= 0 {
		res.ContentLength -= x.Offset
		res.Header.Set("Content-Length", strconv.FormatInt(res.ContentLength, 10))
	}
	res.StatusCode, res.Status = http.StatusPartialContent, "206 Partial Content"
	if res.Header.Get("Content-Range") == "" {
		_, span, _ := strings.Cut(asked, "=")
		res.Header.Set("Content-Range", fmt.Sprintf("bytes %s/%d", span, x.File.Size))
	}
}

// Failure returns a call's error with its reason: the one of this package, else the one that the status means. what is the thing that was
// requested; code is the error code of the service, empty if it has none.
func (c *Client) Failure(x *Exchange, what, code string, err error) error {
	var known *contract.Failure
	if errors.As(err, &known) || errors.As(x.broken(), &known) {
		return known
	}
	a := x.Answered()
	if a == nil || a.StatusCode < http.StatusMultipleChoices {
		return nil
	}
	if code != "" {
		what = fmt.Sprintf("%s (%s)", what, contract.Clean(code, 100))
	}
	return c.Refusal(a, what)
}

// noting is a body that records in the exchange why it broke.
type noting struct {
	io.ReadCloser
	x *Exchange
}

func (n *noting) Read(p []byte) (int, error) {
	read, err := n.ReadCloser.Read(p)
	if err != nil && !errors.Is(err, io.EOF) {
		n.x.note(nil, err)
	}
	return read, err
}
