//go:build !unix

package store

import (
	"errors"
	"io/fs"
	"os"
)

const onlyFolder = 0

const (
	exclusive = iota
	shared
	unlocked
)

// tryLock has no locks to give: those of Windows keep others from reading, and are none of folders.
func tryLock(*os.File, int) error { return errors.ErrUnsupported }

// inodeOf returns what it does on a file system that does not tell.
func inodeOf(fs.FileInfo) (number uint64, names int) { return 0, 1 }
