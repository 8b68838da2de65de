package mapping

import (
	"context"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/datasetmix/datasetmix/internal/decode"
	"github.com/datasetmix/datasetmix/internal/recipe"
)

// TestFileOfEachRow: a mapping that maps rows of several files, in turn, takes each row's own.
func TestFileOfEachRow(t *testing.T) {
	m, err := Compile(base(func(r *recipe.Record) {
		r.ReferenceAnswer, r.GroupBy, r.Where = `file.folders.lang`, `file.path`, `file.name != "no"`
	}))
	if err != nil {
		t.Fatal(err)
	}
	var got [][2]string
	for _, path := range []string{"lang=de/a", "lang=fr/a", "lang=fr/no", "lang=de/a"} {
		file := decode.File{Name: path, Data: strings.NewReader(`{"q":"Q"}`), Size: 9}
		for row, err := range decode.Rows(context.Background(), file, m.Fields()) {
			if err != nil {
				t.Fatal(err)
			}
			content, err := m.Map(row)
			if _, dropped := IsDropped(err); dropped {
				continue
			}
			if err != nil {
				t.Fatal(err)
			}
			got = append(got, [2]string{content.ReferenceAnswer, content.Group})
		}
	}
	if diff := cmp.Diff([][2]string{{"de", "lang=de/a"}, {"fr", "lang=fr/a"}, {"de", "lang=de/a"}}, got); diff != "" {
		t.Error(diff)
	}
}
