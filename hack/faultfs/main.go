// Command faultfs mounts a folder a second time, as a file system (FUSE) that lacks what is asked for: it is what tests build on to
// see how a build ends on a volume that has no locks or links, or that fails. It is a module of its own, since nothing but tests
// needs go-fuse. It needs /dev/fuse and the right to mount.
//
//	faultfs [-fault OPERATION=ERRNO[@N]]… [-inodes] FOLDER MOUNTPOINT
//
// It prints "ready" once it is mounted, and ends, unmounted, with its standard input.
package main

import (
	"flag"
	"fmt"
	"io"
	"os"

	"github.com/hanwen/go-fuse/v2/fs"
	"github.com/hanwen/go-fuse/v2/fuse"
)

func main() {
	var faults faults
	flag.Var(&faults, "fault", "an operation and the error that it gives, at every call or at the Nth alone, such as link=EPERM or read=EIO@7; may be repeated")
	inodes := flag.Bool("inodes", false, "give a file another inode number each time")
	flag.Parse()
	if err := run(flag.Arg(0), flag.Arg(1), &faulty{faults: faults, changing: *inodes}); err != nil {
		fmt.Fprintln(os.Stderr, "faultfs:", err)
		os.Exit(1)
	}
}

func run(folder, mountpoint string, f *faulty) error {
	root, err := fs.NewLoopbackRoot(folder)
	if err != nil {
		return err
	}
	f.RawFileSystem = fs.NewNodeFS(root, &fs.Options{}) // no attribute is cached: each call comes here
	server, err := fuse.NewServer(f, mountpoint, &fuse.MountOptions{
		DirectMountStrict: true, EnableLocks: true, DisableReadDirPlus: true, Name: "faultfs", MaxWrite: 128 << 10,
	})
	if err != nil {
		return err
	}
	go server.Serve()
	if err := server.WaitMount(); err != nil {
		return err
	}
	fmt.Println("ready")
	_, _ = io.Copy(io.Discard, os.Stdin) // its end is all that matters
	return server.Unmount()
}
