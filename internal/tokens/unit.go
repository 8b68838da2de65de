package tokens

import "github.com/datasetmix/datasetmix/internal/recipe"

// Units counts rows in what a mix's shares are measured in. It may be used by several goroutines at once. A nil one counts
// nothing: that of a mix whose shares are measured in rows.
type Units struct{ counter Counter }

// UnitsOf returns what counts the rows of a recipe; file is as in New.
func UnitsOf(r recipe.Recipe, file []byte) (*Units, error) {
	switch r.Unit {
	case recipe.InBytes:
		return &Units{bytesOf{}}, nil
	case recipe.InTokens:
		counter, err := New(r.Tokenizer, file)
		if err != nil {
			return nil, err
		}
		return &Units{counter}, nil
	}
	return nil, nil
}

// Of returns the units of a row: those of its question and of its reference answer.
func (u *Units) Of(question, answer string) int64 {
	if u == nil {
		return 0
	}
	return u.counter.Count(question) + u.counter.Count(answer)
}

// bytesOf counts the bytes of a text in UTF-8.
type bytesOf struct{}

func (bytesOf) Count(text string) int64 { return int64(len(text)) }
