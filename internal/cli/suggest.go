// Package cli has what all commands share: exit codes and near misses.
package cli

import (
	"slices"
	"strings"
)

// Closest returns the name that a mistyped one was most likely meant to be; empty where none is near.
func Closest(typed string, names []string) string {
	best, least := "", max(2, len(typed)/3)+1
	for _, name := range slices.Sorted(slices.Values(names)) {
		if d := distance(typed, name); d < least {
			best, least = name, d
		}
	}
	return best
}

// Beginning returns the names that begin as it was typed, in their order.
func Beginning(typed string, names []string) []string {
	return slices.DeleteFunc(slices.Clone(names), func(name string) bool { return !strings.HasPrefix(name, typed) })
}

// DidYouMean returns a question to put behind an error; empty where no name is near.
func DidYouMean(typed string, names []string) string {
	if name := Closest(typed, names); name != "" && name != typed {
		return "; did you mean " + name + "?"
	}
	return ""
}

// distance returns the number of characters to insert, delete or replace.
func distance(a, b string) int {
	from, to := []rune(a), []rune(b)
	row := make([]int, len(to)+1)
	for j := range row {
		row[j] = j
	}
	for i, x := range from {
		diagonal := row[0]
		row[0] = i + 1
		for j, y := range to {
			replaced := diagonal
			if x != y {
				replaced++
			}
			diagonal = row[j+1]
			row[j+1] = min(replaced, row[j+1]+1, row[j]+1)
		}
	}
	return row[len(to)]
}
