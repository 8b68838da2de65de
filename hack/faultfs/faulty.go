package main

import (
	"fmt"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"

	"github.com/hanwen/go-fuse/v2/fuse"
)

// fault is an operation that returns an error.
type fault struct {
	operation string
	errno     syscall.Errno
	at        int64 // the call that does; 0 is every one
	calls     atomic.Int64
}

// faults are those of the command line.
type faults []*fault

func (f *faults) String() string { return fmt.Sprint(len(*f)) }

// errnos are the errors that file systems give for what they cannot do.
var errnos = map[string]syscall.Errno{
	"EACCES": syscall.EACCES, "EBADF": syscall.EBADF, "EINVAL": syscall.EINVAL, "EIO": syscall.EIO, "ENOLCK": syscall.ENOLCK, "ENOSPC": syscall.ENOSPC,
	"ENOSYS": syscall.ENOSYS, "ENOTSUP": syscall.ENOTSUP, "EPERM": syscall.EPERM, "EROFS": syscall.EROFS, "ESTALE": syscall.ESTALE,
}

// Set reads one of the command line.
func (f *faults) Set(text string) error {
	operation, what, _ := strings.Cut(text, "=")
	name, at, _ := strings.Cut(what, "@")
	errno, ok := errnos[name]
	if !ok || operation == "" {
		return fmt.Errorf("%q is no OPERATION=ERRNO[@N]", text)
	}
	one := &fault{operation: operation, errno: errno}
	if at != "" {
		n, err := strconv.ParseInt(at, 10, 64)
		if err != nil {
			return err
		}
		one.at = n
	}
	*f = append(*f, one)
	return nil
}

// faulty is a file system with faults. Operations are named as the calls that come to it: lookup, mkdir, unlink, rmdir, rename, link,
// symlink, create, open, read, write, fsync, fsyncdir, chmod, utimes, truncate and flock; exclusive is a flock for writing on a file
// that was opened for reading, and change is everything that changes something.
type faulty struct {
	fuse.RawFileSystem
	faults   faults
	changing bool          // inode numbers
	number   atomic.Uint64 // the last inode number
	reading  sync.Map      // files that were opened for reading, by their handle
}

// on returns the error of an operation that is called now.
func (f *faulty) on(operations ...string) fuse.Status {
	for _, fault := range f.faults {
		for _, operation := range operations {
			if fault.operation != operation {
				continue
			}
			if n := fault.calls.Add(1); fault.at == 0 || n == fault.at {
				return fuse.Status(fault.errno)
			}
		}
	}
	return fuse.OK
}

func (f *faulty) renumber(attr *fuse.Attr) {
	if f.changing {
		attr.Ino = 1<<32 + f.number.Add(1)
	}
}

func (f *faulty) Lookup(cancel <-chan struct{}, in *fuse.InHeader, name string, out *fuse.EntryOut) fuse.Status {
	if s := f.on("lookup"); !s.Ok() {
		return s
	}
	s := f.RawFileSystem.Lookup(cancel, in, name, out)
	f.renumber(&out.Attr)
	return s
}

func (f *faulty) GetAttr(cancel <-chan struct{}, in *fuse.GetAttrIn, out *fuse.AttrOut) fuse.Status {
	s := f.RawFileSystem.GetAttr(cancel, in, out)
	f.renumber(&out.Attr)
	return s
}

func (f *faulty) SetAttr(cancel <-chan struct{}, in *fuse.SetAttrIn, out *fuse.AttrOut) fuse.Status {
	for bit, operation := range map[uint32]string{fuse.FATTR_MODE: "chmod", fuse.FATTR_MTIME: "utimes", fuse.FATTR_SIZE: "truncate"} {
		if in.Valid&bit == 0 {
			continue
		}
		if s := f.on(operation, "change"); !s.Ok() {
			return s
		}
	}
	s := f.RawFileSystem.SetAttr(cancel, in, out)
	f.renumber(&out.Attr)
	return s
}

func (f *faulty) Mkdir(cancel <-chan struct{}, in *fuse.MkdirIn, name string, out *fuse.EntryOut) fuse.Status {
	if s := f.on("mkdir", "change"); !s.Ok() {
		return s
	}
	s := f.RawFileSystem.Mkdir(cancel, in, name, out)
	f.renumber(&out.Attr)
	return s
}

func (f *faulty) Unlink(cancel <-chan struct{}, in *fuse.InHeader, name string) fuse.Status {
	if s := f.on("unlink", "change"); !s.Ok() {
		return s
	}
	return f.RawFileSystem.Unlink(cancel, in, name)
}

