package filewriter

import (
	"os"

	"golang.org/x/sys/unix"
)

// beginWriteback asks the kernel to begin writing a part of a file to the disk, and does not wait, so that less is left to write when the folder is
// committed. It promises nothing, so nothing depends on its error.
func beginWriteback(f *os.File, offset, n int64) {
	if n >= bufferSize/2 {
		_ = unix.SyncFileRange(int(f.Fd()), offset, n, unix.SYNC_FILE_RANGE_WRITE)
	}
}
