package dedup

import (
	"fmt"
	"math/rand/v2"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/datasetmix/datasetmix/internal/recipe"
)

func index(t *testing.T, ngrams *recipe.NGrams, sources ...[]string) *Matcher {
	t.Helper()
	p, err := NewProbes(recipe.WordsV1, ngrams)
	if err != nil {
		t.Fatal(err)
	}
	for source, questions := range sources {
		for _, question := range questions {
			p.Add(source, question)
		}
	}
	return p.NewMatcher()
}

// words returns a text of the words from a to b: w1 w2 …
func words(from, to int) string {
	var all []string
	for i := from; i < to; i++ {
		all = append(all, fmt.Sprintf("w%d", i))
	}
	return strings.Join(all, " ")
}

func TestMatch(t *testing.T) {
	eight := &recipe.NGrams{N: 8, Percent: 50}
	for _, test := range []struct {
		why    string
		ngrams *recipe.NGrams
		probes [][]string
		row    string
		want   Found
	}{
		{"nothing indexed", nil, nil, "What is 2+2?", Found{}},
		{"nothing indexed, n-grams", eight, nil, words(0, 20), Found{}},
		{"equal", nil, [][]string{{"What is 2+2?"}}, "What is 2+2?", Found{Reason: Equal}},
		{"equal but for layout", nil, [][]string{{"What is 2+2?"}}, "what is\n2 + 2", Found{Reason: Equal}},
		{"one word more", nil, [][]string{{"What is 2+2?"}}, "What is 2+2+2?", Found{}},
		{"the second source", nil, [][]string{{"one"}, {"two"}}, "Two!", Found{Reason: Equal, Source: 1}},
		{"both sources", nil, [][]string{{"one"}, {"one"}}, "One!", Found{Reason: Equal, Source: 0}},
		{"no word: the question as it is compared", nil, [][]string{{"?!"}}, " ?!", Found{Reason: Equal}},
		{"no word, and another one", nil, [][]string{{"?!"}}, "!?", Found{}},
		{"no word, n-grams", eight, [][]string{{"?!"}}, "...", Found{}},
		{"equal comes before n-grams", eight, [][]string{{words(0, 20)}}, words(0, 20), Found{Reason: Equal}},
		{"a row inside a probe", eight, [][]string{{words(0, 40)}}, words(10, 30), Found{Reason: NGram, Shared: 13, Total: 13}},
		{"a probe inside a row", eight, [][]string{{words(0, 20)}}, words(0, 30), Found{Reason: NGram, Shared: 13, Total: 23}},
		{"exactly half", eight, [][]string{{words(0, 20)}}, words(7, 33), Found{}},
		{"exactly half of 10", eight, [][]string{{words(0, 12)}}, words(0, 17), Found{Reason: NGram, Shared: 5, Total: 10}},
		{"one below half of 11", eight, [][]string{{words(0, 12)}}, words(0, 18), Found{}},
		{"half of 11, rounded up", eight, [][]string{{words(0, 13)}}, words(0, 18), Found{Reason: NGram, Shared: 6, Total: 11}},
		{"every position counts", &recipe.NGrams{N: 1, Percent: 60}, [][]string{{"a"}}, "a b a b a", Found{Reason: NGram, Shared: 3, Total: 5}},
		{"all of them", &recipe.NGrams{N: 1, Percent: 100}, [][]string{{"a b c"}}, "c b a", Found{Reason: NGram, Shared: 3, Total: 3}},
		{"all but one", &recipe.NGrams{N: 1, Percent: 100}, [][]string{{"a b c"}}, "c b a d", Found{}},
		{"a short row inside a probe", eight, [][]string{{words(0, 20)}}, words(0, 7), Found{}},
		{"a short probe inside a row", eight, [][]string{{words(0, 7)}}, words(0, 8), Found{}},
		{"short and equal", eight, [][]string{{words(0, 7)}}, words(0, 7), Found{Reason: Equal}},
		{"the source with most of it", eight, [][]string{{words(0, 10)}, {words(20, 40)}}, words(0, 10) + " " + words(20, 40), Found{Reason: NGram, Source: 1, Shared: 16, Total: 23}},
		{"of two alike, the lowest", eight, [][]string{{}, {words(20, 30)}, {words(0, 10)}}, words(0, 10) + " " + words(20, 30), Found{}},
		{"of two alike, the lowest, matching", &recipe.NGrams{N: 8, Percent: 20}, [][]string{{}, {words(20, 30)}, {words(0, 10)}}, words(0, 10) + " " + words(20, 30), Found{Reason: NGram, Source: 1, Shared: 6, Total: 13}},
		{"an n-gram of two sources", eight, [][]string{{}, {words(0, 20)}, {words(0, 20)}}, words(0, 19), Found{Reason: NGram, Source: 1, Shared: 12, Total: 12}},
	} {
		found, ok := index(t, test.ngrams, test.probes...).Match(test.row)
		if want := test.want.Reason != 0; ok != want {
			t.Errorf("%s: a match is %v, with %+v", test.why, ok, found)
		} else if ok && found != test.want {
			t.Errorf("%s: %s", test.why, cmp.Diff(test.want, found))
		}
	}
}