func (f *faulty) Rmdir(cancel <-chan struct{}, in *fuse.InHeader, name string) fuse.Status {
	if s := f.on("rmdir", "change"); !s.Ok() {
		return s
	}
	return f.RawFileSystem.Rmdir(cancel, in, name)
}

func (f *faulty) Rename(cancel <-chan struct{}, in *fuse.RenameIn, from, to string) fuse.Status {
	if s := f.on("rename", "change"); !s.Ok() {
		return s
	}
	return f.RawFileSystem.Rename(cancel, in, from, to)
}

func (f *faulty) Link(cancel <-chan struct{}, in *fuse.LinkIn, name string, out *fuse.EntryOut) fuse.Status {
	if s := f.on("link", "change"); !s.Ok() {
		return s
	}
	s := f.RawFileSystem.Link(cancel, in, name, out)
	f.renumber(&out.Attr)
	return s
}

func (f *faulty) Symlink(cancel <-chan struct{}, in *fuse.InHeader, target, name string, out *fuse.EntryOut) fuse.Status {
	if s := f.on("symlink", "change"); !s.Ok() {
		return s
	}
	s := f.RawFileSystem.Symlink(cancel, in, target, name, out)
	f.renumber(&out.Attr)
	return s
}

func (f *faulty) Create(cancel <-chan struct{}, in *fuse.CreateIn, name string, out *fuse.CreateOut) fuse.Status {
	if s := f.on("create", "change"); !s.Ok() {
		return s
	}
	s := f.RawFileSystem.Create(cancel, in, name, out)
	f.renumber(&out.Attr)
	f.opened(&out.OpenOut, in.Flags)
	return s
}

func (f *faulty) Open(cancel <-chan struct{}, in *fuse.OpenIn, out *fuse.OpenOut) fuse.Status {
	if s := f.on("open"); !s.Ok() {
		return s
	}
	s := f.RawFileSystem.Open(cancel, in, out)
	f.opened(out, in.Flags)
	return s
}

// opened notes how a file was opened, and keeps the kernel from reading and writing it itself.
func (f *faulty) opened(out *fuse.OpenOut, flags uint32) {
	out.OpenFlags &^= fuse.FOPEN_PASSTHROUGH
	if flags&syscall.O_ACCMODE == syscall.O_RDONLY {
		f.reading.Store(out.Fh, nil)
	} else {
		f.reading.Delete(out.Fh)
	}
}

func (f *faulty) Read(cancel <-chan struct{}, in *fuse.ReadIn, into []byte) (fuse.ReadResult, fuse.Status) {
	if s := f.on("read"); !s.Ok() {
		return nil, s
	}
	return f.RawFileSystem.Read(cancel, in, into)
}

func (f *faulty) Write(cancel <-chan struct{}, in *fuse.WriteIn, content []byte) (uint32, fuse.Status) {
	if s := f.on("write", "change"); !s.Ok() {
		return 0, s
	}
	return f.RawFileSystem.Write(cancel, in, content)
}

// Writev returns the error by which Write is called instead.
func (f *faulty) Writev(<-chan struct{}, *fuse.WriteIn, [][]byte) (uint32, fuse.Status) {
	return 0, fuse.ENOSYS
}

func (f *faulty) Fsync(cancel <-chan struct{}, in *fuse.FsyncIn) fuse.Status {
	if s := f.on("fsync"); !s.Ok() {
		return s
	}
	return f.RawFileSystem.Fsync(cancel, in)
}

func (f *faulty) FsyncDir(cancel <-chan struct{}, in *fuse.FsyncIn) fuse.Status {
	if s := f.on("fsyncdir"); !s.Ok() {
		return s
	}
	return f.RawFileSystem.FsyncDir(cancel, in)
}

func (f *faulty) SetLk(cancel <-chan struct{}, in *fuse.LkIn) fuse.Status {
	if s := f.flock(in); !s.Ok() {
		return s
	}
	return f.RawFileSystem.SetLk(cancel, in)
}

func (f *faulty) SetLkw(cancel <-chan struct{}, in *fuse.LkIn) fuse.Status {
	if s := f.flock(in); !s.Ok() {
		return s
	}
	return f.RawFileSystem.SetLkw(cancel, in)
}

func (f *faulty) flock(in *fuse.LkIn) fuse.Status {
	if in.Lk.Typ == syscall.F_UNLCK {
		return fuse.OK
	}
	if _, reading := f.reading.Load(in.Fh); reading && in.Lk.Typ == syscall.F_WRLCK {
		if s := f.on("exclusive"); !s.Ok() {
			return s
		}
	}
	return f.on("flock")
}
