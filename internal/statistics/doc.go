// Package statistics computes statistics of the rows of each data set and split: how long their texts are, how their answers are scored, how many
// are duplicates. It makes the content of statistics.json, in the words of the Hugging Face Hub's Data Studio.
//
// All counts are exact and over all rows. They add up in any order and division of the work, so the same rows have the same bytes.
package statistics
