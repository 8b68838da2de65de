package tokens

import (
	"fmt"
	"sync"

	"github.com/tiktoken-go/tokenizer/codec"
)

// encoding is a published vocabulary that the program contains.
type encoding struct {
	// load decodes the vocabulary; size is how many tokens it has without the special ones.
	load    func() *codec.Codec
	size    int
	pattern string
}

// encodingOf returns an encoding by its name.
func encodingOf(name string) (encoding, error) {
	switch name {
	case "o200k_base":
		return encoding{codec.NewO200kBase, 199_998, patternO200K}, nil
	case "cl100k_base":
		return encoding{codec.NewCl100kBase, 100_256, patternCL100K}, nil
	}
	return encoding{}, fmt.Errorf("there is no encoding %q: o200k_base and cl100k_base are known", name)
}

// made keeps the counters of encodings: each takes half a second to make, and a process may split many data sets.
var made = map[string]func() (*bpe, error){
	"o200k_base":  sync.OnceValues(func() (*bpe, error) { return makeEncoding("o200k_base") }),
	"cl100k_base": sync.OnceValues(func() (*bpe, error) { return makeEncoding("cl100k_base") }),
}

// newEncoding returns the counter of an encoding, the same one every time.
func newEncoding(name string) (*bpe, error) {
	once, ok := made[name]
	if !ok {
		_, err := encodingOf(name)
		return nil, err
	}
	return once()
}

// makeEncoding makes the counter of an encoding. The module gives the vocabulary; splitting and merging are ours, since its own
// are 15 to 30 times slower, and cut line feeds with other white space between them wrongly. A token's rank is its number, and
// two neighbours merge if what they make together is a token, however it is cut: so every cut of every token is a merge.
func makeEncoding(name string) (*bpe, error) {
	e, err := encodingOf(name)
	if err != nil {
		return nil, err
	}
	source := e.load()
	tokens := make([]string, e.size)
	ids := make(map[string]uint32, e.size)
	for id := range tokens {
		token, err := source.Decode([]uint{uint(id)})
		if err != nil {
			return nil, fmt.Errorf("the vocabulary of %s: %w", name, err)
		}
		tokens[id], ids[token] = token, uint32(id)
	}
	b := &bpe{whole: ids}
	b.splitter, _ = splitterOf(e.pattern)
	for c := range b.bytes {
		id, ok := ids[string([]byte{byte(c)})]
		if !ok {
			return nil, fmt.Errorf("the vocabulary of %s has no token for the byte %#x", name, c)
		}
		b.bytes[c] = id
	}
	merges := everyCut(tokens, ids)
	b.merges = newMergeTable(len(merges))
	for _, m := range merges {
		b.merges.add(m[0], m[1], m[2], m[2])
	}
	return b, nil
}

// everyCut lists, for each token and each way to cut it into two tokens, the two and the whole.
func everyCut(tokens []string, ids map[string]uint32) [][3]uint32 {
	var merges [][3]uint32
	for id, token := range tokens {
		for cut := 1; cut < len(token); cut++ {
			left, ok := ids[token[:cut]]
			if !ok {
				continue
			}
			if right, ok := ids[token[cut:]]; ok {
				merges = append(merges, [3]uint32{left, right, uint32(id)})
			}
		}
	}
	return merges
}
