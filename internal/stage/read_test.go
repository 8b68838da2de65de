package stage

import (
	"bytes"
	"encoding/json"
	"fmt"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/parquet-go/parquet-go"

	"github.com/datasetmix/datasetmix/internal/contract"
	"github.com/datasetmix/datasetmix/internal/pipeline"
	"github.com/datasetmix/datasetmix/internal/recipe"
	"github.com/datasetmix/datasetmix/internal/revision"
	"github.com/datasetmix/datasetmix/internal/testing/recipes"
)

// divided builds a recipe and gives the result of one data set's split.
func (w *world) divided(r recipe.Recipe, dataset string) pipeline.SplitResult {
	w.t.Helper()
	graph, results := w.results(r)
	step, _ := graph.Step(pipeline.StageSplit)
	for _, unit := range step.Nodes {
		if unit.Name == dataset {
			return *results[unit.Key].Split
		}
	}
	w.t.Fatalf("there is no data set %s", dataset)
	return pipeline.SplitResult{}
}

// splitFolder returns the folder of a data set's split in a recipe's build.
func (w *world) splitFolder(r recipe.Recipe, dataset string) string {
	w.t.Helper()
	graph := w.build(r)
	step, _ := graph.Step(pipeline.StageSplit)
	for _, unit := range step.Nodes {
		if unit.Name == dataset {
			return filepath.Join(w.worker.Volume, "mix", ".stages", string(pipeline.StageSplit), unit.Key)
		}
	}
	w.t.Fatalf("there is no data set %s", dataset)
	return ""
}

// badRows are a bad row of every kind that JSON Lines and the preset gsm8k know, each with the reason that it is counted under.
var badRows = []struct{ row, reason, message string }{
	{`{"question":"half`, "malformed", "the JSON ends before it is complete"},
	{`{"question":"a","question":"b","answer":"#### 1"}`, "duplicate-name", "question"},
	{"{\"question\":\"a\xff\",\"answer\":\"#### 1\"}", "invalid-utf8", "UTF-8"},
	{`{"question":"no answer"}`, "missing-field", `"answer"`},
	{`["a list"]`, "wrong-shape", "object"},
	{`{"question":"q","answer":"none"}`, "unmappable", "####"},
	{`{"question":"","answer":"#### 1"}`, "unmappable", "the question is empty"},
}

// withBadRows returns 120 good rows, and each of the bad ones after ten of them; bad gives the index of each by its number.
func withBadRows() (content string, bad map[int]int) {
	var out strings.Builder
	bad = map[int]int{}
	number := 0
	for i, line := range strings.SplitAfter(recipes.Sums("What is the sum of", 120), "\n")[:120] {
		out.WriteString(line)
		number++
		if k := i / 10; i%10 == 9 && k < len(badRows) {
			out.WriteString(badRows[k].row + "\n")
			bad[number] = k
			number++
		}
	}
	return out.String(), bad
}

// tells reports whether a listed row of a file of one row per line has a reason, its place, and a part of the message.
func tells(row revision.DroppedSourceRow, reason, message string) bool {
	return row.File == 1 && row.Reason == reason && row.Place == fmt.Sprintf("line %d", row.Row+1) && strings.Contains(row.Message, message)
}

func TestBadRowsAreSkippedAndCounted(t *testing.T) {
	w := filled(t)
	content, bad := withBadRows()
	want := map[string]int64{} // by reason
	for _, row := range badRows {
		want[row.reason]++
	}
	w.put("sums.jsonl", content)
	divided := w.divided(recipes.Skipping(0), "sums")
	if diff := cmp.Diff(want, divided.Dropped); diff != "" || divided.Read != int64(120+len(badRows)) {
		t.Errorf("read %d, dropped (-want +got):\n%s", divided.Read, diff)
	}
	if len(divided.Bad) != len(badRows) || !strings.HasPrefix(divided.Bad[0], "file 1, line 11: the JSON ends") {
		t.Errorf("named are %q", divided.Bad)
	}
	ids := map[string]bool{}
	for _, row := range w.records("raw/math/sums.jsonl") {
		ids[row.ID] = true
	}
	listed := w.leftOut("math", "sums")
	for _, row := range listed {
		if k, known := bad[int(row.Row)]; !known || !tells(row, badRows[k].reason, badRows[k].message) {
			t.Errorf("listed is %+v", row)
		}
		if ids[fmt.Sprintf("sums_%d", row.Row)] {
			t.Errorf("row %d is listed and kept", row.Row)
		}
	}
	if len(listed) != len(badRows) || len(ids) != 120 {
		t.Errorf("%d rows are listed, %d kept", len(listed), len(ids))
	}
	w.fails(recipes.Two(), contract.InvalidData, "data set sums", "line 11") // Fail is the default
}

