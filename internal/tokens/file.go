package tokens

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"strings"
	"unicode/utf8"
)

// tokenizerFile is what counting needs of a tokenizer.json of Hugging Face's tokenizers. Truncation, padding, added tokens,
// post-processor and decoder say what is put around a text, or how to read it back, and are not looked at.
type tokenizerFile struct {
	Normalizer   *component `json:"normalizer"`
	PreTokenizer *component `json:"pre_tokenizer"`
	Model        model      `json:"model"`
}

// component is a normalizer or a pre-tokenizer.
type component struct {
	Type string `json:"type"`
	// Normalizers and PreTokenizers are the parts of a Sequence.
	Normalizers   []component `json:"normalizers"`
	PreTokenizers []component `json:"pretokenizers"`
	// Pattern, Behavior and Invert are those of a Split.
	Pattern struct {
		Regex *string `json:"Regex"`
	} `json:"pattern"`
	Behavior string `json:"behavior"`
	Invert   bool   `json:"invert"`
	// AddPrefixSpace and UseRegex are those of ByteLevel; the latter is true where it is missing.
	AddPrefixSpace bool  `json:"add_prefix_space"`
	UseRegex       *bool `json:"use_regex"`
}

// model is a BPE model; its type is missing in old files.
type model struct {
	Type                    string            `json:"type"`
	Dropout                 *float64          `json:"dropout"`
	ContinuingSubwordPrefix string            `json:"continuing_subword_prefix"`
	EndOfWordSuffix         string            `json:"end_of_word_suffix"`
	ByteFallback            bool              `json:"byte_fallback"`
	IgnoreMerges            bool              `json:"ignore_merges"`
	Vocab                   json.RawMessage   `json:"vocab"`
	Merges                  []json.RawMessage `json:"merges"`
}

// parse makes the counter of a tokenizer.json.
func parse(raw []byte) (*bpe, error) {
	var file tokenizerFile
	if err := json.Unmarshal(raw, &file); err != nil {
		return nil, fmt.Errorf("not a tokenizer.json: %w", err)
	}
	if err := file.Model.check(); err != nil {
		return nil, err
	}
	b := &bpe{}
	var err error
	if b.composed, err = composes(file.Normalizer); err != nil {
		return nil, err
	}
	if b.splitter, err = splits(file.PreTokenizer); err != nil {
		return nil, err
	}
	return b, file.Model.into(b)
}

// check returns an error where a model is not byte-level BPE.
func (m *model) check() error {
	switch {
	case m.Type != "BPE" && (m.Type != "" || m.Merges == nil):
		return fmt.Errorf("a model of type %q is not supported: only byte-level BPE is", m.Type)
	case m.ByteFallback:
		return errors.New("byte_fallback (BPE on characters, as SentencePiece makes it) is not supported: only byte-level BPE is")
	case m.Dropout != nil && *m.Dropout != 0:
		return errors.New("dropout is not supported: it makes counts random")
	case m.ContinuingSubwordPrefix != "" || m.EndOfWordSuffix != "":
		return errors.New("continuing_subword_prefix and end_of_word_suffix are not supported: only byte-level BPE is")
	}
	return nil
}

// composes reports whether a normalizer is NFC. None, or an empty sequence, is no normalizer.
func composes(c *component) (bool, error) {
	switch {
	case c == nil, c.Type == "Sequence" && len(c.Normalizers) == 0:
		return false, nil
	case c.Type == "NFC":
		return true, nil
	case c.Type == "Sequence" && len(c.Normalizers) == 1:
		return composes(&c.Normalizers[0])
	}
	return false, fmt.Errorf("a normalizer of type %q is not supported: NFC or none is", c.Type)
}

// splits returns the splitter of a pre-tokenizer: ByteLevel with its own pattern, or a Split by one of the known patterns and
// then ByteLevel without one.
func splits(c *component) (splitter, error) {
	if c == nil {
		return splitter{}, errors.New("a tokenizer without a pre_tokenizer is not supported")
	}
	parts := []component{*c}
	if c.Type == "Sequence" {
		parts = c.PreTokenizers
	}
	pattern := patternGPT2
	switch {
	case len(parts) == 1 && parts[0].isByteLevel(true):
	case len(parts) == 2 && parts[0].isSplit() && parts[1].isByteLevel(false):
		pattern = *parts[0].Pattern.Regex
	default:
		types := make([]string, len(parts))
		for i, part := range parts {
			types[i] = part.Type
		}
		return splitter{}, fmt.Errorf("a pre_tokenizer of %q with these settings is not supported: ByteLevel with its own pattern is, and a Split that isolates the matches of a pattern, then ByteLevel without one; both without add_prefix_space", types)
	}
	s, ok := splitterOf(pattern)
	if !ok {
		return splitter{}, fmt.Errorf("the pattern %s is not supported: those of GPT-2, cl100k_base (Llama 3), Qwen2, o200k_base and Tekken are", pattern)
	}
	return s, nil
}

