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
	"path/filepath"
	"syscall"

	"golang.org/x/sys/unix"

	"github.com/datasetmix/datasetmix/internal/contract"
)

// Failure gives a file system error its reason.
func Failure(err error) error { return contract.VolumeFailure(err) }

// WriteFile publishes a small file whole: it stands under its name with these bytes, or it does not.
func WriteFile(name string, content []byte) error {
	f, err := os.CreateTemp(filepath.Dir(name), ".writing-*")
	if err != nil {
		return Failure(err)
	}
	defer os.Remove(f.Name()) // fails once the file has its final name
	if _, err := f.Write(content); err != nil {
		f.Close()
		return Failure(err)
	}
	if err := errors.Join(f.Chmod(fileMode), f.Sync(), f.Close()); err != nil {
		return Failure(err)
	}
	if err := os.Rename(f.Name(), name); err != nil {
		return Failure(err)
	}
	return SyncFolder(filepath.Dir(name))
}

// Published files are for everyone to read and for nobody to write, their owner included.
const (
	fileMode   = 0o444
	folderMode = 0o755
)

// ReadJSON reads a small file of JSON. A file that is not there is fs.ErrNotExist.
func ReadJSON(name string, into any) error {
	content, err := os.ReadFile(name)
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
func SyncFolder(name string) error { return Failure(syncName(name)) }

// syncName makes a file's content or a folder's names durable.
func syncName(name string) error {
	f, err := os.Open(name)
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}

// MakeFolder makes a folder and its parents.
func MakeFolder(name string) error { return Failure(os.MkdirAll(name, folderMode)) }

// Link gives a finished file a second name without a second copy. A file system without hard links gets a copy.
func Link(from, to string) error {
	if err := MakeFolder(filepath.Dir(to)); err != nil {
		return err
	}
	err := os.Link(from, to)
	if err == nil || errors.Is(err, fs.ErrExist) {
		return nil
	}
	if !errors.Is(err, syscall.EPERM) && !errors.Is(err, syscall.ENOTSUP) && !errors.Is(err, syscall.EXDEV) && !errors.Is(err, syscall.EMLINK) {
		return Failure(err)
	}
	return copyFile(from, to)
}

func copyFile(from, to string) error {
	in, err := os.Open(from)
	if err != nil {
		return Failure(err)
	}
	defer in.Close()
	return Failure(copyTo(in, to))
}

// copyTo writes what is left of a file to a new one.
func copyTo(in *os.File, to string) error {
	out, err := os.OpenFile(to, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o644)
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
func SwapLink(name, target string) error {
	if at, err := os.Readlink(name); err == nil && at == target {
		return nil
	}
	next := name + ".next"
	if err := os.Remove(next); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return Failure(err)
	}
	if err := os.Symlink(target, next); err != nil {
		return Failure(err)
	}
	if err := os.Rename(next, name); err != nil {
		return Failure(err)
	}
	return SyncFolder(filepath.Dir(name))
}

// RemoveAll removes a folder in two steps, so that no half-removed one stands under its final name.
func RemoveAll(name string) error {
	doomed := filepath.Join(filepath.Dir(name), doomedPrefix+filepath.Base(name))
	if err := os.Rename(name, doomed); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return Failure(err)
	}
	return Failure(os.RemoveAll(doomed))
}

const doomedPrefix = ".removing-"
