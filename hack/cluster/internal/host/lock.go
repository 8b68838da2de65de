package host

import (
	"fmt"
	"os"

	"golang.org/x/sys/unix"
)

// Lock locks the folder, so that two `up` or `down` do not run at once. The folder itself is locked, since a lock file would be left behind.
func Lock(dir string) (unlock func(), err error) {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, err
	}
	folder, err := os.Open(dir)
	if err != nil {
		return nil, err
	}
	if err := unix.Flock(int(folder.Fd()), unix.LOCK_EX); err != nil {
		return nil, fmt.Errorf("locking %s: %w", dir, err)
	}
	return func() {
		_ = os.Remove(dir) // only when no cluster is left in it
		folder.Close()
	}, nil
}
