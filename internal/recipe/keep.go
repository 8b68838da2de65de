package recipe

import (
	"cmp"
	"slices"
)

// KeepWhole, as a name in Keep or KeepAsText, is the whole row of the source, which is published as the member WholeMember.
const (
	KeepWhole   = "*"
	WholeMember = "row"
)

// OwnMembers are the members that every row has, in their order. No member that is kept has one of their names.
var OwnMembers = []string{"id", "dataset", "domain", "question", "reference_answer", "answer_type", "metadata"}

// KeptMember is a member of the source's row that is published behind those of every row.
type KeptMember struct {
	// Name in the published row, and in the source's, unless the member is the whole row.
	Name string
	// Whole reports that the member is the whole row of the source.
	Whole bool
	// Text reports that the member is published as a text.
	Text bool
	// Asked reports that the manifest names the member, so that a data set without it is a mistake. A preset keeps the members that are there.
	Asked bool
}

// Kept lists the members that a record keeps, the preset's as well, sorted by name: the order in which they are published.
func (r Record) Kept() []KeptMember {
	resolved := r.Resolved()
	var kept []KeptMember
	for _, name := range union(resolved.Keep, resolved.KeepAsText) {
		m := KeptMember{
			Name: name, Whole: name == KeepWhole, Text: slices.Contains(resolved.KeepAsText, name),
			Asked: slices.Contains(r.Keep, name) || slices.Contains(r.KeepAsText, name),
		}
		if m.Whole {
			m.Name = WholeMember
		}
		kept = append(kept, m)
	}
	slices.SortStableFunc(kept, func(a, b KeptMember) int { return cmp.Compare(a.Name, b.Name) })
	return kept
}

// KeptNames lists the names of the members that the records of any data set keep, sorted: the columns of a table of all rows.
func (r Recipe) KeptNames() []string {
	var names []string
	for _, domain := range r.Domains {
		for _, dataset := range domain.Datasets {
			for _, m := range dataset.Record.Kept() {
				names = append(names, m.Name)
			}
		}
	}
	return union(names, nil)
}
