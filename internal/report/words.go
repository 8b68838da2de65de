package report

import "github.com/datasetmix/datasetmix/internal/recipe"

// Functions returns what templates write numbers, shares and sizes with.
func Functions() map[string]any { return functions() }

// Thousands groups the digits of a number: 160,107.
func Thousands(n int64) string { return thousands(n) }

// Percentage prints part of whole with two decimals, rounded from the exact fraction.
func Percentage(part, whole int64) string { return percentage(part, whole) }

// SourceText is a source in words.
func SourceText(s recipe.Source) string { return sourceText(s) }

// Short is the beginning of a digest or a commit, by which people tell it.
func Short(digest string) string { return digest[:min(len(digest), 12)] }
