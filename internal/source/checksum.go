package source

import (
	"crypto/md5" // what stores know an object by, not a protection
	"encoding/hex"
	"hash"
	"hash/crc32"
	"hash/crc64"
	"strings"
)

// Algorithms of File.Checksum, as its prefix.
const (
	MD5       = "md5"
	CRC32C    = "crc32c"
	CRC64NVME = "crc64nvme"
)

// MD5Size is how many bytes an MD5 has.
const MD5Size = md5.Size

// nvme is the polynomial of CRC-64/NVME, reversed as Go's tables want it.
const nvme = 0x9a6c9329ac4bc9b5

var (
	castagnoli = crc32.MakeTable(crc32.Castagnoli)
	nvmeTable  = crc64.MakeTable(nvme)
)

// Checksum returns an algorithm and its big-endian sum as File.Checksum has them.
func Checksum(algorithm string, sum []byte) string { return algorithm + ":" + hex.EncodeToString(sum) }

// newChecksum returns the hash that a checksum names; nil where it names none.
func newChecksum(sum string) hash.Hash {
	algorithm, _, _ := strings.Cut(sum, ":")
	switch algorithm {
	case MD5:
		return md5.New()
	case CRC32C:
		return crc32.New(castagnoli)
	case CRC64NVME:
		return crc64.New(nvmeTable)
	default:
		return nil
	}
}

// proves reports whether a checksum is long enough to prove that bytes belong together. By a CRC of 32 bits one of four billion
// wrong files would be taken.
func proves(sum string) bool {
	return strings.HasPrefix(sum, MD5+":") || strings.HasPrefix(sum, CRC64NVME+":")
}
