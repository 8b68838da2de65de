package tokens

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/datasetmix/datasetmix/internal/recipe"
)

// object is JSON in the making.
type object = map[string]any

// named returns how a byte-level vocabulary names a token.
func named(token string) string {
	names := byteNames()
	var name strings.Builder
	for i := range len(token) {
		name.WriteRune(names[token[i]])
	}
	return name.String()
}

// split returns the pre-tokenizer of Llama 3, Qwen2 and others.
func split(pattern string) object {
	return object{"type": "Sequence", "pretokenizers": []object{
		{"type": "Split", "pattern": object{"Regex": pattern}, "behavior": "Isolated", "invert": false},
		{"type": "ByteLevel", "add_prefix_space": false, "trim_offsets": true, "use_regex": false},
	}}
}

// tiny makes a tokenizer.json of the 256 bytes and some merges, which a function may then spoil.
func tiny(tb testing.TB, spoil func(file, model object), merges ...string) []byte {
	tb.Helper()
	vocab := map[string]int{}
	for c, name := range byteNames() {
		vocab[string(name)] = c
	}
	for _, merge := range merges {
		vocab[strings.ReplaceAll(merge, " ", "")] = len(vocab)
	}
	model := object{"type": "BPE", "dropout": nil, "unk_token": nil, "continuing_subword_prefix": "", "end_of_word_suffix": nil, "byte_fallback": false, "vocab": vocab, "merges": merges}
	file := object{
		"version": "1.0", "truncation": nil, "added_tokens": []object{{"id": 999, "content": "<|endoftext|>", "special": true}},
		"normalizer": nil, "pre_tokenizer": object{"type": "ByteLevel", "add_prefix_space": false, "trim_offsets": true},
		"post_processor": object{"type": "ByteLevel"}, "decoder": object{"type": "ByteLevel"}, "model": model,
	}
	if spoil != nil {
		spoil(file, model)
	}
	raw, err := json.Marshal(file)
	if err != nil {
		tb.Fatal(err)
	}
	return raw
}

func TestTinyTokenizer(t *testing.T) {
	merges := []string{"l o", "lo w", "e r", "Ġ low", "low er"}
	for _, test := range []struct {
		why   string
		spoil func(file, model object)
		text  string
		want  int64
	}{
		{"nothing", nil, "", 0},
		{"bytes", nil, "xyz", 3},
		{"merges", nil, "low", 1},
		{"by rank, not by length", nil, "lower", 1},
		{"with a space", nil, " low lower", 3},
		{"no merge over the end of a piece", nil, "lo w", 3},
		{"bytes of a character", nil, "é中", 5},
		{"special tokens are text", nil, "<|endoftext|>", 13},
		{"decomposed, without a normalizer", nil, "e\u0301", 3},
		{"NFC", func(file, _ object) { file["normalizer"] = object{"type": "NFC"} }, "e\u0301", 2},
		{"NFC in a sequence", func(file, _ object) {
			file["normalizer"] = object{"type": "Sequence", "normalizers": []object{{"type": "NFC"}}}
		}, "e\u0301", 2},
		{"an empty sequence", func(file, _ object) { file["normalizer"] = object{"type": "Sequence", "normalizers": []object{}} }, "e\u0301", 3},
		{"an old file names no type", func(_, model object) { delete(model, "type") }, "low", 1},
		{"merges as pairs", func(_, model object) { model["merges"] = [][]string{{"l", "o"}, {"lo", "w"}} }, "low", 1},
		{"a token that no merge makes", func(_, model object) { model["vocab"].(map[string]int)["xyz"] = 400 }, "xyz", 3},
		{"a token that no merge makes, ignore_merges", func(_, model object) {
			model["vocab"].(map[string]int)["xyz"] = 400
			model["ignore_merges"] = true
		}, "xyz low", 2},
		{"a long one, ignore_merges", func(_, model object) {
			model["vocab"].(map[string]int)[strings.Repeat("x", 30)] = 400
			model["ignore_merges"] = true
		}, strings.Repeat("x", 30), 1},
		{"a Split", func(file, _ object) { file["pre_tokenizer"] = split(patternQwen2) }, "low 12", 4},
		{"a Split that removes what does not match", func(file, _ object) {
			file["pre_tokenizer"] = split(patternCL100K)
			first := file["pre_tokenizer"].(object)["pretokenizers"].([]object)[0]
			first["behavior"], first["invert"] = "Removed", true
		}, "low 12", 4},
	} {
		counter, err := New(recipe.Tokenizer{File: "tokenizer.json"}, tiny(t, test.spoil, merges...))
		if err != nil {
			t.Errorf("%s: %v", test.why, err)
		} else if got := counter.Count(test.text); got != test.want {
			t.Errorf("%s: %q has %d tokens, want %d", test.why, test.text, got, test.want)
		}
	}
}

