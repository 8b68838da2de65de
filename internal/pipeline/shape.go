package pipeline

import (
	"fmt"
	"reflect"

	"github.com/datasetmix/datasetmix/internal/recipe"
)

// maxCount is the most rows or bytes that a result may count. Sums of such numbers in a plan do not overflow.
const maxCount = 1_000_000_000_000_000

// CheckCounts returns an error if a number of the result cannot be a count: it is negative, or more than there can be.
func (r Result) CheckCounts() error { return judgeCounts(reflect.ValueOf(r)) }

func judgeCounts(v reflect.Value) error {
	switch v.Kind() {
	case reflect.Int, reflect.Int64:
		if n := v.Int(); n < 0 || n > maxCount {
			return fmt.Errorf("it counts %d", n)
		}
	case reflect.Pointer:
		if !v.IsNil() {
			return judgeCounts(v.Elem())
		}
	case reflect.Struct:
		for i := range v.NumField() {
			if err := judgeCounts(v.Field(i)); err != nil {
				return err
			}
		}
	case reflect.Slice:
		for i := range v.Len() {
			if err := judgeCounts(v.Index(i)); err != nil {
				return err
			}
		}
	case reflect.Map:
		for _, value := range v.Seq2() {
			if err := judgeCounts(value); err != nil {
				return err
			}
		}
	}
	return nil
}

// checkResult checks that a result counts what the recipe has: results travel through pods' messages, ConfigMaps and manifests, where
// anyone may have changed them.
func checkResult(r recipe.Recipe, unit Node, result Result) error {
	if err := shaped(r, result); err != nil {
		return err
	}
	if done := result.Publish; done != nil && done.Revision != RevisionName(unit.Key) { // it becomes the name of a folder
		return fmt.Errorf("it names the revision %.100q, and that of its key is %s", done.Revision, RevisionName(unit.Key))
	}
	return result.CheckCounts()
}

// shaped checks that there are as many numbers as the recipe has splits and data sets.
func shaped(r recipe.Recipe, result Result) error {
	if done := result.Split; done != nil {
		if err := asMany("rows", "splits", len(done.Rows), len(r.Splits)); err != nil || !r.Measured() {
			return err
		}
		return asMany(r.Unit.Name(), "splits", len(done.Units), len(r.Splits))
	}
	if done := result.Balance; done != nil {
		for _, reason := range DropReasons() {
			if err := perDataset(r, reason.String(), *done.For(reason)); err != nil {
				return err
			}
		}
		if err := perDataset(r, "variants", done.Variants); err != nil {
			return err
		}
		return perDataset(r, r.Unit.Name(), done.Units)
	}
	return nil
}

// perDataset checks that there is a number for each split and data set, if there is any.
func perDataset(r recipe.Recipe, what string, table [][]int64) error {
	if table == nil {
		return nil
	}
	if err := asMany(what, "splits", len(table), len(r.Splits)); err != nil {
		return err
	}
	datasets := len(r.DatasetNames())
	for _, numbers := range table {
		if err := asMany(what, "data sets", len(numbers), datasets); err != nil {
			return err
		}
	}
	return nil
}

// asMany checks that there are numbers of as many splits or data sets as the recipe has.
func asMany(what, of string, got, want int) error {
	if got != want {
		return fmt.Errorf("it has the %s of %d %s, and the recipe has %d", what, got, of, want)
	}
	return nil
}
