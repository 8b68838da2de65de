package recipe

import "testing"

func ptrTo[T any](v T) *T { return &v }

// A split without a row says what keeps the rows away, and what helps.
func TestWhyASplitIsEmpty(t *testing.T) {
	mbpp := func(groupBy string, balance Balance) func(*Recipe) {
		return func(r *Recipe) {
			code := &r.Domains[2]
			code.Datasets, code.Balance = code.Datasets[1:], balance
			code.Datasets[0].Record.GroupBy = groupBy
		}
	}
	for _, c := range []struct {
		what    string
		change  func(*Recipe)
		divided Divided
		dropped int64 // of test
		want    string
	}{
		{"one question", mbpp("", None), Divided{Rows: []int64{20, 0}, Groups: 1, LargestGroup: 20}, 0,
			"the mix of split test cannot be made: domain code has no row in it (all 20 rows of data set mbpp have the same question, and rows with the same question stay on one side); " +
				"add rows with other questions, or leave the domain out"},
		{"two questions", mbpp("", None), Divided{Rows: []int64{20, 0}, Groups: 2, LargestGroup: 19}, 0,
			"the mix of split test cannot be made: domain code has no row in it (the 20 rows of data set mbpp have only 2 different questions, one of them in 19 rows, and rows with the same question stay on one side); " +
				"add rows with other questions or give the split a larger share, or leave the domain out"},
		{"one group", mbpp("row.title", None), Divided{Rows: []int64{20, 0}, Groups: 1, LargestGroup: 20}, 0,
			"the mix of split test cannot be made: domain code has no row in it (all 20 rows of data set mbpp have the same value of groupBy (row.title), and rows with the same value stay on one side); " +
				"group by something that tells more rows apart, or leave the domain out"},
		{"three groups", mbpp("row.title", Largest), Divided{Rows: []int64{20, 0}, Groups: 3, LargestGroup: 18}, 0,
			"the mix of split test cannot be made: domain code has no row in it (the 20 rows of data set mbpp have only 3 different values of groupBy (row.title), one of them in 18 rows, and rows with the same value stay on one side); " +
				"group by something that tells more rows apart or give the split a larger share, or leave the domain out"},
		{"few rows", mbpp("", None), Divided{Rows: []int64{2, 0}, Groups: 2, LargestGroup: 1}, 0,
			"the mix of split test cannot be made: domain code has no row in it (the rows of data set mbpp, 2 in all, are in other splits); " +
				"add rows or give the split a larger share, or leave the domain out"},
		{"all dropped", mbpp("", None), Divided{Rows: []int64{2, 3}, Groups: 5, LargestGroup: 1}, 3,
			"the mix of split test cannot be made: domain code has no row in it (its 3 rows of data set mbpp were dropped for the sake of rows of other splits); " +
				"leave out a data set that has the same rows, or leave the domain out"},
		{"a data set of several", func(*Recipe) {}, Divided{Rows: []int64{20, 0}, Groups: 1, LargestGroup: 20}, 0,
			"the mix of split test cannot be made: data set mbpp has no row in it (all 20 rows of data set mbpp have the same question, and rows with the same question stay on one side), " +
				"so nothing can be repeated to what the balance of domain code asks for; add rows with other questions, or give the domain the balance None"},
		{"a data set of several, cut to the smallest", func(r *Recipe) { r.Domains[2].Balance = Smallest }, Divided{Rows: []int64{20, 0}, Groups: 1, LargestGroup: 20}, 0,
			"the mix of split test cannot be made: data set mbpp has no row in it (all 20 rows of data set mbpp have the same question, and rows with the same question stay on one side), " +
				"and the balance Smallest cuts all of domain code to as many; add rows with other questions, or give the domain the balance None"},
		{"an older result", mbpp("", None), Divided{Rows: []int64{20, 0}}, 0,
			"the mix of split test cannot be made: domain code has no row in it (the rows of data set mbpp, 20 in all, are in other splits); " +
				"add rows or give the split a larger share, or leave the domain out"},
	} {
		r := six(KeepTotal, KeepTotal)
		c.change(&r)
		divided := map[string]Divided{}
		for _, name := range r.DatasetNames() {
			divided[name] = Divided{Rows: []int64{50, 10}, Groups: 60, LargestGroup: 1}
		}
		divided["mbpp"] = c.divided
		balanced := Balanced{Overlap: NewDroppedRows(2, len(divided))}
		for i, name := range r.DatasetNames() {
			if name == "mbpp" {
				balanced.Overlap[1][i] = c.dropped
			}
		}
		_, err := r.Plan(r.Counts(divided, balanced))
		if err == nil || err.Error() != c.want {
			t.Errorf("%s: %v\nwant %s", c.what, err, c.want)
		}
	}
}
