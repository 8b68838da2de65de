package extsort

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"runtime"
	"slices"
	"sync"
	"testing"
)

type pair struct{ key, value []byte }

func all(t *testing.T, r *Reader) []pair {
	t.Helper()
	var out []pair
	for {
		key, value, err := r.Next()
		if errors.Is(err, io.EOF) {
			return out
		}
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, pair{bytes.Clone(key), bytes.Clone(value)})
	}
}

func sorted(t *testing.T, s *Sorter) []pair {
	t.Helper()
	r, err := s.Sorted()
	if err != nil {
		t.Fatal(err)
	}
	return all(t, r)
}

func equal(a, b []pair) bool {
	return slices.EqualFunc(a, b, func(x, y pair) bool { return bytes.Equal(x.key, y.key) && bytes.Equal(x.value, y.value) })
}

// records returns random records: few keys, so that equal ones come often, in which the last byte alone may differ; values of all sizes.
func records(random *rand.Rand, n, keySize, largest int) []pair {
	out := make([]pair, n)
	for i := range out {
		key := make([]byte, keySize)
		key[random.IntN(2)*7] = byte(random.IntN(5))
		key[keySize-1] = byte(random.IntN(3))
		value := make([]byte, random.IntN(largest+1))
		for j := range value {
			value[j] = byte(random.Uint32())
		}
		out[i] = pair{key, value}
	}
	return out
}

func stable(in []pair) []pair {
	out := slices.Clone(in)
	slices.SortStableFunc(out, func(a, b pair) int { return bytes.Compare(a.key, b.key) })
	return out
}

// The order is that of a stable sort in memory, however little memory there is.
func TestSortedIsAStableSort(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	for _, c := range []struct {
		what                     string
		n, keySize, largest, mem int
		spills                   bool
	}{
		{"nothing", 0, 8, 10, 1 << 20, false},
		{"one record", 1, 8, 0, 1 << 20, false},
		{"two records", 2, 8, 0, 1 << 20, false},
		{"three records", 3, 9, 1, 1 << 20, false},
		{"in memory", 10_000, 24, 40, 16 << 20, false},
		{"in runs", 40_000, 24, 200, 1 << 20, true},
		{"keys of 8 bytes in runs", 100_000, 8, 60, 1 << 20, true},
		{"values larger than a block", 12, 9, 3 << 20, 4 << 20, true},
	} {
		t.Run(c.what, func(t *testing.T) {
			in := records(random, c.n, c.keySize, c.largest)
			s := New(scratchIn(t.TempDir()), c.keySize, c.mem)
			defer s.Close()
			for round := range 2 { // Reset leaves a sorter as good as new
				for _, p := range in {
					half := len(p.value) / 2
					if err := s.Add(p.key, p.value[:half], p.value[half:]); err != nil {
						t.Fatal(err)
					}
				}
				if s.Count() != int64(c.n) {
					t.Errorf("%d records, %d were added", s.Count(), c.n)
				}
				if got := sorted(t, s); !equal(got, stable(in)) {
					t.Fatalf("round %d: %d records are not in the order of a stable sort", round, len(got))
				}
				if spilled := len(s.runs) > 0; spilled != c.spills {
					t.Errorf("spilled: %v, want %v", spilled, c.spills)
				}
				s.Reset()
			}
		})
	}
}

// inRuns returns a sorter that has written so many runs, and what is in them: a few records in each.
func inRuns(t *testing.T, random *rand.Rand, runs int) (*Sorter, []pair) {
	t.Helper()
	s := New(scratchIn(t.TempDir()), 8, 1)
	t.Cleanup(func() { _ = s.Close() })
	in := records(random, 3*runs, 8, 100)
	for part := range slices.Chunk(in, 3) {
		add(t, s, part)
		if err := s.spill(); err != nil {
			t.Fatal(err)
		}
	}
	return s, in
}

func add(t *testing.T, s *Sorter, in []pair) {
	t.Helper()
	for _, p := range in {
		if err := s.Add(p.key, p.value); err != nil {
			t.Fatal(err)
		}
	}
}

// TestManyRunsAreMergedInSteps: no more than fan runs are read at once, and as many are.
func TestManyRunsAreMergedInSteps(t *testing.T) {
	random := rand.New(rand.NewPCG(3, 4))
	for runs, want := range map[int]int{1: 1, fan - 1: fan - 1, fan: fan, fan + 1: 2, 2*fan + 1: 3} {
		s, in := inRuns(t, random, runs)
		if got := sorted(t, s); !equal(got, stable(in)) {
			t.Errorf("%d runs: not in the order of a stable sort", runs)
		}
		if len(s.runs) != want {
			t.Errorf("%d runs are read as %d, not as %d", runs, len(s.runs), want)
		}
	}
}

