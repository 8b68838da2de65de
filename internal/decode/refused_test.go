package decode

import (
	"encoding/binary"
	"hash/crc32"
	"math/bits"
	"strings"
	"testing"
	"unicode/utf16"

	"github.com/datasetmix/datasetmix/internal/decode/decoded"
)

// TestKnownAndRefused: what is known by its bytes says what it is and what to do, packed with gzip or not, whatever its name is.
func TestKnownAndRefused(t *testing.T) {
	tar := "rows.jsonl" + strings.Repeat("\x00", 247) + "ustar\x0000" + strings.Repeat("\x00", 248)
	record := binary.LittleEndian.AppendUint64(nil, 300)
	record = binary.LittleEndian.AppendUint32(record, bits.RotateLeft32(crc32.Checksum(record, crc32.MakeTable(crc32.Castagnoli)), 17)+0xa282ead8)
	rows := "{\"a\":\"x\"}\n{\"a\":\"\u017elu\u0165\"}\n"
	for name, c := range map[string]struct{ data, is, do string }{
		"an Arrow stream":             {"\xff\xff\xff\xffp\x00\x00\x00\x10\x00\x00\x00", "an Arrow stream", "publish it as Parquet"},
		"an Arrow file":               {"ARROW1\x00\x00\xff\xff\xff\xff", "an Arrow file", "as Parquet or JSON Lines"},
		"old Feather":                 {"FEA1....", "Feather", "as Parquet or JSON Lines"},
		"ORC":                         {"ORC\x08\x03", "ORC", "as Parquet or JSON Lines"},
		"Avro":                        {"Obj\x01\x04\x16avro.codec", "Avro", "as Parquet or JSON Lines"},
		"SQLite":                      {"SQLite format 3\x00\x10\x00", "SQLite", "as Parquet or JSON Lines"},
		"DuckDB":                      {"\x01\x02\x03\x04\x05\x06\x07\x08DUCK@\x00", "DuckDB", "as Parquet or JSON Lines"},
		"HDF5":                        {"\x89HDF\r\n\x1a\n\x00", "HDF5", "as Parquet or JSON Lines"},
		"NumPy":                       {"\x93NUMPY\x01\x00v\x00{'descr'", "NumPy", "as Parquet or JSON Lines"},
		"a pickle of protocol 2":      {"\x80\x02]q\x00", "pickle", "as Parquet or JSON Lines"},
		"a pickle of protocol 5":      {"\x80\x05\x95\x10\x00\x00", "pickle", "as Parquet or JSON Lines"},
		"TFRecord":                    {string(record) + "\x0a\x10", "TFRecord", "as Parquet or JSON Lines"},
		"a workbook":                  {"PK\x03\x04\x14\x00\x06\x00[Content_Types].xml", "zip archive", "save the sheet as CSV"},
		"an empty zip":                {"PK\x05\x06" + strings.Repeat("\x00", 18), "zip archive", "uploaded whole"},
		"tar":                         {tar, "tar archive", "name the files inside it"},
		"7z":                          {"7z\xbc\xaf\x27\x1c\x00\x04", "7z", "name the files inside it"},
		"rar":                         {"Rar!\x1a\x07\x01\x00", "rar", "name the files inside it"},
		"xz":                          {"\xfd7zXZ\x00\x00\x04", "xz", "use gzip, bzip2, zstd"},
		"lz4":                         {"\x04\x22\x4d\x18\x64@", "lz4", "use gzip, bzip2, zstd"},
		"framed Snappy":               {"\xff\x06\x00\x00sNaPpY\x01", "Snappy", "use gzip, bzip2, zstd"},
		"lzma":                        {"\x5d\x00\x00\x80\x00", "lzma", "use gzip, bzip2, zstd"},
		"an image":                    {"\x89PNG\r\n\x1a\n\x00", "image", "name the files that hold rows"},
		"PDF":                         {"%PDF-1.7\n", "PDF", "give its text"},
		"UTF-16 with a mark":          {"\xff\xfe" + wide(rows, 2, false), "UTF-16", "convert it to UTF-8"},
		"UTF-16, the other end first": {"\xfe\xff" + wide(rows, 2, true), "UTF-16", "convert it to UTF-8"},
		"UTF-16 without a mark":       {wide(rows, 2, false), "UTF-16 without a mark", "convert it to UTF-8"},
		"UTF-16, the other end first, without a mark": {wide(rows, 2, true), "UTF-16 without a mark", "convert it to UTF-8"},
		"UTF-16 of a table without a mark":            {wide("a,b\n\u4e00\u4e8c,1\nx,2\nyes,3\n", 2, false), "UTF-16 without a mark", "convert it to UTF-8"},
		"UTF-32 with a mark":                          {"\xff\xfe\x00\x00" + wide(rows, 4, false), "UTF-32", "convert it to UTF-8"},
		"UTF-32, the other end first, with a mark":    {"\x00\x00\xfe\xff" + wide(rows, 4, true), "UTF-32", "convert it to UTF-8"},
		"UTF-32 without a mark":                       {wide(rows, 4, false), "UTF-32 without a mark", "convert it to UTF-8"},
		"UTF-32, the other end first, without a mark": {wide(rows, 4, true), "UTF-32 without a mark", "convert it to UTF-8"},
		"an error page":                               {" \n<!DOCTYPE html>", "HTML", "fetch it again"},
		"a pointer of Git LFS":                        {"version https://git-lfs.github.com/spec/v1\noid sha256:0", "Git LFS pointer", "fetch the file"},
		"a pointer of git-annex":                      {"/annex/objects/SHA256E-s5--00.jsonl\n", "git-annex pointer", "fetch the file"},
	} {
		t.Run(name, func(t *testing.T) {
			for packed, data := range map[string][]byte{"plain": []byte(c.data), "gzip": zipped(c.data)} {
				file := memory(data)
				file.Name = "rows.csv"
				if out := collect(file, decoded.Optional("a")); out.Rows != nil || !strings.Contains(out.End, c.is) || !strings.Contains(out.End, c.do) {
					t.Errorf("%s, %s: %q, %s", packed, name, out.Rows, out.End)
				}
			}
		})
	}
}

// wide returns a text with so many bytes a character.
func wide(text string, size int, bigFirst bool) string {
	var out []byte
	for _, unit := range utf16.Encode([]rune(text)) {
		for i := range size {
			if bigFirst {
				i = size - 1 - i
			}
			out = append(out, byte(uint32(unit)>>(8*i)))
		}
	}
	return string(out)
}

// TestNotWide: zeros alone do not make a text of two bytes a character.
func TestNotWide(t *testing.T) {
	for _, head := range []string{"", "{", "{\x00", "{\"a\":\"x\"}", "\x00\x00\x00\x00", "a\x00b\x00\x00c\x00d", "{\"a\":\x00\x00\x00\"x\"}", "a\x00bcdefghijk"} {
		if got := wideText([]byte(head)); got != "" {
			t.Errorf("%q is %s", head, got)
		}
	}
}
