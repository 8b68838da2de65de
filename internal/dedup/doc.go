// Package dedup compares questions by what they say: it brings them into the form in which two of them are equal to a person
// (AppendQuestion), finds their words (AppendWords), indexes the questions that may be in no split (Probes), and sketches
// questions so that near duplicates can be found (Sketcher).
//
// # What is compared
//
// Splits are kept apart by the form of a question. Probes and sketches compare its words, which leave out punctuation and signs.
// Rules have versions, which stand in recipes and so in keys: a changed rule is another rule. Two questions are, by their words,
//
//   - equal when they have the same. Texts are looked up by the first 128 bits of their SHA-256; among 2³² questions the chance
//     of one wrong match is below 2⁻⁶⁴. Of a text without a word (symbols alone) the form is looked up.
//   - overlapping when they share n-grams of words. This is the test of the GPT-3 paper (Brown et al., "Language Models are
//     Few-Shot Learners", 2020, appendix C: 13-grams) and of PaLM (Chowdhery et al., 2022, section 8: a row counts as
//     contaminated when 70 % of its 8-grams are in a training text).
//   - nearly equal when the estimate of the Jaccard similarity of their n-gram sets by MinHash (Broder, "On the resemblance
//     and containment of documents", 1997) reaches a percentage.
//
// A text without a word overlaps nothing and is near nothing. A text with fewer words than n has one n-gram, of all its words; it is no n-gram of a longer text, so a short question is dropped only for an equal one.
//
// # Hashes
//
// All hashes are fixed and published here; nothing depends on a random seed, the platform or the order of calls.
//
//	mix(x)     the finalizer of SplitMix64 (Steele, Lea and Flood, "Fast splittable pseudorandom number generators", 2014), a
//	           permutation of the 64-bit numbers
//	word       h = length in bytes; for each eight bytes, the last ones filled up with zeros, read little-endian: h = mix(h ^ chunk)
//	n-gram     mix(word₁·Bⁿ⁻¹ + word₂·Bⁿ⁻² + … + wordₙ + n) in 64 bits, B = 0x9e3779b97f4a7c15
//
// N-grams are compared by their hash alone. With m different n-grams in the index, one n-gram of a row is taken for one of
// them by mistake with probability m·2⁻⁶⁴: with 2²⁷ (134 million) of them and 10⁹ n-grams looked up, the chance of one mistake
// in the whole build is below 1 %, and a row is dropped by mistake only if a percentage of its n-grams are mistaken. This
// holds for texts that nobody made to collide; the hash is no protection against those.
//
// Imports: the standard library, internal/recipe, and golang.org/x/text for Unicode's normalization.
package dedup
