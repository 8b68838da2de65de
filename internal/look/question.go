package look

import (
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
