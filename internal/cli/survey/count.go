package survey

import (
	"context"
	"strings"

	"github.com/datasetmix/datasetmix/internal/contract"
	"github.com/datasetmix/datasetmix/internal/look"
	"github.com/datasetmix/datasetmix/internal/recipe"
	"github.com/datasetmix/datasetmix/internal/source"
)

// Count asks the sources of all data sets for their numbers of rows, without reading a row. The error names the data sets whose sources do not have
// them.
func Count(ctx context.Context, r recipe.Recipe, open func(recipe.Dataset) (source.Source, error)) (map[string]int64, error) {
	asked := map[string]int64{}
	var unknown []string
	for _, name := range r.DatasetNames() {
		dataset, _, _ := r.Dataset(name)
		from, err := open(dataset)
		if err != nil {
			return nil, contract.Within("data set "+name, err)
		}
		rows, err := look.Count(ctx, from)
		if err != nil {
			return nil, contract.Within("the rows of data set "+name+" are not known", err)
		}
		if rows < 0 {
			unknown = append(unknown, name)
			continue
		}
		asked[name] = rows
	}
	if len(unknown) > 0 {
		return nil, contract.Failf(contract.InvalidTask, "the sources of %s do not say how many rows they have: say it with --rows, or have them read by --look", strings.Join(unknown, ", "))
	}
	return asked, nil
}
