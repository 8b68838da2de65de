// Package store is the volume: folders that appear whole or not at all, files that are never modified, and the index of a
// file's rows.
//
// Everything is published the same way: write under a temporary name, check, fsync, rename, fsync the folder. So whatever
// stands under its final name is finished, and a worker that is killed leaves only what the next one sweeps away.
package store

import (
	"encoding/json"
	"errors"
	"io"
	"io/fs"
	"os"
	"syscall"

	"golang.org/x/sys/unix"

	"github.com/datasetmix/datasetmix/internal/contract"
)

// Failure gives a file system error its reason.
func Failure(err error) error { return contract.VolumeFailure(err) }

// WriteFile publishes a small file whole: it stands under its name with these bytes, or it does not.
func WriteFile(name Path, content []byte) error {
	f, next, err := name.Dir().createTemp(".writing-")
	if err != nil {
		return Failure(err)
	}
	defer next.Remove() // fails once the file has its final name
	if _, err := f.Write(content); err != nil {
		f.Close()
		return Failure(err)
	}
	if err := errors.Join(f.Chmod(fileMode), f.Sync(), f.Close()); err != nil {
		return Failure(err)
	}
	if err := next.rename(name); err != nil {
		return Failure(err)
	}
	return SyncFolder(name.Dir())
}

// Published files are for everyone to read and for nobody to write, their owner included.
const (
	fileMode   = 0o444
	folderMode = 0o755
)

// ReadJSON reads a small file of JSON. A file that is not there is fs.ErrNotExist.
func ReadJSON(name Path, into any) error {
	content, err := name.ReadFile()
	if errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if err != nil {
		return Failure(err)
	}
	if err := json.Unmarshal(content, into); err != nil {
		return contract.Failf(contract.VolumeInvalid, "%s is damaged: %w; remove its folder, and it is built again", name, err)
	}
	return nil
}

// SyncFolder makes the names in a folder durable.
func SyncFolder(name Path) error { return Failure(syncFile(name.openFolder())) }

// syncFile makes a file's content or a folder's names durable, and closes it.
func syncFile(f *os.File, err error) error {
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}

// MakeFolder makes a folder and its parents.
func MakeFolder(name Path) error {
	err := name.failure(name.root.MkdirAll(name.name, folderMode))
	if errors.Is(err, fs.ErrExist) {
		return contract.Failf(contract.VolumeInvalid, "something else is in the place of the folder %s: remove it (%w)", name, err)
	}
	return Failure(err)
}

// Link gives a finished file a second name without a second copy. A file system without hard links gets a copy.
func Link(from, to Path) error {
	if err := MakeFolder(to.Dir()); err != nil {
		return err
	}
	if from.root != to.root {
		return copyFile(from, to)
	}
	err := from.failure(from.root.Link(from.name, to.name))
	if err == nil || errors.Is(err, fs.ErrExist) {
		return nil
	}
	if !errors.Is(err, syscall.EPERM) && !errors.Is(err, syscall.ENOTSUP) && !errors.Is(err, syscall.EXDEV) && !errors.Is(err, syscall.EMLINK) {
		return Failure(err)
	}
	return copyFile(from, to)
}

func copyFile(from, to Path) error {
	in, err := from.Open()
	if err != nil {
		return Failure(err)
	}
	defer in.Close()
	return Failure(copyTo(in, to))
}

// copyTo writes what is left of a file to a new one.
func copyTo(in *os.File, to Path) error {
	out, err := to.create()
	if err != nil {
		return err
	}
	_, err = io.Copy(out, in)
	return errors.Join(err, out.Chmod(fileMode), out.Sync(), out.Close())
}

// lock takes an exclusive lock on a file without waiting. Locks belong to the open file, so a process that dies gives its
// locks back, however it dies.
func lock(f *os.File) bool { return unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB) == nil }

// SwapLink points a symbolic link at another target in one step: a reader finds the old target or the new one.
func SwapLink(name Path, target string) error {
	if at, err := name.root.Readlink(name.name); err == nil && at == target {
		return nil
	}
	next := name.add(".next")
	if err := next.Remove(); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return Failure(err)
	}
	if err := next.failure(next.root.Symlink(target, next.name)); err != nil {
		return Failure(err)
	}
	if err := next.rename(name); err != nil {
		return Failure(err)
	}
	return SyncFolder(name.Dir())
}

// RemoveAll removes a folder in two steps, so that no half-removed one stands under its final name.
func RemoveAll(name Path) error {
	doomed := name.Dir().Join(doomedPrefix + name.Base())
	if err := name.rename(doomed); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return Failure(err)
	}
	return Failure(doomed.removeAll())
}

const doomedPrefix = ".removing-"
