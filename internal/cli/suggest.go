// Package cli has the exit codes of the command, and finds the name that a mistyped one was meant to be.
package cli

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// Closest returns the name that a mistyped one was most likely meant to be; empty if none is near.
func Closest(typed string, names []string) string {
	best, least := "", max(2, len(typed)/3)+1
	for _, name := range slices.Sorted(slices.Values(names)) {
		if d := distance(typed, name); d < least {
			best, least = name, d
		}
	}
	return best
}

// Beginning returns the names that begin with the typed text, in their order.
func Beginning(typed string, names []string) []string {
	return slices.DeleteFunc(slices.Clone(names), func(name string) bool { return !strings.HasPrefix(name, typed) })
}

// DidYouMean returns a question to append to an error; empty if no name is near.
func DidYouMean(typed string, names []string) string {
	if name := Closest(typed, names); name != "" && name != typed {
		return "; did you mean " + name + "?"
	}
	return ""
}

// NearFile returns a question to append to an error about a file that does not exist; empty if no file of its folder has a name that is near.
func NearFile(file string) string {
	entries, err := os.ReadDir(filepath.Dir(file))
	if err != nil {
		return ""
	}
	var names []string
	for _, entry := range entries {
		names = append(names, entry.Name())
	}
	return DidYouMean(filepath.Base(file), names)
}

// distance returns the number of characters to insert, delete or replace to get b from a.
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
