package hashing

import (
	"context"
	"crypto/rand"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"testing/iotest"
	"time"
)

// Digests of "abc", as FIPS 180-2 has it, and of nothing.
const (
	ofABC   = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
	ofEmpty = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
)

func TestSHA256(t *testing.T) {
	for content, want := range map[string]string{"abc": ofABC, "": ofEmpty} {
		digest, n, err := SHA256(t.Context(), strings.NewReader(content))
		if err != nil || digest != want || n != int64(len(content)) {
			t.Errorf("%q has the digest %s and %d bytes, %v", content, digest, n, err)
		}
	}
	if got := Checksum(0xabc); got != "0000000000000abc" {
		t.Errorf("a checksum is written as %s", got)
	}
}

// TestAFileThatCannotBeRead has no digest of the part that could.
func TestAFileThatCannotBeRead(t *testing.T) {
	broken := errors.New("the disk is broken")
	file := io.MultiReader(strings.NewReader("abc"), iotest.ErrReader(broken))
	if digest, n, err := SHA256(t.Context(), file); !errors.Is(err, broken) || digest != "" || n != 3 {
		t.Errorf("the digest %q of %d bytes, %v", digest, n, err)
	}
}

// TestHashingEndsWithItsContext: a file that is large, or grows, keeps no worker that is told to end.
func TestHashingEndsWithItsContext(t *testing.T) {
	ended := errors.New("the pod ends")
	ctx, cancel := context.WithCancelCause(t.Context())
	time.AfterFunc(50*time.Millisecond, func() { cancel(ended) })
	if _, _, err := SHA256(ctx, rand.Reader); !errors.Is(err, ended) { // which has no end
		t.Errorf("%v", err)
	}
}

// TestProofs: a file has a digest for as long as nothing was written to it, whatever its time of modification was set to.
func TestProofs(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("files are known by their times on Linux alone")
	}
	name := filepath.Join(t.TempDir(), "f")
	describe := func() fs.FileInfo {
		t.Helper()
		info, err := os.Stat(name)
		if err != nil {
			t.Fatal(err)
		}
		return info
	}
	write := func(content string) {
		t.Helper()
		if err := os.WriteFile(name, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	var p Proofs
	write("abc")
	first := describe()
	if p.Has(first, ofABC) || p.Has(first, "") {
		t.Error("a file was found to have a digest that nobody has read")
	}
	p.Note(first, ofABC)
	for digest, want := range map[string]bool{ofABC: true, ofEmpty: false, "": false} {
		if p.Has(describe(), digest) != want {
			t.Errorf("the digest %q is known: %v", digest, !want)
		}
	}
	time.Sleep(20 * time.Millisecond) // longer than a tick of the file system's clock
	write("xyz")
	if err := os.Chtimes(name, time.Time{}, first.ModTime()); err != nil {
		t.Fatal(err)
	}
	if after := describe(); !after.ModTime().Equal(first.ModTime()) || p.Has(after, ofABC) {
		t.Error("a file that was written to counts as the same")
	}
}

// TestProofsAreBounded: of more files than are remembered, the later ones are hashed again.
func TestProofsAreBounded(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("files are known by their times on Linux alone")
	}
	info, err := os.Stat(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	for others, want := range map[int]bool{mostProofs - 1: true, mostProofs: false} {
		p := Proofs{known: map[state]string{}}
		for i := range others {
			p.known[state{number: uint64(i), size: -1}] = ofEmpty
		}
		if p.Note(info, ofABC); p.Has(info, ofABC) != want {
			t.Errorf("after %d other files, one is remembered: %t", others, !want)
		}
	}
}
