package report

import (
	"bytes"
	_ "embed" // for the template
	"html/template"
)

//go:embed page.html.tmpl
var pageTemplate string

// bar is a bar for a domain's share of a split: its length is the achieved share, its mark the target, both in percent.
type bar struct {
	Name             string
	Rows             int64
	Target, Achieved string
}

// HTML returns the report.html of a revision with an older layout: one self-contained page without scripts, fonts or network, for light and dark mode and
// for paper. An error is the caller's mistake.
func HTML(r Revision) ([]byte, error) {
	if err := r.check(); err != nil {
		return nil, err
	}
	t, err := template.New("page").Funcs(Functions()).Parse(pageTemplate)
	if err != nil {
		return nil, err
	}
	var out bytes.Buffer
	err = t.Execute(&out, struct {
		*Revision
		Bars [][]bar
	}{&r, bars(&r)})
	return out.Bytes(), err
}

// bars returns the bars of each split, in the order of the splits.
func bars(r *Revision) [][]bar {
	bars := make([][]bar, len(r.Splits))
	whole := sum(r.domainShares())
	for i := range r.Splits {
		for j, d := range r.Domains {
			bars[i] = append(bars[i], bar{d.Name, d.Rows[i], Percentage(d.Share, whole), r.Achieved(j, i)})
		}
	}
	return bars
}
