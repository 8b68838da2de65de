// Package store is the volume: folders that appear whole or not at all, files that are never modified, and the cache of originals.
//
// Everything is published the same way: write under a temporary name, check, fsync, rename, fsync the folder. Therefore whatever has its final name
// is finished, and a killed worker leaves only what the next one sweeps away.
package store

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"syscall"
	"time"

	"github.com/datasetmix/datasetmix/internal/contract"
)

// WrapError returns a file system error with its reason.
func WrapError(err error) error { return contract.VolumeFailure(err) }

// UnreadableError returns the failure of a finished unit's file that is gone, or is not what its writer left. An error of the volume keeps its own
// reason: nothing is wrong with the file.
func UnreadableError(err error) error {
	return contract.VolumeMismatch(fmt.Errorf("a finished stage's file cannot be read: %w; if it stays so, remove the stage's folder, and it is built again", err))
}

// WriteFile publishes a small file whole: it has these bytes under its name, or does not exist.
func WriteFile(name Path, content []byte) error {
	f, next, err := createTemp(name.Dir(), writingPrefix)
	if err != nil {
		return WrapError(err)
	}
	defer func() { _ = next.Remove() }() // fails once the file has its final name
	if _, err := f.Write(content); err != nil {
		f.Close()
		return WrapError(err)
	}
	if err := errors.Join(Protect(f), f.Sync(), f.Close()); err != nil {
		return WrapError(err)
	}
	if err := next.rename(name); err != nil {
		return WrapError(err)
	}
	return SyncFolder(name.Dir())
}

// Published files can be read by everyone and written by no one, not even their owner.
const (
	fileMode   = 0o444
	folderMode = 0o755
)

// ReadJSON reads a small file of JSON. Of a missing file, the error is fs.ErrNotExist.
func ReadJSON(name Path, into any) error {
	content, err := name.ReadFile()
	if errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if err != nil {
		return WrapError(err)
	}
	if err := json.Unmarshal(content, into); err != nil {
		return contract.Failf(contract.VolumeInvalid, "%s is damaged: %w; remove its folder, and it is built again", name, err)
	}
	return nil
}

// SyncFolder makes the names in a folder durable.
func SyncFolder(name Path) error { return WrapError(syncFolder(name)) }

// syncFolder makes the names in a folder durable. Where a file system cannot sync folders, names are as durable as it makes them.
func syncFolder(name Path) error {
	err := syncFile(name.openFolder())
	if refused(err) || errors.Is(err, syscall.EBADF) {
		return nil
	}
	return err
}

// syncFile makes what is open durable, and closes it.
func syncFile(f *os.File, err error) error {
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}

// Protect makes a finished file read-only. Where a file system refuses that, such as one with fixed modes, it stays as it is.
func Protect(f *os.File) error {
	if err := f.Chmod(fileMode); !refused(err) {
		return err
	}
	return nil
}

// refused reports whether a file system does not do what it was asked for, and never will.
func refused(err error) bool {
	return errors.Is(err, fs.ErrPermission) || errors.Is(err, errors.ErrUnsupported) || errors.Is(err, syscall.EINVAL)
}

// Touch notes that a folder is in use. Where this process may not set its times, it makes and removes a file in it.
func Touch(folder Path) error {
	err := folder.Touch(time.Now())
	if !refused(err) {
		return WrapError(err)
	}
	f, at, err := createTemp(folder, writingPrefix)
	if err != nil {
		return WrapError(err)
	}
	return WrapError(errors.Join(f.Close(), at.Remove()))
}

// MakeFolder makes a folder and its parents.
func MakeFolder(name Path) error {
	err := name.failure(name.root.MkdirAll(name.name, folderMode))
	if errors.Is(err, fs.ErrExist) {
		return contract.Failf(contract.VolumeInvalid, "something else is in the place of the folder %s: remove it (%w)", name, err)
	}
	return WrapError(err)
}

// Link adds a second name to a finished file without a second copy. A file system that makes no hard link, for whatever reason, gets a
// copy: one whose storage fails refuses that as well.
func Link(from, to Path) error {
	if err := MakeFolder(to.Dir()); err != nil {
		return err
	}
	err := errCopy
	if from.root == to.root {
		err = from.failure(from.root.Link(from.name, to.name))
	}
	switch {
	case err == nil, errors.Is(err, fs.ErrExist):
		return nil
	case errors.Is(err, fs.ErrNotExist):
		return WrapError(err)
	default:
		return copyFile(from, to)
	}
}

// errCopy is why a file cannot get a second name on another volume.
var errCopy = errors.New("files of two volumes")

func copyFile(from, to Path) error {
	in, err := from.Open()
	if err != nil {
		return WrapError(err)
	}
	defer in.Close()
	return WrapError(copyTo(in, to))
}

// copyTo writes what is left of a file to a new one.
func copyTo(in *os.File, to Path) error {
	out, err := NewFile(to)
	if err != nil {
		return err
	}
	_, err = io.Copy(out, in)
	return errors.Join(err, Protect(out), out.Sync(), out.Close())
}

// SwapLink points a symbolic link at another target in one step, so that a reader finds either the old target or the new one. It removes what a
// killed worker left of another swap.
func SwapLink(name Path, target string) error {
	next := name.add(".next")
	for n := 1; ; n++ {
		if err := next.Remove(); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return WrapError(err)
		}
		if at, err := name.root.Readlink(name.name); err == nil && at == target {
			return nil
		}
		err := next.failure(next.root.Symlink(target, next.name))
		if err == nil {
			err = next.rename(name)
		}
		if err == nil {
			return SyncFolder(name.Dir())
		}
		if n == raceTries || !errors.Is(err, fs.ErrExist) && !errors.Is(err, fs.ErrNotExist) {
			return WrapError(err)
		}
	}
}

// RemoveAll removes a folder in two steps, so that no half-removed one is under its final name.
func RemoveAll(name Path) error {
	doomed, err := unique(name.Dir(), doomedPrefix+name.Base()+"-", name.rename)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return WrapError(err)
	}
	return WrapError(removeAll(doomed))
}

// Move renames a finished file in one step. Where something has the name, the error is
// fs.ErrExist, unless it may be replaced.
func Move(from, to Path, replace bool) error {
	if replace {
		return WrapError(from.rename(to))
	}
	err := from.failure(from.root.Link(from.name, to.name)) // which replaces no name, as a rename would
	switch {
	case err == nil:
		return WrapError(from.Remove())
	case errors.Is(err, fs.ErrExist):
		return err
	}
	if _, there := to.Lstat(); there == nil { // a file system without hard links
		return fs.ErrExist
	}
	return WrapError(from.rename(to))
}