func TestTooManyBadRowsFail(t *testing.T) {
	w := filled(t)
	good := recipes.Sums("What is the sum of", 120)
	w.put("sums.jsonl", good+"{\n{\n{\n"+recipes.Sums("And of", 5))
	if divided := w.divided(recipes.Skipping(3), "sums"); divided.Dropped["malformed"] != 3 || divided.Read != 128 {
		t.Errorf("read %d, dropped %v", divided.Read, divided.Dropped)
	}
	w.fails(recipes.Skipping(2), contract.InvalidData, "data set sums", "3 of the first 123 rows are bad", "maxBadRows is 2", "sums.jsonl, line 121: the JSON ends", "raise maxBadRows")
	w.put("all.jsonl", "{\n{\n")
	r := recipes.Skipping(0)
	r.Domains[0].Datasets[0].Source.Volume.Path = "all.jsonl"
	w.fails(r, contract.InvalidData, "none of the 2 rows is kept: 2 malformed; the first bad row is file 1, line 1")
}

// What says that the file itself is broken fails, whatever becomes of bad rows.
func TestSkippingDoesNotHideABrokenFile(t *testing.T) {
	good := recipes.Sums("What is the sum of", 120)
	packed := gzipped(t, good)
	for what, c := range map[string]struct{ content, part string }{
		"a truncated gzip":    {packed[:len(packed)-9], "gzip"},
		"half a Parquet file": {"PAR1" + strings.Repeat("x", 100), "Parquet"},
		"an empty file":       {"", "no file of the source has a row"},
		"a cut last line":     {good + `{"question":"half`, "line 121"},
		"a broken array":      {`[{"question":"a","answer":"#### 1"},{]`, "element"},
	} {
		t.Run(what, func(t *testing.T) {
			w := filled(t)
			w.put("sums.jsonl", c.content)
			w.fails(recipes.Skipping(0), contract.InvalidData, "data set sums", "sums.jsonl", c.part)
		})
	}
}

// Numbers go on over bad rows and over files; the first few bad rows are named, in an encoding that has room in a result.
func TestBadRowsOfSeveralFiles(t *testing.T) {
	w := filled(t)
	w.put("parts/1.jsonl", recipes.Sums("What is the sum of", 60)+strings.Repeat("{\n", 5))
	w.put("parts/2.jsonl", strings.Repeat(`{"question":"字字字字"}`+"\n", 9)+recipes.Sums("And what is the sum of", 60))
	r := recipes.Skipping(0)
	r.Domains[0].Datasets[0].Source.Volume.Path = "parts"
	divided := w.divided(r, "sums")
	if diff := cmp.Diff(map[string]int64{"malformed": 5, "missing-field": 9}, divided.Dropped); diff != "" || divided.Read != 134 {
		t.Errorf("read %d, dropped (-want +got):\n%s", divided.Read, diff)
	}
	if len(divided.Bad) != namedRows || !strings.HasPrefix(divided.Bad[7], "file 2, line 3: ") {
		t.Errorf("named are %q", divided.Bad)
	}
	rows := w.records("raw/math/sums.jsonl")
	if last := rows[len(rows)-1]; last.ID != "sums_133" || len(rows) != 120 {
		t.Errorf("%d rows, the last is %s", len(rows), last.ID)
	}
}

func TestNamesOfBadRowsFitIntoAResult(t *testing.T) {
	for _, text := range []string{"a", "字", "\x01", "<"} {
		l := leftOut{room: namedBytes}
		for i := range 20 {
			l.name(revision.DroppedSourceRow{File: i, Place: "line 1", Message: strings.Repeat(text, 1000)})
		}
		encoded, err := json.Marshal(l.named)
		if err != nil || len(encoded) > namedBytes+20 || len(l.named) < 1 || len(l.named) > namedRows {
			t.Errorf("%q: %d names in %d bytes, %v", text, len(l.named), len(encoded), err)
		}
		for _, name := range l.named {
			if len([]rune(name)) > namedChars {
				t.Errorf("%q: %d characters", text, len([]rune(name)))
			}
		}
	}
}

// A path leads to the rows inside a document.
func TestRowsInsideADocument(t *testing.T) {
	w := filled(t)
	rows := strings.Split(strings.TrimSpace(recipes.Sums("What is the sum of", 120)), "\n")
	w.put("sums.json", `{"meta":{"version":1},"data":{"notes":[],"rows":[`+strings.Join(rows, ",\n")+`]}}`)
	r := recipes.Two()
	sums := &r.Domains[0].Datasets[0]
	sums.Source.Volume.Path, sums.Read.Path = "sums.json", "data.rows"
	w.build(r)
	document := w.digest("mix/current/mixed/train_mixed.jsonl")
	w.build(recipes.Two())
	if got := w.digest("mix/current/mixed/train_mixed.jsonl"); got != document {
		t.Error("the rows of a document are not those of JSON Lines")
	}
	sums.Read.Path = "data.nothing"
	w.fails(r, contract.InvalidData, "data set sums", "sums.json", "nothing")
	sums.Read.Path = ""
	w.fails(r, contract.InvalidData, "data set sums", "sums.json", "data.rows")
}