// TestSavedFiles: what is saved is read again, of several files those of an earlier one first where keys are equal.
func TestSavedFiles(t *testing.T) {
	random := rand.New(rand.NewPCG(11, 12))
	in := records(random, 3000, 12, 50)
	var files []*os.File
	for part := range slices.Chunk(in, 1000) {
		s := New(scratchIn(t.TempDir()), 12, 1)
		add(t, s, part)
		files = append(files, saved(t, s))
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
	}
	r, err := Open(12, files...)
	if err != nil {
		t.Fatal(err)
	}
	var got []pair
	for range in {
		key, value, err := r.Next()
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, pair{bytes.Clone(key), bytes.Clone(value)})
		if from := in[r.Source()*1000 : (r.Source()+1)*1000]; !slices.ContainsFunc(from, func(p pair) bool { return equal([]pair{p}, got[len(got)-1:]) }) {
			t.Fatalf("record %d is not of file %d", len(got), r.Source())
		}
	}
	if !equal(got, stable(in)) {
		t.Error("not in the order of a stable sort")
	}
	if _, _, err := r.Next(); !errors.Is(err, io.EOF) {
		t.Errorf("after the last record: %v", err)
	}
	if err := r.Close(); err != nil {
		t.Error(err)
	}
	if err := r.Close(); !errors.Is(err, os.ErrClosed) {
		t.Errorf("the files were not closed: %v", err)
	}
}

// saved returns a file of a sorter's records.
func saved(t *testing.T, s *Sorter) *os.File {
	t.Helper()
	file, err := scratchIn(t.TempDir())()
	if err != nil {
		t.Fatal(err)
	}
	r, err := s.Sorted()
	if err == nil {
		err = r.Save(file)
	}
	if err != nil {
		t.Fatal(err)
	}
	return file
}

// TestFilesThatAreCutShort: a file that lacks its end, by any number of bytes, is no file of fewer records.
func TestFilesThatAreCutShort(t *testing.T) {
	s := New(scratchIn(t.TempDir()), 8, 1)
	defer s.Close()
	add(t, s, []pair{{[]byte("12345678"), []byte("abc")}, {[]byte("12345679"), nil}})
	for cut := 1; cut < 2*(sizeBytes+8)+3; cut++ {
		file := saved(t, s)
		info, err := file.Stat()
		if err == nil {
			err = file.Truncate(info.Size() - int64(cut))
		}
		if err != nil {
			t.Fatal(err)
		}
		r, err := Open(8, file)
		records := 0
		for ; err == nil; records++ {
			_, _, err = r.Next()
		}
		if whole := cut == sizeBytes+8; whole != errors.Is(err, io.EOF) || !whole && !errors.Is(err, io.ErrUnexpectedEOF) {
			t.Errorf("without %d bytes: %v after %d records", cut, err, records)
		}
		_ = file.Close()
	}
	closed := saved(t, s)
	if err := closed.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(8, closed); !errors.Is(err, os.ErrClosed) {
		t.Errorf("a closed file: %v", err)
	}
	if err := mustRead(t, s).Save(full{}); !errors.Is(err, errFull) {
		t.Errorf("saved where nothing fits: %v", err)
	}
}

func mustRead(t *testing.T, s *Sorter) *Reader {
	t.Helper()
	r, err := s.Sorted()
	if err != nil {
		t.Fatal(err)
	}
	return r
}

var errFull = errors.New("full")

// full is a file that nothing can be written to.
type full struct{}

func (full) Write([]byte) (int, error) { return 0, errFull }

// TestKeysAreLongEnough: a key has the eight bytes that the index holds.
func TestKeysAreLongEnough(t *testing.T) {
	for size, fits := range map[int]bool{prefixBytes - 1: false, prefixBytes: true} {
		func() {
			defer func() {
				if (recover() == nil) != fits {
					t.Errorf("keys of %d bytes fit: %t", size, !fits)
				}
			}()
			New(nil, size, 1)
		}()
	}
}

// TestBlocks: the first blocks are small, a block is filled to its end, and a record that is larger than a block has one that is as large.
func TestBlocks(t *testing.T) {
	sizes := func(s *Sorter) (caps []int) {
		for _, block := range s.blocks {
			caps = append(caps, cap(block))
		}
		return caps
	}
	value := make([]byte, 1024-sizeBytes-8) // a record of a KiB
	s := New(scratchIn(t.TempDir()), 8, 4<<20)
	defer s.Close()
	for kib := 1; kib <= 4+16+64+256+1024+1; kib++ {
		add(t, s, []pair{{make([]byte, 8), value}})
		want, room := []int{4 << 10, 16 << 10, 64 << 10, 256 << 10, blockSize, blockSize}, 0
		for i, size := range want {
			if room += size >> 10; kib <= room {
				want = want[:i+1]
				break
			}
		}
		if got := sizes(s); !slices.Equal(got, want) {
			t.Fatalf("%d KiB are in blocks of %d bytes, not %d", kib, got, want)
		}
	}
	s.Reset()
	if len(s.blocks) != 0 || len(s.free) != 2 || s.held != 0 {
		t.Errorf("after Reset %d blocks are in use and %d are free", len(s.blocks), len(s.free))
	}
	add(t, s, []pair{{make([]byte, 8), make([]byte, 2*blockSize)}, {make([]byte, 8), value}})
	if got := sizes(s); !slices.Equal(got, []int{2*blockSize + sizeBytes + 8, blockSize}) || len(s.free) != 1 {
		t.Errorf("a large record and a small one are in blocks of %d bytes, and %d are free", got, len(s.free))
	}
}

