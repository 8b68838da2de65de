package mixed

import (
	"strings"
	"testing"

	"github.com/datasetmix/datasetmix/internal/pipeline"
	"github.com/datasetmix/datasetmix/internal/recipe"
	"github.com/datasetmix/datasetmix/internal/revision"
	"github.com/datasetmix/datasetmix/internal/tokens"
	"github.com/datasetmix/datasetmix/internal/verify/layout"
)

// What a file's writer reports of each data set is compared, units only where the rows' own are known.
func TestReports(t *testing.T) {
	for what, c := range map[string]struct {
		unit    recipe.ShareUnit
		counted bool
		got     pipeline.MixedDataset
		want    string
	}{
		"all as it is":                       {recipe.InBytes, true, pipeline.MixedDataset{Unique: 3, MaxRepeats: 2, Units: 70}, ""},
		"other units":                        {recipe.InTokens, true, pipeline.MixedDataset{Unique: 3, MaxRepeats: 2, Units: 71}, "71 units, and its rows are 3 unique rows, the most frequent 2 times, 70 units"},
		"other units that nobody counted":    {recipe.InTokens, false, pipeline.MixedDataset{Unique: 3, MaxRepeats: 2, Units: 71}, ""},
		"other repeats that nobody measured": {recipe.InTokens, false, pipeline.MixedDataset{Unique: 3, MaxRepeats: 3, Units: 70}, "data set sums"},
		"units where rows are the measure":   {recipe.InRows, false, pipeline.MixedDataset{Unique: 3, MaxRepeats: 2, Units: 71}, "71 units"},
	} {
		t.Run(what, func(t *testing.T) {
			of := &layout.Revision{Manifest: &revision.Manifest{Recipe: recipe.Recipe{Unit: c.unit}}, Datasets: []*layout.Dataset{{Name: "sums"}}}
			if c.counted {
				of.Units = &tokens.Units{}
			}
			check := fileCheck{checks: &Checks{of: of}, name: "mixed/train_mixed.jsonl", uses: []pipeline.MixedDataset{{Unique: 3, MaxRepeats: 2}}, units: []int64{70}}
			check.result.Datasets = []pipeline.MixedDataset{c.got}
			err := check.reports()
			if (err == nil) != (c.want == "") || err != nil && !strings.Contains(err.Error(), c.want) {
				t.Errorf("the message is %v, want %q in it", err, c.want)
			}
		})
	}
}
