// Package look reads the first rows of a source in place, without a build. It finds the rows that a mix would publish, those that it would drop and why,
// the members of the rows, and the presets that fit them.
package look

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"strings"

	"github.com/datasetmix/datasetmix/internal/contract"
	"github.com/datasetmix/datasetmix/internal/decode"
	"github.com/datasetmix/datasetmix/internal/decode/decoded"
	"github.com/datasetmix/datasetmix/internal/mapping"
	"github.com/datasetmix/datasetmix/internal/recipe"
	"github.com/datasetmix/datasetmix/internal/source"
)

// Dataset is the result of looking at a data set.
type Dataset struct {
	Name   string `json:"name"`
	Domain string `json:"domain"`
	// Source is the source as text, Revision the commit that it was resolved to, License its license, and Files the number of its files.
	Source   string `json:"source"`
	Revision string `json:"revision,omitempty"`
	License  string `json:"license,omitempty"`
	Files    int    `json:"files"`
	// Read is the number of rows that were read; Whole reports whether these are all rows.
	Read  int64 `json:"read"`
	Whole bool  `json:"whole"`
	// Kept is the number of rows that would be in the mix; Dropped are the others, by reason.
	Kept    int64  `json:"kept"`
	Dropped []Drop `json:"dropped,omitempty"`
	// Rows are the first rows as they would be published.
	Rows []json.RawMessage `json:"rows,omitempty"`
	// Members are the members of the rows at the source, in the order of their first use.
	Members []string `json:"members,omitempty"`
	// Missing are the members that the record names and no row has.
	Missing []Missing `json:"missing,omitempty"`
	// Presets are the presets that fit the rows.
	Presets []string `json:"presets,omitempty"`
	// Problem is why no more rows could be read; empty if they could.
	Problem string `json:"problem,omitempty"`
}

// Drop is the number of rows that are dropped for a reason.
type Drop struct {
	Reason string `json:"reason"`
	Rows   int64  `json:"rows"`
	// Fails reports whether such a row fails a build: a bad row does, unless read.onBadRow is Skip.
	Fails bool `json:"fails,omitempty"`
	// First is the place of the first such row and what is wrong with it; empty for the reason where.
	First string `json:"first,omitempty"`
}

// Missing is a member that the record names and no row has.
type Missing struct {
	Name string `json:"name"`
	// Near is the member that was probably meant; empty if none is near.
	Near string `json:"near,omitempty"`
	// Optional reports whether the record does not require it.
	Optional bool `json:"optional,omitempty"`
}

// Limits has the limits of a look.
type Limits struct {
	// Rows is the number of rows to read; 0 means all.
	Rows int64
	// Show is the number of rows in the result.
	Show int
	// Near returns the name that a mistyped one was probably meant to be; empty if none is near.
	Near func(typed string, names []string) string
}

// namedRows is the number of rows that are read whole, for the names of their members and for presets.
const namedRows = 100

// Of reads the first rows of a data set. Bad rows are part of the result; it is an error if the source cannot be listed or opened, or if the record does
// not compile.
func Of(ctx context.Context, from source.Source, dataset recipe.Dataset, domain string, limits Limits) (Dataset, error) {
	seen := Dataset{Name: dataset.Name, Domain: domain, Source: dataset.Source.Request()}
	compiled, err := mapping.Compile(dataset.Record)
	if err != nil {
		return seen, contract.Within("data set "+dataset.Name, err)
	}
	listing, err := from.Resolve(ctx)
	if err != nil {
		return seen, contract.Within("data set "+dataset.Name, err)
	}
	seen.Revision, seen.License, seen.Files = listing.Revision, listing.License, len(listing.Files)
	m := mapped{Dataset: &seen, fails: dataset.Read.OnBadRow != recipe.SkipBadRow, show: limits.Show, writer: mapping.NewWriter(compiled, dataset.Name, domain)}
	r := rows{from: from, files: listing.Files, read: dataset.Read}
	seen.Whole, err = r.each(ctx, compiled.Fields(), limits.Rows, m.take)
	if err != nil && contract.ReasonOf(err) != contract.InvalidData {
		return seen, contract.Within("data set "+dataset.Name, err)
	} else if err != nil {
		seen.Problem = err.Error()
	}
	sample, err := r.sample(ctx, namedRows)
	if err != nil {
		return seen, contract.Within("data set "+dataset.Name, err)
	}
	seen.Members = sample.names()
	seen.Missing = missing(compiled.Fields(), seen.Members, limits.Near)
	seen.Presets, err = sample.presets(ctx)
	return seen, err
}