func TestBounds(t *testing.T) {
	for _, test := range []struct {
		ngrams recipe.NGrams
		want   string
	}{
		{recipe.NGrams{N: 1, Percent: 1}, ""},
		{recipe.NGrams{N: 64, Percent: 100}, ""},
		{recipe.NGrams{N: 0, Percent: 50}, "an n-gram has 1 to 64 words, not 0"},
		{recipe.NGrams{N: 65, Percent: 50}, "an n-gram has 1 to 64 words, not 65"},
		{recipe.NGrams{N: 8}, "a percentage is 1 to 100, not 0"},
		{recipe.NGrams{N: 8, Percent: 101}, "a percentage is 1 to 100, not 101"},
	} {
		message := ""
		if _, err := NewProbes(recipe.WordsV1, &test.ngrams); err != nil {
			message = err.Error()
		}
		if message != test.want {
			t.Errorf("%+v: %q, want %q", test.ngrams, message, test.want)
		}
	}
	for _, source := range []int{-1, maxSources} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("source %d was taken", source)
				}
			}()
			p, _ := NewProbes(recipe.WordsV1, nil)
			p.Add(source, "a")
		}()
	}
}

// slowMatch holds every n-gram of every source as a string.
func slowMatch(ngramsOf recipe.NGrams, sources [][]string, row string) (Found, bool) {
	normal := slowNormal(row)
	if normal == "" {
		return Found{}, false
	}
	owner := map[string]int{}
	for source, questions := range sources {
		for _, question := range questions {
			if slowNormal(question) == normal {
				return Found{Reason: Equal, Source: source}, true
			}
			for _, gram := range ngrams(question, ngramsOf.N) {
				if _, taken := owner[gram]; !taken {
					owner[gram] = source
				}
			}
		}
	}
	found := Found{Reason: NGram}
	shared := make([]int, len(sources))
	for _, gram := range ngrams(row, ngramsOf.N) {
		found.Total++
		if source, ok := owner[gram]; ok {
			found.Shared++
			shared[source]++
		}
	}
	for source, n := range shared {
		if n > shared[found.Source] {
			found.Source = source
		}
	}
	return found, found.Shared > 0 && found.Shared*100 >= ngramsOf.Percent*found.Total
}

// Texts over a small vocabulary overlap in every way; the sources are added in another order than they are numbered.
func TestMatchAgainstStrings(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	text := func() string {
		all := make([]string, random.IntN(14))
		for i := range all {
			all[i] = string(rune('a' + random.IntN(4)))
		}
		return strings.Join(all, []string{" ", ", ", "\n"}[random.IntN(3)])
	}
	matches := map[Reason]int{}
	for range 400 {
		ngrams := recipe.NGrams{N: 1 + random.IntN(5), Percent: 1 + random.IntN(100)}
		sources := make([][]string, 1+random.IntN(4))
		for i := range sources {
			for range random.IntN(4) {
				sources[i] = append(sources[i], text())
			}
		}
		p, err := NewProbes(recipe.WordsV1, &ngrams)
		if err != nil {
			t.Fatal(err)
		}
		for _, source := range random.Perm(len(sources)) {
			for _, question := range sources[source] {
				p.Add(source, question)
			}
		}
		m := p.NewMatcher()
		for range 20 {
			row := text()
			got, ok := m.Match(row)
			want, wanted := slowMatch(ngrams, sources, row)
			if ok != wanted || ok && got != want {
				t.Fatalf("%+v of %q against %q: %+v %v, by strings %+v %v", ngrams, row, sources, got, ok, want, wanted)
			}
			if ok {
				matches[got.Reason]++
			}
		}
	}
	if matches[Equal] < 30 || matches[NGram] < 100 {
		t.Errorf("the texts hardly overlap: %v", matches)
	}
}

