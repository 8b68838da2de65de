package main

import (
	"bytes"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/datasetmix/datasetmix/internal/testing/repos"
)

func TestRunSaysWhatIsWrong(t *testing.T) {
	if err := run("127.0.0.1:0", t.TempDir(), "", "", 0); err == nil || !strings.Contains(err.Error(), "reading the six data sets") {
		t.Errorf("without the files: %v", err)
	}
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	if err := run(taken.Addr().String(), "", "", "", 0.001); err == nil || !strings.Contains(err.Error(), "address already in use") {
		t.Errorf("on an address that is taken: %v", err)
	}
}

func TestWrite(t *testing.T) {
	folder := t.TempDir()
	if err := write([]string{folder}); err != nil {
		t.Fatal(err)
	}
	for name, content := range repos.SampleFiles() {
		if got, err := os.ReadFile(filepath.Join(folder, name)); err != nil || !bytes.Equal(got, content) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
