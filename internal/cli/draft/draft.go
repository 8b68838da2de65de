// Package draft writes a manifest for files, for repositories of a Hub, or for both: from their first rows, with comments about what was guessed.
package draft

import (
	"cmp"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"golang.org/x/text/language"
	"golang.org/x/text/message"

	"github.com/datasetmix/datasetmix/internal/contract"
	"github.com/datasetmix/datasetmix/internal/look"
	"github.com/datasetmix/datasetmix/internal/recipe"
	"github.com/datasetmix/datasetmix/internal/record"
)

// Dataset is a data set of the manifest.
type Dataset struct {
	// Title is the file or the repository that the user named.
	Title string
	// Name is its name in the mix.
	Name   string
	Source recipe.Source
	// Comments are about the source: its license, and other configurations and splits.
	Comments []string
	// Rows of the source, and how many of them the record keeps; 0 if it is not known.
	Rows, Kept int64
	Guess      look.Guess
	// Members are the names of the rows' members.
	Members []string
	// Bad are the rows that cannot be read or mapped, by reason; the manifest skips them.
	Bad []look.Drop
}

// Mix is the mix that the manifest describes.
type Mix struct {
	// Name is the name of the mix, File the manifest's file, and Command the command that builds it.
	Name, File, Command string
	Datasets            []Dataset
}

// notInNames matches characters that a name in a manifest cannot have.
var notInNames = regexp.MustCompile(`[^a-z0-9]+`)

// mostName is the number of characters that a name in a manifest may have.
const mostName = 40

// NameOf returns a name for a title that a manifest can have, and that is not taken yet.
func NameOf(title string, taken []string) string {
	name := strings.Trim(notInNames.ReplaceAllString(strings.ToLower(title), "-"), "-")
	name = cmp.Or(strings.Trim(name[:min(len(name), mostName-3)], "-"), "data")
	for i := 2; slices.Contains(taken, name); i++ {
		name = fmt.Sprintf("%s-%d", strings.TrimSuffix(name, fmt.Sprintf("-%d", i-1)), i)
	}
	return name
}

// english groups thousands.
var english = message.NewPrinter(language.English)

// Manifest returns the text of the manifest. It is an InvalidTask failure if no record could be guessed for a data set.
func (m Mix) Manifest() (string, error) {
	for _, d := range m.Datasets {
		if d.Guess.Preset == "" && d.Guess.Question == "" {
			return "", contract.Failf(contract.InvalidTask, "%s: no member of its rows is a text that could be a question; its members are %s", d.Title, orNone(d.Members))
		}
	}
	var out strings.Builder
	line := func(format string, args ...any) { fmt.Fprintf(&out, format+"\n", args...) }
	var titles []string
	local := false
	for _, d := range m.Datasets {
		titles, local = append(titles, d.Title), local || d.Source.Volume != nil
	}
	line("# A mix of %s. kubectl datasetmix init wrote this from the first rows of each:", oneLine(strings.Join(titles, ", ")))
	line("# see whether it guessed right, change what you like, and build it on this machine:")
	line("#")
	line("#   %s", oneLine(m.Command))
	if local {
		line("#")
		line("# On a cluster the same manifest reads the files from a PersistentVolumeClaim, %s, under the same paths.", m.claim())
	}
	line("apiVersion: data.datasetmix.io/v1alpha1")
	line("kind: DatasetMix")
	line("metadata:")
	line("  name: %s", m.Name)
	line("spec:")
	line("  seed: 42 # another seed gives another draw and another order")
	line("  splits: # rows are divided %d:1, and then mixed; NoRepeat uses no row twice, KeepTotal repeats rows of scarce domains", m.trainShare())
	line("  - {name: train, share: %d, size: {policy: NoRepeat}}", m.trainShare())
	line("  - {name: test, share: 1, size: {policy: NoRepeat}}")
	line("  domains: # %s", m.sharesComment())
	shares := m.shares()
	for i, d := range m.Datasets {
		d.write(line, shares[i])
	}
	line("  output:")
	line("    volume: # on a cluster; on this machine, --data takes its place")
	line("      claimTemplate: {accessModes: [ReadWriteOnce], size: 10Gi}")
	return out.String(), nil
}

// trainShare returns the share of the train split, the test split's being 1: nine, or less if a data set is so small that the test split would get
// none of its rows.
func (m Mix) trainShare() int64 {
	share := int64(9)
	for _, d := range m.Datasets {
		if rows := d.kept(); rows > 0 {
			share = max(1, min(share, rows-1))
		}
	}
	return share
}

// claim returns the name of the claim that files are read from; empty without files.
func (m Mix) claim() string {
	for _, d := range m.Datasets {
		if d.Source.Volume != nil {
			return d.Source.Volume.ClaimName
		}
	}
	return ""
}

// mostShare is the largest share that a domain may have.
const mostShare = 1_000_000

// shares returns the shares of the data sets: their numbers of rows if all are known, so that the mix uses every row, else equal shares.
func (m Mix) shares() []int64 {
	shares := make([]int64, len(m.Datasets))
	most := int64(0)
	for _, d := range m.Datasets {
		most = max(most, d.Rows)
	}
	divisor := (most + mostShare - 1) / mostShare
	for i, d := range m.Datasets {
		if shares[i] = 1; m.counted() {
			shares[i] = max(1, d.kept()/max(1, divisor))
		}
	}
	return shares
}