// TestLargeRecords: a record that is larger than a block has one of its own, and one that fills a block is in a block that is used again.
func TestLargeRecords(t *testing.T) {
	s := New(scratchIn(t.TempDir()), 8, 64<<20)
	defer s.Close()
	fills := pair{make([]byte, 8), make([]byte, blockSize-sizeBytes-8)}
	for range 5 {
		add(t, s, []pair{fills, {make([]byte, 8), make([]byte, blockSize)}})
	}
	for i, block := range s.blocks {
		if want := blockSize + i%2*(sizeBytes+8); cap(block) != want || len(block) != want {
			t.Errorf("record %d of %d bytes is in a block of %d", i, len(block), cap(block))
		}
	}
	s.Reset()
	if len(s.free) != 5 {
		t.Errorf("%d blocks are free", len(s.free))
	}
	if add(t, s, []pair{fills}); len(s.free) != 4 {
		t.Errorf("%d blocks are free when one is used", len(s.free))
	}
}

// TestTheBoundOfMemory: what would be beyond the bound is preceded by writing what is there, if anything is; what meets it is not.
func TestTheBoundOfMemory(t *testing.T) {
	const small = 1024 - sizeBytes - 8
	for _, c := range []struct {
		records []int // sizes of the values
		runs    int
	}{
		{[]int{3 * blockSize}, 0},
		{[]int{3 * blockSize, 1}, 1},
		{[]int{small, small, small, small, blockSize - 4<<10 - 4*entryBytes - sizeBytes - 8}, 0},
		{[]int{small, small, small, small, blockSize - 4<<10 - 4*entryBytes - sizeBytes - 8 + 1}, 1},
	} {
		s := New(scratchIn(t.TempDir()), 8, blockSize)
		for _, size := range c.records {
			add(t, s, []pair{{make([]byte, 8), make([]byte, size)}})
		}
		if len(s.runs) != c.runs {
			t.Errorf("values of %d bytes make %d runs, not %d", c.records, len(s.runs), c.runs)
		}
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	}
}

// TestRecordsAreOutsideOfTheHeap: the collector does not see their memory, however full their blocks are.
func TestRecordsAreOutsideOfTheHeap(t *testing.T) {
	for _, size := range []int{100 << 10, blockSize - sizeBytes - 8} {
		s := New(nil, 8, 256<<20)
		value := make([]byte, size)
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		for len(s.blocks) < 64 {
			add(t, s, []pair{{value[:8], value}})
		}
		runtime.ReadMemStats(&after)
		if grown := after.TotalAlloc - before.TotalAlloc; runtime.GOOS == "linux" && grown > 8*blockSize {
			t.Errorf("%d blocks took %d bytes of the heap", len(s.blocks), grown)
		}
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	}
}

// TestWritesWaitInABuffer of a bounded size, whatever the records are.
func TestWritesWaitInABuffer(t *testing.T) {
	file, err := scratchIn(t.TempDir())()
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	w := runWriter{file: file}
	for i, size := range []int{writeSize / 2, writeSize / 2, 1, writeSize, 1} {
		if err := w.write(make([]byte, size)); err != nil {
			t.Fatal(err)
		}
		if want := []int64{0, 0, writeSize, writeSize + 1, 2*writeSize + 1}[i]; w.at != want || cap(w.buffer) != writeSize {
			t.Errorf("after record %d %d bytes are written, not %d, and %d wait at most", i, w.at, want, cap(w.buffer))
		}
	}
	if err := w.flush(); err != nil || w.at != 2*writeSize+2 {
		t.Errorf("%d bytes are written: %v", w.at, err)
	}
}

