package page

import (
	"encoding/json"
	"html/template"
	"strconv"

	"github.com/datasetmix/datasetmix/internal/contract"
	"github.com/datasetmix/datasetmix/internal/report"
	"github.com/datasetmix/datasetmix/internal/report/picture"
	"github.com/datasetmix/datasetmix/internal/statistics"
)

// lengthsOf has the histograms of a data set over all splits: of the lengths of its questions and of its reference answers.
type lengthsOf struct {
	Dataset          string
	Question, Answer template.HTML
	// bins are the numbers of the two histograms.
	bins [2][]int64
}

// measureTable has the statistics of the data sets' rows in one split.
type measureTable struct {
	Split  string
	Tokens bool
	Rows   []measureRow
}

type measureRow struct {
	Dataset      string
	Rows, Unique int64
	Question     measure
	Answer       measure
	Empty        int64
	Bytes        string
	Tokens       string
	Types        string
}

// measure is the statistics of a column.
type measure struct{ Min, Median, Mean, Max string }

func lengths(s statistics.File, r *report.Revision) ([]lengthsOf, []measureTable) {
	bins := map[string]*[2][]int64{}
	tables := make([]measureTable, len(r.Splits))
	parts := map[[2]string]statistics.Part{}
	for _, part := range s.Parts {
		parts[[2]string{part.Split, part.Dataset}] = part
		if bins[part.Dataset] == nil {
			bins[part.Dataset] = &[2][]int64{}
		}
		for i, column := range []string{"question", "reference_answer"} {
			numbers, _ := part.Numbers(column)
			bins[part.Dataset][i] = added(bins[part.Dataset][i], numbers.Powers)
		}
	}
	for i, split := range r.Splits {
		tables[i].Split = split.Name
		for _, d := range r.Datasets {
			row, tokens := measured(parts[[2]string{split.Name, d.Name}])
			row.Dataset = d.Name
			tables[i].Rows, tables[i].Tokens = append(tables[i].Rows, row), tables[i].Tokens || tokens
		}
	}
	var pictures []lengthsOf
	for _, d := range r.Datasets {
		of := lengthsOf{Dataset: d.Name}
		if b := bins[d.Name]; b != nil {
			of.Question = picture.Histogram{Title: "Histogram of questions", Bins: b[0]}.SVG()
			of.Answer = picture.Histogram{Title: "Histogram of answers", Bins: b[1]}.SVG()
			of.bins = *b
		}
		pictures = append(pictures, of)
	}
	return pictures, tables
}

func added(to, more []int64) []int64 {
	for len(to) < len(more) {
		to = append(to, 0)
	}
	for i, n := range more {
		to[i] += n
	}
	return to
}

func measured(part statistics.Part) (row measureRow, tokens bool) {
	question, _ := part.Numbers("question")
	answer, _ := part.Numbers("reference_answer")
	bytes, _ := part.Numbers("bytes")
	row = measureRow{Rows: part.Rows, Unique: part.Unique, Question: measureOf(question), Answer: measureOf(answer), Bytes: grouped(bytes.Sum)}
	if answer.Empty != nil {
		row.Empty = *answer.Empty
	}
	if counted, ok := part.Numbers("tokens"); ok {
		row.Tokens, tokens = grouped(counted.Sum), true
	}
	row.Types = part.Labels()
	return row, tokens
}

func measureOf(n statistics.Numbers) measure {
	if n.Min == nil {
		return measure{"–", "–", "–", "–"}
	}
	return measure{report.Thousands(*n.Min), oneDecimal(n.Median), oneDecimal(n.Mean), report.Thousands(*n.Max)}
}

// oneDecimal returns a number with grouped thousands and one decimal, which is left out if it is 0.
func oneDecimal(n *json.Number) string {
	value, err := n.Float64()
	if err != nil {
		return n.String()
	}
	text := strconv.FormatFloat(value, 'f', 1, 64)
	whole, decimal := text[:len(text)-2], text[len(text)-2:]
	number, err := strconv.ParseInt(whole, 10, 64)
	if err != nil {
		return text
	}
	if decimal == ".0" {
		decimal = ""
	}
	return report.Thousands(number) + decimal
}

func grouped(n json.Number) string {
	value, err := n.Int64()
	if err != nil {
		return n.String()
	}
	return report.Thousands(value)
}

// samplesOf has a few rows of a data set.
type samplesOf struct {
	Dataset, Split string
	Rows           []statistics.Sample
}

// samplesBudget is the number of bytes that all samples together may have as HTML, so that a page of many data sets stays small.
const samplesBudget = 90 << 10

func samples(s statistics.File, r *report.Revision) []samplesOf {
	room := samplesBudget / len(r.Datasets)
	var all []samplesOf
	for _, d := range r.Datasets {
		for _, part := range s.Parts {
			if part.Dataset == d.Name && part.Split == r.Splits[0].Name {
				all = append(all, samplesOf{d.Name, part.Split, fitting(part.First, room)})
			}
		}
	}
	return all
}

// fitting returns the first rows whose HTML fits into a number of bytes. The first row is cut if it does not fit.
func fitting(rows []statistics.Sample, room int) []statistics.Sample {
	var out []statistics.Sample
	for i, row := range rows {
		row.Question, row.Answer = contract.CleanLines(row.Question), contract.CleanLines(row.Answer)
		const around = 200 // bytes of HTML about a row
		size := around + len(template.HTMLEscapeString(row.Question)) + len(template.HTMLEscapeString(row.Answer))
		if size > room && i > 0 {
			break
		}
		if size > room {
			row.Question, row.Answer = statistics.Cut(row.Question, (room-around)/8), statistics.Cut(row.Answer, (room-around)/16)
		}
		room -= size
		out = append(out, row)
	}
	return out
}

// powerRow has the numbers of a histogram, for a table.
type powerRow struct {
	Dataset, Text string
	Rows          []int64
}

// powersOf returns the names of the bins, and the numbers of all histograms.
func powersOf(pictures []lengthsOf) (bins []string, rows []powerRow) {
	for _, of := range pictures {
		for i, text := range []string{"question", "answer"} {
			rows = append(rows, powerRow{of.Dataset, text, of.bins[i]})
			for len(bins) < len(of.bins[i]) {
				bins = append(bins, picture.BinName(len(bins)))
			}
		}
	}
	return bins, rows
}
