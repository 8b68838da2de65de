package dedup

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/datasetmix/datasetmix/internal/recipe"
)

func sketcher(tb testing.TB, n, bands, rows int) *Sketcher {
	tb.Helper()
	s, err := NewSketcher(recipe.WordsV1, n, bands, rows)
	if err != nil {
		tb.Fatal(err)
	}
	return s
}

func (s *Sketcher) copyOf(text string) Signature { return slices.Clone(s.Sketch(text)) }

// Signatures and band keys are in files of the stages' results: these values never change.
func TestSignatureVectors(t *testing.T) {
	s := sketcher(t, 2, 2, 3)
	signature := s.copyOf("The quick brown fox jumps over the lazy dog.")
	if !slices.Equal(signature, foxSignature) {
		t.Errorf("signature %#x, want %#x", signature, foxSignature)
	}
	if keys := s.AppendBands(nil, signature); !slices.Equal(keys, foxBands) {
		t.Errorf("bands %#x, want %#x", keys, foxBands)
	}
}

func TestSketcherBounds(t *testing.T) {
	for _, test := range []struct {
		n, bands, rows int
		want           string
	}{
		{1, 1, 1, ""},
		{64, 64, 64, ""},
		{0, 1, 1, "an n-gram has 1 to 64 words, not 0"},
		{65, 1, 1, "an n-gram has 1 to 64 words, not 65"},
		{5, 0, 1, "0 bands of 1 rows: both are at least 1, and their product is at most 4096"},
		{5, 1, 0, "1 bands of 0 rows: both are at least 1, and their product is at most 4096"},
		{5, 64, 65, "64 bands of 65 rows: both are at least 1, and their product is at most 4096"},
		{5, math.MaxInt, math.MaxInt, fmt.Sprintf("%d bands of %d rows: both are at least 1, and their product is at most 4096", math.MaxInt, math.MaxInt)},
	} {
		message := ""
		if _, err := NewSketcher(recipe.WordsV1, test.n, test.bands, test.rows); err != nil {
			message = err.Error()
		}
		if message != test.want {
			t.Errorf("%d %d %d: %q, want %q", test.n, test.bands, test.rows, message, test.want)
		}
	}
}

// slowSketch applies the definition, slot by slot, over the set of n-grams as strings.
func slowSketch(s *Sketcher, n int, text string) Signature {
	var hashes []uint64
	for _, gram := range ngrams(text, n) {
		hashes = append(hashes, slowHash(gram))
	}
	if len(hashes) == 0 {
		return nil
	}
	var signature Signature
	for i := range s.bands * s.rows {
		least := uint64(math.MaxUint64)
		for _, hash := range hashes {
			a, b := mix(uint64(2*i+1)*base)|1, mix(uint64(2*i+2)*base)
			least = min(least, a*hash+b)
		}
		signature = append(signature, uint32(least>>32))
	}
	return signature
}

func TestSketchAgainstDefinition(t *testing.T) {
	for _, n := range []int{1, 3, 8} {
		s := sketcher(t, n, 3, 4)
		for words := range 15 {
			text := strings.Join(strings.Fields(prose)[:words], " ")
			if got, want := s.Sketch(text), slowSketch(s, n, text); !slices.Equal(got, want) {
				t.Errorf("%d words, %d-grams: %#x, by definition %#x", words, n, got, want)
			}
		}
	}
}

func TestSketchDependsOnTheTextAlone(t *testing.T) {
	rows := questions(t)[:2000]
	a, b := sketcher(t, 5, 8, 4), sketcher(t, 5, 8, 4)
	first := make([]Signature, len(rows))
	for i, row := range rows {
		first[i] = a.copyOf(row)
	}
	for i := range slices.Backward(rows) {
		if !slices.Equal(b.Sketch("  "+strings.ToUpper(rows[i])+"!"), first[i]) {
			t.Fatalf("%q has another signature in another order and in upper case", rows[i])
		}
	}
}

