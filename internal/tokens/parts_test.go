package tokens

import (
	"encoding/json"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

func TestContraction(t *testing.T) {
	for _, test := range []struct {
		text       string
		small, any int
	}{
		{"", 0, 0},
		{"'", 0, 0},
		{"s", 0, 0},
		{"''s", 0, 0},
		{"'s", 2, 2},
		{"'sx", 2, 2},
		{"'t", 2, 2},
		{"'m", 2, 2},
		{"'d", 2, 2},
		{"'S", 0, 2},
		{"'T!", 0, 2},
		{"'re", 3, 3},
		{"'ve", 3, 3},
		{"'ll", 3, 3},
		{"'rE", 0, 3},
		{"'VE", 0, 3},
		{"'Ll", 0, 3},
		{"'r", 0, 0},
		{"'l", 0, 0},
		{"'lx", 0, 0},
		{"'ee", 0, 0},
		{"'ſ", 0, 3},
		{"'é", 0, 0},
	} {
		if got := contraction(test.text, 0, true); got != test.small {
			t.Errorf("%q: small letters alone end at %d, want %d", test.text, got, test.small)
		}
		if got := contraction(test.text, 0, false); got != test.any {
			t.Errorf("%q: letters of any case end at %d, want %d", test.text, got, test.any)
		}
	}
}

func TestSpace(t *testing.T) {
	for _, test := range []struct {
		text           string
		gpt2, withLine int
	}{
		{" ", 1, 1},
		{"  ", 2, 2},
		{" a", 1, 1},
		{"  a", 1, 1},
		{"   a", 2, 2},
		{"\n", 1, 1},
		{"\na", 1, 1},
		{"\n\na", 1, 2},
		{" \n a", 2, 2},
		{" \n \n  a", 5, 4},
		{"\t\r\n", 3, 3},
		{"\u00a0\u00a0a", 2, 2},
		{"\u3000 \n\u00a0a", 5, 5},
	} {
		if got := (splitter{words: spaced}).space(test.text, 0); got != test.gpt2 {
			t.Errorf("GPT-2: %q ends at %d, want %d", test.text, got, test.gpt2)
		}
		if got := (splitter{words: cased}).space(test.text, 0); got != test.withLine {
			t.Errorf("with a rule for line feeds: %q ends at %d, want %d", test.text, got, test.withLine)
		}
	}
}

// Whatever the text, pieces are not empty and together they are the text; they break no character.
func TestPiecesCoverTheText(t *testing.T) {
	random := rand.New(rand.NewPCG(9, 10))
	for range 20_000 {
		raw := make([]byte, random.IntN(24))
		for i := range raw {
			raw[i] = byte(random.UintN(256))
			if random.IntN(3) > 0 {
				raw[i] = "aA1 \n'/é\xc3-"[random.IntN(11)]
			}
		}
		text := string(raw)
		for name, pattern := range patterns {
			s, _ := splitterOf(pattern)
			all := pieces(s, text)
			if strings.Join(all, "") != text || slices.Contains(all, "") {
				t.Fatalf("%s cuts %q into %q", name, text, all)
			}
			if !utf8.ValidString(text) {
				continue
			}
			if i := slices.IndexFunc(all, func(piece string) bool { return !utf8.ValidString(piece) }); i >= 0 {
				t.Fatalf("%s breaks a character of %q: %q", name, text, all)
			}
		}
	}
}

// The alphabet of GPT-2's vocabulary, as its published encoder has it.
func TestByteNames(t *testing.T) {
	names := byteNames()
	for c, want := range map[byte]rune{0: 'Ā', '\t': 'ĉ', '\n': 'Ċ', '\r': 'č', ' ': 'Ġ', '!': '!', 'a': 'a', '~': '~', 0x7f: 'ġ', 0xa0: 'ł', 0xa1: '¡', 0xad: 'Ń', 0xae: '®', 0xff: 'ÿ'} {
		if names[c] != want {
			t.Errorf("the byte %#x is named %q, want %q", c, names[c], want)
		}
	}
	seen := map[rune]bool{}
	for c, name := range names {
		if seen[name] || unicode.IsSpace(name) || unicode.IsControl(name) {
			t.Errorf("the byte %#x is named %q", c, name)
		}
		seen[name] = true
	}
}

func TestWholePieces(t *testing.T) {
	got := wholePieces(map[string]uint32{"a": 1, "Ġlow": 2, "Ã©": 3, "中": 4, "<|x|>": 5, "": 6})
	want := map[string]uint32{"a": 1, "é": 3, "<|x|>": 5, "": 6}
	want[" "+"low"] = 2
	if !maps.Equal(got, want) {
		t.Errorf("%v, want %v", got, want)
	}
}

func TestPairOf(t *testing.T) {
	for _, test := range []struct{ raw, left, right, fails string }{
		{`"a b"`, "a", "b", ""},
		{`"Ġ low"`, "Ġ", "low", ""},
		{`["a","b"]`, "a", "b", ""},
		{`["a b","c"]`, "a b", "c", ""},
		{`"ab"`, "", "", `"ab" is not two tokens`},
		{`["a"]`, "", "", "1 tokens, want two"},
		{`[1,2]`, "", "", "cannot unmarshal"},
		{`3`, "", "", "cannot unmarshal"},
	} {
		left, right, err := pairOf(json.RawMessage(test.raw))
		switch {
		case test.fails == "" && (err != nil || left != test.left || right != test.right):
			t.Errorf("%s: %q and %q, %v", test.raw, left, right, err)
		case test.fails != "" && (err == nil || !strings.Contains(err.Error(), test.fails)):
			t.Errorf("%s: %v, want %q", test.raw, err, test.fails)
		}
	}
}

func TestEveryCut(t *testing.T) {
	tokens := []string{"a", "b", "c", "ab", "bc", "abc", "xyz"}
	ids := map[string]uint32{}
	for id, token := range tokens {
		ids[token] = uint32(id)
	}
	want := [][3]uint32{{0, 1, 3}, {1, 2, 4}, {0, 4, 5}, {3, 2, 5}}
	if got := everyCut(tokens, ids); !slices.Equal(got, want) {
		t.Errorf("%v, want %v", got, want)
	}
}

func TestMergeTableAgainstMap(t *testing.T) {
	random := rand.New(rand.NewPCG(11, 12))
	const pairs = 5000
	table := newMergeTable(pairs)
	want := map[[2]uint32][2]uint32{}
	for range pairs {
		pair := [2]uint32{random.Uint32N(100), random.Uint32N(100)}
		if random.IntN(4) == 0 {
			pair = [2]uint32{random.Uint32(), random.Uint32()}
		}
		merge := [2]uint32{random.Uint32N(noMerge), random.Uint32()}
		table.add(pair[0], pair[1], merge[0], merge[1])
		want[pair] = merge
	}
	for pair, merge := range want {
		if rank, token := table.find(pair[0], pair[1]); rank != merge[0] || token != merge[1] {
			t.Fatalf("%v: rank %d and token %d, want %v", pair, rank, token, merge)
		}
	}
	for range pairs {
		pair := [2]uint32{random.Uint32N(200), random.Uint32N(200)}
		if _, known := want[pair]; known {
			continue
		}
		if rank, _ := table.find(pair[0], pair[1]); rank != noMerge {
			t.Fatalf("%v was never added and has the rank %d", pair, rank)
		}
	}
	empty := newMergeTable(0)
	if rank, _ := empty.find(0, 0); rank != noMerge {
		t.Errorf("an empty table has a merge of rank %d", rank)
	}
}

func TestQueueIsInOrder(t *testing.T) {
	random := rand.New(rand.NewPCG(13, 14))
	s := &state{}
	var want []uint64
	for range 500 {
		rank, place := random.Uint32N(20), int32(random.Uint32N(1000))
		s.push(rank, place)
		want = append(want, uint64(rank)<<32|uint64(place))
	}
	slices.Sort(want)
	for i, next := range want {
		if rank, place := s.pop(); uint64(rank)<<32|uint64(place) != next {
			t.Fatalf("number %d is of rank %d and place %d, want %d and %d", i, rank, place, next>>32, next&0xffffffff)
		}
	}
	if len(s.queue) != 0 {
		t.Errorf("%d are left", len(s.queue))
	}
}

// Pieces share the slots of the cache, whose keys tell apart what differs in length, or in bytes of zero, alone.
func TestCacheTellsPiecesApart(t *testing.T) {
	b, s := counters["cl100k_base"](), &state{}
	fresh := func(piece string) uint32 { return b.merge(&state{}, piece) }
	odd := []string{"a\x00", "a\x00\x00", "\x00a", "\x00\x00", "\x00\x00\x00", strings.Repeat("a", 15), strings.Repeat("a", 16), strings.Repeat("é", 7), "xq\x0f"}
	for i := range 3 * cacheSlots {
		odd = append(odd, fmt.Sprintf("w%dx", i))
	}
	for range 2 {
		for i := 0; i < len(odd); i += 1 + i/100 {
			b.piece(s, odd[len(odd)-1-i])
			if got, want := b.piece(s, odd[i]), fresh(odd[i]); got != want {
				t.Fatalf("%q: %d tokens, without a cache %d", odd[i], got, want)
			}
		}
	}
}

// slowCount cuts with the regular expression and merges by scanning.
func slowCount(tb testing.TB, b *bpe, text string) int64 {
	tb.Helper()
	var count int64
	for _, piece := range matches(tb, compile(patternCL100K), text) {
		if _, ok := b.whole[piece]; ok {
			count++
		} else {
			count += slowMerge(b, piece)
		}
	}
	return count
}

// FuzzCount compares with merging pair by pair.
//
//fuzz:brief rows have been read and checked before
func FuzzCount(f *testing.F) {
	for _, text := range []string{"", "It's 12345  a\n\n b", "antidisestablishmentarianism", "中文か\u3099", "a\n \n", strings.Repeat("zq", 60)} {
		f.Add(text)
	}
	b := counters["cl100k_base"]()
	f.Fuzz(func(t *testing.T, text string) {
		if len(text) > 300 || !utf8.ValidString(text) {
			t.Skip("the slow way reads characters, and is slow")
		}
		if got, want := b.Count(text), slowCount(t, b, text); got != want {
			t.Fatalf("%q has %d tokens, the slow way %d", text, got, want)
		}
		composed := &bpe{splitter: b.splitter, whole: b.whole, bytes: b.bytes, merges: b.merges, composed: true}
		if got, want := composed.Count(text), b.Count(norm.NFC.String(text)); got != want {
			t.Fatalf("%q in NFC has %d tokens, want %d", text, got, want)
		}
		if got, bytes := (estimate{}).Count(text), int64(len(text)); got > bytes || got == 0 && bytes > 0 {
			t.Fatalf("%q of %d bytes is estimated at %d tokens", text, bytes, got)
		}
	})
}
