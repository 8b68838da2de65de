// Package statistics computes statistics of the rows of each data set and split: the lengths of their texts, the types of their answers, the number of
// duplicates. It makes the content of statistics.json, whose names are those of the Hugging Face Hub's Data Studio.
//
// All counts are exact and over all rows. They do not depend on the order of the rows or the division of the work, so the same rows have the same bytes.
package statistics
