package tokens

import (
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/dlclark/regexp2/v2"
	"github.com/tiktoken-go/tokenizer/codec"

	"github.com/datasetmix/datasetmix/internal/recipe"
)

// counters are made once: a vocabulary takes its time.
var counters = map[string]func() *bpe{
	"o200k_base":  sync.OnceValue(func() *bpe { return must("o200k_base") }),
	"cl100k_base": sync.OnceValue(func() *bpe { return must("cl100k_base") }),
}

func must(name string) *bpe {
	b, err := counterOf(name)
	if err != nil {
		panic(err)
	}
	return b
}

// The counts of OpenAI's cookbook, "How to count tokens with tiktoken", and of tiktoken's README.
func TestPublishedCounts(t *testing.T) {
	for _, test := range []struct {
		text          string
		o200k, cl100k int64
	}{
		{"", 0, 0},
		{"hello world", 2, 2},
		{"tiktoken is great!", 6, 6},
		{"antidisestablishmentarianism", 6, 6},
		{"2 + 2 = 4", 7, 7},
		{"お誕生日おめでとう", 8, 9},
	} {
		if got := counters["o200k_base"]().Count(test.text); got != test.o200k {
			t.Errorf("o200k_base: %q has %d tokens, want %d", test.text, got, test.o200k)
		}
		if got := counters["cl100k_base"]().Count(test.text); got != test.cl100k {
			t.Errorf("cl100k_base: %q has %d tokens, want %d", test.text, got, test.cl100k)
		}
	}
}

// What looks like a special token is text: with tiktoken, encode_ordinary.
func TestSpecialTokensAreText(t *testing.T) {
	for name, counter := range counters {
		if got := counter().Count("<|endoftext|>"); got < 5 {
			t.Errorf("%s: <|endoftext|> has %d tokens, as if it were special", name, got)
		}
	}
}

// module counts with the implementation of the module whose vocabularies these are: other code for merging, and regular
// expressions for cutting, in code generated from them. That code is wrong where line feeds have other white space between
// them, so texts that it cuts otherwise than the expression does are left out.
type module struct {
	codec             *codec.Codec
	generated, proper *regexp2.Regexp
	compared, leftOut int
}

func newModule(name string) *module {
	m := &module{generated: regexp2.MustCompile(patterns[name]), proper: compile(patterns[name])}
	if m.codec = codec.NewO200kBase(); name == "cl100k_base" {
		m.codec = codec.NewCl100kBase()
	}
	return m
}

func (m *module) check(t *testing.T, what string, ours Counter, text string) {
	t.Helper()
	if !slices.Equal(matches(t, m.generated, text), matches(t, m.proper, text)) {
		m.leftOut++
		return
	}
	m.compared++
	want, err := m.codec.Count(text)
	if err != nil {
		t.Fatal(err)
	}
	if got := ours.Count(text); got != int64(want) {
		t.Fatalf("%s: %q has %d tokens, want %d", what, text, got, want)
	}
}

func TestCountsAreThoseOfTheModule(t *testing.T) {
	data := corpora(t)
	for name, ours := range counters {
		theirs := newModule(name)
		for set, texts := range data {
			for i := 0; i < len(texts); i += 1 + len(texts)/150 {
				theirs.check(t, name+" "+set, ours(), texts[i])
			}
		}
		if t.Logf("%s: %d compared, %d left out", name, theirs.compared, theirs.leftOut); theirs.leftOut*5 > theirs.compared {
			t.Errorf("%s: too many texts were left out", name)
		}
	}
}

func TestCountsOfOddTexts(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	parts := []string{"the", " the", "THE", "é", "中文", "🙂", "\u0301", "0", "12", " ", "\n", "\r\n", "\t", "_", "--", "///", "'s", "ß", "हिन्दी", "한국어", "\U0001F469\u200d\U0001F680"}
	theirs := newModule("o200k_base")
	for range 3000 {
		var text strings.Builder
		for range random.IntN(12) {
			text.WriteString(strings.Repeat(parts[random.IntN(len(parts))], 1+random.IntN(3)))
		}
		theirs.check(t, "o200k_base", counters["o200k_base"](), text.String())
	}
	if theirs.leftOut*5 > theirs.compared {
		t.Errorf("%d compared, %d left out", theirs.compared, theirs.leftOut)
	}
}

// A piece of any length takes n log n steps: a million letters are no attack.
func TestLongPieces(t *testing.T) {
	theirs := newModule("o200k_base")
	for _, unit := range []string{"a", " ", "ab", "=", "中", "zq"} {
		theirs.check(t, "o200k_base", counters["o200k_base"](), strings.Repeat(unit, 5000))
	}
	if got := counters["o200k_base"]().Count(strings.Repeat("zq", 500_000)); got < 100_000 {
		t.Errorf("a million letters have %d tokens", got)
	}
}

// slowMerge merges the leftmost pair of the lowest rank until none is left.
func slowMerge(b *bpe, piece string) int64 {
	var tokens []uint32
	for i := range len(piece) {
		tokens = append(tokens, b.bytes[piece[i]])
	}
	for {
		best, place, made := uint32(noMerge), 0, uint32(0)
		for i := range len(tokens) - 1 {
			if rank, token := b.merges.find(tokens[i], tokens[i+1]); rank < best {
				best, place, made = rank, i, token
			}
		}
		if best == noMerge {
			return int64(len(tokens))
		}
		tokens[place] = made
		tokens = slices.Delete(tokens, place+1, place+2)
	}
}

func TestMergeAgainstScanning(t *testing.T) {
	b := counters["cl100k_base"]()
	random := rand.New(rand.NewPCG(3, 4))
	s := &state{}
	for range 3000 {
		raw := make([]byte, 1+random.IntN(40))
		for i := range raw {
			raw[i] = "etaoin shrdlu\xe4\xb8\xad"[random.IntN(16)]
		}
		piece := string(raw)
		want := slowMerge(b, piece)
		if _, ok := b.whole[piece]; ok {
			want = 1
		}
		if got := int64(b.merge(s, piece)); got != want {
			t.Fatalf("%q: %d tokens, want %d", piece, got, want)
		}
	}
}

// Goroutines share a counter, and what one has counted before makes no difference.
func TestCounterForSeveral(t *testing.T) {
	texts := corpora(t)["mbpp"]
	for _, tokenizer := range []recipe.Tokenizer{{}, {Encoding: "cl100k_base"}} {
		counter, err := New(tokenizer, nil)
		if err != nil {
			t.Fatal(err)
		}
		sums := make(chan int64)
		for worker := range 4 {
			go func() {
				var sum int64
				for i := range texts {
					sum += counter.Count(texts[(i+worker*len(texts)/4)%len(texts)])
				}
				sums <- sum
			}()
		}
		first := <-sums
		for range 3 {
			if sum := <-sums; sum != first {
				t.Errorf("%+v: sums %d and %d", tokenizer, first, sum)
			}
		}
	}
}

func TestCountAllocatesNothing(t *testing.T) {
	text := "How many clips did Natalia sell altogether in April and May? WE'LL see: \\frac{1}{2} — 中文"
	o200k, state := counters["o200k_base"](), &state{} // of its own: a pool gives some up at random under the race detector
	for name, count := range map[string]func(string) int64{
		"estimate": estimate{}.Count, "o200k_base": func(text string) int64 { return o200k.count(state, text) },
	} {
		count(text)
		if n := testing.AllocsPerRun(50, func() { count(text) }); n > 0 {
			t.Errorf("%s: %v allocations", name, n)
		}
	}
}
