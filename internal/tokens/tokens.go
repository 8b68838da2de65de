// Package tokens counts the tokens of texts, for shares in tokens: by an estimate, by an encoding that the program contains,
// or by a tokenizer.json.
//
// A row's tokens are those of its question and those of its reference answer, counted apart. A count is a pure function of the
// text and the tokenizer: no token is put before or behind a text, and text that looks like a special token, such as
// <|endoftext|>, is counted as the text it is. docs/units.md has errors and speeds.
//
// Imports: the standard library, internal/recipe, the vocabularies of github.com/tiktoken-go/tokenizer, and golang.org/x/text
// for Unicode's NFC.
package tokens

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"

	"github.com/datasetmix/datasetmix/internal/recipe"
)

// Counter counts the tokens of a text. It may be used by several goroutines at once.
type Counter interface {
	Count(text string) int64
}

// New returns the counter that a recipe asks for. file holds the bytes of the tokenizer.json if the recipe names one, which
// the caller has read; else it is not looked at. An encoding's vocabulary is decoded when it is first asked for (half
// a second, 31 MB for o200k_base), not when the program starts.
//
// It fails if the encoding is unknown, if the file has another digest than the recipe says, or if the tokenizer.json is not
// byte-level byte-pair encoding of a known kind.
func New(tokenizer recipe.Tokenizer, file []byte) (Counter, error) {
	switch {
	case tokenizer.Encoding != "" && tokenizer.File != "":
		return nil, errors.New("a tokenizer is an encoding or a file, not both")
	case tokenizer.Encoding != "":
		return counterOf(tokenizer.Encoding)
	case tokenizer.File == "":
		return estimate{}, nil
	}
	if sum := sha256.Sum256(file); tokenizer.SHA256 != "" && hex.EncodeToString(sum[:]) != tokenizer.SHA256 {
		return nil, fmt.Errorf("%s has the SHA-256 %x, not %s", tokenizer.File, sum, tokenizer.SHA256)
	}
	counter, err := parse(file)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", tokenizer.File, err)
	}
	return counter, nil
}
