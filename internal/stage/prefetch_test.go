package stage

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/datasetmix/datasetmix/internal/decode"
	"github.com/datasetmix/datasetmix/internal/dedup"
	"github.com/datasetmix/datasetmix/internal/mapping"
	"github.com/datasetmix/datasetmix/internal/recipe"
	"github.com/datasetmix/datasetmix/internal/testing/recipes"
	"github.com/datasetmix/datasetmix/internal/testing/volume"
)

// lentRows returns rows of many chunks: such that are kept, that are left out for each reason, and that are bad.
func lentRows() string {
	var text strings.Builder
	for i := range 30_000 {
		switch i % 10 {
		case 0:
			fmt.Fprintf(&text, `{"q":"Is it \"%d\"?","a":" ","t":"none"}`+"\n", i)
		case 1:
			fmt.Fprintf(&text, `{"q":"%d","a":{"n":%[1]d},"t":["an answer is no text"]}`+"\n", i)
		case 2:
			fmt.Fprintf(&text, `{"q":"probed","a":"%d","t":"t"}`+"\n", i)
		case 3:
			fmt.Fprintf(&text, `{"q":"skip","a":"%d","q":"twice"}`+"\n", i)
		case 4:
			fmt.Fprintf(&text, `{"q":"skip","a":"%d","t":"t"}`+"\n", i)
		default:
			fmt.Fprintf(&text, `{"q":"What is %d plus one, and a word more?","a":"%d","t":{"é\n":["x",%d]},"kept %[2]d":"%[1]d"}`+"\n", i, i%9, i)
		}
	}
	return text.String()
}

// TestNothingOfARowIsLeft maps rows whose memory is used again for others once their batch was taken. All that is made of them is looked at
// when the file is read, and is what is made of rows that keep their memory.
func TestNothingOfARowIsLeft(t *testing.T) {
	text := lentRows()
	file := decode.File{Name: "rows.jsonl", Data: strings.NewReader(text), Size: int64(len(text))}
	probes, err := dedup.NewProbes(recipe.WordsV1, &recipe.NGrams{N: 3, Percent: 50})
	if err != nil {
		t.Fatal(err)
	}
	probes.Add(0, "Probed!")
	for _, r := range []recipe.Record{
		{Question: `row.q`, ReferenceAnswer: `row.a`, AnswerType: "text", Where: `row.q != "skip"`, GroupBy: `row.a`, Keep: []string{"*"}},
		{Question: `"Q: " + row.q`, ReferenceAnswer: `row.a == " " ? fail("no answer to " + row.q) : row.a`, AnswerType: "text", Metadata: []recipe.Metadata{{Name: "t", Value: `row.?t`}}, KeepAsText: []string{"t"}},
	} {
		r.Rule = recipe.RecordRule
		compiled, err := mapping.Compile(r)
		if err != nil {
			t.Fatal(err)
		}
		divider, err := newDivider(volume.Folder(t), recipes.Two())
		if err != nil {
			t.Fatal(err)
		}
		defer divider.close()
		newSplitter := func() *splitter {
			return &splitter{dataset: recipe.Dataset{Name: "sums"}, domain: recipe.Domain{Name: "math"}, mapping: compiled, divider: divider, keeps: newKeeps(r), probes: &contaminants{[]string{"quiz"}, probes}}
		}
		var want, got []string
		slow, fast := newSplitter(), newSplitter()
		m, number := slow.newMapper(), int64(0)
		for row, err := range decode.Rows(t.Context(), file, compiled.Fields()) {
			if number++; err != nil {
				want = append(want, err.Error())
				continue
			}
			as, line := m.row(number-1, row, nil)
			want = append(want, outcome(as, line))
		}
		var taken []mapped
		var lines [][]byte
		for b := range ahead(t.Context(), file, compiled.Fields(), 0, fast.newMapper) {
			begin := 0
			for _, as := range b.mapped {
				taken, lines = append(taken, as), append(lines, append([]byte(nil), b.lines[begin:as.end]...))
				begin = as.end
			}
			if b.err != nil {
				taken, lines = append(taken, mapped{err: b.err}), append(lines, nil)
			}
		}
		for i, as := range taken {
			got = append(got, outcome(as, lines[i]))
		}
		if diff := cmp.Diff(want, got); diff != "" || len(got) != 30_000 {
			t.Errorf("%d rows: %.2000s", len(got), diff)
		}
		if diff := cmp.Diff(members(t, slow), members(t, fast)); diff != "" {
			t.Error(diff)
		}
	}
}

// outcome returns all that was made of a row.
func outcome(as mapped, line []byte) string {
	if as.err != nil {
		return as.err.Error()
	}
	if as.leftOut != nil {
		return fmt.Sprint(*as.leftOut)
	}
	return fmt.Sprintf("%x %+v %s", as.at, as.head, line)
}

// members returns what was seen of the members of rows, by all mappers.
func members(t *testing.T, s *splitter) string {
	t.Helper()
	encoded, err := json.Marshal(s.seen())
	if err != nil {
		t.Fatal(err)
	}
	return string(encoded)
}
