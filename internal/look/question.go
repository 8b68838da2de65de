package look

import (
	"encoding/json"
	"strings"

	"github.com/datasetmix/datasetmix/internal/contract"
	"github.com/datasetmix/datasetmix/internal/recipe"
)

// Question is what a pod is asked to look at. It gets this as JSON, and answers with a Dataset.
type Question struct {
	Dataset recipe.Dataset `json:"dataset"`
	Domain  string         `json:"domain"`
	// Rows to read, 0 for all, and how many of them to show.
	Rows int64 `json:"rows"`
	Show int   `json:"show"`
}

// ParseQuestion reads a question. A question with a member that this release does not know is refused: the answer would be for another record.
func ParseQuestion(encoded string) (Question, error) {
	var q Question
	decoder := json.NewDecoder(strings.NewReader(encoded))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&q); err != nil {
		return q, contract.Failf(contract.InvalidTask, "the worker does not understand the question: %w; use a command and a worker of the same release", err)
	}
	return q, nil
}
