package store

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/datasetmix/datasetmix/internal/contract"
	"github.com/datasetmix/datasetmix/internal/testing/faultfs"
)

func TestMain(m *testing.M) { os.Exit(faultfs.Main(m)) }

// TestProbe: what a volume lacks that is needed has its reason before anything is built, and what can be done without is said.
func TestProbe(t *testing.T) {
	type verdict struct {
		Reason contract.Reason // "" where it suits
		Says   string
		Lacks  []string
	}
	suits := func(lacks ...string) verdict { return verdict{Lacks: lacks} }
	unsuitable := func(says string) verdict { return verdict{Reason: contract.VolumeUnsuitable, Says: says} }
	for fault, want := range map[string]verdict{
		"none=EIO":        suits(),
		"mkdir=EACCES":    unsuitable("fsGroup"),
		"change=EROFS":    unsuitable("mounted read-only"),
		"change=ENOSPC":   {Reason: contract.InsufficientStorage, Says: "is full"},
		"write=EIO":       {Reason: contract.VolumeIOError, Says: "storage failed"},
		"fsync=EIO":       {Reason: contract.VolumeIOError, Says: "storage failed"},
		"read=ESTALE":     {Reason: contract.VolumeIOError, Says: "storage failed"},
		"truncate=EINVAL": unsuitable("writing a file in several places"),
		"rename=EPERM":    unsuitable("renaming a file over another one failed"),
		"rename=ENOSYS":   unsuitable("renaming a file over another one failed"),
		"rename=EINVAL@2": unsuitable("renaming a folder failed"),
		"symlink=EPERM":   unsuitable("making a symbolic link"),
		"symlink=ENOTSUP": unsuitable("making a symbolic link"),
		"symlink=EINVAL":  unsuitable("making a symbolic link"),
		"rmdir=EPERM":     unsuitable("removing a folder"),
		"link=EPERM":      suits("no hard links"),
		"link=EIO":        suits("no hard links"),
		"flock=ENOLCK":    suits("no locks on files"),
		"flock=ENOTSUP":   suits("no locks on files"),
		"fsyncdir=EINVAL": suits("folders cannot be brought to the disk"),
		"chmod=EPERM":     suits("files cannot be made read-only"),
		"inodes":          suits("a file has another inode number each time"),
	} {
		t.Run(fault, func(t *testing.T) {
			t.Parallel()
			folder := faultfs.Mount(t, t.TempDir(), fault)
			lacks, err := Probe(at(filepath.Join(folder, "mix")))
			got := verdict{Says: want.Says}
			if err != nil {
				got.Reason = contract.ReasonOf(err)
			}
			for _, lack := range lacks {
				what, _, _ := strings.Cut(lack, " (")
				got.Lacks = append(got.Lacks, what)
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("%v\n(-want +got):\n%s", err, diff)
			}
			if err != nil && (!strings.Contains(err.Error(), want.Says) || strings.Count(err.Error(), "the volume ") > 1) {
				t.Errorf("the message %q does not say %q, or says it twice", err, want.Says)
			}
			if err == nil {
				if left := names(t, filepath.Join(folder, "mix")); len(left) != 0 {
					t.Errorf("left behind: %v", left)
				}
			}
		})
	}
}

// faultyBox returns a cache on a volume with a fault.
func faultyBox(t *testing.T, fault string) box {
	return box{Cache{Root: at(filepath.Join(faultfs.Mount(t, t.TempDir(), fault), ".cache"))}, t}
}

// begun returns a download of which so much is there.
func (b box) begun(content string) *Partial {
	b.t.Helper()
	p, err := b.Partial("x")
	must(b.t, err)
	_, err = p.File().WriteString(content)
	must(b.t, err)
	return p
}

