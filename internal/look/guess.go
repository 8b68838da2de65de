package look

import (
	"context"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/datasetmix/datasetmix/internal/decode/decoded"
	"github.com/datasetmix/datasetmix/internal/mapping"
	"github.com/datasetmix/datasetmix/internal/recipe"
	"github.com/datasetmix/datasetmix/internal/record"
)

// Guess is a record that fits rows.
type Guess struct {
	// Preset is the name of a preset that fits, empty if none does; Others are further presets that fit.
	Preset string
	Others []string
	// Record has expressions, if no preset fits.
	Record recipe.Record
	// Question and Answer are the members that were chosen; Answer is empty if none looks like an answer.
	Question, Answer string
	// Sure reports whether the members were chosen by their names, not by their lengths.
	Sure bool
}

// Usual names of questions and answers, the likeliest first.
var (
	questionNames = []string{"question", "prompt", "instruction", "query", "problem", "input", "task", "user", "ask", "body", "text", "title", "source"}
	answerNames   = []string{"reference_answer", "answer", "final_answer", "response", "solution", "completion", "output", "reply", "target", "label", "assistant", "gold", "code", "result"}
)

// Guess returns a record for the rows: a preset, or expressions over the members that are most likely the question and the answer. It returns neither if
// no member can be a question.
func (s Sample) Guess(ctx context.Context) (Guess, error) {
	presets, err := s.presets(ctx)
	if err != nil || len(presets) > 0 && presets[0] != "text" {
		if err == nil {
			return Guess{Preset: presets[0], Others: presets[1:], Sure: true}, nil
		}
		return Guess{}, err
	}
	members := s.Members()
	question, named := s.pick(members, questionNames, "", func(m Member) bool { return m.Texts+m.Turns > 0 })
	if question == nil {
		return Guess{}, nil
	}
	answer, answered := s.pick(members, answerNames, question.Name, func(m Member) bool { return m.Texts+m.Numbers+m.Turns > 0 })
	if answer == nil && len(presets) > 0 {
		return Guess{Preset: presets[0], Others: presets[1:], Sure: true}, nil
	}
	g := Guess{Question: question.Name, Sure: named && answered, Record: recipe.Record{Rule: recipe.RecordRule, Question: expressionOf(*question, "user")}}
	if answer == nil {
		g.Record.ReferenceAnswer, g.Record.AnswerType = `""`, record.Text
		return g, nil
	}
	g.Answer = answer.Name
	return g, s.answer(ctx, &g.Record, *answer)
}

// pick returns the first member that has one of the names, else the member with the longest texts; nil if no member fits.
func (s Sample) pick(members []Member, names []string, not string, fits func(Member) bool) (found *Member, named bool) {
	for _, name := range names {
		i := slices.IndexFunc(members, func(m Member) bool { return strings.EqualFold(m.Name, name) && m.Name != not && fits(m) })
		if i >= 0 {
			return &members[i], true
		}
	}
	for i := range members {
		m := &members[i]
		if m.Name == not || !fits(*m) || isID(m.Name) {
			continue
		}
		if found == nil || m.Length > found.Length {
			found = m
		}
	}
	return found, false
}

// isID reports whether a member probably identifies rows.
func isID(name string) bool {
	lower := strings.ToLower(name)
	return lower == "id" || lower == "index" || lower == "idx" || strings.HasSuffix(lower, "_id")
}

// answer sets the expression and the type of the answer: a number if every row has one, else a program or a text.
func (s Sample) answer(ctx context.Context, r *recipe.Record, answer Member) error {
	plain := expressionOf(answer, "assistant")
	candidates := []recipe.Record{{ReferenceAnswer: plain, AnswerType: record.Numeric}, {ReferenceAnswer: plain + ".number()", AnswerType: record.Numeric}}
	if answer.Texts == 0 {
		candidates = candidates[:1]
	}
	for _, candidate := range candidates {
		tried := *r
		tried.ReferenceAnswer, tried.AnswerType = candidate.ReferenceAnswer, candidate.AnswerType
		kept, _, err := s.try(ctx, tried)
		if err != nil {
			return err
		}
		if kept == len(s.lines) {
			*r = tried
			return nil
		}
	}
	r.ReferenceAnswer, r.AnswerType = plain, record.Text
	if s.isProgram(answer.Name) {
		r.AnswerType = record.Code
	}
	kept, reasons, err := s.try(ctx, *r)
	if err == nil && kept < len(s.lines) && answer.Turns+answer.Numbers+answer.Others == 0 && !slices.ContainsFunc(reasons, func(reason string) bool {
		return reason != string(mapping.NoAnswer) && reason != string(decoded.MissingField)
	}) {
		r.Where = withAnswer(answer.Name)
	}
	return err
}

// withAnswer returns an expression that keeps the rows with an answer.
func withAnswer(name string) string {
	if plainName.MatchString(name) {
		return "row.?" + name + `.orValue("").trim() != ""`
	}
	return "row[?" + strconv.Quote(name) + `].orValue("").trim() != ""`
}

// program matches the beginning of lines of programs, in the usual languages of data sets.
var program = regexp.MustCompile(`(?m)^\s*(def |class |import |from \w+ import |#include|package |func |fn |function |public |const |let |var |SELECT )`)

// isProgram reports whether most texts of a member look like programs.
func (s Sample) isProgram(name string) bool {
	matching := 0
	for _, text := range s.texts(name) {
		if program.MatchString(text) {
			matching++
		}
	}
	return matching > len(s.lines)/2
}

var plainName = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`)

// expressionOf returns the expression for a member or, if it is a chat, for the turns of a role in it.
func expressionOf(m Member, role string) string {
	named := "row[" + strconv.Quote(m.Name) + "]"
	if plainName.MatchString(m.Name) {
		named = "row." + m.Name
	}
	switch {
	case m.Turns == 0:
		return named
	case role == "user":
		return named + `.turns("user").join("\n\n")`
	default:
		return named + `.turns("assistant").last()`
	}
}
