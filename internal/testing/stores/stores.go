// Package stores starts hack/stores for tests: object stores, a registry and web servers in a separate process, since they
// are a separate module.
package stores

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// Stores are servers of a process that ends with this one.
type Stores struct {
	folder string
	stdin  io.Closer
	done   chan struct{}
	urls   map[string]string
}

// Start builds hack/stores, whose folder is named from the test's own, and starts it with its flags: such as -s3=127.0.0.1:0 for
// S3. Whoever starts it stops it.
func Start(module string, flags ...string) (*Stores, error) {
	folder, err := os.MkdirTemp("", "stores")
	if err != nil {
		return nil, err
	}
	s := &Stores{folder: folder, done: make(chan struct{}), urls: map[string]string{}}
	program := filepath.Join(folder, "stores")
	build := exec.CommandContext(context.Background(), "go", "build", "-o", program, ".")
	build.Dir = filepath.FromSlash(module)
	build.Env = append(os.Environ(), "CGO_ENABLED=0") // it is not what is tested
	if out, err := build.CombinedOutput(); err != nil {
		return nil, fmt.Errorf("building hack/stores: %w\n%s", err, out)
	}
	run := exec.CommandContext(context.Background(), program, append([]string{"-until-eof", "-dir=" + filepath.Join(folder, "s3")}, flags...)...)
	run.Stderr = os.Stderr
	if s.stdin, err = run.StdinPipe(); err != nil {
		return nil, err
	}
	out, err := run.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := run.Start(); err != nil {
		return nil, err
	}
	lines, ready := bufio.NewScanner(out), false
	for !ready && lines.Scan() {
		name, url, _ := strings.Cut(lines.Text(), " ")
		s.urls[name], ready = url, name == "ready"
	}
	go func() {
		_, _ = io.Copy(io.Discard, out) // until it ends
		_ = run.Wait()                  // how it ends is in its own words, above
		close(s.done)
	}()
	if !ready {
		s.Stop()
		return nil, fmt.Errorf("hack/stores did not start with %v; see above", flags)
	}
	return s, nil
}

// URL returns the address of a server, by the name of its flag.
func (s *Stores) URL(name string) string { return s.urls[name] }

// Stop ends the process.
func (s *Stores) Stop() {
	_ = s.stdin.Close() // which ends it
	select {
	case <-s.done:
	case <-time.After(10 * time.Second):
	}
	_ = os.RemoveAll(s.folder) // a temporary folder
}

// Shared are the stores of all tests of a package: they start when one first asks for them.
type Shared struct {
	start func() (*Stores, error)
	asked atomic.Bool
}

// Share returns the Shared stores that a function starts.
func Share(start func() (*Stores, error)) *Shared { return &Shared{start: sync.OnceValues(start)} }

// Main runs the tests of a package, stops the stores at the end, and returns the exit code for its TestMain.
func (s *Shared) Main(m *testing.M) int {
	code := m.Run()
	if s.asked.Load() {
		if stores, err := s.start(); err == nil {
			stores.Stop()
		}
	}
	return code
}

// URL returns the address of a server, by the name of its flag.
func (s *Shared) URL(t *testing.T, name string) string {
	t.Helper()
	s.asked.Store(true)
	stores, err := s.start()
	if err != nil {
		t.Fatal(err)
	}
	return stores.URL(name)
}