// isByteLevel reports whether a part names bytes and puts no space before the text, with its own pattern or without one.
func (c *component) isByteLevel(ownPattern bool) bool {
	return c.Type == "ByteLevel" && !c.AddPrefixSpace && (c.UseRegex == nil || *c.UseRegex) == ownPattern
}

// isSplit reports whether the matches of a pattern become the pieces. The known patterns match everything, so it makes no
// difference whether what lies between matches is kept.
func (c *component) isSplit() bool {
	return c.Type == "Split" && c.Pattern.Regex != nil && (c.Behavior == "Isolated" && !c.Invert || c.Behavior == "Removed" && c.Invert)
}

// into puts the vocabulary and the merges into a counter.
func (m *model) into(b *bpe) error {
	var ids map[string]uint32
	if err := json.Unmarshal(m.Vocab, &ids); err != nil {
		return fmt.Errorf("the vocabulary: %w", err)
	}
	for c, name := range byteNames() {
		id, ok := ids[string(name)]
		switch {
		case !ok && inNoText(byte(c)):
			id = noToken
		case !ok:
			return fmt.Errorf("the vocabulary has no token for the byte %#x, which is not supported: only byte-level BPE is", c)
		}
		b.bytes[c] = id
	}
	b.merges = newMergeTable(len(m.Merges))
	for rank, raw := range m.Merges {
		left, right, err := pairOf(raw)
		if err != nil {
			return fmt.Errorf("merge %d: %w", rank+1, err)
		}
		l, okLeft := ids[left]
		r, okRight := ids[right]
		merged, okMerged := ids[left+right]
		if !okLeft || !okRight || !okMerged {
			return fmt.Errorf("merge %d, %q and %q: a token that is not in the vocabulary", rank+1, left, right)
		}
		b.merges.add(l, r, uint32(rank), merged)
	}
	if m.IgnoreMerges {
		b.whole = wholePieces(ids)
	}
	return nil
}

// noToken is the token of a byte that a vocabulary has no token for. It merges with nothing.
const noToken = math.MaxUint32

// inNoText reports whether a byte is in no UTF-8 text (RFC 3629), so that a vocabulary which was learned from text, such as
// that of GPT-NeoX-20B, may have no token for it.
func inNoText(c byte) bool { return c == 0xc0 || c == 0xc1 || c >= 0xf5 }

// pairOf reads a merge: two names with a space between them, or a list of two.
func pairOf(raw json.RawMessage) (left, right string, err error) {
	if len(raw) > 0 && raw[0] == '[' {
		var pair []string
		if err := json.Unmarshal(raw, &pair); err != nil {
			return "", "", err
		}
		if len(pair) != 2 {
			return "", "", fmt.Errorf("%d tokens, want two", len(pair))
		}
		return pair[0], pair[1], nil
	}
	var joined string
	if err := json.Unmarshal(raw, &joined); err != nil {
		return "", "", err
	}
	left, right, ok := strings.Cut(joined, " ")
	if !ok {
		return "", "", fmt.Errorf("%q is not two tokens", joined)
	}
	return left, right, nil
}

// byteNames returns the characters by which byte-level vocabularies name the bytes (Radford et al., 2019): printable characters
// of Latin-1 name themselves, the others are named by the characters from U+0100 on, in their order.
func byteNames() (names [256]rune) {
	next := rune(0x100)
	for c := range rune(256) {
		switch {
		case '!' <= c && c <= '~', '¡' <= c && c <= '¬', '®' <= c && c <= 'ÿ':
			names[c] = c
		default:
			names[c] = next
			next++
		}
	}
	return names
}

// wholePieces returns the tokens by the bytes that their names mean. A name with a character that names no byte is left out.
func wholePieces(ids map[string]uint32) map[string]uint32 {
	bytesOf := map[rune]byte{}
	for c, name := range byteNames() {
		bytesOf[name] = byte(c)
	}
	whole := make(map[string]uint32, len(ids))
	for name, id := range ids {
		piece := make([]byte, 0, utf8.UTFMax*len(name))
		for _, r := range name {
			if c, ok := bytesOf[r]; ok {
				piece = append(piece, c)
			}
		}
		if len(piece) == utf8.RuneCountInString(name) {
			whole[string(piece)] = id
		}
	}
	return whole
}
