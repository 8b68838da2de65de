package source

import (
	"context"
	"crypto/sha1" // git's own digest of a blob, not a protection
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"strings"

	"github.com/datasetmix/datasetmix/internal/contract"
)

// verifier hashes the bytes of a file from the first one, and compares size and digests with the listed ones.
type verifier struct {
	file File
	size int64
	sha  hash.Hash
	blob hash.Hash // nil where no git digest is promised
	sum  hash.Hash // nil where no checksum is
}

func newVerifier(f File) *verifier {
	v := &verifier{file: f, sha: sha256.New(), sum: newChecksum(f.Checksum)}
	if f.GitBlob != "" && f.Size >= 0 { // git hashes the size before the content
		v.blob = sha1.New()
		fmt.Fprintf(v.blob, "blob %d\x00", f.Size)
	}
	return v
}

func (v *verifier) write(p []byte) {
	v.size += int64(len(p))
	v.sha.Write(p)
	if v.blob != nil {
		v.blob.Write(p)
	}
	if v.sum != nil {
		v.sum.Write(p)
	}
}

// digestBuffer is how many bytes of a file that is only hashed are read at once: few enough for the processor's cache. Hashing in another
// goroutine would not help: there is no I/O to overlap.
const digestBuffer = 64 << 10

// readAll reads to the end, or to that of ctx. Its error is the reader's.
func (v *verifier) readAll(ctx context.Context, from io.Reader) error {
	for buffer := make([]byte, digestBuffer); ; {
		if ctx.Err() != nil {
			return contract.Failf(contract.FetchFailed, "Reading %s was stopped: %w.", v.file.Path, context.Cause(ctx))
		}
		n, err := from.Read(buffer)
		v.write(buffer[:n])
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
	}
}

// digest returns the SHA-256 of what was written.
func (v *verifier) digest() string { return hex.EncodeToString(v.sha.Sum(nil)) }

// check compares what was written with what was promised.
func (v *verifier) check() error {
	f := v.file
	if f.Size >= 0 && v.size != f.Size {
		return contract.Failf(contract.ChecksumMismatch,
			"%s has %d bytes, and it was listed with %d.", f.Path, v.size, f.Size)
	}
	if f.SHA256 != "" && v.digest() != f.SHA256 {
		return contract.Failf(contract.ChecksumMismatch,
			"%s has the SHA-256 %s, and %s was promised: these are other bytes than those that are pinned. "+
				"Check the pinned digest, and any mirror or proxy on the way.", f.Path, v.digest(), f.SHA256)
	}
	if v.sum != nil {
		algorithm, _, _ := strings.Cut(f.Checksum, ":")
		if got := Checksum(algorithm, v.sum.Sum(nil)); got != f.Checksum {
			return contract.Failf(contract.ChecksumMismatch,
				"%s has the checksum %s, and %s was promised: these are other bytes than those that are stored. "+
					"Check any mirror or proxy on the way.", f.Path, got, f.Checksum)
		}
	}
	if v.blob != nil {
		if got := hex.EncodeToString(v.blob.Sum(nil)); got != f.GitBlob {
			return contract.Failf(contract.ChecksumMismatch,
				"%s has the git blob SHA-1 %s, and %s was promised: these are other bytes than those of the commit. "+
					"Check any mirror or proxy on the way.", f.Path, got, f.GitBlob)
		}
	}
	return nil
}