// answerRows are rows of one question each, whose answers are a number, or none in one way or another. In a table there is nothing
// but text, so absent and null are empty there.
var answerRows = []struct{ answer, class, inTable string }{
	{`"1"`, "", ""}, {`""`, "no-answer", "no-answer"}, {`" \t "`, "no-answer", "no-answer"}, {`null`, "missing-field", "no-answer"}, {``, "missing-field", "no-answer"},
	{`"n/a"`, "not-a-number", "not-a-number"}, {`"2 apples"`, "not-a-number", "not-a-number"}, {`"1,234"`, "", ""}, {`"-0.5"`, "", ""},
}

// answersIn writes answerRows in a format.
func answersIn(t *testing.T, format string) string {
	t.Helper()
	var lines, cells []string
	type row struct {
		Q string
		A *string `parquet:",optional"`
	}
	var table []row
	for i, r := range answerRows {
		q := fmt.Sprintf("How many are %d?", i)
		line := fmt.Sprintf(`{"Q":%q,"A":%s}`, q, r.answer)
		if r.answer == "" {
			line = fmt.Sprintf(`{"Q":%q}`, q)
		}
		var a *string
		if err := json.Unmarshal([]byte(line), &struct{ A **string }{&a}); err != nil {
			t.Fatal(err)
		}
		cell := ""
		if a != nil {
			cell = *a
		}
		lines, cells, table = append(lines, line), append(cells, q+`,"`+cell+`"`), append(table, row{q, a})
	}
	switch format {
	case "JSON Lines":
		return strings.Join(lines, "\n") + "\n"
	case "a JSON array":
		return "[" + strings.Join(lines, ",\n") + "]"
	case "CSV":
		return "Q,A\n" + strings.Join(cells, "\n") + "\n"
	}
	var out bytes.Buffer
	if err := parquet.Write(&out, table); err != nil {
		t.Fatal(err)
	}
	return out.String()
}

// TestAnswersOfEveryFormat: no row without an answer, and no number that is none, is kept without a word of the record.
func TestAnswersOfEveryFormat(t *testing.T) {
	for _, format := range []string{"JSON Lines", "a JSON array", "CSV", "Parquet"} {
		t.Run(format, func(t *testing.T) {
			w := filled(t)
			w.put("sums.jsonl", answersIn(t, format))
			r := recipes.Skipping(0)
			r.Splits = r.Splits[:1]
			rows := func(change func(*recipe.Record)) pipeline.SplitResult {
				r.Domains[0].Datasets[0].Record = recipe.Record{Question: `row.Q`, ReferenceAnswer: `row.A`, AnswerType: "numeric", Rule: recipe.RecordRule}
				change(&r.Domains[0].Datasets[0].Record)
				return w.divided(r, "sums")
			}
			want := map[string]int64{}
			for _, row := range answerRows {
				class := row.class
				if format == "CSV" {
					class = row.inTable
				}
				if class != "" {
					want[class]++
				}
			}
			if diff := cmp.Diff(want, rows(func(*recipe.Record) {}).Dropped); diff != "" {
				t.Errorf("numbers (-want +got):\n%s", diff)
			}
			for _, row := range w.leftOut("math", "sums") {
				if row.Place == "" || row.Message == "" {
					t.Errorf("a row is left out without its place or without a message: %+v", row)
				}
			}
			if diff := cmp.Diff(map[string]int64{"not-a-number": 2}, rows(func(r *recipe.Record) { r.Answers = recipe.OptionalAnswers }).Dropped); diff != "" {
				t.Errorf("numbers that may be absent (-want +got):\n%s", diff)
			}
			if got := rows(func(r *recipe.Record) { r.Answers, r.AnswerType = recipe.OptionalAnswers, "text" }); got.Rows[0] != int64(len(answerRows)) {
				t.Errorf("texts that may be absent: %+v", got)
			}
			if got := rows(func(r *recipe.Record) { r.ReferenceAnswer = `""` }); got.Rows[0] != int64(len(answerRows)) {
				t.Errorf("rows that have none by nature: %+v", got)
			}
			r.Domains[0].Datasets[0].Read = recipe.Read{}
			r.Domains[0].Datasets[0].Record = recipe.Record{Question: `row.Q`, ReferenceAnswer: `row.A`, AnswerType: "text", Rule: recipe.RecordRule}
			w.fails(r, contract.InvalidData, "data set sums", "there is no reference answer: the field \"A\" is empty")
		})
	}
}

