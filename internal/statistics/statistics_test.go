package statistics

import (
	"encoding/json"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strconv"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
)

// dumb computes what Summary says, from the values one by one.
func dumb(values []int64) (mean, median, deviation float64, hist []int64, edges []int64) {
	sorted := slices.Sorted(slices.Values(values))
	n := len(sorted)
	sum := 0.0
	for _, v := range sorted {
		sum += float64(v)
	}
	mean = sum / float64(n)
	squares := 0.0
	for _, v := range sorted {
		squares += (float64(v) - mean) * (float64(v) - mean)
	}
	deviation = math.Sqrt(squares / float64(n-1))
	median = float64(sorted[(n-1)/2]+sorted[n/2]) / 2
	least, greatest := sorted[0], sorted[n-1]
	width := int64(math.Ceil(float64(greatest-least+1) / 10))
	for e := least; e <= greatest; e += width {
		edges = append(edges, e)
	}
	edges = append(edges, greatest)
	hist = make([]int64, len(edges)-1)
	for _, v := range sorted {
		bin := 0
		for bin+1 < len(hist) && v >= edges[bin+1] {
			bin++
		}
		hist[bin]++
	}
	return mean, median, deviation, hist, edges
}

func TestASummaryIsWhatTheValuesSay(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	for _, c := range []struct{ values, below int64 }{{2, 3}, {3, 100}, {50, 9}, {1000, 70}, {5000, 20_000}, {300, 1 << 33}} {
		t.Run(fmt.Sprint(c.values, " below ", c.below), func(t *testing.T) {
			var counts Counts
			var values []int64
			powers := map[int]int64{}
			for range c.values {
				v := random.Int64N(c.below)
				values = append(values, v)
				counts.Add(v)
				bin := 0
				for v>>bin > 0 {
					bin++
				}
				powers[bin]++
			}
			got := counts.Summary()
			mean, median, deviation, hist, edges := dumb(values)
			if diff := cmp.Diff(Histogram{hist, edges}, *got.Histogram); diff != "" {
				t.Errorf("the histogram differs (-want +got):\n%s", diff)
			}
			for i, n := range got.Powers {
				if powers[i] != n {
					t.Errorf("power %d has %d values, want %d", i, n, powers[i])
				}
			}
			for name, pair := range map[string]struct {
				want float64
				got  *json.Number
			}{"mean": {mean, got.Mean}, "median": {median, got.Median}, "deviation": {deviation, got.Deviation}} {
				have, err := pair.got.Float64()
				if err != nil || math.Abs(have-pair.want) > 1e-5*max(1, pair.want*1e-6) {
					t.Errorf("the %s is %s, want %f (%v)", name, pair.got, pair.want, err)
				}
			}
			if *got.Min != slices.Min(values) || *got.Max != slices.Max(values) {
				t.Errorf("from %d to %d, want %d to %d", *got.Min, *got.Max, slices.Min(values), slices.Max(values))
			}
		})
	}
}

func TestNothingAndOneValueHaveNoDeviation(t *testing.T) {
	var none, one Counts
	one.Add(7)
	if got := none.Summary(); got.Min != nil || got.Mean != nil || got.Histogram != nil || got.Sum != "0" {
		t.Errorf("no value has %+v", got)
	}
	if got := one.Summary(); got.Deviation != nil || *got.Mean != "7.0" || !slices.Equal(got.Histogram.Edges, []int64{7, 7}) {
		t.Errorf("one value has %+v", got)
	}
}

// However rows are divided among workers, and whatever is taken away again, the counts are those of the rows that are there.
func TestCountsAddUp(t *testing.T) {
	random := rand.New(rand.NewPCG(3, 4))
	var whole, left, gone Counts
	parts := make([]Counts, 3)
	for range 2000 {
		v := random.Int64N(9000)
		whole.Add(v)
		parts[random.IntN(len(parts))].Add(v)
		if random.IntN(4) == 0 {
			gone.Add(v)
		} else {
			left.Add(v)
		}
	}
	var merged Counts
	for i := range parts {
		merged.Merge(&parts[i])
	}
	if !slices.Equal(merged.values(), whole.values()) {
		t.Error("the parts together are not the whole")
	}
	whole.subtract(&gone)
	if !slices.Equal(whole.values(), left.values()) {
		t.Error("what is left is not the whole without what is gone")
	}
	encoded, err := json.Marshal(left)
	if err != nil {
		t.Fatal(err)
	}
	var read Counts
	if err := json.Unmarshal(encoded, &read); err != nil || !slices.Equal(read.values(), left.values()) {
		t.Errorf("read again, the counts are others (%v)", err)
	}
	for _, damaged := range []string{`[1]`, `[-1,2]`, `[3,-1]`, `{}`} {
		if err := json.Unmarshal([]byte(damaged), &read); err == nil {
			t.Errorf("%s was read", damaged)
		}
	}
}

func FuzzCharacters(f *testing.F) {
	for _, text := range []string{"", "abc", "Wie groß ist 𝄞 — ein Ω?", "tab\tline\nbell\a \"quoted\" \\", "\u2028 é日本語日本語日本語", "thirty-two bytes of ASCII, and then an é in the words behind, and ASCII again \\u00e9"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		if !utf8.ValidString(text) {
			t.Skip("rows are UTF-8")
		}
		want := int64(utf8.RuneCountInString(text))
		if got := Characters(text); got != want {
			t.Errorf("%q has %d characters, want %d", text, got, want)
		}
		if got := Quoted(published(text)); got != want {
			t.Errorf("%q in JSON has %d characters, want %d", text, got, want)
		}
	})
}

// published returns a text as a published row has it, without its quotes: with the fewest escapes.
func published(text string) []byte {
	names := map[rune]string{'"': `\"`, '\\': `\\`, '\b': `\b`, '\f': `\f`, '\n': `\n`, '\r': `\r`, '\t': `\t`}
	var out []byte
	for _, c := range text {
		switch name, ok := names[c]; {
		case ok:
			out = append(out, name...)
		case c < ' ':
			out = fmt.Appendf(out, `\u%04x`, c)
		default:
			out = utf8.AppendRune(out, c)
		}
	}
	return out
}

func TestSamplesAreCut(t *testing.T) {
	var rows Rows
	for i := range 5 {
		rows.Add(Row{Tokens: -1}, false)
		if rows.Wants() {
			rows.Show(Sample{ID: strconv.Itoa(i), Question: string(slices.Repeat([]rune{'ß'}, 500)), Answer: "a"})
		}
	}
	if len(rows.First) != samples || utf8.RuneCountInString(rows.First[0].Question) != questionShown+1 || rows.First[2].ID != "2" {
		t.Errorf("the samples are %+v", rows.First)
	}
	if part := rows.Part("d", "m", "train", false); len(part.Columns) != 4 || part.Unique != 5 {
		t.Errorf("the part has %d columns and %d unique rows", len(part.Columns), part.Unique)
	}
}
