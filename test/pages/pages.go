// Package pages starts the command's pages for tests, and asks for one.
package pages

import (
	"bufio"
	"io"
	"net/http"
	"os/exec"
	"strings"
	"testing"
)

// Serve starts a command line that serves the pages, and returns their address. The context of the command line is to end with the test.
func Serve(t *testing.T, line *exec.Cmd) string {
	t.Helper()
	out, err := line.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := line.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = line.Wait() })
	address, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(address)
}

// Get asks for a page, wants a status, and returns the content.
func Get(t *testing.T, address string, status int) string {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, address, nil)
	if err != nil {
		t.Fatal(err)
	}
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	content, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Fatal(err)
	}
	if answer.StatusCode != status {
		t.Fatalf("%s has status %d, want %d: %s", address, answer.StatusCode, status, content)
	}
	return string(content)
}
