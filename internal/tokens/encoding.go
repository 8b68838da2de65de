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
	// counter makes the counter once: it takes half a second, and a process may split many data sets.
	counter func() (*bpe, error)
}

// encodings are the known ones by name.
var encodings = map[string]encoding{
	"o200k_base":  newEncoding(codec.NewO200kBase, 199_998, patternO200K),
	"cl100k_base": newEncoding(codec.NewCl100kBase, 100_256, patternCL100K),
}

func newEncoding(load func() *codec.Codec, size int, pattern string) encoding {
	e := encoding{load: load, size: size, pattern: pattern}
	e.counter = sync.OnceValues(e.newCounter)
	return e
}

// counterOf returns the counter of an encoding, the same one every time.
func counterOf(name string) (*bpe, error) {
	e, ok := encodings[name]
	if !ok {
		return nil, fmt.Errorf("there is no encoding %q: o200k_base and cl100k_base are known", name)
	}
	return e.counter()
}

// newCounter returns the counter of an encoding. The module has the vocabulary; splitting and merging are done here, since the module is
// 15 to 30 times slower, and cuts line feeds with other white space between them wrongly. A token's rank is its number, and two neighbors
// merge if together they are a token, however that is cut: so every cut of every token is a merge.
func (e encoding) newCounter() (*bpe, error) {
	source := e.load()
	tokens := make([]string, e.size)
	ids := make(map[string]uint32, e.size)
	for id := range tokens {
		token, err := source.Decode([]uint{uint(id)})
		if err != nil {
			return nil, fmt.Errorf("the vocabulary of %s: %w", source.GetName(), err)
		}
		tokens[id], ids[token] = token, uint32(id)
	}
	b := &bpe{whole: ids}
	b.splitter, _ = splitterOf(e.pattern)
	for c := range b.bytes {
		id, ok := ids[string([]byte{byte(c)})]
		if !ok {
			return nil, fmt.Errorf("the vocabulary of %s has no token for the byte %#x", source.GetName(), c)
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
