package dedup

import (
	"bytes"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

func TestNormalize(t *testing.T) {
	for _, test := range []struct{ why, text, want string }{
		{"nothing", "", ""},
		{"no word", " \t\r\n?!-- $", ""},
		{"case", "What IS it", "what is it"},
		{"punctuation", "What's 48/2, then?", "what s 48 2 then"},
		{"layout", "  a\r\n\tb  ", "a b"},
		{"LaTeX", `Find $\frac{1}{2}x^{10}$.`, "find frac 1 2 x 10"},
		{"digits are kept as they stand", "1,000.50", "1 000 50"},
		{"code", "def has_close(n: List[int]):", "def has close n list int"},
		{"the end of a run of ASCII", "e\u0301t\u00e9 \u00e0", "e\u0301te\u0301 a\u0300"},
		{"composed or not", "\u00c9t\u00e9", "e\u0301te\u0301"},
		{"order of accents", "a\u0301\u0323", "a\u0323\u0301"},
		{"order of accents, the other way", "a\u0323\u0301", "a\u0323\u0301"},
		{"compatibility", "Ａ１ ﬁne x² ½", "a1 fine x2 1 2"},
		{"Kelvin, Ohm, long s", "\u212a \u2126 \u017f", "k \u03c9 s"},
		{"sigmas", "ΣΟΦΟΣ σοφος σοφοσ", "σοφοσ σοφοσ σοφοσ"},
		{"i, with and without its dot", "I i İ ı", "i i i\u0307 i"},
		{"Cyrillic", "МОСКВА", "москва"},
		{"quotes and dashes", "“it’s” — so…", "it s so"},
		{"not UTF-8", "a\xffb\xc3", "a b"},
		{"an accent cut from its letter", "a \u0301b", "a \u0301b"},
		{"Han", "中文ab第3章", "中 文 ab 第 3 章"},
		{"Kana with marks", "がんABC", "か\u3099 ん abc"},
		{"half-width Kana", "ｶﾞ", "カ\u3099"},
		{"Hangul", "한국 어", norm.NFKD.String("한국 어")},
		{"Devanagari keeps its vowels", "हिन्दी है", "हिन्दी है"},
		{"symbols", "☃ a ∞ b 🙂", "a b"},
		{"letters in symbols", "℃ ™", "c tm"},
	} {
		if got := string(AppendNormal(nil, test.text)); got != test.want {
			t.Errorf("%s: %q becomes %q, want %q", test.why, test.text, got, test.want)
		}
	}
}

// slowNormal applies the rule as the comment has it: one pass for each step, over whole strings.
func slowNormal(text string) string {
	text = strings.Map(func(r rune) rune {
		if r == utf8.RuneError {
			return ' '
		}
		return r
	}, text)
	var pieces strings.Builder
	for _, r := range norm.NFKD.String(text) {
		r = unicode.ToLower(unicode.ToUpper(r))
		ideograph := unicode.IsLetter(r) && unicode.In(r, unicode.Han, unicode.Hiragana, unicode.Katakana)
		switch {
		case ideograph:
			// A mark behind it must stay with it, so the space that ends the word is put in below.
			pieces.WriteString(" " + string(r) + "\x00")
		case unicode.In(r, unicode.L, unicode.M, unicode.N):
			pieces.WriteRune(r)
		default:
			pieces.WriteByte(' ')
		}
	}
	words := []rune(pieces.String())
	for i := 0; i+1 < len(words); i++ {
		if words[i] == 0 && unicode.IsMark(words[i+1]) {
			words[i], words[i+1] = words[i+1], 0
		}
	}
	return strings.Join(strings.FieldsFunc(string(words), func(r rune) bool { return r == ' ' || r == 0 }), " ")
}

func checkNormal(t *testing.T, text string) {
	t.Helper()
	got := AppendNormal(nil, text)
	if want := slowNormal(text); string(got) != want {
		t.Fatalf("%q becomes %q, the slow way %q", text, got, want)
	}
	if again := AppendNormal(nil, string(got)); !bytes.Equal(again, got) {
		t.Fatalf("%q becomes %q, and that %q", text, got, again)
	}
	if behind := AppendNormal([]byte("x"), text); string(behind) != "x"+string(got) {
		t.Fatalf("%q behind x becomes %q", text, behind)
	}
}

func TestEveryCharacter(t *testing.T) {
	for r := rune(0); r <= unicode.MaxRune; r++ {
		if r > 0x33ff && r%7 != 0 && !unicode.Is(unicode.M, r) {
			continue
		}
		checkNormal(t, "a"+string(r)+"b")
	}
}

func TestNormalOfRealQuestions(t *testing.T) {
	for _, question := range questions(t) {
		checkNormal(t, question)
	}
}

func TestNormalAllocatesNothing(t *testing.T) {
	buffer := make([]byte, 0, 1<<10)
	for name, text := range map[string]string{"ASCII": prose, "beyond": "Wie groß ist “x²” — 中文?"} {
		if n := testing.AllocsPerRun(100, func() { buffer = AppendNormal(buffer[:0], text) }); n > 0 {
			t.Errorf("%s: %v allocations", name, n)
		}
	}
}

// FuzzNormalize: a normal form is its own normal form, with checkNormal's other properties.
//
//fuzz:brief rows have been read and checked before
func FuzzNormalize(f *testing.F) {
	for _, text := range []string{"", "What's 2+2?", "Ａ½ﬁ", "e\u0301", "a\xff", "中文か\u3099x", "İıſς", strings.Repeat("\u0301", 40), "\u0345a"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		// Beyond 30 marks in a row x/text puts in a joiner, once for a run and once more for what comes of it.
		if marks := longestMarks(text); marks > 15 {
			t.Skip("no text has so many marks in a row")
		}
		checkNormal(t, text)
	})
}

func longestMarks(text string) int {
	longest, run := 0, 0
	for _, r := range norm.NFKD.String(text) {
		if run++; !unicode.IsMark(r) {
			run = 0
		}
		longest = max(longest, run)
	}
	return longest
}
