package store

import (
	"errors"
	"io/fs"
	"strings"
)

// Prefixes of the names of what is being written or removed. Any worker may remove such a file or folder once it has no writer.
const (
	stagingPrefix = ".staging-" // a folder
	doomedPrefix  = ".removing-"
	writingPrefix = ".writing-" // a small file
)

// Sweep removes from a folder what dead writers left in it, whatever it was to become; left, unless nil, is called with each folder first.
func Sweep(parent Path, left func(folder Path) error) error {
	return sweep(parent, stagingPrefix, left)
}

// SweepOf removes what dead writers of one final name left next to it.
func SweepOf(final Path, left func(folder Path) error) error {
	return sweep(final.Dir(), stagingPrefix+final.Base()+"-", left)
}

// sweep removes the folders with a prefix whose writers are dead, and what is half removed or half written.
func sweep(parent Path, prefix string, left func(folder Path) error) error {
	entries, err := parent.ReadDir()
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return WrapError(err)
	}
	for _, entry := range entries {
		at := parent.Join(entry.Name())
		switch {
		case strings.HasPrefix(entry.Name(), prefix):
			err = removeAbandoned(at, left)
		case strings.HasPrefix(entry.Name(), doomedPrefix):
			err = removeDoomed(at, left)
		case strings.HasPrefix(entry.Name(), writingPrefix):
			err = removeRemains(at)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// removeAbandoned removes a folder that has no living writer. Its lock is held meanwhile, since a writer that has made the folder may
// be about to take it.
func removeAbandoned(staging Path, left func(folder Path) error) error {
	folder, err := staging.openFolder()
	if errors.Is(err, fs.ErrNotExist) {
		return nil // gone by now
	}
	if err != nil {
		return WrapError(err)
	}
	defer folder.Close()
	if !abandoned(staging, lock(folder), here(staging.Base())) {
		return nil
	}
	return removeDoomed(staging, left)
}

// removeDoomed removes a folder that is not needed. Several processes may do so at once.
func removeDoomed(folder Path, left func(folder Path) error) error {
	if left != nil {
		if err := left(folder); err != nil {
			return err
		}
	}
	return WrapError(removeAll(folder))
}

func removeRemains(file Path) error {
	if idle(file) < keepRemains {
		return nil
	}
	if err := file.Remove(); !errors.Is(err, fs.ErrNotExist) {
		return WrapError(err)
	}
	return nil
}
