package extsort

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
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

func sorted(t *testing.T, sorters ...*Sorter) []pair {
	t.Helper()
	r, err := Sorted(sorters...)
	if err != nil {
		t.Fatal(err)
	}
	return all(t, r)
}

func equal(a, b []pair) bool {
	return slices.EqualFunc(a, b, func(x, y pair) bool { return bytes.Equal(x.key, y.key) && bytes.Equal(x.value, y.value) })
}

// records are random: few keys, so that equal ones come often, in which the last byte alone may differ; values of all sizes.
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
		{"in memory", 10_000, 24, 40, 16 << 20, false},
		{"in runs", 40_000, 24, 200, 1 << 20, true},
		{"keys of 8 bytes in runs", 100_000, 8, 60, 1 << 20, true},
		{"values larger than a block", 40, 9, 3 << 20, 4 << 20, true},
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

func TestManyRunsAreMergedInSteps(t *testing.T) {
	const n = 300_000
	s := New(scratchIn(t.TempDir()), 8, 1)
	defer s.Close()
	var key [8]byte
	value := make([]byte, 1000)
	random := rand.New(rand.NewPCG(3, 4))
	for i := range n {
		binary.BigEndian.PutUint64(key[:], random.Uint64())
		binary.LittleEndian.PutUint64(value, uint64(i))
		if err := s.Add(key[:], value); err != nil {
			t.Fatal(err)
		}
	}
	if len(s.runs) <= 2*fan {
		t.Fatalf("%d runs are too few to try it", len(s.runs))
	}
	r, err := s.Sorted()
	if err != nil {
		t.Fatal(err)
	}
	if len(s.runs) > fan {
		t.Errorf("%d runs are read at once", len(s.runs))
	}
	seen := make([]bool, n)
	var last uint64
	for i := range n {
		key, value, err := r.Next()
		if err != nil {
			t.Fatalf("record %d: %v", i, err)
		}
		place := binary.BigEndian.Uint64(key)
		if place < last || len(value) != 1000 {
			t.Fatalf("record %d is %d, after %d, with %d bytes", i, place, last, len(value))
		}
		last = place
		seen[binary.LittleEndian.Uint64(value)] = true
	}
	if _, _, err := r.Next(); !errors.Is(err, io.EOF) {
		t.Errorf("after the last record: %v", err)
	}
	if slices.Contains(seen, false) {
		t.Error("a record is missing")
	}
}

func TestSeveralSortersAreReadAsOne(t *testing.T) {
	random := rand.New(rand.NewPCG(5, 6))
	in := records(random, 30_000, 16, 100)
	folder := t.TempDir()
	var sorters []*Sorter
	for part := range slices.Chunk(in, 7_000) {
		s := New(scratchIn(folder), 16, 1<<20)
		defer s.Close()
		for _, p := range part {
			if err := s.Add(p.key, p.value); err != nil {
				t.Fatal(err)
			}
		}
		sorters = append(sorters, s)
	}
	if !equal(sorted(t, sorters...), stable(in)) {
		t.Error("not in the order of a stable sort")
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
	folder := t.TempDir()
	s := New(scratchIn(folder), 16, 2<<20)
	var key [16]byte
	value := make([]byte, 500)
	random := rand.New(rand.NewPCG(7, 8))
	for range 100_000 {
		binary.BigEndian.PutUint64(key[:], random.Uint64())
		if err := s.Add(key[:], value); err != nil {
			t.Fatal(err)
		}
		held := 0
		for _, block := range slices.Concat(s.blocks, s.free) {
			held += cap(block)
		}
		if held += cap(s.index) * entryBytes; held > 4<<20 {
			t.Fatalf("%d bytes are held, 2 MiB are allowed", held)
		}
	}
	entries, err := os.ReadDir(folder)
	if err != nil || len(entries) > 0 {
		t.Errorf("%v in the folder, %v", entries, err)
	}
	if err := errors.Join(s.Close(), s.Close()); err != nil {
		t.Error(err)
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