func TestShortTexts(t *testing.T) {
	s := sketcher(t, 5, 4, 2)
	none, two, same, other, more := s.copyOf("?!"), s.copyOf("two words"), s.copyOf("Two: words."), s.copyOf("two word"), s.copyOf("two words and three others")
	if len(none) != 0 || len(s.AppendBands(nil, none)) != 0 {
		t.Errorf("a text without a word has the signature %v", none)
	}
	for _, test := range []struct {
		why  string
		a, b Signature
		want bool
	}{
		{"no words", none, none, false},
		{"no words and some", none, two, false},
		{"equal", two, same, true},
		{"one word differs", two, other, false},
		{"the beginning of another", two, more, false},
	} {
		if got := Similar(test.a, test.b, 1); got != test.want {
			t.Errorf("%s: similar is %v", test.why, got)
		}
	}
}

func TestSimilarIsExact(t *testing.T) {
	a := Signature{1, 2, 3, 4, 5, 6, 7}
	for equal := range 8 {
		b := slices.Clone(a)
		for i := equal; i < 7; i++ {
			b[i] += 100
		}
		for percent := 1; percent <= 100; percent++ {
			// 1/7 is 14.28… %: 14 is reached, 15 is not.
			if got, want := Similar(a, b, percent), equal*100 >= percent*7; got != want {
				t.Errorf("%d of 7 and %d %%: %v", equal, percent, got)
			}
		}
	}
}

func TestBands(t *testing.T) {
	s := sketcher(t, 1, 4, 3)
	same := Signature{7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7}
	keys := s.AppendBands(nil, same)
	if len(keys) != 4 {
		t.Fatalf("%d keys, want 4", len(keys))
	}
	for i, key := range keys {
		if slices.Contains(keys[:i], key) {
			t.Errorf("bands of equal minima have one key: %#x", keys)
		}
	}
	other := slices.Clone(same)
	other[5]++
	for band, key := range s.AppendBands(nil, other) {
		if (key == keys[band]) != (band != 1) {
			t.Errorf("a change in band 1 shows in band %d: %v", band, key != keys[band])
		}
	}
	if got := s.AppendBands([]uint64{1}, same); got[0] != 1 || !slices.Equal(got[1:], keys) {
		t.Errorf("appended to a list, keys are %#x", got)
	}
}

// pair makes two texts of different words whose word sets have the similarity shared / size.
func pair(number, shared, size int) (a, b string) {
	var left, right strings.Builder
	for i := range size {
		word := fmt.Sprintf("w%dx%d ", number, i)
		if i < shared || i%2 == 0 {
			left.WriteString(word)
		}
		if i < shared || i%2 == 1 {
			right.WriteString(word)
		}
	}
	return left.String(), right.String()
}

// Pairs of known similarity become candidates as often as the formula says, and the estimate is right on average and in its
// spread. The inputs are fixed, so the outcome is; four standard deviations say that it is no luck.
func TestProbabilityCurve(t *testing.T) {
	const pairs, size = 1000, 60
	for _, shape := range []struct{ bands, rows int }{{16, 8}, {20, 5}, {32, 4}} {
		s := sketcher(t, 1, shape.bands, shape.rows)
		for _, shared := range []int{18, 30, 42, 48, 54} {
			var candidates, sum, squares float64
			for number := range pairs {
				a, b := pair(number, shared, size)
				left, right := s.copyOf(a), s.copyOf(b)
				keys := s.AppendBands(nil, left)
				if slices.ContainsFunc(s.AppendBands(nil, right), func(key uint64) bool { return slices.Contains(keys, key) }) {
					candidates++
				}
				equal, slots := agreement(left, right)
				estimate := float64(equal) / float64(slots)
				sum += estimate
				squares += estimate * estimate
			}
			similarity := float64(shared) / size
			p := 1 - math.Pow(1-math.Pow(similarity, float64(shape.rows)), float64(shape.bands))
			if off := math.Abs(candidates/pairs - p); off > 4*math.Sqrt(p*(1-p)/pairs)+0.002 {
				t.Errorf("%d bands of %d rows, similarity %.2f: %.3f are candidates, want %.3f", shape.bands, shape.rows, similarity, candidates/pairs, p)
			}
			mean := sum / pairs
			deviation := math.Sqrt(squares/pairs - mean*mean)
			want := math.Sqrt(similarity * (1 - similarity) / float64(shape.bands*shape.rows))
			if math.Abs(mean-similarity) > 4*want/math.Sqrt(pairs) {
				t.Errorf("%d slots, similarity %.2f: the estimates' mean is %.4f", shape.bands*shape.rows, similarity, mean)
			}
			if deviation < 0.85*want || deviation > 1.15*want {
				t.Errorf("%d slots, similarity %.2f: the estimates' deviation is %.4f, want %.4f", shape.bands*shape.rows, similarity, deviation, want)
			}
		}
	}
}

