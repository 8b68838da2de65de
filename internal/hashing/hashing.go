// Package hashing hashes files, writes checksums down, and remembers which files this process has hashed.
package hashing

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
)

// SHA256 returns the digest and the length of what is left of a file. It ends with ctx.
func SHA256(ctx context.Context, f io.Reader) (digest string, bytes int64, err error) {
	sum := sha256.New()
	bytes, err = Hash(ctx, f, sum)
	if err != nil {
		return "", bytes, err
	}
	return hex.EncodeToString(sum.Sum(nil)), bytes, nil
}

// Hash writes what is left of a file to a hash and returns its length. It ends with ctx, and then returns its cause.
func Hash(ctx context.Context, f io.Reader, sum hash.Hash) (bytes int64, err error) {
	for buffer := make([]byte, digestBuffer); ; {
		if ctx.Err() != nil {
			return bytes, context.Cause(ctx)
		}
		n, err := f.Read(buffer)
		_, _ = sum.Write(buffer[:n]) // which cannot fail
		bytes += int64(n)
		if errors.Is(err, io.EOF) {
			return bytes, nil
		}
		if err != nil {
			return bytes, err
		}
	}
}

// digestBuffer is what is read at once of a file that is only hashed. It stays in the processor's cache.
const digestBuffer = 64 << 10

// Checksum returns how an XXH64 is written down.
func Checksum(sum uint64) string { return fmt.Sprintf("%016x", sum) }
