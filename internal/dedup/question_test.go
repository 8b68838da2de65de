package dedup

import (
	"bytes"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/cases"
	"golang.org/x/text/unicode/norm"
)

// Golden forms: they are in digests on volumes, and never change under the name question/v1.
func TestQuestionForm(t *testing.T) {
	for _, test := range []struct{ why, text, want string }{
		{"nothing", "", ""},
		{"case", "What IS it?", "what is it?"},
		{"case, in words of eight bytes", "WHAT IS THE SUM of 2 AND 2, @[`{ AZ az?", "what is the sum of 2 and 2, @[`{ az az?"},
		{"a space more", "what  is   it? ", "what is it?"},
		{"spaces at the ends", "  a  ", "a"},
		{"line ends", "a\r\nb\nc\rd\te\vf\fg", "a b c d e f g"},
		{"spaces that are not ASCII", "a\u00a0b\u2003c\u3000d\u2028e\u2029f\u0085g\u1680h\u202fi\u205fj\u2800k", "a b c d e f g h i j k"},
		{"zero width", "\ufeffa\u200bb\u200cc\u200dd\u2060e\u00adf\u200eg\u202ah\u2066i\ufe0fj\U000e0100k", "abcdefghijk"},
		{"control characters", "a\x00b\x1bc\x7fd\u009be", "abcde"},
		{"composed or not", "\u00c9t\u00e9", "e\u0301te\u0301"},
		{"the end of a run of ASCII", "E\u0301t\u00e9 \u00e0", "e\u0301te\u0301 a\u0300"},
		{"order of accents", "a\u0301\u0323 a\u0323\u0301", "a\u0323\u0301 a\u0323\u0301"},
		{"an accent behind something that is not seen", "a\u0301\u200b\u0323 a\x00\u0301", "a\u0323\u0301 a\u0301"},
		{"an accent behind a space", "a \u0301b", "a \u0301b"},
		{"full width", "Ａ１？", "a1?"},
		{"ligatures", "ﬁne ﬀ ĳ Ǆ", "fine ff ij dz\u030c"},
		{"superscripts, as compatibility has it", "3² x₂ ½", "32 x2 1\u20442"},
		{"Kelvin, Ohm, micro, long s", "\u212a \u2126 \u00b5 \u017f", "k \u03c9 \u03bc s"},
		{"sharp s", "STRASSE Straße STRAẞE", "strasse strasse strasse"},
		{"sigmas", "ΣΟΦΟΣ σοφος σοφοσ", "σοφοσ σοφοσ σοφοσ"},
		{"an iota below, before and behind an accent", "\u1fb4 \u1fb3\u0301 \u0391\u0345\u0301 \u0391\u0399", "\u03b1\u0301\u03b9 \u03b1\u0301\u03b9 \u03b1\u0301\u03b9 \u03b1\u03b9"},
		{"i, with and without its dot", "I i İ ı", "i i i\u0307 ı"},
		{"Cyrillic", "МОСКВА ᲀ", "москва в"},
		{"Cherokee", "\uab70\u13a0\u13f8\u13f0", "\u13a0\u13a0\u13f0\u13f0"},
		{"Deseret", "\U00010400", "\U00010428"},
		{"mathematical letters", "\U0001d400\U0001d7d8", "a0"},
		{"Hangul", "한국", "\u1112\u1161\u11ab\u1100\u116e\u11a8"},
		{"half-width Kana", "ｶﾞ ガ", "カ\u3099 カ\u3099"},
		{"Persian, with a joiner's opposite", "می\u200cخواهم", "میخواهم"},
		{"Hindi, with a joiner", "क्\u200dष", "क्ष"},
		{"punctuation and signs stay", "What's 48/2-1, then?!", "what's 48/2-1, then?!"},
		{"quotes and dashes stay", "“it’s” — so…", "“it’s” — so..."},
		{"emoji", "☃ 👨‍👩‍👧 ❤️", "☃ 👨👩👧 ❤"},
		{"a space with an accent", "a\u00a8", "a \u0308"},
		{"not UTF-8", "a\xffb\xc3", "a\ufffdb\ufffd"},
		{"nothing is seen: itself", " \u200b\t", " \u200b\t"},
		{"nothing is seen, another one", "\u200c", "\u200c"},
	} {
		if got := string(AppendQuestion(nil, test.text)); got != test.want {
			t.Errorf("%s: %+q becomes %+q, want %+q", test.why, test.text, got, test.want)
		}
	}
}

// What a person takes for another question is another one.
func TestDifferentQuestions(t *testing.T) {
	for _, pair := range [][2]string{
		{"What is 2+2?", "What is 2-2?"}, {"What is 2+2?", "What is 2+2"}, {"What is 12?", "What is 1 2?"}, {"f(x)", "f[x]"}, {"resume", "résumé"},
		{"What is 3?", "What is ٣?"}, {"1/2", "½"}, {"sınır", "sinir"}, {"a\nb", "ab"}, {"\u200b", "\u200c"}, {"", "\u200b"}, {" ", ""}, {"2 < 3", "2 > 3"}, {"👍", "👍🏽"},
	} {
		if a, b := AppendQuestion(nil, pair[0]), AppendQuestion(nil, pair[1]); bytes.Equal(a, b) {
			t.Errorf("%+q and %+q are both %+q", pair[0], pair[1], a)
		}
	}
}

