package control

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strings"

	"github.com/datasetmix/datasetmix/hack/cluster/internal/spec"
	"github.com/datasetmix/datasetmix/hack/cluster/internal/supervise"
)

// Client talks to a node's supervisor.
type Client struct{ http http.Client }

// NewClient returns a client for the node with the given state folder.
func NewClient(stateDir string) *Client {
	dial := func(ctx context.Context, _, _ string) (net.Conn, error) {
		// A socket's path may have 107 bytes, and a checkout's can be longer: go through the folder's descriptor.
		dir, err := os.Open(stateDir)
		if err != nil {
			return nil, err
		}
		defer dir.Close()
		var d net.Dialer
		return d.DialContext(ctx, "unix", fmt.Sprintf("/proc/self/fd/%d/%s", dir.Fd(), spec.ControlSocket))
	}
	return &Client{http.Client{Transport: &http.Transport{DialContext: dial, DisableKeepAlives: true}}}
}

// Status returns the cluster's state.
func (c *Client) Status(ctx context.Context) (Status, error) {
	var status Status
	body, err := c.call(ctx, http.MethodGet, "/status", nil)
	if err == nil {
		err = json.Unmarshal(body, &status)
	}
	return status, err
}

// Do performs an action on a component.
func (c *Client) Do(ctx context.Context, component string, action supervise.Action) error {
	body, err := json.Marshal(action)
	if err == nil {
		_, err = c.call(ctx, http.MethodPost, "/components/"+component, bytes.NewReader(body))
	}
	return err
}

// Load imports a docker-archive and returns what was imported.
func (c *Client) Load(ctx context.Context, archive io.Reader) (string, error) {
	body, err := c.call(ctx, http.MethodPost, "/images", archive)
	return string(body), err
}

func (c *Client) call(ctx context.Context, method, path string, body io.Reader) ([]byte, error) {
	request, err := http.NewRequestWithContext(ctx, method, "http://cluster"+path, body)
	if err != nil {
		return nil, err
	}
	response, err := c.http.Do(request)
	if err != nil {
		return nil, fmt.Errorf("asking the cluster's supervisor: %w", err)
	}
	defer response.Body.Close()
	answer, err := io.ReadAll(response.Body)
	if err == nil && response.StatusCode != http.StatusOK {
		err = errors.New(strings.TrimSpace(string(answer)))
	}
	return answer, err
}
