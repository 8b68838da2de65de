// Package faultfs mounts hack/faultfs for tests: a file system in a separate process, since it is a separate module.
package faultfs

import (
	"bufio"
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// built is the folder of hack/faultfs, once a test has asked for it.
var built atomic.Pointer[string]

// program builds hack/faultfs, once for a package's tests.
var program = sync.OnceValues(func() (string, error) {
	folder, err := os.MkdirTemp("", "faultfs")
	if err != nil {
		return "", err
	}
	built.Store(&folder)
	name := filepath.Join(folder, "faultfs")
	build := exec.CommandContext(context.Background(), "go", "build", "-o", name, ".")
	build.Dir = filepath.Join("..", "..", "hack", "faultfs")
	build.Env = append(os.Environ(), "CGO_ENABLED=0") // it is not what is tested
	build.Stderr = os.Stderr
	return name, build.Run()
})

// Main runs the tests of a package whose tests mount, and returns the exit code for its TestMain.
func Main(m *testing.M) int {
	code := m.Run()
	if folder := built.Load(); folder != nil {
		_ = os.RemoveAll(*folder) // a temporary folder
	}
	return code
}

// Mount mounts an existing folder once more until the test ends, with faults such as "link=EPERM" or "read=EIO@7", and returns the mount
// point. With the fault "inodes" a file has another inode number each time. Where this machine cannot mount, the test is skipped.
func Mount(t *testing.T, folder string, faults ...string) string {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("only root may mount a file system")
	}
	if _, err := os.Stat("/dev/fuse"); err != nil {
		t.Skipf("this machine has no FUSE: %v", err)
	}
	name, err := program()
	if err != nil {
		t.Fatalf("hack/faultfs cannot be built: %v", err)
	}
	var arguments []string
	for _, fault := range faults {
		if fault == "inodes" {
			arguments = append(arguments, "-inodes")
			continue
		}
		arguments = append(arguments, "-fault", fault)
	}
	mountpoint := t.TempDir()
	serve(t, exec.CommandContext(context.Background(), name, append(arguments, folder, mountpoint)...))
	return mountpoint
}

// serve runs the file system until the test ends.
func serve(t *testing.T, run *exec.Cmd) {
	t.Helper()
	run.Stderr = os.Stderr
	stdin, err := run.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	stdout, err := run.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := run.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = stdin.Close() // which ends it
		ended := time.AfterFunc(10*time.Second, func() { _ = run.Process.Kill() })
		defer ended.Stop()
		if err := run.Wait(); err != nil {
			t.Errorf("the file system did not end well: %v", err)
		}
	})
	line, err := bufio.NewReader(stdout).ReadString('\n')
	if err != nil || strings.TrimSpace(line) != "ready" {
		t.Fatalf("the file system is not mounted: %q, %v", line, err)
	}
}