// slowQuestion applies the rule as the comment has it: one pass for each step, over whole strings, with the tables of x/text.
func slowQuestion(text string) string {
	seen := strings.Map(func(r rune) rune {
		if slowIgnored(r) {
			return -1
		}
		return r
	}, text)
	// x/text folds Cherokee to its lower case, Unicode to its upper case, which is older.
	cherokee := func(r rune) rune {
		if unicode.Is(unicode.Cherokee, r) {
			return unicode.ToUpper(r)
		}
		return r
	}
	lower := strings.Map(cherokee, cases.Fold().String(norm.NFKD.String(seen)))
	form := strings.Join(strings.FieldsFunc(norm.NFKD.String(lower), slowSpace), " ")
	if form == "" {
		return text
	}
	return form
}

func slowSpace(r rune) bool { return unicode.Is(unicode.White_Space, r) || r == 0x2800 }

// slowIgnored derives Default_Ignorable_Code_Point as Unicode's DerivedCoreProperties.txt says.
func slowIgnored(r rune) bool {
	format := unicode.In(r, unicode.Other_Default_Ignorable_Code_Point, unicode.Cf, unicode.Variation_Selector) &&
		!unicode.In(r, unicode.White_Space, unicode.Prepended_Concatenation_Mark) && (r < 0xfff9 || r > 0xfffb) && (r < 0x13430 || r > 0x13440)
	return format || unicode.Is(unicode.Cc, r) && !slowSpace(r)
}

func checkQuestion(t *testing.T, text string) {
	t.Helper()
	got := AppendQuestion(nil, text)
	if want := slowQuestion(text); string(got) != want {
		t.Fatalf("%+q becomes %+q, the slow way %+q", text, got, want)
	}
	if again := AppendQuestion(nil, got); !bytes.Equal(again, got) {
		t.Fatalf("%+q becomes %+q, and that %+q", text, got, again)
	}
	if behind := AppendQuestion([]byte("x "), []byte(text)); string(behind) != "x "+string(got) {
		t.Fatalf("%+q behind x becomes %+q", text, behind)
	}
}

func TestEveryCharacterOfAQuestion(t *testing.T) {
	for r := rune(0); r <= unicode.MaxRune; r++ {
		if r > knownEnd && r%7 != 0 && !unicode.In(r, unicode.M, unicode.L) || r > 0x4000 && r%29 != 0 && unicode.In(r, unicode.Han, unicode.Hangul) {
			continue
		}
		if utf8.ValidRune(r) {
			checkQuestion(t, "A"+string(r)+"\u0301\u0323B")
		}
	}
}

// Whatever is in two words of eight bytes that are looked at at once, and at whatever place in them.
func TestEveryPairOfBytes(t *testing.T) {
	characters := []string{"\xff", "\x9f", "\x80", "é", "ð", "\u0301", "中", "\u2028", "🙂"}
	for c := range utf8.RuneSelf {
		characters = append(characters, string(rune(c)))
	}
	for i, first := range characters {
		for j, second := range characters {
			if j%11 != i%11 && len(first) == 1 && first[0] < utf8.RuneSelf && len(second) == 1 && second[0] < utf8.RuneSelf {
				continue // of two ASCII characters, each with each other one would take long
			}
			for at := range 8 {
				checkQuestion(t, "Whether "[at:]+first+"or not "+second+"it is so, the Words are")
			}
		}
	}
}

func TestFormsOfRealQuestions(t *testing.T) {
	for _, question := range questions(t) {
		checkQuestion(t, question)
	}
}

// More marks in a row than the libraries put in order, in the worst order, take no time that grows with their square.
func TestManyMarks(t *testing.T) {
	text := "a" + strings.Repeat("\u0301\u0323", 1<<18)
	want := "a" + strings.Repeat("\u0323", 1<<18) + strings.Repeat("\u0301", 1<<18)
	form := AppendQuestion(nil, text)
	if string(form) != want {
		t.Error("the marks are not in order")
	}
	if again := AppendQuestion(nil, form); string(again) != want {
		t.Error("the form is not its own form")
	}
}

func TestQuestionFormAllocatesNothing(t *testing.T) {
	buffer := make([]byte, 0, 1<<10)
	for name, text := range map[string]string{"ASCII": prose, "beyond": "Wie groß ist “x²” — 中文? Été \u0391\u0345\u0301"} {
		if n := testing.AllocsPerRun(100, func() { buffer = AppendQuestion(buffer[:0], text) }); n > 0 {
			t.Errorf("%s: %v allocations", name, n)
		}
	}
}

// FuzzQuestion holds the form against the slow way, and against its own form.
//
//fuzz:brief rows have been read and checked before
func FuzzQuestion(f *testing.F) {
	for _, text := range []string{"", "What's 2+2?", " A  b\r\n", "Ａ½ﬁ", "e\u0301", "a\xff", "中文か\u3099x", "İıſςß", "한국", strings.Repeat("\u0301", 20), "\u0345a\u0345\u0301",
		"a\u200b\u0323\x00\u0301", "\u200b", "\u00a8\u00b4", "eight by\u00e9te words  and 8 more"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		skipManyMarks(t, text)
		checkQuestion(t, text)
	})
}

// skipManyMarks skips a text with more marks than x/text handles alike: beyond 30 marks in a row x/text puts in a joiner, once for a run and once
// more for what comes of it, which no text needs. TestManyMarks has the rule for them.
func skipManyMarks(t *testing.T, text string) {
	t.Helper()
	seen := strings.Map(func(r rune) rune {
		if slowIgnored(r) {
			return -1
		}
		return r
	}, text)
	if longestMarks(seen) > 15 {
		t.Skip("so many marks in a row are put in order in another way")
	}
}
