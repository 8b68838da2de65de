package dedup

import (
	"bufio"
	"bytes"
	"encoding/json"
	"strings"
	"testing"

	"github.com/datasetmix/datasetmix/internal/testing/realrows"
)

// prose is a question of ordinary length, in ASCII.
const prose = "Natalia sold clips to 48 of her friends in April, and then she sold half as many clips in May. " +
	"How many clips did Natalia sell altogether in April and May? Weng earns $12 an hour for babysitting; yesterday, " +
	"she just did 50 minutes of babysitting. How much did she earn? Betty is saving money for a new wallet which costs $100."

// questions returns those of GSM8K and MATH.
func questions(tb testing.TB) []string {
	tb.Helper()
	var all []string
	for _, file := range []string{"gsm8k/train.jsonl", "math/train.jsonl"} {
		lines := bufio.NewScanner(bytes.NewReader(realrows.Read(tb, file)))
		lines.Buffer(nil, 1<<20)
		for lines.Scan() {
			var row struct{ Question, Problem string }
			if err := json.Unmarshal(lines.Bytes(), &row); err != nil {
				tb.Fatal(err)
			}
			all = append(all, row.Question+row.Problem)
		}
		if err := lines.Err(); err != nil {
			tb.Fatal(err)
		}
	}
	return all
}

// ngrams returns the n-grams of a text as strings: what the hashes stand for.
func ngrams(text string, n int) []string {
	words := strings.Fields(slowWords(text))
	if 0 < len(words) && len(words) < n {
		return []string{strings.Join(words, " ")}
	}
	var all []string
	for i := 0; i+n <= len(words); i++ {
		all = append(all, strings.Join(words[i:i+n], " "))
	}
	return all
}

// jaccard returns the exact similarity: the n-grams in both texts, and those in any.
func jaccard(a, b string, n int) (both, any int) {
	in := map[string]int{}
	for _, gram := range ngrams(a, n) {
		in[gram] |= 1
	}
	for _, gram := range ngrams(b, n) {
		in[gram] |= 2
	}
	for _, sides := range in {
		if sides == 3 {
			both++
		}
	}
	return both, len(in)
}
