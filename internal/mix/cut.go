package mix

// Cut divides rows that stand in a fixed order, grouped, among splits: consecutive ranges of the order, of the lengths
// that Apportion gives, moved so that no group is cut. A group goes to the split that its middle row (the earlier of two)
// falls into, so a split differs from its target by at most half a group at either end.
//
// groups holds the number of rows of each group in the order. The result holds, for every split, how many groups are its.
func Cut(groups []int64, shares []int64) []int {
	var rows int64
	for _, size := range groups {
		rows += size
	}
	targets := Apportion(rows, shares)
	counts := make([]int, len(shares))
	split, end := 0, int64(0)
	if len(targets) > 0 {
		end = targets[0]
	}
	var first int64
	for _, size := range groups {
		middle := first + (size-1)/2
		for middle >= end {
			split++
			end += targets[split]
		}
		counts[split]++
		first += size
	}
	return counts
}
