package decoded

import (
	"errors"
	"io"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/datasetmix/datasetmix/internal/contract"
)

// TestNoFieldOffersASimilarName: a missing field is an error that lists the names, and offers the one that was probably meant.
func TestNoFieldOffersASimilarName(t *testing.T) {
	for _, c := range []struct {
		field string
		there []string
		want  string // the name that is offered; empty for none
	}{
		{"question", []string{`"Question"`, `"answer"`}, `"Question"`},
		{"entry_point", []string{`"entry-point"`}, `"entry-point"`},
		{"answer", []string{`"id"`, `"anwser"`}, `"anwser"`},
		{"answer", []string{`"answers"`, `"ANSWER"`}, `"ANSWER"`},
		{"answer", []string{`"context"`, `"title"`}, ""},
		{strings.Repeat("a", 70), []string{strings.Repeat("a", 71)}, ""},
		{"answer", nil, ""},
	} {
		text := NoField(c.field, c.there).Error()
		_, offered, _ := strings.Cut(text, "did you mean ")
		offered, _, _ = strings.Cut(offered, "?")
		if offered != c.want || !strings.Contains(text, Listed(c.there)) {
			t.Errorf("%q among %q: %s", c.field, c.there, text)
		}
	}
}

// TestBadRowsAreTold: an error of a row keeps its class, its place and its cause, however it is wrapped.
func TestBadRowsAreTold(t *testing.T) {
	cause := errors.New("cause")
	wrapped := contract.Failf(contract.InvalidData, "file: %w", Bad(TooLong, cause))
	var row *BadRow
	if !IsBad(wrapped) || !errors.As(wrapped, &row) || row.Class != TooLong || !errors.Is(wrapped, cause) {
		t.Errorf("%v: %+v", wrapped, row)
	}
	if IsBad(io.EOF) || IsBad(nil) {
		t.Error("the end of a file is no bad row")
	}
}

// TestBounded: the bounds are those of values and of bytes, and each is a row that is too long.
func TestBounded(t *testing.T) {
	for _, c := range []struct {
		values, size int
		bad          bool
	}{{0, 0, false}, {MaxValues, MaxKept, false}, {MaxValues + 1, 0, true}, {0, MaxKept + 1, true}} {
		err := Bounded(c.values, c.size)
		var row *BadRow
		if errors.As(err, &row) != c.bad || c.bad && row.Class != TooLong {
			t.Errorf("%d values, %d bytes: %v", c.values, c.size, err)
		}
	}
}

// TestNotFinite: a number that is not finite is null or makes the row bad.
func TestNotFinite(t *testing.T) {
	if v, err := NotFinite(NonFiniteNull); v != nil || err != nil {
		t.Errorf("%v, %v", v, err)
	}
	if _, err := NotFinite(NonFiniteBad); !IsBad(err) {
		t.Error(err)
	}
}

// TestPlaces: a place is in the words of its format, with the row group where the format has groups.
func TestPlaces(t *testing.T) {
	for want, row := range map[string]Row{
		"a.jsonl, line 3":                 {Place: Place{File: "a.jsonl", Format: "line %d", N: 3}},
		"a.json, article 2, question 5":   {Place: Place{File: "a.json", Format: "article %d, question %d", Group: 2, N: 5}},
		"a.parquet, row group 0, row 100": {Place: Place{File: "a.parquet", Format: "row group 0, row %d", N: 100}},
		"row 7":                           {Number: 7},
	} {
		if got := row.Where(); got != want {
			t.Errorf("%q, not %q", got, want)
		}
	}
	err := Row{Place: Place{File: "a.csv"}}.Failf("wrong: %w", io.ErrUnexpectedEOF)
	if contract.ReasonOf(err) != contract.InvalidData || !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Error(err)
	}
}

// TestAppendValue: every kind of value is written without spaces, and the names of an object in one order.
func TestAppendValue(t *testing.T) {
	v := map[string]any{"b": []any{nil, true, Number("-1.50e3"), "ü\n\""}, "a": map[string]any{}, "c\t": []any{}}
	if got, want := string(AppendValue(nil, v)), `{"a":{},"b":[null,true,-1.50e3,"ü\n\""],"c\t":[]}`; got != want {
		t.Errorf("%s\nwant %s", got, want)
	}
	bracketed := func(dst []byte, v any) []byte { return append(AppendValue(append(dst, '('), v), ')') }
	if got := string(AppendEach(nil, []any{"x", nil}, bracketed)); got != `[("x"),(null)]` {
		t.Error(got)
	}
	if got := string(AppendEach(nil, "x", bracketed)); got != `"x"` {
		t.Error(got)
	}
}

// TestFieldsOfNames: fields are requested by their names, in the given order.
func TestFieldsOfNames(t *testing.T) {
	want := []Field{{Name: "a"}, {Name: "b", Optional: true}, {Name: "c", Optional: true}}
	if diff := cmp.Diff(want, append(Required("a"), Optional("b", "c")...)); diff != "" {
		t.Error(diff)
	}
}
