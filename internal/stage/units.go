package stage

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"

	"github.com/datasetmix/datasetmix/internal/contract"
	"github.com/datasetmix/datasetmix/internal/store"
	"github.com/datasetmix/datasetmix/internal/tokens"
)

// unitsFor returns what counts the rows of the mix; nil where shares are measured in rows.
func unitsFor(j job) (units *tokens.Units, err error) {
	tokenizer := j.recipe.Tokenizer
	var file []byte
	if j.recipe.Measured() && tokenizer.File != "" {
		if file, err = j.worker.tokenizer(tokenizer.File, tokenizer.SHA256); err != nil {
			return nil, err
		}
	}
	units, err = tokens.UnitsOf(j.recipe, file)
	if err == nil {
		return units, nil
	}
	reason := contract.InvalidTask
	if file != nil {
		reason = contract.InvalidData
	}
	return nil, contract.Failf(reason, "the tokenizer: %w", err)
}

// maxTokenizer is how large a tokenizer.json may be. The largest published ones have a quarter of that.
const maxTokenizer = 128 << 20

// tokenizer reads a tokenizer.json from the output volume. It must be the one that the recipe names: the keys of what it counts have its digest.
func (w *Worker) tokenizer(name, digest string) ([]byte, error) {
	f, err := w.path(name).Open()
	if errors.Is(err, fs.ErrNotExist) {
		return nil, contract.Failf(contract.SourceNotFound, "the tokenizer %s is not on the output volume; put it there, or correct spec.tokenizer.file, a path below the volume's root", name)
	}
	if err != nil {
		return nil, contract.VolumeMismatch(fmt.Errorf("the tokenizer %s cannot be read on the output volume: %w", name, err))
	}
	defer f.Close()
	content, err := io.ReadAll(io.LimitReader(f, maxTokenizer+1))
	if err != nil {
		return nil, store.WrapError(err)
	}
	if len(content) > maxTokenizer {
		return nil, contract.Failf(contract.InvalidData, "the tokenizer %s has more than %d MiB; no tokenizer.json is that large", name, maxTokenizer>>20)
	}
	if sum := sha256.Sum256(content); hex.EncodeToString(sum[:]) != digest {
		return nil, contract.Failf(contract.ChecksumMismatch, "the tokenizer %s has the SHA-256 %x, the manifest says %s; put that file back, or correct spec.tokenizer.sha256", name, sum, digest)
	}
	return content, nil
}
