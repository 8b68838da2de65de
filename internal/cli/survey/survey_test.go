package survey

import (
	"context"
	"errors"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/datasetmix/datasetmix/internal/contract"
	"github.com/datasetmix/datasetmix/internal/kube"
	"github.com/datasetmix/datasetmix/internal/look"
	"github.com/datasetmix/datasetmix/internal/recipe"
	"github.com/datasetmix/datasetmix/internal/source"
)

// of returns a recipe of data sets with these names.
func of(names ...string) recipe.Recipe {
	domain := recipe.Domain{Name: "d"}
	for _, name := range names {
		domain.Datasets = append(domain.Datasets, recipe.Dataset{Name: name})
	}
	return recipe.Recipe{Domains: []recipe.Domain{domain}}
}

// TestEach: data sets are handed on in their order, whichever is seen first; one that cannot be looked at ends nothing, and is the error at the end; bad rows of a later one do not hide
// it; without the right to look, no other is looked at.
func TestEach(t *testing.T) {
	gone := contract.Failf(contract.FileNotFound, "gone")
	forbidden := &kube.ForbiddenError{Verb: "create", Resource: "pods", Err: errors.New("no")}
	for _, test := range []struct {
		name string
		errs map[string]error
		want []string
		err  error
	}{
		{name: "all", want: []string{"a", "b", "c", "d"}},
		{name: "one is gone", errs: map[string]error{"b": gone}, want: []string{"a", "b gone", "c", "d"}, err: gone},
		{name: "the first error counts", errs: map[string]error{"b": gone, "d": errors.New("later")}, want: []string{"a", "b gone", "c", "d later"}, err: gone},
		{name: "not permitted", errs: map[string]error{"a": forbidden, "b": forbidden, "c": forbidden, "d": forbidden}, err: forbidden},
	} {
		t.Run(test.name, func(t *testing.T) {
			var under atomic.Int32
			s := Survey{Rows: 3, Show: 1, AtOnce: 2, Look: func(ctx context.Context, q look.Question) (look.Dataset, error) {
				if under.Add(1) > 2 {
					t.Error("more than two at once")
				}
				defer under.Add(-1)
				if q.Dataset.Name == "a" {
					time.Sleep(20 * time.Millisecond)
				}
				if q.Rows != 3 || q.Show != 1 || q.Domain != "d" {
					t.Errorf("asked %+v", q)
				}
				return look.Dataset{Name: q.Dataset.Name, Kept: 1}, test.errs[q.Dataset.Name]
			}}
			var got []string
			err := s.Each(t.Context(), of("a", "b", "c", "d"), func(dataset recipe.Dataset, seen look.Dataset, err error) error {
				text := dataset.Name
				if err != nil {
					text += " " + err.Error()
				}
				got = append(got, text)
				return nil
			})
			if diff := cmp.Diff(test.want, got); diff != "" || !errors.Is(err, test.err) {
				t.Errorf("%v (-want +got):\n%s", err, diff)
			}
			if left := under.Load(); left != 0 {
				t.Errorf("%d still look", left)
			}
		})
	}
	none := Survey{AtOnce: 1, Look: func(context.Context, look.Question) (look.Dataset, error) { return look.Dataset{Name: "a"}, nil }}
	if err := none.Each(t.Context(), of("a"), func(recipe.Dataset, look.Dataset, error) error { return nil }); contract.ReasonOf(err) != contract.InvalidData {
		t.Errorf("no row is kept: %v", err)
	}
}

// silent is a source of one file that says nothing of its rows.
type silent struct{ source.Source }

func (silent) Resolve(context.Context) (source.Listing, error) {
	return source.Listing{Files: []source.File{{Path: "rows.jsonl", Size: 3}}}, nil
}

// carded is a source whose card counts.
type carded struct{ source.Source }

func (carded) Resolve(context.Context) (source.Listing, error) {
	return source.Listing{Rows: 12, Files: []source.File{{Path: "rows.jsonl", Size: 3}}}, nil
}

// TestCount: every source is asked, and those that say nothing are named together.
func TestCount(t *testing.T) {
	open := func(dataset recipe.Dataset) (source.Source, error) {
		switch {
		case strings.HasPrefix(dataset.Name, "s"):
			return silent{}, nil
		case dataset.Name == "x":
			return nil, errors.New("no such claim")
		}
		return carded{}, nil
	}
	rows, err := Count(t.Context(), of("a", "b"), open)
	if diff := cmp.Diff(map[string]int64{"a": 12, "b": 12}, rows); diff != "" || err != nil {
		t.Errorf("%v (-want +got):\n%s", err, diff)
	}
	if _, err := Count(t.Context(), of("a", "s1", "s2"), open); contract.ReasonOf(err) != contract.InvalidTask || !strings.Contains(err.Error(), "s1, s2") {
		t.Error(err)
	}
	if _, err := Count(t.Context(), of("x"), open); err == nil || !strings.Contains(err.Error(), "data set x") {
		t.Error(err)
	}
}