// What a matcher saw before makes no difference, and matchers do not disturb each other.
func TestMatchersAreIndependent(t *testing.T) {
	rows := questions(t)[:4000]
	p, err := NewProbes(recipe.WordsV1, &recipe.NGrams{N: 8, Percent: 30})
	if err != nil {
		t.Fatal(err)
	}
	for i, row := range rows[:500] {
		p.Add(i%3, row+" And what if it were twice as much?")
	}
	answers := make([][]Found, 3)
	done := make(chan int)
	for worker := range answers {
		go func() {
			m := p.NewMatcher()
			found := make([]Found, len(rows))
			for i := range rows {
				at := (i*7 + worker*1000) % len(rows)
				if f, ok := m.Match(rows[at]); ok {
					found[at] = f
				}
			}
			answers[worker] = found
			done <- worker
		}()
	}
	for range answers {
		<-done
	}
	if !slices.Equal(answers[0], answers[1]) || !slices.Equal(answers[0], answers[2]) {
		t.Error("matchers that saw the rows in other orders disagree")
	}
	for i, f := range answers[0][:500] {
		if f.Reason != NGram || f.Source != i%3 {
			t.Fatalf("row %d, whose question is the beginning of a probe of source %d: %+v", i, i%3, f)
		}
	}
}

func TestOwnersAgainstMap(t *testing.T) {
	random := rand.New(rand.NewPCG(3, 4))
	var o owners
	want := map[uint64]uint16{}
	for range 10_000 { // hashes that begin alike crowd a table, so more would take minutes
		hash, source := random.Uint64()>>(random.Uint64()%24), uint16(random.UintN(9))
		o.add(hash, source)
		hash = max(hash, 1)
		if known, ok := want[hash]; !ok || source < known {
			want[hash] = source
		}
	}
	if o.count != len(want) {
		t.Errorf("%d n-grams, want %d", o.count, len(want))
	}
	for hash, source := range want {
		if got, ok := o.source(hash); !ok || got != source {
			t.Fatalf("%#x is of %d (%v), want %d", hash, got, ok, source)
		}
	}
	for range 10_000 {
		hash := random.Uint64()
		if _, ok := o.source(hash); ok {
			if _, known := want[hash]; !known {
				t.Fatalf("%#x was never added", hash)
			}
		}
	}
}

// The figures of the comment on owners.
func TestMemoryOfNGrams(t *testing.T) {
	heap := func() uint64 {
		runtime.GC()
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return m.HeapAlloc
	}
	before := heap()
	var o owners
	random := rand.New(rand.NewPCG(5, 6))
	for range 1_000_000 {
		o.add(random.Uint64(), 0)
	}
	each := float64(heap()-before) / float64(o.count)
	t.Logf("%.1f bytes for each of %d n-grams", each, o.count)
	if each > 19.5 {
		t.Errorf("%.1f bytes for each n-gram, want at most 19", each)
	}
	runtime.KeepAlive(o)
}

func TestMatchAllocatesNothing(t *testing.T) {
	m := index(t, &recipe.NGrams{N: 5, Percent: 90}, []string{prose[:200], prose[100:]}, []string{"x"})
	for name, text := range map[string]string{"n-grams": prose, "equal": "X!", "beyond ASCII": "“x²” " + prose} {
		m.Match(text)
		if n := testing.AllocsPerRun(100, func() { m.Match(text) }); n > 0 {
			t.Errorf("%s: %v allocations", name, n)
		}
	}
}
