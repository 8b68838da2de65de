package hub

import "net/http/httptest"

// TB is what Start needs of a testing.TB; it keeps the testing package out of the demonstration's binary.
type TB interface {
	Helper()
	Cleanup(func())
}

// Start serves the Hub for the length of a test: its own address is the result, large files come from another port,
// which to a client is another host.
func Start(tb TB, h *Hub) (endpoint string) {
	tb.Helper()
	hub, cdn := httptest.NewServer(h), httptest.NewServer(h)
	tb.Cleanup(hub.Close)
	tb.Cleanup(cdn.Close)
	h.SetCDN(cdn.URL)
	return hub.URL
}
