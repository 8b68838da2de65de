// Package page writes the report.html of a revision: one self-contained page without scripts, fonts or network, for light and dark mode, phones, paper
// and screen readers. The numbers of every picture are also in a table.
//
// The page is a pure function of the manifest and of the statistics: the same revision has the same bytes.
package page

import (
	"bytes"
	_ "embed" // for the template
	"errors"
	"fmt"
	"html/template"
	"slices"

	"github.com/datasetmix/datasetmix/internal/recipe"
	"github.com/datasetmix/datasetmix/internal/report"
	"github.com/datasetmix/datasetmix/internal/report/picture"
	"github.com/datasetmix/datasetmix/internal/revision"
	"github.com/datasetmix/datasetmix/internal/statistics"
)

//go:embed style.css
var style string

//go:embed page.html.tmpl
var source string

// HTML returns the page of a revision.
func HTML(m revision.Manifest, s statistics.File) ([]byte, error) {
	m.Files = slices.DeleteFunc(slices.Clone(m.Files), func(f revision.PublishedFile) bool { return report.IsPage(f.Path) })
	p, err := newPage(m, s)
	if err != nil {
		return nil, err
	}
	t, err := template.New("page").Funcs(report.Functions()).Parse(source)
	if err != nil {
		return nil, err
	}
	var out bytes.Buffer
	err = t.Execute(&out, p)
	return out.Bytes(), err
}

// page has the values of the template.
type page struct {
	report.Revision
	Style template.CSS
	// Bins are the names of the columns of Powers.
	Bins   []string
	Powers []powerRow
	// Whole reports whether the page shows whole digests of files.
	Whole    bool
	Patterns template.HTML
	Flow     template.HTML
	Tables   []splitTable
	Shares   []sharesOf
	Lengths  []lengthsOf
	Measures []measureTable
	Samples  []samplesOf
	Drops    []dropsOf
	Findings []string
	Probes   []probe
	Duplicates,
	Near bool
}

// wholeDigests is the number of files up to which the page shows whole digests. The manifest always has them.
const wholeDigests = 120

func newPage(m revision.Manifest, s statistics.File) (*page, error) {
	p := &page{Revision: report.Of(m), Style: template.CSS(style), Patterns: picture.Patterns} //nolint:gosec // it is our own
	if len(p.Splits) == 0 || len(p.Domains) == 0 || len(p.Datasets) == 0 {
		return nil, errors.New("a report needs at least one split, domain and data set")
	}
	flows := flowsOf(m, &p.Revision)
	p.Flow = flows.picture()
	p.Tables = flows.tables()
	p.Shares = sharesOfAll(&p.Revision)
	p.Drops = dropsOfAll(&p.Revision)
	p.Findings = findings(m, &p.Revision)
	p.Probes = probesOf(m)
	p.Lengths, p.Measures = lengths(s, &p.Revision)
	p.Bins, p.Powers = powersOf(p.Lengths)
	p.Whole = len(p.Files) <= wholeDigests
	p.Samples = samples(s, &p.Revision)
	return p, nil
}

// sharesOf has the shares of the domains in a mixed split.
type sharesOf struct {
	Split string
	Rows  []shareRow
}

type shareRow struct {
	Domain           string
	Share, Rows      int64
	Wanted, Achieved string
	Bar              template.HTML
}

func sharesOfAll(r *report.Revision) []sharesOf {
	var whole int64
	for _, d := range r.Domains {
		whole += d.Share
	}
	var all []sharesOf
	for s, split := range r.Splits {
		of := sharesOf{Split: split.Name}
		for d, domain := range r.Domains {
			row := shareRow{Domain: domain.Name, Share: domain.Share, Rows: domain.Rows[s], Wanted: report.Percentage(domain.Share, whole), Achieved: r.Achieved(d, s)}
			achieved, all := r.Part(d, s)
			const fine = 1_000_000
			row.Bar = picture.Bar{Whole: fine, Mark: scaled(domain.Share, whole, fine), Value: scaled(achieved, all, fine), Marked: true}.SVG()
			of.Rows = append(of.Rows, row)
		}
		all = append(all, of)
	}
	return all
}

// scaled returns part of whole, scaled to another whole.
func scaled(part, whole, of int64) int64 {
	if whole == 0 {
		return 0
	}
	return int64(float64(part) / float64(whole) * float64(of))
}

// dropsOf has the rows of a data set that are in no split, by reason.
type dropsOf struct {
	Dataset string
	Read    int64
	Drops   []report.Drop
}

func dropsOfAll(r *report.Revision) []dropsOf {
	var all []dropsOf
	for _, d := range r.Datasets {
		if len(d.Dropped) > 0 {
			all = append(all, dropsOf{d.Name, d.Read, d.Dropped})
		}
	}
	return all
}

// probe is a source to decontaminate against.
type probe struct {
	Name, Source, Resolved, License string
}

func probesOf(m revision.Manifest) []probe {
	var out []probe
	for _, named := range m.Recipe.Probes() {
		p := probe{Name: named.Name, Source: report.SourceText(named.Source)}
		for _, origin := range m.Sources {
			if origin.Dataset == named.Name {
				p.Resolved, p.License = origin.Revision, origin.License
			}
		}
		out = append(out, p)
	}
	return out
}

// findings returns, in whole sentences, the results of comparing rows.
func findings(m revision.Manifest, r *report.Revision) []string {
	var contaminated, variants int64
	for _, stage := range m.Stages {
		if stage.Result.Split != nil {
			contaminated += stage.Result.Split.Dropped["contaminated"] + stage.Result.Split.Dropped["contaminated-ngrams"]
		}
	}
	for _, d := range r.Datasets {
		variants += d.Variants
	}
	balanced := report.Balanced(m)
	out := []string{dropped(balanced.Overlap.Total(), "because a later split has the same question") + ": a question that two splits share stays in the last of them."}
	if m.Recipe.Duplicates == recipe.DropDuplicates {
		out = append(out, dropped(balanced.Duplicates.Total(), "because their split has a row with the same question and answer")+".")
	} else {
		out = append(out, "Rows of one split that say the same were kept; the column “distinct” below counts them once.")
	}
	if m.Recipe.NearDuplicates != nil {
		out = append(out, dropped(balanced.NearDuplicates.Total(), "because a later split has nearly the same question")+".")
	} else {
		out = append(out, "Nearly equal questions of two splits were not looked for (spec.nearDuplicates).")
	}
	if m.Recipe.Decontaminate != nil {
		out = append(out, dropped(contaminated, "because a source to decontaminate against has the question, or overlaps it")+".")
	} else {
		out = append(out, "No benchmark was named to decontaminate against (spec.decontaminate).")
	}
	if m.Recipe.Compare != recipe.CompareBytes {
		out = append(out, fmt.Sprintf("Questions were compared as normalized by %s: %s of another row, written in another way.", m.Recipe.Compare, rowsHave(variants)))
	}
	return out
}

func dropped(n int64, why string) string {
	if n == 1 {
		return "1 row was dropped " + why
	}
	return report.Thousands(n) + " rows were dropped " + why
}

func rowsHave(n int64) string {
	if n == 1 {
		return "1 row has the question"
	}
	return report.Thousands(n) + " rows have the question"
}
