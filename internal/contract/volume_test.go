package contract

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestErrorsOfAVolumeAreToldByWhatTheyAre: the reason of an error where something is done on a volume, and where something is missed
// on it. Only what is wrong or missing there is VolumeInvalid.
func TestErrorsOfAVolumeAreToldByWhatTheyAre(t *testing.T) {
	path := func(err error) error { return &fs.PathError{Op: "openat", Path: "/data/x", Err: err} }
	symlink := func(err error) error { return &os.LinkError{Op: "symlinkat", Old: "a", New: "b", Err: err} }
	type verdict struct {
		Doing, Missing Reason
		Says           string
	}
	for what, c := range map[string]struct {
		err  error
		want verdict
	}{
		"full":                  {path(syscall.ENOSPC), verdict{InsufficientStorage, InsufficientStorage, "the volume is full"}},
		"over its quota":        {path(syscall.EDQUOT), verdict{InsufficientStorage, InsufficientStorage, "the volume is full"}},
		"read-only":             {path(syscall.EROFS), verdict{VolumeUnsuitable, VolumeUnsuitable, "mounted read-only"}},
		"unsupported":           {path(syscall.ENOTSUP), verdict{VolumeUnsuitable, VolumeUnsuitable, "cannot do what a build needs"}},
		"unknown":               {path(syscall.ENOSYS), verdict{VolumeUnsuitable, VolumeUnsuitable, "cannot do what a build needs"}},
		"not allowed":           {path(syscall.EACCES), verdict{VolumeUnsuitable, VolumeUnsuitable, "fsGroup"}},
		"not permitted":         {path(syscall.EPERM), verdict{VolumeUnsuitable, VolumeUnsuitable, "fsGroup"}},
		"no links":              {symlink(syscall.EPERM), verdict{VolumeUnsuitable, VolumeUnsuitable, "no symbolic links"}},
		"no right to make one":  {symlink(syscall.EACCES), verdict{VolumeUnsuitable, VolumeUnsuitable, "fsGroup"}},
		"an I/O error":          {path(syscall.EIO), verdict{VolumeIOError, VolumeIOError, "run it again"}},
		"a stale handle":        {path(syscall.ESTALE), verdict{VolumeIOError, VolumeIOError, "run it again"}},
		"a server that is away": {path(syscall.ETIMEDOUT), verdict{VolumeIOError, VolumeIOError, "run it again"}},
		"a dead FUSE process":   {path(syscall.ENOTCONN), verdict{VolumeIOError, VolumeIOError, "run it again"}},
		"missing":               {path(syscall.ENOENT), verdict{WorkerFailed, VolumeInvalid, "the volume: "}},
		"a folder, not a file":  {path(syscall.EISDIR), verdict{VolumeInvalid, VolumeInvalid, "something else is on the volume"}},
		"other bytes":           {errors.New("31 bytes, no whole number of entries"), verdict{WorkerFailed, VolumeInvalid, "the volume: "}},
		"of another layer":      {Failf(InvalidData, "line 3"), verdict{InvalidData, VolumeInvalid, "line 3"}},
		"trouble with a reason": {VolumeFailure(path(syscall.EIO)), verdict{VolumeIOError, VolumeIOError, "run it again"}},
	} {
		t.Run(what, func(t *testing.T) {
			wrapped := fmt.Errorf("data set a: %w", c.err)
			doing := VolumeFailure(wrapped)
			got := verdict{ReasonOf(doing), ReasonOf(VolumeMismatch(wrapped)), c.want.Says}
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Errorf("reasons (-want +got):\n%s", diff)
			}
			if !strings.Contains(doing.Error(), c.want.Says) || !strings.Contains(doing.Error(), "data set a: ") || !errors.Is(doing, c.err) {
				t.Errorf("the message %q does not say %q, or lost its cause", doing, c.want.Says)
			}
			if again := VolumeFailure(doing); again != doing {
				t.Errorf("one that has its reason became %q", again)
			}
		})
	}
	if VolumeFailure(nil) != nil {
		t.Error("no error became one")
	}
}
