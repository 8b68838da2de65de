//go:build unix

package volume

import (
	"io/fs"
	"syscall"
)

// inode returns the number of a file's inode, 0 where that is not known.
func inode(info fs.FileInfo) uint64 {
	stat, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return 0
	}
	return stat.Ino
}
