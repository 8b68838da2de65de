//go:build unix

package store

import (
	"io/fs"
	"os"
	"syscall"

	"golang.org/x/sys/unix"
)

// onlyFolder has an open refuse what is no folder.
const onlyFolder = syscall.O_DIRECTORY

// What tryLock asks for: the lock of one writer, that of a reader, or none any more.
const (
	exclusive = unix.LOCK_EX
	shared    = unix.LOCK_SH
	unlocked  = unix.LOCK_UN
)

// tryLock asks for a lock on a file or folder without waiting.
func tryLock(f *os.File, how int) error { return unix.Flock(int(f.Fd()), how|unix.LOCK_NB) }

// inodeOf returns the number of a file's inode and how many names it has, 0 and 1 where that is not known.
func inodeOf(info fs.FileInfo) (number uint64, names int) {
	stat, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return 0, 1
	}
	return stat.Ino, int(stat.Nlink)
}
