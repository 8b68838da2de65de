package tokens

import (
	"math"
	"strings"
	"testing"
)

func TestEstimate(t *testing.T) {
	for _, test := range []struct {
		why, text string
		want      int64
	}{
		{"nothing", "", 0},
		{"a word", "clips", 1},
		{"a word of ten letters", "altogether", 1},
		{"a word of eleven", "altogethers", 2},
		{"capitals weigh 4", "May", 1},
		{"two and a half capitals are a token", "USA", 2},
		{"digits in threes", "1234567", 3},
		{"symbols weigh 4", "+-", 1},
		{"three symbols", "}{\\", 2},
		{"words with their spaces", "she sold half", 3},
		{"white space", "a\n\n\n\nb", 3},
		{"a Greek word weighs its bytes", "λόγος", 1},
		{"Han weigh 7", "中文维基", 3},
		{"an emoji weighs 7", "🙂🙂", 2},
		{"a byte that is not UTF-8 is a symbol", "\xff\xff\xff", 2},
	} {
		if got := (estimate{}).Count(test.text); got != test.want {
			t.Errorf("%s: %q counts %d, want %d", test.why, test.text, got, test.want)
		}
	}
}

// errorsOfEstimate is the table of the comment on estimate and of docs/units.md: tokens of o200k_base, and the errors of the
// estimate and of bytes / 4 in tenths of a percent.
var errorsOfEstimate = map[string]struct {
	tokens          int64
	estimate, bytes float64
}{
	"gsm8k":             {1_170_402, 0.0, -16.1},
	"math":              {2_189_126, -3.1, -34.4},
	"squad2":            {1_135_330, 3.2, 24.1},
	"hotpotqa":          {177_800, -0.3, 15.3},
	"hotpotqa, context": {125_272, 2.3, 11.5},
	"humaneval":         {30_387, 3.3, -14.4},
	"mbpp":              {29_530, 0.0, -10.0},
}

func TestErrorsOfTheEstimate(t *testing.T) {
	for set, texts := range corpora(t) {
		var exact, guess, bytes int64
		for _, text := range texts {
			exact += counters["o200k_base"]().Count(text)
			guess += estimate{}.Count(text)
			bytes += int64(len(text)+3) / 4
		}
		percent := func(n int64) float64 { return math.Round(1000*float64(n-exact)/float64(exact)) / 10 }
		want := errorsOfEstimate[set]
		if exact != want.tokens || percent(guess) != want.estimate || percent(bytes) != want.bytes {
			t.Errorf("%s: %d tokens, estimate %+.1f %%, bytes/4 %+.1f %%; the table says %+v", set, exact, percent(guess), percent(bytes), want)
		}
	}
}

// A text's estimate is at most that of its parts: cutting a text makes no tokens vanish.
func TestEstimateOfParts(t *testing.T) {
	text := strings.Repeat("The quick brown fox — “jumps” over 12345 lazy dogs.\n\n", 3)
	whole := estimate{}.Count(text)
	for cut := range len(text) {
		if parts := (estimate{}).Count(text[:cut]) + (estimate{}).Count(text[cut:]); parts < whole {
			t.Errorf("cut at %d: %d, whole %d", cut, parts, whole)
		}
	}
}
