// Package statistics counts what the rows of each data set and split are like: how long their texts are, how their answers are scored,
// how many say the same. It makes the content of statistics.json, in the words that the Hugging Face Hub's Data Studio has for it.
//
// All counts are exact and over all rows. They add up whatever the order and the division of the work, so the same rows have the same
// bytes.
package statistics
