package store

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"syscall"

	"github.com/datasetmix/datasetmix/internal/contract"
)

// Probe tries in a folder of a volume what a build does there, in milliseconds, so that a build that cannot end does not begin. What a build can do
// without is no failure: lacks lists that, and what it costs. docs/volumes.md has the list.
func Probe(folder Path) (lacks []string, err error) {
	if err := MakeFolder(folder); err != nil {
		return nil, err
	}
	staging, err := Stage(folder.Join("probe"))
	if err != nil {
		return nil, unsuitable("making and opening a folder", err)
	}
	defer staging.Close() // what was tried is not needed
	at := staging.Folder()
	for _, try := range needed {
		if err := try.do(at); err != nil {
			return nil, unsuitable(try.what, err)
		}
	}
	for _, try := range spared {
		if err := try.do(at); err != nil {
			lacks = append(lacks, fmt.Sprintf("%s (%v): %s", try.what, err, try.costs))
		}
	}
	if err := staging.Close(); err != nil {
		return nil, unsuitable("removing a folder", err)
	}
	return lacks, nil
}

// unsuitable returns the failure of a volume on which something that is needed did not work: a more telling error, such as that of a full volume,
// keeps its own reason.
func unsuitable(what string, err error) error {
	known := contract.VolumeFailure(err)
	if of, ok := errors.AsType[*contract.Failure](err); ok && of.Err != nil {
		err = of.Err
	}
	if reason := contract.ReasonOf(known); reason == contract.InsufficientStorage || reason == contract.VolumeIOError ||
		errors.Is(err, syscall.EROFS) || errors.Is(err, syscall.EACCES) {
		return known
	}
	return contract.Failf(contract.VolumeUnsuitable, "the volume cannot do what a build needs: %s failed (%w); %s", what, err, contract.SuitableVolumes)
}

// attempt is an operation of a build on a volume.
type attempt struct {
	what  string
	do    func(at Path) error
	costs string // the price of doing without it; empty for what no build can do without
}

// needed is what no build can do without.
var needed = []attempt{
	{what: "writing a file in several places and reading it again", do: tryContent},
	{what: "reading a file that was removed while it was open", do: tryRemoved},
	{what: "renaming a file over another one", do: tryReplace},
	{what: "renaming a folder", do: tryFolder},
	{what: "making a symbolic link and renaming it over another one", do: tryLink},
}

// spared is what a build can do without.
var spared = []attempt{
	{what: "no hard links", do: tryHardLink, costs: "originals, and the files of a revision, are copied, so each revision needs room of its own"},
	{what: "no locks on folders", do: tryFolderLock, costs: "what a killed worker left is removed a day later"},
	{what: "no locks on files", do: tryFileLock, costs: "originals are removed from the cache a day after their last use, and a download of a worker that was killed begins anew"},
	{what: "folders cannot be brought to the disk", do: func(at Path) error { return syncFile(at.openFolder()) }, costs: "after a power loss, what was finished shortly before may be built again"},
	{what: "files cannot be made read-only", do: tryProtect, costs: "nothing keeps others from changing what is published"},
	{what: "a file has another inode number each time", do: tryNumber, costs: "a download of a worker that was killed begins anew"},
}

func tryContent(at Path) error {
	f, err := NewFile(at.Join("content"))
	if err != nil {
		return err
	}
	defer f.Close()
	want, got := []byte("ABCDEF"), make([]byte, 6)
	for _, part := range []struct {
		offset int64
		bytes  string
	}{{0, "ABxxxxxxxx"}, {4, "EF"}, {2, "CD"}} {
		if _, err := f.WriteAt([]byte(part.bytes), part.offset); err != nil {
			return err
		}
	}
	if err := errors.Join(f.Truncate(int64(len(want))), f.Sync()); err != nil {
		return err
	}
	if _, err := f.ReadAt(got, 0); err != nil || !bytes.Equal(got, want) {
		return errors.Join(err, differs(got, want))
	}
	return f.Close()
}