func (m Mix) counted() bool {
	return !slices.ContainsFunc(m.Datasets, func(d Dataset) bool { return d.Rows == 0 })
}

func (m Mix) sharesComment() string {
	switch {
	case len(m.Datasets) == 1:
		return "one domain is all of the mix"
	case m.counted():
		return "the shares are the rows that there are, so the mix uses all of them; any ratio will do, such as 3 and 1"
	default:
		return "mixed in equal parts; any ratio will do, such as 3 and 1"
	}
}

// kept returns the number of rows that the mix can use; 0 if it is not known.
func (d Dataset) kept() int64 { return cmp.Or(d.Kept, d.Rows) }

func (d Dataset) write(line func(string, ...any), share int64) {
	line("  - name: %s", d.Name)
	line("    share: %d", share)
	line("    datasets:")
	line("    - name: %s", d.Name)
	if d.Rows > 0 {
		line("      # %s: %s rows with %s", oneLine(d.Title), english.Sprint(d.Rows), oneLine(orNone(d.Members)))
	} else {
		line("      # %s: rows with %s", oneLine(d.Title), oneLine(orNone(d.Members)))
	}
	for _, comment := range d.Comments {
		line("      # %s", oneLine(comment))
	}
	line("      source: %s", sourceOf(d.Source))
	d.writeRecord(line)
	if len(d.Bad) == 0 {
		return
	}
	line("      read:")
	line("        onBadRow: Skip # without it, such a row ends the build:")
	for _, bad := range d.Bad {
		line("        # %s of %s: %s", english.Sprint(bad.Rows), bad.Reason, oneLine(bad.First))
	}
}

func (d Dataset) writeRecord(line func(string, ...any)) {
	g := d.Guess
	if g.Preset != "" {
		preset, _ := recipe.FindPreset(recipe.PresetVersion(g.Preset))
		what, _, _ := strings.Cut(preset.Doc, ". ")
		line("      # all rows that were looked at fit this preset: %s", oneLine(what))
		if len(g.Others) > 0 {
			line("      # they fit %s, too", strings.Join(g.Others, ", "))
		}
		line("      record: {preset: %s}", g.Preset)
		return
	}
	if !g.Sure {
		line("      # GUESSED by what the members hold, not by their names: look at it")
	}
	line("      record:")
	line("        question: %s", scalar(g.Record.Question))
	if g.Answer == "" {
		line("        # no member looks like an answer")
	}
	line("        referenceAnswer: %s", scalar(g.Record.ReferenceAnswer))
	line("        answerType: %s # or %s", g.Record.AnswerType, strings.Join(others(g.Record.AnswerType), ", "))
	if g.Record.Where != "" {
		line("        where: %s # rows without an answer are left out", scalar(g.Record.Where))
	}
	var rest []string
	for _, name := range d.Members {
		if name != g.Question && name != g.Answer {
			rest = append(rest, name)
		}
	}
	if len(rest) > 0 {
		line("        # keep: [%s] # publishes further members with each row", oneLine(strings.Join(rest[:min(len(rest), 8)], ", ")))
	}
}

// others returns the answer types except one.
func others(not string) []string {
	return slices.DeleteFunc([]string{record.Numeric, record.Text, record.Code}, func(t string) bool { return t == not })
}

func sourceOf(s recipe.Source) string {
	if hub := s.HuggingFace; hub != nil {
		text := fmt.Sprintf("{huggingFace: {repo: %s, revision: %s", scalar(hub.Repo), scalar(hub.Revision))
		if hub.Config != "" {
			text += ", config: " + scalar(hub.Config)
		}
		if hub.Split != "" {
			text += ", split: " + scalar(hub.Split)
		}
		return text + "}}"
	}
	return fmt.Sprintf("{volume: {claimName: %s, path: %s}}", s.Volume.ClaimName, scalar(s.Volume.Path))
}

// safe matches texts that need no quotes in YAML, even in a list or a mapping on one line.
var safe = regexp.MustCompile(`^[A-Za-z_./][A-Za-z0-9_./-]*$`)

// words are the words that YAML does not read as a text.
var words = []string{"true", "false", "null", "yes", "no", "on", "off", "y", "n"}

// scalar returns a text as a YAML scalar, in quotes if it needs them.
func scalar(text string) string {
	if safe.MatchString(text) && !slices.Contains(words, strings.ToLower(text)) {
		return text
	}
	return "'" + strings.ReplaceAll(text, "'", "''") + "'"
}

// oneLine returns a text on one line, for a comment, without anything that a terminal obeys.
func oneLine(text string) string {
	const most = 400
	return contract.Clean(strings.Join(strings.Fields(text), " "), most)
}

func orNone(names []string) string {
	if len(names) == 0 {
		return "no members"
	}
	const most = 12
	text := strings.Join(names[:min(len(names), most)], ", ")
	if len(names) > most {
		text += fmt.Sprintf(" and %d more", len(names)-most)
	}
	return text
}
