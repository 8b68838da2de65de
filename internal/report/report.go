// Package report writes the human side of a published revision: a dataset card (README.md), Croissant metadata
// (croissant.json) and one self-contained page (report.html).
//
// All three are pure functions of a Revision: the same revision has the same bytes. They depend on no clock and no map order, numbers are integers,
// and shares are exact fractions until they are printed.
package report

import (
	"errors"
	"fmt"
	"math/big"
	"slices"
	"strconv"
	"strings"

	"github.com/datasetmix/datasetmix/internal/schema"
)

// Revision is what is reported: the facts of one published revision of a mix. Every number is a count of rows unless it
// says otherwise. The order of the lists is the order of the tables.
type Revision struct {
	// Mix is the mix's name and ID the revision's, as in revisions/<ID>.
	Mix, ID string
	// Seed of every keyed order, and Order of the rows of a mixed file (Shuffled or Interleaved).
	Seed  int64
	Order string
	// Unit is what shares are measured in where that is not rows: "bytes" or "tokens"; Units are those of each domain in each
	// mixed split, in the order of Domains and Splits.
	Unit  string
	Units [][]int64
	// Compare names the rule by which questions are equal; "" compares their bytes.
	Compare string
	// URL of a page about the mix, and the day it was published (2006-01-02). Both are optional and only used by Croissant; the caller sets the
	// day, so that equal revisions can have equal bytes.
	URL, Published string

	Splits   []Split
	Domains  []Domain
	Datasets []Dataset
	Exports  []Export
	// Fields are the types of the rows' members besides their texts, by data set; nil where they are not known.
	Fields map[string]schema.Type
	// Files of the revision, the reports themselves excepted.
	Files []File
}

// Split is one mixed split.
type Split struct {
	Name string
	// Share of each data set's rows, relative to the other splits.
	Share int64
	// Policy of the size, in the manifest's word (KeepTotal, SmallestPool, NoRepeat, Rows).
	Policy string
	// Rows of the mixed split, and how many of them are distinct.
	Rows, Unique int64
}

// Domain is one domain of the mix.
type Domain struct {
	Name string
	// Share of the mix, relative to the other domains: the target.
	Share int64
	// Rows in each mixed split, in the order of Revision.Splits: what was achieved.
	Rows []int64
}

// Dataset is one source of rows.
type Dataset struct {
	Name, Domain string
	// Source in words or as an address ("openai/gsm8k, main, train"); Resolved is the commit or digest it stood for.
	Source, Resolved string
	// Preset or "expressions".
	Mapping string
	// License in the source's words, best an identifier of the Hub or of SPDX; "" is not known.
	License string
	// Read is how many rows the source has; Dropped says which of them are in no split, and why.
	Read    int64
	Dropped []Drop
	// Splits in the order of Revision.Splits.
	Splits []Counts
	// Variants are the rows with the question of another row, written in another way.
	Variants int64
}

// Export is the mix in the format of a trainer, in its own folder.
type Export struct {
	// Name of the folder, and Format in the manifest's word (RL, SFT, Preference, Text).
	Name, Folder, Format string
	// System is the first turn of every row; "" where rows have none.
	System string
	// Instructions follow the questions.
	Instructions []Instruction
	// Rows of all its files.
	Rows int64
}

// Instruction is how an answer is to be given.
type Instruction struct {
	// Answers are the rows that have it, by how they are scored.
	Answers, Text string
}

// Drop is a number of rows that were dropped for one reason.
type Drop struct {
	// Reason completes "dropped because …".
	Reason string
	Rows   int64
}

// Counts is what became of one data set's rows in one split.
type Counts struct {
	// Rows after the split; Balanced after the data sets of the domain were brought together; Mixed in the mixed file.
	Rows, Balanced, Mixed int64
	// Unique is how many distinct rows of the data set are in the mixed file, MaxRepeats how often the most frequent of them is there: 1 means
	// once.
	Unique, MaxRepeats int64
}

// File is one file of the revision.
type File struct {
	// Path below the revision's folder, with slashes.
	Path  string
	Bytes int64
	// SHA256 in lower-case hex.
	SHA256 string
	// Rows, 0 for what has none.
	Rows int64
	// Split and Dataset are those of the rows: a split alone is a mixed file (or one shard of it), with a data set it
	// is that data set's part, and a data set alone is all its rows.
	Split, Dataset string
	// Export names the export in whose format the rows of the split are; "" for their own.
	Export string
}

// mixed reports whether a file is a mixed one, or a shard of one.
func (f File) mixed() bool { return f.Split != "" && f.Dataset == "" && f.Export == "" }