// differs returns the error that a file does not hold what was written to it.
func differs(got, want []byte) error {
	if bytes.Equal(got, want) {
		return nil
	}
	return fmt.Errorf("%q was written, and %q is read", want, got)
}

func tryRemoved(at Path) error {
	f, err := at.Scratch()
	if err != nil {
		return err
	}
	defer f.Close()
	want, got := []byte("content"), make([]byte, 7)
	if _, err := f.Write(want); err != nil {
		return err
	}
	if _, err := f.ReadAt(got, 0); err != nil {
		return err
	}
	return differs(got, want)
}

func tryReplace(at Path) error {
	if err := errors.Join(put(at.Join("old"), "old"), put(at.Join("new"), "new")); err != nil {
		return err
	}
	if err := at.Join("new").rename(at.Join("old")); err != nil {
		return err
	}
	return holds(at.Join("old"), "new")
}

func tryFolder(at Path) error {
	before, after := at.Join("before"), at.Join("after")
	if err := errors.Join(MakeFolder(before), put(before.Join("file"), "in a folder")); err != nil {
		return err
	}
	if err := before.rename(after); err != nil {
		return err
	}
	return holds(after.Join("file"), "in a folder")
}

func tryLink(at Path) error {
	link, next := at.Join("link"), at.Join("next")
	for _, target := range []string{"content", "after"} {
		if err := next.failure(next.root.Symlink(target, next.name)); err != nil {
			return err
		}
		if err := next.rename(link); err != nil {
			return err
		}
	}
	got, err := link.root.Readlink(link.name)
	if err != nil {
		return err
	}
	return differs([]byte(got), []byte("after"))
}

// put makes a file.
func put(at Path, content string) error {
	f, err := NewFile(at)
	if err != nil {
		return err
	}
	_, err = f.WriteString(content)
	return errors.Join(err, f.Close())
}

// holds returns an error with the place where a file does not hold what it should.
func holds(at Path, want string) error {
	got, err := at.ReadFile()
	if err != nil {
		return err
	}
	return differs(got, []byte(want))
}

func tryHardLink(at Path) error {
	return at.failure(at.root.Link(at.Join("content").name, at.Join("second").name))
}

func tryFolderLock(at Path) error {
	f, err := at.Join("after").openFolder()
	if err != nil {
		return err
	}
	defer f.Close()
	return tryLock(f, exclusive)
}

func tryFileLock(at Path) error {
	f, err := at.Join("content").open(os.O_RDWR)
	if err != nil {
		return err
	}
	defer f.Close()
	return tryLock(f, exclusive)
}

func tryProtect(at Path) error {
	f, err := at.Join("content").Open()
	if err != nil {
		return err
	}
	defer f.Close()
	if err := f.Chmod(fileMode); err != nil {
		return err
	}
	info, err := f.Stat()
	if err == nil && info.Mode().Perm()&0o222 != 0 {
		err = fmt.Errorf("its mode is %v", info.Mode())
	}
	return err
}

func tryNumber(at Path) error {
	first, err := at.Join("content").Lstat()
	if err != nil {
		return err
	}
	second, err := at.Join("content").Lstat()
	if err == nil && !os.SameFile(first, second) {
		err = errors.New("two looks at one file show two files")
	}
	return err
}

// Room fails if the volume of a folder has fewer free bytes than are to be written. It cannot know what others will write.
func Room(folder Path, bytes int64, what string) error {
	f, err := folder.openFolder()
	if err != nil {
		return WrapError(err)
	}
	defer f.Close()
	if left := free(f); left >= 0 && left < bytes {
		return contract.Failf(contract.InsufficientStorage, "the volume is too small: %s has %d bytes, and %d are free; give the claim more storage, or remove revisions that are no longer used", what, bytes, left)
	}
	return nil
}
