// Package report writes the pages of a published revision: a dataset card (README.md), Croissant metadata (croissant.json), and one self-contained page
// (report.html).
//
// All three are pure functions of a Revision: the same revision has the same bytes. Numbers are integers, and shares are exact fractions until they are
// printed.
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

// Revision has the facts of a published revision that are reported. Every number is a number of rows unless its comment says otherwise. The order of the
// lists is the order of the tables.
type Revision struct {
	// Mix is the name of the mix, ID the name of the revision, as in revisions/<ID>.
	Mix, ID string
	// Seed is the seed of the mix; Order is the order of the rows of a mixed file, Shuffled or Interleaved.
	Seed  int64
	Order string
	// Unit is the unit of shares, "bytes" or "tokens"; empty for rows. Units are the units of each domain in each mixed split, in the order of Domains
	// and Splits; nil for rows.
	Unit  string
	Units [][]int64
	// Compare is the rule by which questions are compared; empty if their bytes are.
	Compare string
	// URL is a page about the mix, Published the day of its publication (2006-01-02). Both are optional, and only used by Croissant. The caller sets the
	// day, so that equal revisions can have equal bytes.
	URL, Published string

	Splits   []Split
	Domains  []Domain
	Datasets []Dataset
	Exports  []Export
	// Fields has the types of the rows' members, without texts, by data set; nil if they are not known.
	Fields map[string]schema.Type
	// Files are the files of the revision, without its pages.
	Files []File
}

// Split is one mixed split.
type Split struct {
	Name string
	// Share is the split's share of each data set's rows, relative to the other splits.
	Share int64
	// Policy is the policy of the size: KeepTotal, SmallestPool, NoRepeat or Rows.
	Policy string
	// Rows is the number of rows of the mixed split, Unique the number of distinct ones.
	Rows, Unique int64
}

// Domain is one domain of the mix.
type Domain struct {
	Name string
	// Share is the target: the domain's share of the mix, relative to the other domains.
	Share int64
	// Rows are the rows of the domain in each mixed split, in the order of Revision.Splits.
	Rows []int64
}

// Dataset is one source of rows.
type Dataset struct {
	Name, Domain string
	// Source is the source as text ("openai/gsm8k, main, train") or as an address; Resolved is the commit or digest that it was resolved to.
	Source, Resolved string
	// Mapping is the name of the preset, or "expressions".
	Mapping string
	// License is the license as the source states it, mostly an identifier of the Hub or of SPDX; empty if it is not known.
	License string
	// Read is the number of rows of the source; Dropped are the rows that are in no split, by reason.
	Read    int64
	Dropped []Drop
	// Splits are the counts in each split, in the order of Revision.Splits.
	Splits []Counts
	// Variants is the number of rows with the question of another row, written in another way.
	Variants int64
}

// Export is the mix in the format of a trainer, in its own folder.
type Export struct {
	// Name is the name of the export, Folder its folder, and Format its format: RL, SFT, Preference or Text.
	Name, Folder, Format string
	// System is the system prompt, which is the first turn of every row; empty for no such turn.
	System string
	// Instructions are appended to the questions.
	Instructions []Instruction
	// Rows is the number of rows of all its files.
	Rows int64
}

// Instruction is a text about how to give an answer.
type Instruction struct {
	// Answers names the kind of answers that the rows with this instruction have.
	Answers, Text string
}

// Drop is a number of rows that were dropped for one reason.
type Drop struct {
	// Reason is a text that completes "dropped because …".
	Reason string
	Rows   int64
}

// Counts has the numbers of a data set's rows in a split.
type Counts struct {
	// Rows is the number after the split stage, Balanced after the data sets of the domain were balanced, and Mixed in the mixed split.
	Rows, Balanced, Mixed int64
	// Unique is the number of distinct rows in the mixed split; MaxRepeats is how often the most frequent of them is in it.
	Unique, MaxRepeats int64
}

// File is one file of the revision.
type File struct {
	// Path is relative to the revision's folder, with slashes.
	Path  string
	Bytes int64
	// SHA256 is the digest in lower-case hex.
	SHA256 string
	// Rows is the number of rows, 0 for a file without rows.
	Rows int64
	// Split and Dataset are the split and the data set of the rows. A mixed file, or a shard of one, has no Dataset; a file with all rows of a data set has
	// no Split.
	Split, Dataset string
	// Export is the export that the file belongs to; empty for none.
	Export string
}

// mixed reports whether a file is a mixed file, or a shard of one.
func (f File) mixed() bool { return f.Split != "" && f.Dataset == "" && f.Export == "" }

// check returns an error for a revision whose lists do not fit together, which is the caller's mistake.
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

// DroppedRows returns the number of the data set's rows that are in no split.
func (d Dataset) DroppedRows() (n int64) {
	for _, drop := range d.Dropped {
		n += drop.Rows
	}
	return n
}

// Licenses returns the Hub's identifiers of the data sets' licenses, sorted and without duplicates.
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

// Warnings returns, in whole sentences, what a reader must not miss: rows that repeat, and splits with fewer distinct rows than their size suggests.
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

// Achieved returns a domain's share of a mixed split in percent, measured in the unit of the mix.
func (r *Revision) Achieved(domain, split int) string { return Percentage(r.Part(domain, split)) }

// Part returns a domain's part of a mixed split, and the whole split, both in the unit of the mix.
func (r *Revision) Part(domain, split int) (part, whole int64) {
	if r.Unit == "" {
		return r.Domains[domain].Rows[split], r.Splits[split].Rows
	}
	for _, units := range r.Units {
		whole += units[split]
	}
	return r.Units[domain][split], whole
}

// total returns the number of rows of all mixed splits.
func (r *Revision) total() (n int64) {
	for _, s := range r.Splits {
		n += s.Rows
	}
	return n
}

// ratio returns shares as a ratio, such as 4:3:3.
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

// Percentage returns part of whole in percent with two decimals, rounded from the exact fraction; 0.00 if whole is 0.
func Percentage(part, whole int64) string {
	if whole == 0 {
		return "0.00"
	}
	return new(big.Rat).Mul(big.NewRat(part, whole), big.NewRat(100, 1)).FloatString(2)
}

// Thousands returns a number with its digits grouped, such as 160,107.
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

// size returns a number of bytes in decimal units with one decimal, truncated, such as 4.1 MB.
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