// On real questions the estimate is near the exact similarity, for a question and itself with words changed.
func TestEstimateOfRealQuestions(t *testing.T) {
	const n = 3
	s := sketcher(t, n, 16, 8)
	random := rand.New(rand.NewPCG(7, 8))
	var worst float64
	for _, question := range questions(t)[:1500] {
		words := strings.Fields(question)
		for range 1 + random.IntN(6) {
			words[random.IntN(len(words))] = "something"
		}
		changed := strings.Join(words, " ")
		both, any := jaccard(question, changed, n)
		exact := float64(both) / float64(any)
		equal, slots := agreement(s.copyOf(question), s.Sketch(changed))
		off := math.Abs(float64(equal)/float64(slots) - exact)
		worst = max(worst, off)
		// The standard error is at most 1/2√128 = 0.044.
		if off > 5*0.045 {
			t.Errorf("%q and %q: estimate %d/%d, exact %d/%d", question, changed, equal, slots, both, any)
		}
	}
	t.Logf("the worst estimate is off by %.3f", worst)
}

func TestSketchAllocatesNothing(t *testing.T) {
	s := sketcher(t, 5, 16, 8)
	keys := make([]uint64, 0, 16)
	s.Sketch(prose)
	if n := testing.AllocsPerRun(100, func() { keys = s.AppendBands(keys[:0], s.Sketch(prose)) }); n > 0 {
		t.Errorf("%v allocations", n)
	}
}

// FuzzSketch: a sketch is what its definition says, and two agree about as often as their texts have words in common.
//
//fuzz:brief rows have been read and checked before
func FuzzSketch(f *testing.F) {
	f.Add("", "a", uint8(3))
	f.Add(prose, prose[10:], uint8(5))
	f.Add("a b c d", "a b c", uint8(1))
	f.Add("中文", "中 文", uint8(2))
	f.Fuzz(func(t *testing.T, a, b string, words uint8) {
		if longestMarks(a) > 15 || longestMarks(b) > 15 {
			t.Skip("no text has so many marks in a row")
		}
		n := 1 + int(words)%8
		s := sketcher(t, n, 4, 4)
		left, right := s.copyOf(a), s.copyOf(b)
		if want := slowSketch(s, n, a); !slices.Equal(left, want) {
			t.Fatalf("%q: %#x, by definition %#x", a, left, want)
		}
		both, any := jaccard(a, b, n)
		equal, slots := agreement(left, right)
		switch {
		case any == 0 || len(left) == 0 || len(right) == 0:
			if slots != 0 {
				t.Fatalf("%q and %q: a text without a word was compared", a, b)
			}
		case both == any && equal != slots, both == 0 && equal != 0:
			t.Fatalf("%q and %q: %d of %d slots, exactly %d of %d", a, b, equal, slots, both, any)
		}
	})
}
