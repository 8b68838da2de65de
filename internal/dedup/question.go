package dedup

import (
	"encoding/binary"
	"slices"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// AppendQuestion appends the form of a question in which it is compared with others, and returns it. Two questions are equal
// when their forms are. The rule, question/v1, in order:
//
//  1. Characters that nobody sees are left out: the default-ignorable ones of Unicode (zero-width spaces, joiners and
//     non-joiners, soft hyphens, variation selectors, marks of direction, the byte order mark) and control characters that are
//     no white space. A byte that is not UTF-8 is U+FFFD.
//  2. Unicode normalization form NFKD: é becomes e and its accent, a full-width A becomes A, ﬁ becomes fi, ² becomes 2.
//  3. Unicode's full case folding, without a locale: ß becomes ss, Σ, σ and ς are one letter, ı and i are two.
//  4. Every run of white space (Unicode's property, and the braille blank) is one space; none is left at the ends.
//
// Every other character stays what it is: punctuation, digits and signs tell questions apart. A form is its own form. A text in
// which nothing is seen is its own form, too, so two of those are equal to the byte or not at all, and equal to nothing else.
//
// Characters that a later version of Unicode adds may be folded and decomposed by a later release; those of today stay what
// they are. The form of a text is the same whatever stood in dst.
func AppendQuestion[T string | []byte](dst []byte, text T) []byte {
	w := questionWriter{out: dst, start: len(dst)}
	rest := text
	for len(rest) > 0 {
		n := 1
		switch c := rest[0]; {
		case c >= utf8.RuneSelf:
			var r rune
			r, n = firstRune(rest)
			w.rune(r)
		case folded[c] != ignoredByte:
			w.settle()
			n = foldASCII(&w, rest)
		}
		rest = rest[n:]
	}
	if w.settle(); len(w.out) == w.start {
		return append(w.out, text...)
	}
	return w.out
}

// firstRune does what utf8.DecodeRune does, for either type, quick for the scripts of two and three bytes.
func firstRune[T string | []byte](text T) (rune, int) {
	const more, bits = 0xc0, 0x3f // of a byte behind the first
	switch c := text[0]; {
	case 0xc2 <= c && c < 0xe0 && len(text) > 1 && text[1]&more == utf8.RuneSelf:
		return rune(c&0x1f)<<6 | rune(text[1]&bits), 2
	case 0xe1 <= c && c < 0xf0 && c != 0xed && len(text) > 2 && text[1]&more == utf8.RuneSelf && text[2]&more == utf8.RuneSelf:
		return rune(c&0xf)<<12 | rune(text[1]&bits)<<6 | rune(text[2]&bits), 3
	}
	var first [utf8.UTFMax]byte
	return utf8.DecodeRune(first[:copy(first[:], text)])
}

// questionWriter builds a form behind start. All that is written is decomposed, folded and in order, but for the marks behind
// the last other character, which settle brings into order.
type questionWriter struct {
	out   []byte
	start int
	space bool // is due before the next character, if there is one before it
	// marks is where the marks behind the last other character begin, class is that of the last of them, 0 where there is none.
	marks    int
	class    uint8
	unsorted bool
	iotas    int // subscripts, which come behind all other marks and then are letters
}

// What folded says of bytes that do not become a character.
const (
	ignoredByte byte = 0
	beyondASCII byte = 0xff
)

// folded says what becomes of a byte.
var folded = func() (table [256]byte) {
	for c := range table {
		switch {
		case c >= utf8.RuneSelf:
			table[c] = beyondASCII
		case 'A' <= c && c <= 'Z':
			table[c] = byte(c) | 0x20
		case isSpace(rune(c)):
			table[c] = ' '
		case !isIgnored(rune(c)):
			table[c] = byte(c)
		}
	}
	return table
}()

// foldASCII writes the leading ASCII characters of a text and returns how many there are.
func foldASCII[T string | []byte](w *questionWriter, text T) int {
	// Each byte makes at most one, and one space may be due before the first.
	w.out = slices.Grow(w.out, len(text)+1)
	out, j := w.out[:cap(w.out)], len(w.out)
	if w.space && j > w.start {
		out[j] = ' '
		j++
	}
	i, end := 0, false
	for !end {
		i, j = foldWords(out, text, w.start, i, j)
		for stop := min(i+8, len(text)); i < stop; i++ {
			c := folded[text[i]]
			if end = c == beyondASCII; end {
				break
			}
			if c == ignoredByte || c == ' ' && (j == w.start || out[j-1] == ' ') {
				continue
			}
			out[j] = c
			j++
		}
		end = end || i == len(text)
	}
	// A space at the end is due only before another character.
	if w.space = j > w.start && out[j-1] == ' '; w.space {
		j--
	}
	w.out = out[:j]
	return i
}

// Bytes of a word of eight: their lowest bits, and their tops, which no ASCII character has.
const (
	ones = 0x0101010101010101
	tops = 0x8080808080808080
)

// foldWords writes two words of eight bytes of a text at a time from i on, as long as they are ASCII characters of which only the
// case changes: no white space but single spaces, no control character. It returns how far it came in both.
func foldWords[T string | []byte](out []byte, text T, start, i, j int) (int, int) {
	before := uint64(tops >> 56) // the top bit of a byte where a space comes before the next one
	if j > start && out[j-1] != ' ' {
		before = 0
	}
	for ; i+16 <= len(text) && j+16 <= len(out); i, j = i+16, j+16 {
		v, w := wordAt(text, i), wordAt(text, i+8)
		// Where no byte has a top bit, a sum does not carry into the next one.
		lowV, lowW := tops&^(v+(0x80-0x21)*ones), tops&^(w+(0x80-0x21)*ones) // up to the space
		odd := v | w | (v + ones) | (w + ones) | ^((v + (0x80-' ')*ones) & (w + (0x80-' ')*ones)) | lowV&(lowV<<8|before) | lowW&(lowW<<8|lowV>>56)
		if odd&tops != 0 {
			break
		}
		binary.LittleEndian.PutUint64(out[j:], v|upper(v)>>2)
		binary.LittleEndian.PutUint64(out[j+8:], w|upper(w)>>2)
		before = lowW >> 56
	}
	return i, j
}

// wordAt returns eight bytes of a text, the first one lowest.
func wordAt[T string | []byte](text T, at int) uint64 {
	t := text[at : at+8]
	return uint64(t[0]) | uint64(t[1])<<8 | uint64(t[2])<<16 | uint64(t[3])<<24 | uint64(t[4])<<32 | uint64(t[5])<<40 | uint64(t[6])<<48 | uint64(t[7])<<56
}

// upper has the top bit of each byte that is an upper-case letter.
func upper(v uint64) uint64 { return tops & (v + (0x80-'A')*ones) &^ (v + (0x80-'Z'-1)*ones) }

// rune writes a character that is not ASCII.
func (w *questionWriter) rune(r rune) {
	switch is, text := characterOf(r); is {
	case ignored:
	case blank:
		w.blank()
	case whole:
		w.begin()
		w.out = append(w.out, text...)
	case itself:
		w.begin()
		w.out = utf8.AppendRune(w.out, r)
	default:
		w.decomposed(r)
	}
}

// decomposed writes the parts of a character.
func (w *questionWriter) decomposed(r rune) {
	var encoded [utf8.UTFMax]byte
	parts := decomposition(utf8.AppendRune(encoded[:0], r))
	for len(parts) > 0 {
		properties := norm.NFKD.Properties(parts)
		part, n := utf8.DecodeRune(parts)
		switch {
		case properties.CCC() != 0:
			w.mark(part, properties.CCC())
		case isSpace(part):
			w.blank()
		default:
			w.begin()
			w.out = appendFolded(w.out, part)
		}
		parts = parts[n:]
	}
}

// mark writes a character that is on, below or beside the one before it.
func (w *questionWriter) mark(r rune, class uint8) {
	w.gap()
	if r == subscriptIota {
		w.iotas++
		return
	}
	if w.class == 0 {
		w.marks = len(w.out)
	}
	w.unsorted = w.unsorted || class < w.class
	w.class = class
	w.out = utf8.AppendRune(w.out, r)
}

// begin makes ready for a character that is no mark.
func (w *questionWriter) begin() {
	if w.class != 0 || w.iotas > 0 {
		w.settle()
	}
	if w.space {
		w.gap()
	}
}

// settle ends a run of marks: they are brought into the order of their classes.
func (w *questionWriter) settle() {
	if w.unsorted {
		w.sort()
	}
	for ; w.iotas > 0; w.iotas-- {
		w.out = appendFolded(w.out, subscriptIota)
	}
	w.class = 0
}

func (w *questionWriter) sort() {
	w.unsorted = false
	type mark struct {
		r     rune
		class uint8
	}
	var few [32]mark
	marks := few[:0]
	for run := w.out[w.marks:]; len(run) > 0; {
		r, n := utf8.DecodeRune(run)
		marks = append(marks, mark{r, norm.NFKD.Properties(run).CCC()})
		run = run[n:]
	}
	slices.SortStableFunc(marks, func(a, b mark) int { return int(a.class) - int(b.class) })
	w.out = w.out[:w.marks]
	for _, m := range marks {
		w.out = utf8.AppendRune(w.out, m.r)
	}
}

func (w *questionWriter) blank() {
	w.settle()
	w.space = true
}

// gap writes the space that is due.
func (w *questionWriter) gap() {
	if w.space && len(w.out) > w.start {
		w.out = append(w.out, ' ')
	}
	w.space = false
}
