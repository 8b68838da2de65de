package page

import (
	"cmp"
	"fmt"
	"html/template"
	"slices"

	"github.com/datasetmix/datasetmix/internal/report"
	"github.com/datasetmix/datasetmix/internal/report/picture"
	"github.com/datasetmix/datasetmix/internal/revision"
)

// flow has the numbers of a data set's rows on their way from the source to the mix.
type flow struct {
	name          string
	read, leftOut int64
	splits        []splitFlow
}

// splitFlow is the part of a flow in one split.
type splitFlow struct {
	// rows is the number of rows after the split stage, dropped the number that the balance stage dropped.
	rows, dropped int64
	// unique is the number of distinct rows in the mix, mixed the number with repeats.
	unique, mixed int64
	maxRepeats    int64
}

func (s splitFlow) unused() int64 { return s.rows - s.dropped - s.unique }

func (s splitFlow) repeats() int64 { return s.mixed - s.unique }

// flows has the flows of all data sets.
type flows struct {
	splits []string
	of     []flow
}

func flowsOf(m revision.Manifest, r *report.Revision) flows {
	f := flows{}
	for _, s := range r.Splits {
		f.splits = append(f.splits, s.Name)
	}
	balanced, names, results := report.Balanced(m), m.Recipe.DatasetNames(), m.Results()
	for _, d := range r.Datasets {
		of := flow{name: d.Name, read: d.Read, leftOut: results.Split(d.Name).DroppedRows()}
		for s, counts := range d.Splits {
			dropped := balanced.Dropped(s, slices.Index(names, d.Name))
			of.splits = append(of.splits, splitFlow{counts.Rows + dropped, dropped, counts.Unique, counts.Mixed, counts.MaxRepeats})
		}
		f.of = append(f.of, of)
	}
	return f
}

// shownFlows is the number of nodes for data sets in the picture. Its tables have all data sets.
const shownFlows = 12

// grouped returns the flows of the largest data sets, and one flow for all others.
func (f flows) grouped() []flow {
	if len(f.of) <= shownFlows {
		return f.of
	}
	sorted := slices.Clone(f.of)
	slices.SortStableFunc(sorted, func(a, b flow) int { return cmp.Compare(b.read, a.read) })
	rest := flow{name: fmt.Sprintf("%d others", len(sorted)-shownFlows+1), splits: make([]splitFlow, len(f.splits))}
	for _, of := range sorted[shownFlows-1:] {
		rest.read, rest.leftOut = rest.read+of.read, rest.leftOut+of.leftOut
		for s, split := range of.splits {
			rest.splits[s].rows += split.rows
		}
	}
	return append(sorted[:shownFlows-1:shownFlows-1], rest)
}

// Columns of the picture.
const (
	sourceColumn = iota
	splitColumn
	useColumn
	mixColumn
)

// picture draws the flow of all rows.
func (f flows) picture() template.HTML {
	drawn := picture.Flow{ID: "flow", Title: "Where the rows went", Heads: []string{"data sets", "splits", "used or not", "mix"}, Columns: make([][]picture.Node, 4)}
	n := report.Thousands
	var leftOut int64
	for s, name := range f.splits {
		drawn.Columns[splitColumn] = append(drawn.Columns[splitColumn], picture.Node{Name: name, Kind: picture.Kept, Value: f.sum(s, func(of splitFlow) int64 { return of.rows })})
	}
	for i, of := range f.grouped() {
		drawn.Columns[sourceColumn] = append(drawn.Columns[sourceColumn], picture.Node{Name: short(of.name), Kind: picture.Kept, Value: of.read, Label: n(of.read)})
		for s, split := range of.splits {
			drawn.Links = append(drawn.Links, picture.Link{FromColumn: sourceColumn, From: i, ToColumn: splitColumn, To: s, Kind: picture.Kept, Value: split.rows,
				Title: fmt.Sprintf("%s to %s: %s rows", of.name, f.splits[s], n(split.rows))})
		}
		drawn.Links = append(drawn.Links, picture.Link{FromColumn: sourceColumn, From: i, ToColumn: splitColumn, To: len(f.splits), Kind: picture.Gone, Value: of.leftOut,
			Title: fmt.Sprintf("%s: %s rows in no split", of.name, n(of.leftOut))})
		leftOut += of.leftOut
	}
	if leftOut > 0 {
		drawn.Columns[splitColumn] = append(drawn.Columns[splitColumn], picture.Node{Name: "in no split", Kind: picture.Gone, Value: leftOut})
	}
	for i := range drawn.Columns[splitColumn] {
		drawn.Columns[splitColumn][i].Label = n(drawn.Columns[splitColumn][i].Value)
	}
	for s := range f.splits {
		f.uses(&drawn, s)
	}
	drawn.Description = fmt.Sprintf("%s rows of %d data sets go to %d splits; the tables below have the numbers.", n(f.read()), len(f.of), len(f.splits))
	return drawn.SVG()
}