func TestAddFromSeveralGoroutines(t *testing.T) {
	s := New(scratchIn(t.TempDir()), 8, 1<<20)
	defer s.Close()
	var group sync.WaitGroup
	for g := range 4 {
		group.Go(func() {
			var key [8]byte
			for i := range 20_000 {
				binary.BigEndian.PutUint64(key[:], uint64(i*4+g))
				if err := s.Add(key[:], key[:]); err != nil {
					t.Error(err)
				}
			}
		})
	}
	group.Wait()
	for i, p := range sorted(t, s) {
		if binary.BigEndian.Uint64(p.key) != uint64(i) || !bytes.Equal(p.key, p.value) {
			t.Fatalf("record %d is %x: %x", i, p.key, p.value)
		}
	}
}

// What a sorter holds does not grow with what it is given, and nothing is left on the volume.
func TestMemoryIsBounded(t *testing.T) {
	for _, c := range []struct {
		what                         string
		records, value, memory, most int
	}{
		{"some records", 40_000, 500, 2 << 20, 4 << 20},
		{"small records", 200_000, 0, 2 << 20, 4 << 20}, // the index is larger than they are
		{"large records", 40, 3 << 19, 4 << 20, 4<<20 + 3<<19 + 4<<10},
	} {
		folder := t.TempDir()
		s := New(scratchIn(folder), 16, c.memory)
		var key [16]byte
		value := make([]byte, c.value)
		random := rand.New(rand.NewPCG(7, 8))
		for range c.records {
			binary.BigEndian.PutUint64(key[:], random.Uint64())
			if err := s.Add(key[:], value); err != nil {
				t.Fatal(err)
			}
			held := cap(s.index) * entryBytes
			for _, blocks := range [][][]byte{s.blocks, s.free} {
				for _, block := range blocks {
					held += cap(block)
				}
			}
			if held > c.most {
				t.Fatalf("%s: %d bytes are held, %d are allowed", c.what, held, c.memory)
			}
		}
		if len(s.runs) < 2 {
			t.Errorf("%s: %d runs are too few to try it", c.what, len(s.runs))
		}
		entries, err := os.ReadDir(folder)
		if err != nil || len(entries) > 0 {
			t.Errorf("%s: %v in the folder, %v", c.what, entries, err)
		}
		if err := errors.Join(s.Close(), s.Close()); err != nil {
			t.Error(err)
		}
	}
}

func TestErrorsOfTheFolderAreGiven(t *testing.T) {
	s := New(scratchIn(t.TempDir()+"/gone"), 8, 1)
	defer s.Close()
	var err error
	for i := 0; i < 10_000 && err == nil; i++ {
		err = s.Add(make([]byte, 8), make([]byte, 1000))
	}
	if !errors.Is(err, os.ErrNotExist) {
		t.Errorf("%v", err)
	}
}

// FuzzSorted compares with a stable sort in memory.
//
//fuzz:brief its input is ours
func FuzzSorted(f *testing.F) {
	f.Add([]byte("some bytes that become keys and values of several lengths"), uint16(3))
	f.Add(bytes.Repeat([]byte{0, 1, 2}, 100), uint16(9))
	f.Fuzz(func(t *testing.T, content []byte, step uint16) {
		s := New(scratchIn(t.TempDir()), 8, 1)
		defer s.Close()
		var in []pair
		for part := range slices.Chunk(content, 9+int(step%50)) {
			if len(part) < 8 {
				break
			}
			// Values of 100 KB, so that few bytes of input make many runs.
			p := pair{part[:8], append(bytes.Clone(part[8:]), make([]byte, 100_000)...)}
			in = append(in, p)
			if err := s.Add(p.key, p.value); err != nil {
				t.Fatal(err)
			}
		}
		if !equal(sorted(t, s), stable(in)) {
			t.Error("not in the order of a stable sort")
		}
	})
}

func BenchmarkSorter(b *testing.B) {
	const n = 100_000
	for _, value := range []int{8, 800} {
		for _, memory := range []int{256 << 20, 8 << 20} {
			b.Run(fmt.Sprintf("%d bytes, %d MiB", value, memory>>20), func(b *testing.B) {
				b.SetBytes(int64(n * (24 + value)))
				b.ReportAllocs()
				random := rand.New(rand.NewPCG(9, 10))
				content, folder := make([]byte, value), b.TempDir()
				for b.Loop() {
					s := New(scratchIn(folder), 24, memory)
					var key [24]byte
					for range n {
						binary.BigEndian.PutUint64(key[:], random.Uint64())
						if err := s.Add(key[:], content); err != nil {
							b.Fatal(err)
						}
					}
					r, err := s.Sorted()
					for err == nil {
						_, _, err = r.Next()
					}
					if !errors.Is(err, io.EOF) {
						b.Fatal(err)
					}
					s.Close()
				}
			})
		}
	}
}

// scratchIn makes files without a name in a folder.
func scratchIn(folder string) func() (*os.File, error) {
	return func() (*os.File, error) {
		f, err := os.CreateTemp(folder, ".scratch-")
		if err != nil {
			return nil, err
		}
		return f, os.Remove(f.Name())
	}
}
