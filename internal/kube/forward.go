package kube

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"sync"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/client-go/tools/portforward"
	"k8s.io/client-go/transport/spdy"
	streaming "k8s.io/streaming/pkg/httpstream"
)

// Forward connects to a port of a pod's loopback device, through the API server and the kubelet. No port of this machine is opened, so no
// one else here reaches the pod either.
type Forward struct {
	dialer streaming.Dialer
	port   int

	mutex sync.Mutex
	open  streaming.Connection
	next  int
}

// Forward returns connections to a port of a pod.
func (c *Client) Forward(pod string, port int) (*Forward, error) {
	url := c.core.RESTClient().Post().Resource("pods").Namespace(c.Namespace).Name(pod).SubResource("portforward").URL()
	transport, upgrader, err := spdy.RoundTripperFor(c.config)
	if err != nil {
		return nil, err
	}
	plain := spdy.NewDialerForStreaming(upgrader, &http.Client{Transport: transport}, http.MethodPost, url)
	tunnel, err := portforward.NewSPDYOverWebsocketDialerForStreaming(url, c.config)
	if err != nil {
		return nil, err
	}
	// as kubectl does: older servers, and some proxies, know only one of the two
	dialer := portforward.NewFallbackDialerForStreaming(tunnel, plain, func(err error) bool {
		return streaming.IsUpgradeFailure(err) || streaming.IsHTTPSProxyError(err)
	})
	return &Forward{dialer: dialer, port: port}, nil
}

// Client returns an HTTP client whose requests all go to the port, each over a connection of its own.
func (f *Forward) Client() *http.Client {
	return &http.Client{Transport: &http.Transport{
		DialContext:       func(context.Context, string, string) (net.Conn, error) { return f.dial() },
		DisableKeepAlives: true, DisableCompression: true,
	}}
}

// Close closes every connection.
func (f *Forward) Close() error {
	f.mutex.Lock()
	defer f.mutex.Unlock()
	if f.open == nil {
		return nil
	}
	return f.open.Close()
}

// connection returns the connection to the API server, a new one if the last one has ended, and the number of the next request.
func (f *Forward) connection() (streaming.Connection, int, error) {
	f.mutex.Lock()
	defer f.mutex.Unlock()
	f.next++
	if f.open != nil {
		select {
		case <-f.open.CloseChan():
		default:
			return f.open, f.next, nil
		}
	}
	open, protocol, err := f.dialer.Dial(portforward.PortForwardProtocolV1Name)
	if err != nil {
		return nil, 0, err
	}
	if protocol != portforward.PortForwardProtocolV1Name {
		return nil, 0, errors.Join(fmt.Errorf("the API server forwards ports by %q, this program by %q", protocol, portforward.PortForwardProtocolV1Name), open.Close())
	}
	f.open = open
	return open, f.next, nil
}

// dial opens one connection to the port.
func (f *Forward) dial() (net.Conn, error) {
	open, id, err := f.connection()
	if err != nil {
		return nil, err
	}
	headers := http.Header{}
	headers.Set(corev1.PortHeader, strconv.Itoa(f.port))
	headers.Set(corev1.PortForwardRequestIDHeader, strconv.Itoa(id))
	headers.Set(corev1.StreamType, corev1.StreamTypeError)
	failures, err := open.CreateStream(headers)
	if err != nil {
		return nil, errors.Join(err, open.Close())
	}
	_ = failures.Close() // nothing is sent on it
	headers.Set(corev1.StreamType, corev1.StreamTypeData)
	data, err := open.CreateStream(headers)
	if err != nil {
		return nil, errors.Join(err, open.Close())
	}
	c := &forwarded{data: data, failed: make(chan error, 1)}
	c.remove = func() { open.RemoveStreams(failures, data) }
	go func() {
		said, err := io.ReadAll(io.LimitReader(failures, 4096))
		if len(said) > 0 {
			err = errors.New(string(said))
		}
		if err != nil {
			c.failed <- err
			_ = data.Reset() // ends pending reads and writes
		}
	}()
	return c, nil
}

// forwarded is one connection to a port.
type forwarded struct {
	data   streaming.Stream
	failed chan error
	remove func()
	once   sync.Once
}

func (c *forwarded) Read(p []byte) (int, error) {
	n, err := c.data.Read(p)
	return n, c.why(err)
}

func (c *forwarded) Write(p []byte) (int, error) {
	n, err := c.data.Write(p)
	return n, c.why(err)
}

// why returns the kubelet's reason for a failure if it reported one, else the failure itself.
func (c *forwarded) why(err error) error {
	if err == nil {
		return nil
	}
	select {
	case said := <-c.failed:
		c.failed <- said
		return said
	default:
		return err
	}
}

func (c *forwarded) Close() error {
	err := error(nil)
	c.once.Do(func() {
		err = c.data.Reset()
		c.remove()
	})
	return err
}

// address is the address of either end of a forwarded connection.
type address string

func (address) Network() string  { return "portforward" }
func (a address) String() string { return string(a) }

func (c *forwarded) LocalAddr() net.Addr  { return address("command") }
func (c *forwarded) RemoteAddr() net.Addr { return address("pod") }

// SetDeadline does nothing: the contexts of the requests have the deadlines.
func (c *forwarded) SetDeadline(time.Time) error      { return nil }
func (c *forwarded) SetReadDeadline(time.Time) error  { return nil }
func (c *forwarded) SetWriteDeadline(time.Time) error { return nil }