// uses adds nodes and links for the uses of a split's rows.
func (f flows) uses(drawn *picture.Flow, split int) {
	name := f.splits[split]
	mix := len(drawn.Columns[mixColumn])
	mixed := f.sum(split, func(of splitFlow) int64 { return of.mixed })
	drawn.Columns[mixColumn] = append(drawn.Columns[mixColumn], picture.Node{Name: "mix " + name, Kind: picture.Kept, Value: mixed, Label: report.Thousands(mixed)})
	for _, use := range []struct {
		word  string
		kind  picture.Kind
		of    func(splitFlow) int64
		from  bool // there is a link from the split
		mixed bool // there is a link to the mix
	}{
		{"used", picture.Kept, func(of splitFlow) int64 { return of.unique }, true, true},
		{"repeats", picture.Again, splitFlow.repeats, false, true},
		{"not used", picture.Rest, splitFlow.unused, true, false},
		{"dropped", picture.Gone, func(of splitFlow) int64 { return of.dropped }, true, false},
	} {
		value := f.sum(split, use.of)
		if value == 0 {
			continue
		}
		at := len(drawn.Columns[useColumn])
		drawn.Columns[useColumn] = append(drawn.Columns[useColumn], picture.Node{Name: name + ": " + use.word, Kind: use.kind, Value: value, Label: report.Thousands(value)})
		title := fmt.Sprintf("%s, %s: %s rows", name, use.word, report.Thousands(value))
		if use.from {
			drawn.Links = append(drawn.Links, picture.Link{FromColumn: splitColumn, From: split, ToColumn: useColumn, To: at, Kind: use.kind, Value: value, Title: title})
		}
		if use.mixed {
			drawn.Links = append(drawn.Links, picture.Link{FromColumn: useColumn, From: at, ToColumn: mixColumn, To: mix, Kind: use.kind, Value: value, Title: title})
		}
	}
}

func (f flows) sum(split int, of func(splitFlow) int64) (n int64) {
	for _, d := range f.of {
		n += of(d.splits[split])
	}
	return n
}

func (f flows) read() (n int64) {
	for _, d := range f.of {
		n += d.read
	}
	return n
}

// short returns a name cut to the room next to a node.
func short(name string) string {
	const room = 20
	if len(name) <= room {
		return name
	}
	return name[:room-1] + "…"
}

// splitTable is the table of one split.
type splitTable struct {
	Split string
	Rows  []splitRow
	Sum   splitRow
}

type splitRow struct {
	Dataset                                         string
	Rows, Dropped, Unused, Unique, Mixed, MaxRepeat int64
	Epochs                                          string
	Bar                                             template.HTML
}

func (f flows) tables() []splitTable {
	var tables []splitTable
	for s, name := range f.splits {
		table := splitTable{Split: name}
		var most int64
		for _, of := range f.of {
			most = max(most, epochs(of.splits[s]))
		}
		for _, of := range f.of {
			split := of.splits[s]
			row := splitRow{of.name, split.rows, split.dropped, split.unused(), split.unique, split.mixed, split.maxRepeats, hundredths(epochs(split)), ""}
			row.Bar = picture.Bar{Value: epochs(split), Whole: most}.SVG()
			table.Rows = append(table.Rows, row)
			table.Sum.Rows, table.Sum.Dropped, table.Sum.Unused = table.Sum.Rows+row.Rows, table.Sum.Dropped+row.Dropped, table.Sum.Unused+row.Unused
			table.Sum.Unique, table.Sum.Mixed, table.Sum.MaxRepeat = table.Sum.Unique+row.Unique, table.Sum.Mixed+row.Mixed, max(table.Sum.MaxRepeat, row.MaxRepeat)
		}
		tables = append(tables, table)
	}
	return tables
}

// epochs returns the rows of the mix divided by the rows that were available to it, in hundredths, rounded down.
func epochs(s splitFlow) int64 {
	if s.rows == s.dropped {
		return 0
	}
	return s.mixed * 100 / (s.rows - s.dropped)
}

func hundredths(n int64) string { return fmt.Sprintf("%s.%02d", report.Thousands(n/100), n%100) }
