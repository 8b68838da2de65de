package stage

import (
	"syscall"
	"testing"

	"github.com/datasetmix/datasetmix/internal/recipe"
	"github.com/datasetmix/datasetmix/internal/testing/recipes"
)

// A split of hundreds of files is written and proved with the open files of a few: those of each are given up with it.
func TestManyFilesNeedFewOpenOnes(t *testing.T) {
	var limit syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := syscall.Setrlimit(syscall.RLIMIT_NOFILE, &limit); err != nil {
			t.Error(err)
		}
	})
	if err := syscall.Setrlimit(syscall.RLIMIT_NOFILE, &syscall.Rlimit{Cur: 150, Max: limit.Max}); err != nil {
		t.Fatal(err)
	}
	w := filled(t)
	r := recipes.In(recipe.Parquet, 100)
	graph := w.build(r)
	w.shardsOf(r, graph.Plan.Splits[0])
}
