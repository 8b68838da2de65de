package source

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
)

// exchange is one call to a service that a library makes for us, and what was said in it. A library's errors differ by
// service and may hold a signed address; status and headers do not, and are the same for all.
type exchange struct {
	// file is read from offset on; nil where the call does not read a file.
	file   *File
	offset int64

	mu     sync.Mutex
	count  int     // of requests
	last   *answer // nil before an answer
	broke  error   // why the last request has none
	opened bool    // the file was asked for
}

type exchangeKey struct{}

// during is a context in which requests belong to an exchange.
func during(ctx context.Context, x *exchange) context.Context {
	return context.WithValue(ctx, exchangeKey{}, x)
}

// errSecondTry ends a request that a library makes by itself after the first one failed: how often to try is ours to say.
var errSecondTry = errors.New("the transfer broke")

// maxRequests is how many requests a library makes for one call: it asks for the next page of a listing itself where one is empty.
const maxRequests = 1000

// asks notes a request. It fails when the library asks for the file a second time.
func (x *exchange) asks(r *http.Request) (reads bool, err error) {
	if x == nil {
		return false, nil
	}
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.count++; x.count > maxRequests {
		return false, contract.Failf(contract.InvalidData, "%s does not come to an end, after %s. Check the endpoint.", shown(r.URL), plural(maxRequests, "answer"))
	}
	if x.file == nil || r.Method != http.MethodGet {
		return false, nil
	}
	if x.opened {
		return true, errSecondTry
	}
	x.opened = true
	return true, nil
}

// said notes how a request ended.
func (x *exchange) said(a *answer, err error) {
	if x != nil {
		x.mu.Lock()
		defer x.mu.Unlock()
		x.last, x.broke = a, err
	}
}

// answered is the last answer, nil where there was none.
func (x *exchange) answered() *answer {
	x.mu.Lock()
	defer x.mu.Unlock()
	return x.last
}

// broken is why the last request has no answer; libraries lose it.
func (x *exchange) broken() error {
	x.mu.Lock()
	defer x.mu.Unlock()
	return x.broke
}

// elsewhere is the failure of an answer that leads to another place: a library's requests are signed for one host.
func elsewhere(r *http.Request, res *http.Response) error {
	if res.Header.Get("Location") == "" || res.Header.Get("X-Amz-Bucket-Region") != "" { // S3 says what it means
		return nil
	}
	next, err := redirect(r.URL, res)
	if err == nil && next != nil {
		if err = mayFollow(r.URL, next, 1); err == nil {
			err = contract.Failf(contract.SourceNotFound,
				"%s redirects to %s, and that is not followed: what is asked of a store is for one host. Check the endpoint.", shown(r.URL), shown(next))
		}
	}
	return err
}

// exchanging carries the requests of libraries: with our limits on time, with an eye on what is answered, and so that the
// body of a file's answer is the file from the offset on, or an error.
type exchanging struct {
	inner    http.RoundTripper
	timeouts Timeouts
	// follows leaves redirects to whoever asks, and answers as they are.
	follows bool
}

func (t *exchanging) RoundTrip(r *http.Request) (*http.Response, error) {
	x, _ := r.Context().Value(exchangeKey{}).(*exchange)
	reads, err := x.asks(r)
	if err != nil {
		return nil, err
	}
	res, err := t.timeouts.watch(r, t.inner.RoundTrip)
	if err != nil {
		x.said(nil, err)
		return nil, err
	}
	given := *res
	a := &answer{Response: &given, said: res.Header}
	x.said(a, nil)
	if err := elsewhere(r, res); err != nil && !t.follows {
		drain(res.Body)
		x.said(nil, err)
		return nil, err
	}
	if !t.follows && (res.StatusCode == http.StatusTooManyRequests || res.StatusCode >= 500) {
		// May be of a proxy, whose clock is none of the store's: S3's client learns from Date by how much ours is wrong.
		res.Header = res.Header.Clone()
		res.Header.Del("Date")
	}
	if x != nil && !reads || res.StatusCode >= http.StatusMultipleChoices && !t.follows {
		res.Body = &capped{res.Body, maxAnswer} // a page of a listing, a token, an error: libraries read it whole
	}
	if !reads || res.StatusCode >= http.StatusMultipleChoices {
		return res, nil
	}
	res.Header.Del("Content-Encoding") // a remark of whoever stored the object, about the bytes that are its own
	body, err := content(a, *x.file, x.offset)
	if err != nil {
		x.said(nil, err)
		return nil, err
	}
	res.Body = &noting{body, x}
	x.tidy(r, res)
	return res, nil
}

// capped is a body that ends with an error once it has brought more than an answer may have.
type capped struct {
	io.ReadCloser
	left int
}

func (c *capped) Read(p []byte) (int, error) {
	n, err := c.ReadCloser.Read(p)
	if c.left -= n; c.left < 0 {
		return 0, contract.Failf(contract.InvalidData, "The answer has more than %d bytes, which no answer but a file has. Check the endpoint.", maxAnswer)
	}
	return n, err
}

// tidy makes an answer the one that a library expects: content has seen to the position, and libraries refuse, or fall over,
// what proxies leave out.
func (x *exchange) tidy(r *http.Request, res *http.Response) {
	if res.Header.Get("Last-Modified") == "" {
		res.Header.Set("Last-Modified", time.Unix(0, 0).UTC().Format(http.TimeFormat))
	}
	asked := r.Header.Get("Range") + r.Header.Get("X-Ms-Range") // one of them, by service
	if asked == "" {
		return
	}
	if res.StatusCode == http.StatusOK && res.ContentLength >= 0 {
		res.ContentLength -= x.offset
		res.Header.Set("Content-Length", strconv.FormatInt(res.ContentLength, 10))
	}
	res.StatusCode, res.Status = http.StatusPartialContent, "206 Partial Content"
	if res.Header.Get("Content-Range") == "" {
		_, span, _ := strings.Cut(asked, "=")
		res.Header.Set("Content-Range", fmt.Sprintf("bytes %s/%d", span, x.file.Size))
	}
}

// failure is a call's error with its reason: what our own transport said, else what the status stands for. what names the
// thing that was asked for; code is the service's own word for what is wrong, empty where it gave none.
func (x *exchange) failure(what, code string, err error, now time.Time) error {
	var known *contract.Failure
	if errors.As(err, &known) || errors.As(x.broken(), &known) {
		return known
	}
	a := x.answered()
	if a == nil || a.StatusCode < http.StatusMultipleChoices {
		return nil
	}
	if code != "" {
		what = fmt.Sprintf("%s (%s)", what, contract.Clean(code, 100))
	}
	return refusal(a, what, now)
}

// noting is a body that tells the exchange why it broke.
type noting struct {
	io.ReadCloser
	x *exchange
}

func (n *noting) Read(p []byte) (int, error) {
	read, err := n.ReadCloser.Read(p)
	if err != nil && !errors.Is(err, io.EOF) {
		n.x.said(nil, err)
	}
	return read, err
}
