//go:build !linux

package store

import "os"

// locksAreSeen reports whether a lock on a file is seen by every process that could have one; here that is not known.
func locksAreSeen(*os.File) bool { return false }

// free returns how many more bytes of files a file system holds at most, -1 if that is not known.
func free(*os.File) int64 { return -1 }
