package mix

import "testing"

// What these print as ns/op is the cost of one row.

func BenchmarkSipHash(b *testing.B) {
	for _, length := range []int{16, 32, 200} {
		b.Run(map[int]string{16: "identity", 32: "digest", 200: "text"}[length], func(b *testing.B) {
			key, value := NewKey(42, "order"), make([]byte, length)
			for b.Loop() {
				value[0] = byte(key.Of(value)) // each waits for the one before, as in no loop of ours: the slowest case
			}
		})
	}
}

func BenchmarkBelow(b *testing.B) {
	key, position := NewKey(42, "weave"), uint64(0)
	for b.Loop() {
		position += key.Below(1_000_003, position) & 1
	}
}

func BenchmarkApportion(b *testing.B) {
	for b.Loop() {
		Apportion(160_107, []int64{3, 4, 3})
	}
}

// The totals of a mix that is measured in tokens and as large as the schema allows: 16 domains of 32 data sets, no two of which
// have as many rows.
func BenchmarkTotalsInUnits(b *testing.B) {
	shape, rows := make(Shape, 16), int64(100_003)
	for i := range shape {
		shape[i].Share = 1 + int64(i%7)
		for j := range 32 {
			rows += 2
			shape[i].Rows = append(shape[i].Rows, rows)
			shape[i].Units = append(shape[i].Units, rows*int64(50+j)+int64(i*j))
		}
		shape[i].Pool = Largest(shape[i].Rows)
	}
	b.Run("NoRepeat", func(b *testing.B) {
		for b.Loop() {
			shape.NoRepeat()
		}
	})
	b.Run("Allot", func(b *testing.B) {
		for b.Loop() {
			shape.Allot(1_000_000)
		}
	})
}

var six24 = []int64{24016, 24016, 32021, 32022, 24016, 24016}

// many returns as many data sets as a mix of ours has had, each with its own number of rows.
func many() []int64 {
	counts := make([]int64, 64)
	for i := range counts {
		counts[i] = 1000 + 97*int64(i)
	}
	return counts
}

// perRow makes one operation one row of a weave.
func perRow(b *testing.B, rows int64, weave func()) {
	for b.Loop() {
		weave()
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(rows), "ns/row")
}

func BenchmarkShuffled(b *testing.B) {
	for name, counts := range map[string][]int64{"6": six24, "64": many()} {
		b.Run(name, func(b *testing.B) {
			key := NewKey(42, "weave")
			perRow(b, sum(counts), func() {
				for range Shuffled(counts, key) {
				}
			})
		})
	}
}

func BenchmarkInterleaved(b *testing.B) {
	for name, counts := range map[string][]int64{"6": six24, "64": many()} {
		b.Run(name, func(b *testing.B) {
			perRow(b, sum(counts), func() {
				for range Interleaved(counts) {
				}
			})
		})
	}
}
