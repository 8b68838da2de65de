package filewriter

import (
	"os"

	"golang.org/x/sys/unix"
)

// beginWriteback asks the kernel to begin to write a part of a file to the disk, and does not wait: what is under way when
// the folder is committed need not be waited for then. It promises nothing, so nothing depends on its error.
func beginWriteback(f *os.File, offset, n int64) {
	if n >= bufferSize/2 {
		_ = unix.SyncFileRange(int(f.Fd()), offset, n, unix.SYNC_FILE_RANGE_WRITE)
	}
}
