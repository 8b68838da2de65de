package tokens

import "strings"

// splitter cuts text into the pieces within which pairs are merged: what a byte-level tokenizer's regular expression does.
// The expressions of the known families are written out as scanners here, since the engines that understand their lookahead
// take most of the time of counting. Pieces cover the text without a gap.
type splitter struct {
	// words is the shape of a word.
	words shape
	// digits is how many digits make one piece; 0 is any number.
	digits int
	// slashes lets the line feeds behind symbols be followed and mixed with slashes.
	slashes bool
	// contractions lets 's, 't, 're, 've, 'm, 'll and 'd be pieces, or belong to the word before them.
	contractions bool
}

// shape is the shape of a word.
type shape int

const (
	// spaced: letters with at most a space before them; numbers likewise; no rule for line feeds (GPT-2).
	spaced shape = iota
	// prefixed: letters with at most one other character before them (cl100k_base).
	prefixed
	// cased: as prefixed, and a word ends where a capital follows a small letter (o200k_base).
	cased
)

// The patterns of the families, as tokenizer.json and tiktoken write them, and their splitters.
const (
	suffixes   = `(?i:'s|'t|'re|'ve|'m|'ll|'d)`
	casedWord  = `[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+`
	casedWord2 = `[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*`
	layout     = `|\s*[\r\n]+|\s+(?!\S)|\s+`

	patternGPT2   = `'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+`
	patternCL100K = suffixes + `|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*` + layout
	patternQwen2  = suffixes + `|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*` + layout
	patternO200K  = casedWord + suffixes + `?|` + casedWord2 + suffixes + `?|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n/]*` + layout
	patternTekken = casedWord + `|` + casedWord2 + `|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n/]*` + layout
)

// splitterOf returns the splitter of a pattern, if it is known.
func splitterOf(pattern string) (splitter, bool) {
	switch pattern {
	case patternGPT2:
		return splitter{words: spaced, contractions: true}, true
	case patternCL100K: // Llama 3, too
		return splitter{words: prefixed, digits: 3, contractions: true}, true
	case patternQwen2:
		return splitter{words: prefixed, digits: 1, contractions: true}, true
	case patternO200K: // gpt-oss, too
		return splitter{words: cased, digits: 3, slashes: true, contractions: true}, true
	case patternTekken: // Mistral Nemo
		return splitter{words: cased, digits: 1, slashes: true}, true
	}
	return splitter{}, false
}

// next returns the end of the piece that begins at a place, which is before the end of the text.
func (s splitter) next(text string, i int) int {
	if s.words != cased && s.contractions {
		if end := contraction(text, i, s.words == spaced); end > i {
			return end
		}
	}
	if end, ok := s.word(text, i); ok {
		return end
	}
	if end, ok := s.numbers(text, i); ok {
		return end
	}
	if end, ok := s.symbols(text, i); ok {
		return end
	}
	return s.space(text, i)
}

// contraction returns the end of the 's, 't, 're, 've, 'm, 'll or 'd at a place, which is the place itself if there is none.
func contraction(text string, i int, lowerCase bool) int {
	if i+1 >= len(text) || text[i] != '\'' {
		return i
	}
	first, second := text[i+1], byte(0)
	if i+2 < len(text) {
		second = text[i+2]
	}
	if !lowerCase {
		// The long s is an s where case makes no difference.
		if strings.HasPrefix(text[i+1:], "ſ") {
			return i + 3
		}
		first, second = small(first), small(second)
	}
	switch first {
	case 's', 't', 'm', 'd':
		return i + 2
	case 'r', 'v':
		if second == 'e' {
			return i + 3
		}
	case 'l':
		if second == 'l' {
			return i + 3
		}
	}
	return i
}

// small returns the small letter of an ASCII letter.
func small(c byte) byte {
	if 'A' <= c && c <= 'Z' {
		return c | 0x20
	}
	return c
}

// word returns the end of a word with the character that may come before it.
func (s splitter) word(text string, i int) (int, bool) {
	c, size := at(text, i)
	switch s.words {
	case spaced:
		return letterRun(text, skipSpace(text, i))
	case prefixed:
		if c&(letters|number|newline) == 0 {
			i += size
		}
		return letterRun(text, i)
	}
	behind := i
	if c&(letters|number|newline) == 0 {
		behind += size
	}
	// The pattern's two forms in turn, each with the character before it first: only a mark can be that and be in the word.
	end, ok := endingLower(text, behind)
	if !ok && c == mark {
		end, ok = endingLower(text, i)
	}
	if !ok {
		end, ok = capitals(text, behind)
	}
	if !ok && c == mark {
		end, ok = capitals(text, i)
	}
	if !ok {
		return 0, false
	}
	return s.suffixed(text, end), true
}

func (s splitter) suffixed(text string, end int) int {
	if s.contractions {
		return contraction(text, end, false)
	}
	return end
}

func letterRun(text string, i int) (int, bool) {
	end := run(text, i, letters)
	return end, end > i
}

// endingLower matches [Lu Lt Lm Lo M]*[Ll Lm Lo M]+ without backtracking: the second part begins behind the first one's longest
// run; if nothing follows there, it is the last character of that run that may be on both sides.
func endingLower(text string, i int) (int, bool) {
	head, last := i, 0
	for {
		for head < len(text) && ascii[text[head]]&upper != 0 {
			head++
		}
		c, size := at(text, head)
		if c&(upper|caseNot|mark) == 0 {
			break
		}
		head += size
		if c&(caseNot|mark) != 0 {
			last = head
		}
	}
	if end := run(text, head, lower|caseNot|mark); end > head {
		return end, true
	}
	return last, last > 0
}

// capitals matches [Lu Lt Lm Lo M]+[Ll Lm Lo M]*, where endingLower did not match.
func capitals(text string, i int) (int, bool) {
	end := run(text, i, upper|caseNot|mark)
	return end, end > i
}

// numbers returns the end of a piece of digits.
func (s splitter) numbers(text string, i int) (int, bool) {
	if s.words == spaced {
		i = skipSpace(text, i)
	}
	end := i
	for n := 0; s.digits == 0 || n < s.digits; n++ {
		c, size := at(text, end)
		if c != number {
			break
		}
		end += size
	}
	return end, end > i
}

// symbols returns the end of a run of symbols, with at most a space before it, and the line feeds behind it.
func (s splitter) symbols(text string, i int) (int, bool) {
	i = skipSpace(text, i)
	end := run(text, i, symbol|mark)
	if end == i {
		return 0, false
	}
	if s.words == spaced {
		return end, true
	}
	for end < len(text) && (text[end] == '\n' || text[end] == '\r' || s.slashes && text[end] == '/') {
		end++
	}
	return end, true
}

func skipSpace(text string, i int) int {
	if text[i] == ' ' {
		return i + 1
	}
	return i
}

// space returns the end of a piece of white space: up to the last line feed of the run; if it has none, all but the last
// character, which goes with the word behind it; all of it at the end of the text, or if it is one character.
func (s splitter) space(text string, i int) int {
	end, lastStart, lastLine := i, i, 0
	for {
		c, size := at(text, end)
		if c&spaces == 0 {
			break
		}
		lastStart = end
		end += size
		if c == newline {
			lastLine = end
		}
	}
	switch {
	case s.words != spaced && lastLine > 0:
		return lastLine
	case end == len(text) || lastStart == i:
		return end
	}
	return lastStart
}