// check returns an error for a revision whose tables do not fit together, which is the caller's mistake.
func (r *Revision) check() error {
	if r.Mix == "" || r.ID == "" || len(r.Splits) == 0 || len(r.Domains) == 0 || len(r.Datasets) == 0 {
		return errors.New("a report needs the names of the mix and the revision, and at least one split, domain and data set")
	}
	for i, d := range r.Domains {
		if len(d.Rows) != len(r.Splits) {
			return fmt.Errorf("domain %s has rows for %d splits of %d", d.Name, len(d.Rows), len(r.Splits))
		}
		if r.Unit != "" && (len(r.Units) != len(r.Domains) || len(r.Units[i]) != len(r.Splits)) {
			return fmt.Errorf("domain %s has no %s for each split", d.Name, r.Unit)
		}
	}
	for _, d := range r.Datasets {
		if len(d.Splits) != len(r.Splits) {
			return fmt.Errorf("data set %s has counts for %d splits of %d", d.Name, len(d.Splits), len(r.Splits))
		}
		if !slices.ContainsFunc(r.Domains, func(o Domain) bool { return o.Name == d.Domain }) {
			return fmt.Errorf("data set %s is in domain %q, which is not there", d.Name, d.Domain)
		}
	}
	return nil
}

// DroppedRows returns how many rows of the data set are in no split.
func (d Dataset) DroppedRows() (n int64) {
	for _, drop := range d.Dropped {
		n += drop.Rows
	}
	return n
}

// Licenses returns the licenses of the data sets as the Hub writes them: lower case, each once, in alphabetical order.
func (r *Revision) Licenses() []string {
	var licenses []string
	for _, d := range r.Datasets {
		id := hubLicense(d.License)
		if !slices.Contains(licenses, id) {
			licenses = append(licenses, id)
		}
	}
	slices.Sort(licenses)
	return licenses
}

// Warnings returns, in whole sentences, what a reader must not miss: rows that repeat, and splits whose size suggests more than they hold.
func (r *Revision) Warnings() []string {
	var warnings []string
	for i, split := range r.Splits {
		for _, d := range r.Datasets {
			if c := d.Splits[i]; c.MaxRepeats > 1 {
				warnings = append(warnings, fmt.Sprintf("%s: %s %s up to %s times in the %s rows it has in %s.",
					d.Name, count(c.Unique, "row"), verb(c.Unique, "repeats", "repeat"), Thousands(c.MaxRepeats), Thousands(c.Mixed), split.Name))
			}
		}
		if split.Unique < split.Rows {
			warnings = append(warnings, fmt.Sprintf("%s has %s, but only %s of them %s distinct. What is trained or measured on it weighs rows by how often they repeat.",
				split.Name, count(split.Rows, "row"), Thousands(split.Unique), verb(split.Unique, "is", "are")))
		}
	}
	return warnings
}

// Achieved returns a domain's share of a mixed split in percent, measured in what the mix's shares are measured in.
func (r *Revision) Achieved(domain, split int) string {
	if r.Unit == "" {
		return Percentage(r.Domains[domain].Rows[split], r.Splits[split].Rows)
	}
	var whole int64
	for _, units := range r.Units {
		whole += units[split]
	}
	return Percentage(r.Units[domain][split], whole)
}

// total returns the number of rows of all mixed splits.
func (r *Revision) total() (n int64) {
	for _, s := range r.Splits {
		n += s.Rows
	}
	return n
}

// ratio writes shares as people do: 4:3:3.
func ratio(shares []int64) string {
	words := make([]string, len(shares))
	for i, s := range shares {
		words[i] = strconv.FormatInt(s, 10)
	}
	return strings.Join(words, ":")
}

func (r *Revision) domainShares() []int64 {
	shares := make([]int64, len(r.Domains))
	for i, d := range r.Domains {
		shares[i] = d.Share
	}
	return shares
}

func (r *Revision) splitShares() []int64 {
	shares := make([]int64, len(r.Splits))
	for i, s := range r.Splits {
		shares[i] = s.Share
	}
	return shares
}

func sum(of []int64) (n int64) {
	for _, v := range of {
		n += v
	}
	return n
}

// Percentage prints part of whole with two decimals, rounded from the exact fraction. Of nothing, everything is 0.
func Percentage(part, whole int64) string {
	if whole == 0 {
		return "0.00"
	}
	return new(big.Rat).Mul(big.NewRat(part, whole), big.NewRat(100, 1)).FloatString(2)
}

// Thousands groups digits: 160,107.
func Thousands(n int64) string {
	digits := strconv.FormatInt(n, 10)
	sign := ""
	if n < 0 {
		sign, digits = "-", digits[1:]
	}
	for i := len(digits) - 3; i > 0; i -= 3 {
		digits = digits[:i] + "," + digits[i:]
	}
	return sign + digits
}

// size prints bytes in decimal units with one decimal, truncated: 4.1 MB.
func size(n int64) string {
	if n < 1000 {
		return count(n, "byte")
	}
	units := []string{"kB", "MB", "GB", "TB", "PB", "EB"}
	unit := 0
	for n >= 1000*1000 && unit < len(units)-1 {
		n /= 1000
		unit++
	}
	return fmt.Sprintf("%d.%d %s", n/1000, n%1000/100, units[unit])
}

// count returns a number with its noun.
func count(n int64, noun string) string {
	return Thousands(n) + " " + verb(n, noun, noun+"s")
}

func verb(n int64, one, many string) string {
	if n == 1 {
		return one
	}
	return many
}
