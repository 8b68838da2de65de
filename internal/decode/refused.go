package decode

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"math/bits"

	"github.com/datasetmix/datasetmix/internal/decode/parquet"
)

// refused are formats that are recognized by bytes near the front but not read, with what to do instead.
var refused = []struct {
	at          int
	magic, what string
	instead     string
}{
	{0, "PARE", "encrypted Parquet", "publish it unencrypted"},
	{0, "PK\x03\x04", "a zip archive, as .xlsx, .npz and .pt files are", "name the files inside it, unpacked or as gzip; of a workbook, save the sheet as CSV"},
	{0, "PK\x05\x06", "a zip archive with nothing in it", "check that it was uploaded whole"},
	{257, "ustar", "a tar archive", "name the files inside it, unpacked or each packed by itself"},
	{0, "7z\xbc\xaf\x27\x1c", "a 7z archive", unpackFirst},
	{0, "Rar!\x1a\x07", "a rar archive", unpackFirst},
	{0, "\xfd7zXZ\x00", "packed with xz", packAgain},
	{0, "\x04\x22\x4d\x18", "packed with lz4", packAgain},
	{0, "\x02\x21\x4c\x18", "packed with an older lz4", packAgain},
	{0, "\xff\x06\x00\x00sNaPpY", "packed with Snappy", packAgain},
	{0, "\x5d\x00\x00", "packed with lzma", packAgain},
	{0, "LZIP", "packed with lzip", packAgain},
	{0, "\x1f\x9d", "packed with compress", packAgain},
	{0, "ARROW1", "an Arrow file, also called Feather", asParquet},
	{0, "FEA1", "an old Feather file", asParquet},
	{0, "\xff\xff\xff\xff", "an Arrow stream, as save_to_disk of Hugging Face datasets writes it", "publish it as Parquet, with to_parquet or push_to_hub, or as JSON Lines"},
	{0, "ORC", "an ORC file", asParquet},
	{0, "Obj\x01", "an Avro file", asParquet},
	{0, "SEQ\x06", "a Hadoop SequenceFile", asParquet},
	{0, "\x89HDF\r\n\x1a\n", "an HDF5 file", asParquet},
	{0, "SQLite format 3\x00", "a SQLite database", asParquet},
	{8, "DUCK", "a DuckDB database", asParquet},
	{0, "\x93NUMPY", "a NumPy array", asParquet},
	{0, "\x80\x02", pickle, asParquet},
	{0, "\x80\x03", pickle, asParquet},
	{0, "\x80\x04\x95", pickle, asParquet},
	{0, "\x80\x05\x95", pickle, asParquet},
	{0, "RDX2\n", "a file of R", asParquet},
	{0, "RDX3\n", "a file of R", asParquet},
	{0, "WARC/", "a web archive", asParquet},
	{0, "GGUF", "a model in the GGUF format", nameFiles},
	{0, "\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "a document of an older Office", "save the sheet as CSV in UTF-8"},
	{0, "%PDF-", "a PDF", "give its text as JSON Lines"},
	{0, "\x89PNG\r\n\x1a\n", "an image", nameFiles},
	{0, "\xff\xd8\xff", "an image", nameFiles},
	{0, "GIF8", "an image", nameFiles},
	{0, "RIFF", "audio, video or an image", nameFiles},
	{0, "ID3", "audio", nameFiles},
	{0, "\xff\xfe\x00\x00", "text in UTF-32", toUTF8},
	{0, "\x00\x00\xfe\xff", "text in UTF-32", toUTF8},
	{0, "\xff\xfe", "text in UTF-16", toUTF8},
	{0, "\xfe\xff", "text in UTF-16", toUTF8},
	{0, "version https://git-lfs", "a Git LFS pointer, not the data", "fetch the file that it points to"},
	{0, "/annex/objects/", "a git-annex pointer, not the data", "fetch the file that it points to"},
}

const (
	unpackFirst = "name the files inside it, unpacked or as gzip"
	packAgain   = "use gzip, bzip2, zstd or no packing"
	nameFiles   = "name the files that hold rows"
	asParquet   = "publish its rows as Parquet or JSON Lines"
	toUTF8      = "convert it to UTF-8"
	pickle      = "a Python pickle, which can run code when it is opened"
)

// refuse returns an error for a known format that is not read, by the first unpacked bytes of a file.
func refuse(head []byte, packed string) error {
	if packed != "" && (bytes.HasPrefix(head, []byte(parquet.Magic)) || packing(head) != "") {
		return fmt.Errorf(unpackedTwice, packed)
	}
	for _, r := range refused {
		if len(head) > r.at && bytes.HasPrefix(head[r.at:], []byte(r.magic)) {
			return fmt.Errorf("the file is %s, which is not supported; %s", r.what, r.instead)
		}
	}
	switch wide := wideText(head); {
	case wide != "":
		return fmt.Errorf("the file is text in %s without a mark, which is not supported; %s", wide, toUTF8)
	case isRecords(head):
		return fmt.Errorf("the file has the records of TensorFlow (TFRecord), which are not supported; %s", asParquet)
	case bytes.HasPrefix(bytes.TrimLeft(head, " \t\r\n"), []byte("<")):
		return errors.New("the file is HTML or XML, most likely an error page saved in place of the data; fetch it again")
	}
	return nil
}

// wideText returns the encoding of text with two or four bytes a character that begins with a Latin one, by the places of the zeros.
func wideText(head []byte) string {
	const looked = 256
	head = head[:min(len(head), looked)&^3]
	var zeros [4]int
	for i, b := range head {
		if b == 0 {
			zeros[i&3]++
		}
	}
	all, even, odd := len(head)/4, zeros[0]+zeros[2], zeros[1]+zeros[3]
	switch {
	case all == 0:
		return ""
	case zeros[2] == all && zeros[3] == all && zeros[0] == 0, zeros[0] == all && zeros[1] == all && zeros[3] == 0:
		return "UTF-32"
	case head[1] == 0 && odd > 1 && odd > 4*even, head[0] == 0 && even > 1 && even > 4*odd:
		return "UTF-16"
	}
	return ""
}

// isRecords reports whether a file begins with a length and its checksum as TFRecord has them: CRC-32C, turned and moved.
func isRecords(head []byte) bool {
	const moved = 0xa282ead8
	if len(head) < 12 {
		return false
	}
	sum := crc32.Checksum(head[:8], crc32.MakeTable(crc32.Castagnoli))
	return binary.LittleEndian.Uint32(head[8:]) == bits.RotateLeft32(sum, -15)+moved
}
