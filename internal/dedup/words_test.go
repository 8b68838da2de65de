package dedup

import (
	"bytes"
	"strings"
	"testing"
	"unicode"

	"github.com/datasetmix/datasetmix/internal/recipe"
)

// Golden words: they are in hashes on volumes, and never change under the name words/v1.
func TestWords(t *testing.T) {
	for _, test := range []struct{ why, text, want string }{
		{"nothing", "", ""},
		{"no word", " \t\r\n?!-- $", ""},
		{"case and punctuation", "What's 48/2, THEN?", "what s 48 2 then"},
		{"layout", "  a\r\n\tb  ", "a b"},
		{"LaTeX", `Find $\frac{1}{2}x^{10}$.`, "find frac 1 2 x 10"},
		{"code", "def has_close(n: List[int]):", "def has close n list int"},
		{"what nobody sees ends no word", "exam\u00adple zero\u200bwidth", "example zerowidth"},
		{"accents", "\u00c9t\u00e9", "e\u0301te\u0301"},
		{"an accent cut from its letter", "a \u0301b", "a \u0301b"},
		{"compatibility", "Ａ１ ﬁne x² ½ Straße", "a1 fine x2 1 2 strasse"},
		{"not UTF-8", "a\xffb\xc3", "a b"},
		{"Han", "中文ab第3章，好", "中 文 ab 第 3 章 好"},
		{"Kana with marks", "がんABC", "か\u3099 ん abc"},
		{"Thai: vowels and tones stay with their letters", "ภาษาไทย ที่ GPT4", "ภ า ษ า ไ ท ย ที่ gpt4"},
		{"Thai, with zero-width spaces between words", "ภาษา\u200bไทย", "ภ า ษ า ไ ท ย"},
		{"Lao", "ພາສາລາວ", "ພ າ ສ າ ລ າ ວ"},
		{"Khmer", "ភាសាខ្មែរ", "ភា សា ខ្ ម\u17c2 រ"},
		{"Myanmar", "မြန်မာဘာသာ", "မြ န် မာ ဘာ သာ"},
		{"Tibetan: syllables", "བོད་སྐད་ཡིག", "བོད སྐད ཡིག"},
		{"Korean has spaces", "한국 어", "\u1112\u1161\u11ab\u1100\u116e\u11a8 \u110b\u1165"},
		{"Hindi has spaces", "हिन्दी है", "हिन्दी है"},
		{"Arabic has spaces", "ما هذا؟", "ما هذا"},
		{"symbols", "☃ a ∞ b 🙂", "a b"},
	} {
		if got := string(AppendWords(nil, AppendQuestion(nil, test.text))); got != test.want {
			t.Errorf("%s: %q has the words %q, want %q", test.why, test.text, got, test.want)
		}
	}
}

// slowWords returns the rule once more, as it is in the comment, over whole strings.
func slowWords(text string) string {
	var words []string
	open := false // the last word may go on
	for _, r := range slowQuestion(text) {
		switch alone := unicode.IsLetter(r) && unicode.In(r, unspaced...); {
		case !unicode.In(r, unicode.L, unicode.M, unicode.N):
			open = false
		case alone || !open && !unicode.IsMark(r):
			words = append(words, string(r))
			open = true
		case !open:
			words = append(words, string(r)) // a mark alone
			open = true
		case !unicode.IsMark(r) && unicode.In(firstOf(words[len(words)-1]), unspaced...) && unicode.IsLetter(firstOf(words[len(words)-1])):
			words = append(words, string(r))
		default:
			words[len(words)-1] += string(r)
		}
	}
	return strings.Join(words, " ")
}

func firstOf(word string) rune { return []rune(word)[0] }

func checkWords(t *testing.T, text string) {
	t.Helper()
	question := AppendQuestion(nil, text)
	got := AppendWords(nil, question)
	if want := slowWords(text); string(got) != want {
		t.Fatalf("%+q has the words %+q, the slow way %+q", text, got, want)
	}
	if again := AppendWords(nil, AppendQuestion(nil, got)); !bytes.Equal(again, got) {
		t.Fatalf("%+q has the words %+q, and those %+q", text, got, again)
	}
	if behind := AppendWords([]byte("x "), question); string(behind) != "x "+string(got) {
		t.Fatalf("%+q behind x has the words %+q", text, behind)
	}
}

func TestEveryCharacterOfAWord(t *testing.T) {
	for r := rune(0); r < 0x20000; r++ {
		if r > knownEnd && r%13 != 0 && !unicode.IsMark(r) {
			continue
		}
		checkWords(t, "a"+string(r)+"b"+string(r)+"\u0301")
	}
}

func TestWordsOfRealQuestions(t *testing.T) {
	for _, question := range questions(t) {
		checkWords(t, question)
	}
}

func TestWordsAllocateNothing(t *testing.T) {
	s := scratch{rule: recipe.WordsV1}
	for name, text := range map[string]string{"ASCII": prose, "beyond": "Wie groß ist “x²” — 中文? ภาษาไทย"} {
		s.read(text)
		if n := testing.AllocsPerRun(100, func() { s.read(text) }); n > 0 {
			t.Errorf("%s: %v allocations", name, n)
		}
	}
}

// FuzzWords holds the words against the slow way, and against their own words.
//
//fuzz:brief rows have been read and checked before
func FuzzWords(f *testing.F) {
	for _, text := range []string{"", "What's 2+2?", "ภาษาไทย\u200bที่", "中文か\u3099x", "a\xff", "한국", "\u0301 \u0301a", "ไ\u0301x3"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		skipManyMarks(t, text)
		checkWords(t, text)
	})
}

