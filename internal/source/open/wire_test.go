package open_test

import (
	"bytes"
	"context"
	"encoding/pem"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/net/dns/dnsmessage"

	"github.com/datasetmix/datasetmix/internal/source/open"
	"github.com/datasetmix/datasetmix/internal/source/transport"
	"github.com/datasetmix/datasetmix/internal/testing/hub"
	"github.com/datasetmix/datasetmix/internal/testing/sources"
)

// wire is the way that a subject's bytes take over HTTP, where the suite breaks things. A subject puts its server behind
// serve and makes its source with environment; of what goes wrong it need know nothing.
type wire struct {
	t      *testing.T
	clock  *sources.Clock
	faults hub.Faults
	names  *names
	sent   atomic.Int64 // bytes that left in answer to requests onFile
	opts   wireOptions
}

// wireOptions are what a case of the suite needs of the way.
type wireOptions struct {
	tls      bool
	timeouts transport.Timeouts
	attempts int
}

// The kinds of requests that the suite tells apart, as a subject's kindOf names them. Others are "".
const (
	onFile hub.Kind = "file" // reads the file's bytes
	onDoor hub.Kind = "door" // is led from to where they lie
)

func newWire(t *testing.T, opts wireOptions) *wire {
	w := &wire{t: t, clock: sources.NewClock(), opts: opts}
	w.names = newNames(t, w.clock)
	return w
}

// environment returns what a subject opens its source with: nothing waits, the hosts of serve are found, and their certificates
// are trusted.
func (w *wire) environment() open.Options {
	env := environment(w.clock)
	env.Network.Resolver, env.Network.Timeouts, env.Reading.Retry.Attempts = w.names.resolver(), w.opts.timeouts, w.opts.attempts
	env.Network.CABundle = authority(w.t)
	return env
}

// serve puts a handler onto the way, and gives its base URL: host is one label, such as "files".
func (w *wire) serve(host string, kindOf func(*http.Request) hub.Kind, next http.Handler) string {
	handler := w.faults.Handler(kindOf, next)
	counting := http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		if kindOf(r) == onFile {
			rw = &counter{rw, &w.sent}
		}
		handler.ServeHTTP(rw, r)
	})
	return serveAs(w.t, host, w.opts.tls, counting)
}

func serveAs(t *testing.T, host string, tls bool, handler http.Handler) string {
	t.Helper()
	server := httptest.NewUnstartedServer(handler)
	scheme := "http://"
	if tls {
		scheme = "https://"
		server.StartTLS()
	} else {
		server.Start()
	}
	t.Cleanup(server.Close)
	_, port, _ := net.SplitHostPort(server.Listener.Addr().String())
	return scheme + host + ".example.com:" + port
}

// authority returns the certificate that vouches for every httptest server.
func authority(t *testing.T) []byte {
	t.Helper()
	server := httptest.NewTLSServer(nil)
	defer server.Close()
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw})
}

type counter struct {
	http.ResponseWriter
	n *atomic.Int64
}

func (c *counter) Write(p []byte) (int, error) {
	c.n.Add(int64(len(p))) // before they leave, so that a client that has them all finds them counted
	return c.ResponseWriter.Write(p)
}

func (c *counter) Unwrap() http.ResponseWriter { return c.ResponseWriter }

// elsewhere is a host that a redirect leads to. It serves the file to whoever asks, and keeps what it was asked.
type elsewhere struct {
	url  string
	mu   sync.Mutex
	seen []string
}

func newElsewhere(t *testing.T, tls bool) *elsewhere {
	e := &elsewhere{}
	e.url = serveAs(t, "elsewhere", tls, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		dump, _ := httputil.DumpRequest(r, false) // of a request that was just read
		e.mu.Lock()
		e.seen = append(e.seen, string(dump))
		e.mu.Unlock()
		w.Header().Set("ETag", `"`+sources.Digest(sources.Text())[:8]+`"`)
		http.ServeContent(w, r, "train.jsonl", time.Time{}, bytes.NewReader(sources.Text()))
	}))
	return e
}

func (e *elsewhere) requests() []string {
	e.mu.Lock()
	defer e.mu.Unlock()
	return append([]string(nil), e.seen...)
}

// names is a server of the DNS. Every host of example.com is this machine, but for metadata.example.com, which is where clouds
// have their metadata.
type names struct {
	t     *testing.T
	clock *sources.Clock
	once  sync.Once
	at    string

	mu    sync.Mutex
	until int // how many waits of the clock it takes until it answers
}

func newNames(t *testing.T, c *sources.Clock) *names { return &names{t: t, clock: c} }

// fail lets every question go wrong until the clock has waited so many times more.
func (n *names) fail(waits int) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.until = len(n.clock.Waits()) + waits
}

func (n *names) resolver() *net.Resolver {
	return &net.Resolver{PreferGo: true, Dial: func(ctx context.Context, _, _ string) (net.Conn, error) {
		n.once.Do(n.listen)
		var d net.Dialer
		return d.DialContext(ctx, "udp", n.at)
	}}
}

func (n *names) listen() {
	conn, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		n.t.Error(err)
		return
	}
	n.at = conn.LocalAddr().String()
	n.t.Cleanup(func() { conn.Close() })
	go func() {
		for buffer := make([]byte, 1500); ; {
			size, from, err := conn.ReadFrom(buffer)
			if err != nil {
				return // closed
			}
			var asked dnsmessage.Message
			if asked.Unpack(buffer[:size]) != nil || len(asked.Questions) != 1 {
				continue
			}
			answer := n.answer(asked)
			if packed, err := answer.Pack(); err == nil {
				_, _ = conn.WriteTo(packed, from) // whoever asked may be gone
			}
		}
	}()
}

func (n *names) answer(asked dnsmessage.Message) dnsmessage.Message {
	out := dnsmessage.Message{Header: dnsmessage.Header{ID: asked.ID, Response: true, RecursionAvailable: true}, Questions: asked.Questions}
	n.mu.Lock()
	missing := n.until - len(n.clock.Waits())
	n.mu.Unlock()
	q := asked.Questions[0]
	host := strings.ToLower(q.Name.String())
	switch {
	case missing > 0 && missing%2 == 0:
		out.RCode = dnsmessage.RCodeServerFailure
	case missing > 0, !strings.HasSuffix(host, ".example.com."):
		out.RCode = dnsmessage.RCodeNameError
	case q.Type == dnsmessage.TypeA:
		address := [4]byte{127, 0, 0, 1}
		if host == "metadata.example.com." {
			address = [4]byte{169, 254, 169, 254}
		}
		out.Answers = []dnsmessage.Resource{{
			Header: dnsmessage.ResourceHeader{Name: q.Name, Type: q.Type, Class: q.Class},
			Body:   &dnsmessage.AResource{A: address},
		}}
	}
	return out
}