// TestTheCacheWithoutLocks: nothing goes of which it is not known who uses it, until it is as old as nothing in use is; two writers
// never share a part, and the next one goes on with what a writer has given back.
func TestTheCacheWithoutLocks(t *testing.T) {
	for _, fault := range []string{"flock=ENOLCK", "flock=ENOTSUP", "flock=EBADF"} {
		t.Run(fault, func(t *testing.T) {
			t.Parallel()
			b := faultyBox(t, fault)
			first, second := b.begun("half"), b.begun("other half")
			must(t, second.SetCheckpoint([]byte("checkpoint")))
			must(t, b.keep("unused", 30).Close())
			must(t, b.Trim(0))
			if diff := cmp.Diff([]string{"checkpoint", "half", "other half", "unused"}, b.left()); diff != "" {
				t.Errorf("left while it is not known who uses it (-want +got):\n%s", diff)
			}
			must(t, first.Close())
			must(t, second.Close())
			next := b.begun("")
			content, err := next.Path.ReadFile()
			must(t, err)
			checkpoint, err := next.Checkpoint()
			must(t, err)
			if string(content) != "other half" || string(checkpoint) != "checkpoint" {
				t.Errorf("the next writer goes on with %q and %q", content, checkpoint)
			}
			must(t, next.Close())
			b.age(2 * abandonedAfter)
			must(t, b.Trim(0))
			if left := b.left(); len(left) != 0 {
				t.Errorf("left after two days: %q", left)
			}
		})
	}
}

// age makes everything in the cache so old.
func (b box) age(by time.Duration) {
	b.t.Helper()
	long := time.Now().Add(-by)
	must(b.t, b.Root.WalkDir(func(at Path, _ os.DirEntry, _ error) error { return at.Touch(long) }))
}

// TestTheCacheWithoutLocksForReaders, as NFS is: there, who has a file open for reading gets no lock for writing.
func TestTheCacheWithoutLocksForReaders(t *testing.T) {
	b := faultyBox(t, "exclusive=EBADF")
	running := b.begun("half")
	must(t, b.keep("unused", 30).Close())
	must(t, b.Trim(0))
	if diff := cmp.Diff([]string{"half"}, b.left()); diff != "" {
		t.Errorf("left (-want +got):\n%s", diff)
	}
	must(t, running.Close())
	b.empties()
}

// TestTheCacheWhereInodesChange: there is no loop, no part is shared, and locks tell what may go.
func TestTheCacheWhereInodesChange(t *testing.T) {
	b := faultyBox(t, "inodes")
	first, second := b.begun("half"), b.begun("other half")
	held := b.keep("held", 30)
	must(t, b.keep("unused", 30).Close())
	must(t, b.Trim(0))
	if diff := cmp.Diff([]string{"half", "held", "other half"}, b.left()); diff != "" {
		t.Errorf("left (-want +got):\n%s", diff)
	}
	must(t, first.Close())
	must(t, second.Close())
	must(t, held.Close())
	b.empties()
}

// empties fails where an unused cache does not become empty. FUSE gives locks back some time after a file is closed.
func (b box) empties() {
	b.t.Helper()
	for range 200 {
		must(b.t, b.Trim(0))
		if len(b.left()) == 0 {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	b.t.Errorf("left of what nobody uses: %q", b.left())
}

// TestStagingOnFaultyVolumes begins at once, is committed whole, and leaves nothing.
func TestStagingOnFaultyVolumes(t *testing.T) {
	for _, fault := range []string{"inodes", "flock=ENOLCK", "chmod=EPERM", "fsyncdir=EINVAL", "link=EIO", "link=EACCES", "link=EINVAL", "utimes=EPERM"} {
		t.Run(fault, func(t *testing.T) {
			t.Parallel()
			folder := faultfs.Mount(t, t.TempDir(), fault)
			original, final := at(filepath.Join(folder, "original")), at(filepath.Join(folder, "stages", "key"))
			must(t, WriteFile(original, []byte("content")))
			s, err := Stage(final)
			must(t, err)
			defer s.Close()
			must(t, s.Link(original, "files/00000"))
			must(t, s.WriteFile("result.json", []byte("{}")))
			must(t, s.Commit())
			must(t, Touch(final))
			must(t, SwapLink(at(filepath.Join(folder, "current")), "stages/key"))
			got, err := os.ReadFile(filepath.Join(folder, "current", "files", "00000"))
			if err != nil || string(got) != "content" {
				t.Errorf("read %q, %v", got, err)
			}
			if diff := cmp.Diff([]string{"key"}, names(t, filepath.Join(folder, "stages"))); diff != "" {
				t.Errorf("folders (-want +got):\n%s", diff)
			}
		})
	}
}