// A benchmark's question inside a row is found in every language, whether it has spaces or not.
func TestQuestionsAreFoundInEveryLanguage(t *testing.T) {
	for language, c := range map[string]struct{ probe, before, other string }{
		"Thai":       {"กรุงเทพมหานครเป็นเมืองหลวงและเป็นศูนย์กลางการปกครองของประเทศใดในเอเชียตะวันออกเฉียงใต้", "กรุณาตอบคำถาม", "แม่น้ำสายใดยาวที่สุดในโลกและไหลผ่านกี่ประเทศ"},
		"Lao":        {"ນະຄອນຫຼວງວຽງຈັນເປັນເມືອງຫຼວງຂອງປະເທດໃດໃນອາຊີຕາເວັນອອກສຽງໃຕ້", "ກະລຸນາຕອບ", "ແມ່ນ້ຳໃດຍາວທີ່ສຸດໃນໂລກ"},
		"Khmer":      {"ភ្នំពេញជារដ្ឋធានីនៃប្រទេសណានៅអាស៊ីអាគ្នេយ៍", "សូមឆ្លើយ", "តើទន្លេណាវែងជាងគេ"},
		"Myanmar":    {"နေပြည်တော်သည်အရှေ့တောင်အာရှရှိမည်သည့်နိုင်ငံ၏မြို့တော်ဖြစ်သနည်း", "ဖြေပါ", "ကမ္ဘာ့အရှည်ဆုံးမြစ်ကားအဘယ်နည်း"},
		"Tibetan":    {"ལྷ་ས་ནི་བོད་ཀྱི་རྒྱལ་ས་ཡིན་ནམ་མིན་ནམ", "ལན་ཐོབས་", "འཛམ་གླིང་གི་རི་མཐོ་ཤོས་གང་ཡིན"},
		"Chinese":    {"北京是哪个国家的首都以及政治和文化中心", "请回答：", "世界上最长的河流是哪一条"},
		"Japanese":   {"東京はどの国の首都であり政治の中心地ですか", "答えてください：", "世界で一番長い川は何ですか"},
		"English":    {"Bangkok is the capital and the seat of government of which country in Southeast Asia?", "Please answer: ", "Which river is the longest in the world?"},
		"Hindi":      {"नई दिल्ली किस देश की राजधानी और राजनीतिक केंद्र है", "कृपया उत्तर दें: ", "दुनिया की सबसे लंबी नदी कौन सी है"},
		"two in one": {"ข้อใดคือเมืองหลวงของประเทศไทย (A) Bangkok (B) Vientiane (C) Phnom Penh", "กรุณาตอบ: ", "ข้อใดยาวที่สุด (A) Nile (B) Amazon"},
	} {
		t.Run(language, func(t *testing.T) {
			m := index(t, &recipe.NGrams{N: 5, Percent: 50}, []string{c.probe})
			if found, ok := m.Match(c.before + c.probe); !ok || found.Reason != NGram {
				t.Errorf("the question behind %q is not found: %+v", c.before, found)
			}
			if found, ok := m.Match(c.other); ok {
				t.Errorf("another question is found: %+v", found)
			}
			s := sketcher(t, 5, 20, 5)
			probe := append(Signature(nil), s.Sketch(c.probe)...)
			if equal, slots := agreement(probe, s.Sketch(c.before+c.probe)); equal*100 < 40*slots {
				t.Errorf("the question and the one behind %q agree in %d of %d minima", c.before, equal, slots)
			}
			if equal, slots := agreement(probe, s.Sketch(c.other)); equal*100 > 30*slots {
				t.Errorf("the question and another one agree in %d of %d minima", equal, slots)
			}
		})
	}
}

// Whatever is equal as a question is equal to a probe, one without a word as well.
func TestProbesFindWhatIsEqual(t *testing.T) {
	for _, test := range []struct {
		probe, row string
		want       bool
	}{
		{"What is 2+2?", "what\u00a0is 2+2?\u200b", true},
		{"What is 2+2?", "What is 2-2?", true}, // the safe side
		{"?!", " ?! ", true},
		{"?!", "!?", false},
		{"\u200b", "\u200b", true},
		{"\u200b", "\u200c", false},
		{"", "", false},
	} {
		if _, ok := index(t, nil, []string{test.probe}).Match(test.row); ok != test.want {
			t.Errorf("%+q is equal to the probe %+q: %v, want %v", test.row, test.probe, ok, test.want)
		}
	}
}

// A recipe that names no rule means the one of before there was another: a text without spaces is one word.
func TestTheRuleOfBefore(t *testing.T) {
	p, err := NewProbes(recipe.NormalizeV1, &recipe.NGrams{N: 2, Percent: 50})
	if err != nil {
		t.Fatal(err)
	}
	p.Add(0, "ภาษาไทย")
	p.Add(0, "?!")
	for text, want := range map[string]bool{"ภาษาไทย": true, "ภาษาไทยที่": false, "?!": false} {
		if _, ok := p.NewMatcher().Match(text); ok != want {
			t.Errorf("%q is found: %v, want %v", text, ok, want)
		}
	}
}

func TestUnknownRules(t *testing.T) {
	const want = `there is no rule "words/v9" by which the words of a question are found; a newer release may have one`
	if _, err := NewProbes("words/v9", nil); err == nil || err.Error() != want {
		t.Errorf("probes: %v", err)
	}
	if _, err := NewSketcher("words/v9", 5, 20, 5); err == nil || err.Error() != want {
		t.Errorf("sketches: %v", err)
	}
}