// Failure returns the error with which a build of these rows would end, nil if it would not.
func (d Dataset) Failure() error {
	fails := slices.IndexFunc(d.Dropped, func(drop Drop) bool { return drop.Fails })
	switch {
	case d.Problem != "":
		return contract.Failf(contract.InvalidData, "data set %s cannot be read, and a build would fail: %s", d.Name, d.Problem)
	case fails >= 0:
		return contract.Failf(contract.InvalidData, "data set %s has bad rows, and a build would fail; correct its record, or leave them out with read: {onBadRow: Skip}", d.Name)
	case d.Kept == 0:
		return contract.Failf(contract.InvalidData, "the record's where keeps none of the rows of data set %s that were read; check its expression", d.Name)
	default:
		return nil
	}
}

// mapped counts kept and dropped rows.
type mapped struct {
	*Dataset
	fails  bool
	show   int
	writer *mapping.Writer
}

// take counts a row, or the error of a bad row.
func (m *mapped) take(row decoded.Row, err error) {
	number := m.Read
	m.Read++
	var bad *decoded.BadRow
	if errors.As(err, &bad) {
		m.drop(string(bad.Class), err)
		return
	}
	_, line, err := m.writer.Row(nil, row, number)
	reason, where := mapping.IsDropped(err)
	switch {
	case where:
		m.drop(string(reason), nil)
	case err != nil:
		m.drop(string(mapping.ClassOf(err)), err)
	default:
		m.Kept++
		if len(m.Rows) < m.show {
			m.Rows = append(m.Rows, line)
		}
	}
}

func (m *mapped) drop(reason string, err error) {
	i := slices.IndexFunc(m.Dropped, func(d Drop) bool { return d.Reason == reason })
	if i < 0 {
		i = len(m.Dropped)
		drop := Drop{Reason: reason, Fails: m.fails && err != nil}
		if err != nil {
			drop.First = err.Error()
		}
		m.Dropped = append(m.Dropped, drop)
	}
	m.Dropped[i].Rows++
}

// missing returns the members that fields name and no row has; optional ones only if they look mistyped.
func missing(fields []decoded.Field, members []string, near func(string, []string) string) []Missing {
	var all []Missing
	for _, field := range fields {
		top, _, _ := strings.Cut(field.Name, ".")
		if field.Name == "" || len(members) == 0 || slices.Contains(members, field.Name) || slices.Contains(members, top) ||
			slices.ContainsFunc(all, func(m Missing) bool { return m.Name == field.Name }) {
			continue
		}
		found := Missing{Name: field.Name, Optional: field.Optional}
		if near != nil {
			found.Near = near(field.Name, members)
		}
		if !field.Optional || found.Near != "" {
			all = append(all, found)
		}
	}
	return all
}

// rows reads the rows of a source's files, in their order.
type rows struct {
	from  source.Source
	files []source.File
	read  recipe.Read
}

// errEnough ends the reading of a file.
var errEnough = errors.New("enough rows were read")

// each calls take with up to most rows of all files, 0 for all, bad rows with their error. It reports whether there are no more rows.
func (r rows) each(ctx context.Context, fields []decoded.Field, most int64, take func(decoded.Row, error)) (whole bool, err error) {
	left := most
	for _, file := range r.files {
		if err := r.eachOf(ctx, file, fields, &left, most > 0, take); errors.Is(err, errEnough) {
			return false, nil
		} else if err != nil {
			return false, err
		}
	}
	return true, nil
}

func (r rows) eachOf(ctx context.Context, file source.File, fields []decoded.Field, left *int64, bounded bool, take func(decoded.Row, error)) (err error) {
	f, err := open(ctx, r.from, file)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, f.close()) }()
	of := decode.As(r.read)
	of.Name, of.Data, of.Size = file.Path, f, f.size
	for row, err := range decode.Rows(ctx, of, fields) {
		if bounded && *left == 0 {
			return errEnough
		}
		var bad *decoded.BadRow
		if err != nil && !errors.As(err, &bad) {
			return err
		}
		*left--
		take(row, err)
	}
	return f.check()
}

// sample returns the first rows, whole. Bad rows are skipped, which mapped counts.
func (r rows) sample(ctx context.Context, most int64) (Sample, error) {
	var s Sample
	whole := []decoded.Field{{Raw: true}}
	_, err := r.each(ctx, whole, most, func(row decoded.Row, err error) {
		if err != nil {
			return
		}
		if text, ok := row.Values[0].(decoded.JSON); ok {
			s.lines = append(s.lines, string(text))
		}
	})
	if err != nil && contract.ReasonOf(err) != contract.InvalidData {
		return s, err
	}
	return s, nil
}