func TestRefusedTokenizers(t *testing.T) {
	set := func(key string, value any) func(file, model object) {
		return func(_, model object) { model[key] = value }
	}
	before := func(value any) func(file, model object) {
		return func(file, _ object) { file["pre_tokenizer"] = value }
	}
	for _, test := range []struct {
		why   string
		spoil func(file, model object)
		want  string
	}{
		{"WordPiece", set("type", "WordPiece"), `a model of type "WordPiece" is not supported`},
		{"Unigram", set("type", "Unigram"), `a model of type "Unigram" is not supported`},
		{"no type and no merges", func(_, model object) { delete(model, "type"); delete(model, "merges") }, `a model of type "" is not supported`},
		{"SentencePiece", set("byte_fallback", true), "byte_fallback"},
		{"dropout", set("dropout", 0.1), "dropout is not supported"},
		{"a prefix", set("continuing_subword_prefix", "##"), "continuing_subword_prefix"},
		{"a suffix", set("end_of_word_suffix", "</w>"), "end_of_word_suffix"},
		{"a normalizer", func(file, _ object) { file["normalizer"] = object{"type": "Lowercase"} }, `a normalizer of type "Lowercase" is not supported`},
		{"two normalizers", func(file, _ object) {
			file["normalizer"] = object{"type": "Sequence", "normalizers": []object{{"type": "NFC"}, {"type": "Lowercase"}}}
		}, `a normalizer of type "Sequence" is not supported`},
		{"no pre-tokenizer", before(nil), "without a pre_tokenizer"},
		{"an empty pre-tokenizer", before(object{"type": "Sequence"}), "a pre_tokenizer of [] with"},
		{"another pre-tokenizer", before(object{"type": "Metaspace"}), `a pre_tokenizer of ["Metaspace"] with`},
		{"a space before the text", before(object{"type": "ByteLevel", "add_prefix_space": true}), "add_prefix_space"},
		{"neither pattern", before(object{"type": "ByteLevel", "use_regex": false}), `a pre_tokenizer of ["ByteLevel"] with`},
		{"both patterns", before(object{"type": "Sequence", "pretokenizers": []object{
			split(patternQwen2)["pretokenizers"].([]object)[0], {"type": "ByteLevel", "use_regex": true},
		}}), `a pre_tokenizer of ["Split" "ByteLevel"] with`},
		{"a Split that merges", before(object{"type": "Sequence", "pretokenizers": []object{
			{"type": "Split", "pattern": object{"Regex": patternQwen2}, "behavior": "MergedWithNext"}, {"type": "ByteLevel", "use_regex": false},
		}}), `a pre_tokenizer of ["Split" "ByteLevel"] with`},
		{"a Split by a string", before(object{"type": "Sequence", "pretokenizers": []object{
			{"type": "Split", "pattern": object{"String": " "}, "behavior": "Isolated"}, {"type": "ByteLevel", "use_regex": false},
		}}), `a pre_tokenizer of ["Split" "ByteLevel"] with`},
		{"three parts", before(object{"type": "Sequence", "pretokenizers": []object{{"type": "Digits"}, {"type": "Split"}, {"type": "ByteLevel"}}}), `a pre_tokenizer of ["Digits" "Split" "ByteLevel"] with`},
		{"another pattern", before(split(`\d+|\D+`)), `the pattern \d+|\D+ is not supported`},
		{"a byte of text without a token", func(_, model object) { delete(model["vocab"].(map[string]int), string(byteNames()[0xf4])) }, "no token for the byte 0xf4"},
		{"a byte that begins a character of two, without a token", func(_, model object) { delete(model["vocab"].(map[string]int), string(byteNames()[0xc2])) }, "no token for the byte 0xc2"},
		{"a space without a token", func(_, model object) { delete(model["vocab"].(map[string]int), "Ġ") }, "no token for the byte 0x20"},
		{"a vocabulary that is a list", set("vocab", []string{"a"}), "the vocabulary: "},
		{"a merge of unknown tokens", set("merges", []string{"a bc"}), `merge 1, "a" and "bc": a token that is not in the vocabulary`},
		{"a merge of one", set("merges", []string{"a"}), `merge 1: "a" is not two tokens`},
		{"a merge of three", set("merges", [][]string{{"a", "b", "c"}}), "merge 1: 3 tokens, want two"},
		{"a merge of numbers", set("merges", []int{1}), "merge 1: "},
	} {
		_, err := New(recipe.Tokenizer{File: "models/tokenizer.json"}, tiny(t, test.spoil, "l o"))
		if err == nil || !strings.Contains(err.Error(), test.want) || !strings.HasPrefix(err.Error(), "models/tokenizer.json: ") {
			t.Errorf("%s: %v, want %q", test.why, err, test.want)
		}
	}
	if _, err := New(recipe.Tokenizer{File: "x"}, []byte("{")); err == nil || !strings.Contains(err.Error(), "not a tokenizer.json") {
		t.Errorf("half a file: %v", err)
	}
}

