package encode

import (
	"bytes"
	"io"
	"strings"
	"testing"
)

// benchRows have about 30 MB.
const benchRows = 40_000

// BenchmarkWrite and BenchmarkRows give MB/s of rows, not of files; one operation is a whole file.
func BenchmarkWrite(b *testing.B) {
	lines := corpus(benchRows)
	plain := int64(len(strings.Join(lines, "")))
	for _, format := range formats {
		b.Run(string(format), func(b *testing.B) {
			b.SetBytes(plain)
			b.ReportAllocs()
			for b.Loop() {
				w, err := NewWriter(io.Discard, format)
				if err != nil {
					b.Fatal(err)
				}
				for _, line := range lines {
					if err := w.WriteRow([]byte(line)); err != nil {
						b.Fatal(err)
					}
				}
				if err := w.Close(); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(len(write(b, format, lines)))/float64(plain), "ratio")
		})
	}
}

func BenchmarkRows(b *testing.B) {
	lines := corpus(benchRows)
	plain := int64(len(strings.Join(lines, "")))
	for _, format := range formats {
		b.Run(string(format), func(b *testing.B) {
			file := write(b, format, lines)
			b.SetBytes(plain)
			b.ReportAllocs()
			for b.Loop() {
				for _, err := range Rows(bytes.NewReader(file), int64(len(file)), format) {
					if err != nil {
						b.Fatal(err)
					}
				}
			}
		})
	}
}
