package look

import (
	"encoding/json"
	"strings"

	"github.com/datasetmix/datasetmix/internal/contract"
	"github.com/datasetmix/datasetmix/internal/recipe"
)

// Question is the data set that a pod looks at, which it gets as JSON. It answers with a Dataset.
type Question struct {
	Dataset recipe.Dataset `json:"dataset"`
	Domain  string         `json:"domain"`
	// Rows is the number of rows to read, 0 for all; Show is the number to show.
	Rows int64 `json:"rows"`
	Show int   `json:"show"`
}

// ParseQuestion reads a question. It is an error if it has a member that this release does not know: the answer would be to another question.
func ParseQuestion(encoded string) (Question, error) {
	var q Question
	decoder := json.NewDecoder(strings.NewReader(encoded))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&q); err != nil {
		return q, contract.Failf(contract.InvalidTask, "the worker does not understand the question: %w; use a command and a worker of the same release", err)
	}
	return q, nil
}