// TestARowOfAnotherType: one row with another type than the rows before it is named as one among good ones.
func TestARowOfAnotherType(t *testing.T) {
	const good = `{"q":"%d?","a":"1","m":[{"content":"c"}]}` + "\n"
	for _, c := range []struct{ name, odd, want string }{
		{"a number for a text", `{"q":5,"a":"1","m":[]}`, `the field "q" is a number and must be a string`},
		{"a list for a text", `{"q":"x?","a":["1"],"m":[]}`, `the field "a" is a list and must be a string or a number`},
		{"a text for a list", `{"q":"x?","a":"1","m":"text"}`, `m.first()`},
		{"null", `{"q":"x?","a":"1","m":null}`, `the field "m" is null`},
		{"another field", `{"q":"x?","a":"1","text":"c"}`, `this row has no field "m", which the first row has`},
	} {
		t.Run(c.name, func(t *testing.T) {
			for _, before := range []int{0, 1, 120} {
				w := filled(t)
				var rows strings.Builder
				for i := range before {
					fmt.Fprintf(&rows, good, i)
				}
				w.put("sums.jsonl", rows.String()+c.odd+"\n")
				r := recipes.Two()
				r.Domains[0].Datasets[0].Record = recipe.Record{Question: `row.q`, ReferenceAnswer: `row.a`, AnswerType: "text", Metadata: []recipe.Metadata{{Name: "m", Value: `row.m.first()`}}}
				want := []string{"sums.jsonl, line " + strconv.Itoa(before+1), c.want}
				switch {
				case before == 1:
					want = append(want, "; the row before it is good")
				case before > 1:
					want = append(want, fmt.Sprintf("; the %d rows before it are good", before))
				case c.name == "another field":
					want[1] = `there is no field "m"`
				}
				w.fails(r, contract.InvalidData, want...)
			}
		})
	}
}

// A shard may have no rows, of any format; a source none of whose files has one is refused with their names.
func TestShardsWithoutRows(t *testing.T) {
	w := filled(t)
	w.put("parts/0.jsonl", "")
	w.put("parts/1.jsonl", recipes.Sums("What is the sum of", 120))
	w.put("parts/2.csv", "question,answer\n")
	w.put("parts/3.json", "[]")
	w.put("parts/4.jsonl.gz", gzipped(t, ""))
	w.put("parts/_SUCCESS", "")
	r := recipes.Skipping(0)
	r.Domains[0].Datasets[0].Source.Volume.Path = "parts"
	if divided := w.divided(r, "sums"); divided.Read != 120 || len(divided.Dropped) != 0 {
		t.Errorf("read %d, dropped %v", divided.Read, divided.Dropped)
	}
	for i := range 10 {
		w.put(fmt.Sprintf("none/%d.jsonl", i), "\n")
	}
	r.Domains[0].Datasets[0].Source.Volume.Path = "none"
	w.fails(r, contract.InvalidData, "data set sums", "no file of the source has a row", "none/0.jsonl, none/1.jsonl", "2 more")
}

// More rows than are expected end the reading where they are, and not after the last one.
func TestMoreRowsThanExpected(t *testing.T) {
	w := filled(t)
	w.put("sums.jsonl", recipes.Sums("What is the sum of", 120)+"{\n")
	r := recipes.Skipping(1)
	r.Domains[0].Datasets[0].Read = recipe.Read{}
	r.Domains[0].Datasets[0].Source.Expect = &recipe.Expect{Rows: 100}
	w.fails(r, contract.SourceDrifted, "100 was expected, and at least 101 was found")
}

// How a table is written reaches what reads it.
func TestTablesAsTheyAreSaid(t *testing.T) {
	w := filled(t)
	var text strings.Builder
	for i := range 100 {
		fmt.Fprintf(&text, "\"What is %d\" plus one?|#### %d\n", i, i+1)
	}
	w.put("sums.txt", text.String())
	r := recipes.Skipping(0)
	r.Domains[0].Datasets[0].Source.Volume.Path = "sums.txt"
	w.fails(r, contract.InvalidData, "sums.txt", "set read.table if it is a table")
	for _, quote := range []recipe.Quote{recipe.NoQuote, recipe.DoubleQuote} {
		r.Domains[0].Datasets[0].Read.Table = &recipe.Table{Delimiter: "|", Quote: quote, Columns: []string{"question", "answer"}}
		if quote == recipe.DoubleQuote {
			w.fails(r, contract.InvalidData, "none of the 100 rows is kept: 100 malformed")
		} else if divided := w.divided(r, "sums"); divided.Read != 100 || len(divided.Dropped) != 0 {
			t.Errorf("read %d, dropped %v", divided.Read, divided.Dropped)
		}
	}
}
