package ui

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"sync"
	"time"
)

// Limits of one page: its rows, and the time for finding them. The next page goes on from there.
const (
	pageRows   = 25
	lookedFor  = 200 * time.Millisecond
	markEvery  = 1024
	maxLine    = 8 << 20 // bytes; longer rows are cut
	readBuffer = 256 << 10
)

// place is the offset at which a row begins, and the row's number from 0.
type place struct{ Offset, Row int64 }

// offsets has the offset of every 1,024th row of a file, as far as it was read: 8 bytes for each 1,024 rows.
type offsets struct {
	mu    sync.Mutex
	info  os.FileInfo
	marks []int64
}

// marksOf returns the offsets of a file, empty ones if the file is another one than before.
func (f *folder) marksOf(name string, info os.FileInfo) *offsets {
	f.mu.Lock()
	defer f.mu.Unlock()
	if have, ok := f.marks[name]; ok && os.SameFile(have.info, info) && have.info.Size() == info.Size() {
		return have
	}
	if len(f.marks) >= marksKept {
		clear(f.marks)
	}
	made := &offsets{info: info, marks: []int64{0}}
	f.marks[name] = made
	return made
}

// seek returns the place of a row. It reads on from the last known row before it, and keeps the offsets that it passes.
func (o *offsets) seek(ctx context.Context, file io.ReaderAt, size, row int64) (place, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	mark := min(row/markEvery, int64(len(o.marks)-1))
	at := place{o.marks[mark], mark * markEvery}
	buffer := make([]byte, readBuffer)
	for at.Row < row && at.Offset < size {
		if err := ctx.Err(); err != nil {
			return at, err
		}
		n, err := file.ReadAt(buffer, at.Offset)
		if n == 0 && err != nil {
			return at, err
		}
		chunk := buffer[:n]
		for at.Row < row {
			end := bytes.IndexByte(chunk, '\n')
			if end < 0 {
				at.Offset += int64(len(chunk))
				break
			}
			at.Offset += int64(end + 1)
			at.Row++
			chunk = chunk[end+1:]
			if at.Row == int64(len(o.marks))*markEvery {
				o.marks = append(o.marks, at.Offset)
			}
		}
	}
	return at, nil
}

// found is a row, as a line of its file.
type found struct {
	Row  int64
	Line []byte
	// Cut reports whether Line is only the beginning of the line.
	Cut bool
}

// scan reads rows from a place on, until it has enough wanted rows, the time is up, or the file ends.
func scan(ctx context.Context, file io.ReaderAt, size int64, from place, wanted func(line []byte) bool, rows int) (page []found, next place, ended bool, err error) {
	if err := begins(file, size, from.Offset); err != nil {
		return nil, from, false, err
	}
	until := time.Now().Add(lookedFor)
	reader := bufio.NewReaderSize(io.NewSectionReader(file, from.Offset, size-from.Offset), readBuffer)
	next = from
	var line []byte
	for n := 0; len(page) < rows; n++ {
		if n%64 == 0 && (ctx.Err() != nil || time.Now().After(until) && n > 0) {
			return page, next, false, ctx.Err()
		}
		var length int64
		line, length, err = readLine(reader, line[:0])
		if errors.Is(err, io.EOF) && length == 0 {
			return page, next, true, nil
		}
		if err != nil && !errors.Is(err, io.EOF) {
			return page, next, false, err
		}
		if wanted(line) {
			page = append(page, found{next.Row, bytes.Clone(line), length > int64(len(line))+1})
		}
		next = place{next.Offset + length, next.Row + 1}
	}
	return page, next, next.Offset >= size, nil
}

// readLine reads a line. It returns the first maxLine bytes of it, and its length with the line end.
func readLine(from *bufio.Reader, line []byte) (_ []byte, length int64, err error) {
	for {
		part, err := from.ReadSlice('\n')
		length += int64(len(part))
		if room := maxLine - len(line); room > 0 {
			line = append(line, part[:min(len(part), room)]...)
		}
		if !errors.Is(err, bufio.ErrBufferFull) {
			return bytes.TrimSuffix(line, []byte("\n")), length, err
		}
	}
}

// begins returns an error for an offset at which no row begins: it comes from an address, which may have been edited.
func begins(file io.ReaderAt, size, offset int64) error {
	if offset < 0 || offset > size {
		return &mistakeError{fmt.Errorf("the file has no byte %d", offset)}
	}
	if offset == 0 {
		return nil
	}
	var before [1]byte
	if _, err := file.ReadAt(before[:], offset-1); err != nil {
		return err
	}
	if before[0] != '\n' {
		return &mistakeError{fmt.Errorf("no row begins at byte %d", offset)}
	}
	return nil
}
