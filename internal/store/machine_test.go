package store

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// TestWhatAnotherMachineWrites is left alone while anything of it changes, though its lock is free here: not every file system shows it.
// What this machine wrote goes as soon as its writer is dead, and so does what is of a release that did not name the machine.
func TestWhatAnotherMachineWrites(t *testing.T) {
	folder := t.TempDir()
	dead, err := Begin(at(filepath.Join(folder, "key")))
	must(t, err)
	must(t, dead.lock.Close())
	mine := dead.Folder().Base()
	theirs := strings.Replace(mine, thisMachine(), "0123abcd", 1)
	if theirs == mine {
		t.Fatalf("%s does not name the machine", mine)
	}
	must(t, os.MkdirAll(filepath.Join(folder, theirs, "sub"), 0o755))
	must(t, os.Mkdir(filepath.Join(folder, stagingPrefix+"key-123"), 0o755))
	must(t, Sweep(at(folder), nil))
	if diff := cmp.Diff([]string{theirs}, names(t, folder)); diff != "" {
		t.Errorf("left (-want +got):\n%s", diff)
	}
	long := time.Now().Add(-2 * abandonedAfter)
	must(t, os.Chtimes(filepath.Join(folder, theirs), long, long))
	must(t, Sweep(at(folder), nil))
	if diff := cmp.Diff([]string{theirs}, names(t, folder)); diff != "" {
		t.Errorf("left while something in it is new (-want +got):\n%s", diff)
	}
	must(t, os.Chtimes(filepath.Join(folder, theirs, "sub"), long, long))
	must(t, os.Chtimes(filepath.Join(folder, theirs), long, long))
	must(t, Sweep(at(folder), nil))
	if left := names(t, folder); len(left) != 0 {
		t.Errorf("left after two days: %v", left)
	}
}