// TestVocabularyOfText: the bytes that stand in no UTF-8 text need no token, each alone and all together; the counts are those of
// the vocabulary that has them.
func TestVocabularyOfText(t *testing.T) {
	const text = "lower \u00e9\u4e2d\U0001f600\U0010ffff\u0000\x7f"
	whole, err := New(recipe.Tokenizer{File: "t.json"}, tiny(t, nil, "l o", "lo w"))
	if err != nil {
		t.Fatal(err)
	}
	all := []byte{0xc0, 0xc1, 0xf5, 0xf6, 0xf7, 0xf8, 0xf9, 0xfa, 0xfb, 0xfc, 0xfd, 0xfe, 0xff}
	sets := [][]byte{all}
	for i := range all {
		sets = append(sets, all[i:i+1])
	}
	for _, missing := range sets {
		counter, err := New(recipe.Tokenizer{File: "t.json"}, tiny(t, func(_, model object) {
			for _, c := range missing {
				delete(model["vocab"].(map[string]int), string(byteNames()[c]))
			}
		}, "l o", "lo w"))
		if err != nil {
			t.Errorf("without tokens for %#x: %v", missing, err)
		} else if got, want := counter.Count(text), whole.Count(text); got != want {
			t.Errorf("without tokens for %#x: %d tokens, want %d", missing, got, want)
		}
	}
}

func TestNew(t *testing.T) {
	file := tiny(t, nil)
	sum := sha256.Sum256(file)
	digest := hex.EncodeToString(sum[:])
	for _, test := range []struct {
		tokenizer recipe.Tokenizer
		want      string
	}{
		{recipe.Tokenizer{}, ""},
		{recipe.Tokenizer{Encoding: "cl100k_base"}, ""},
		{recipe.Tokenizer{File: "t.json", SHA256: digest}, ""},
		{recipe.Tokenizer{File: "t.json"}, ""},
		{recipe.Tokenizer{File: "t.json", SHA256: digest[1:] + "0"}, "t.json has the SHA-256 " + digest + ", not " + digest[1:] + "0"},
		{recipe.Tokenizer{Encoding: "gpt2"}, `there is no encoding "gpt2": o200k_base and cl100k_base are known`},
		{recipe.Tokenizer{Encoding: "cl100k_base", File: "t.json"}, "a tokenizer is an encoding or a file, not both"},
	} {
		message := ""
		if _, err := New(test.tokenizer, file); err != nil {
			message = err.Error()
		}
		if message != test.want {
			t.Errorf("%+v: %q, want %q", test.tokenizer, message, test.want)
		}
	}
}

// converted returns the tokenizer.json of an encoding, made as transformers' TikTokenConverter does: every cut of every token into
// two tokens is a merge, in the order of the tokens that they make, and then of their parts.
func converted(tb testing.TB, name string) []byte {
	tb.Helper()
	e := encodings[name]
	ids := counters[name]().whole
	tokens := make([]string, e.size)
	vocab := make(map[string]uint32, e.size)
	for token, id := range ids {
		tokens[id], vocab[named(token)] = token, id
	}
	cuts := everyCut(tokens, ids)
	slices.SortStableFunc(cuts, func(a, b [3]uint32) int {
		return slices.Compare([]uint32{a[2], a[0], a[1]}, []uint32{b[2], b[0], b[1]})
	})
	merges := make([]string, len(cuts))
	for i, cut := range cuts {
		merges[i] = fmt.Sprintf("%s %s", named(tokens[cut[0]]), named(tokens[cut[1]]))
	}
	return tiny(tb, func(file, model object) {
		file["pre_tokenizer"] = split(e.pattern)
		model["vocab"], model["merges"], model["ignore_merges"] = vocab, merges, true
	})
}

// A tokenizer.json of an encoding counts what the encoding counts.
func TestConvertedEncoding(t *testing.T) {
	const name = "cl100k_base"
	data := corpora(t)
	counter, err := New(recipe.Tokenizer{File: "tokenizer.json"}, converted(t, name))
	if err != nil {
		t.Fatal(err)
	}
	for set, texts := range data {
		for i := 0; i < len(texts); i += 1 + len(texts)/2000 {
			if got, want := counter.Count(texts[i]), counters[name]().Count(texts[i]); got != want {
				t.Fatalf("as a file, %s: %q has %d tokens, want %d", set, texts[i], got, want)
			}
		}
	}
}
