package store

import (
	"math"
	"os"

	"golang.org/x/sys/unix"
)

const zfsMagic = 0x2fc12fc1

// ofOneMachine are the file systems all of whose users are on one machine.
var ofOneMachine = map[int64]bool{
	unix.EXT4_SUPER_MAGIC: true, unix.XFS_SUPER_MAGIC: true, unix.BTRFS_SUPER_MAGIC: true, unix.F2FS_SUPER_MAGIC: true,
	unix.TMPFS_MAGIC: true, unix.OVERLAYFS_SUPER_MAGIC: true, zfsMagic: true,
}

// locksAreSeen reports whether a lock on a file is seen by every process that could have one. Network file systems keep locks on folders, and by
// their mount options all locks, to the machine.
func locksAreSeen(f *os.File) bool {
	var stat unix.Statfs_t
	return unix.Fstatfs(int(f.Fd()), &stat) == nil && ofOneMachine[stat.Type]
}

// free returns how many more bytes of files a file system holds at most, -1 if that is not known: some compress.
func free(f *os.File) int64 {
	var stat unix.Statfs_t
	if unix.Fstatfs(int(f.Fd()), &stat) != nil || stat.Blocks == 0 || stat.Type == zfsMagic || stat.Type == unix.BTRFS_SUPER_MAGIC {
		return -1
	}
	block := uint64(max(stat.Frsize, 1))
	return int64(min(stat.Bfree, math.MaxInt64/block) * block)
}
