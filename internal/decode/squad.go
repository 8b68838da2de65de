package decode

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/datasetmix/datasetmix/internal/decode/decoded"
	"github.com/datasetmix/datasetmix/internal/decode/jsonvalue"
)

// squadColumns are the columns of the same data on the Hub, and is_impossible, which only the original form has.
var squadColumns = []string{"id", "title", "context", "question", "answers", "is_impossible"}

// squad is the form in which SQuAD is published at its own site: {"version": …, "data": [{"title": …, "paragraphs":
// [{"context": …, "qas": [{"id": …, "question": …, "answers": [{"text": …, "answer_start": …}], "is_impossible": …}]}]}]}.
// It is flattened to one row per question with the columns squadColumns, where answers is the Hub's struct
// {"text": […], "answer_start": […]}. The names of an object may be in any order: an article is read as a whole.
type squad struct {
	document
	names   jsonLines // that compares the names in an article
	scanner scanner
	done    func()
	// The columns above a question, nil where they are not wanted.
	title, context *jsonvalue.Wanted

	articles int64
	above    []byte     // the title of the current article, nil if it has none
	queue    []question // of the current article
	taken    int
	// What the questions of one article or paragraph have in common is materialised once.
	titles, contexts shared
}

// question is one question as it is in its article, and the context above it, nil if there is none.
type question struct{ text, context []byte }

// shared is a value that one row after another has.
type shared struct {
	raw   []byte
	value any
}

// of returns the value of a piece of the article: the previous one if it is the same piece and a text, which cannot be changed.
func (s *shared) of(raw []byte) any {
	if s.raw == nil || raw[0] != '"' || &s.raw[0] != &raw[0] {
		c := jsonvalue.NewCursor(raw)
		s.raw, s.value = raw, c.Value()
	}
	return s.value
}

func openSquad(stream io.Reader, done func(), fields []decoded.Field) (decoded.Reader, error) {
	for _, f := range fields {
		column, _, _ := strings.Cut(f.Name, ".")
		if !f.Optional && !slices.Contains(squadColumns, column) {
			return nil, decoded.NoField(f.Name, squadColumns)
		}
	}
	s := &squad{document: newDocument(stream, []string{"data"}), scanner: scanner{selection: selectFields(fields)}, done: done}
	s.title, s.context = s.scanner.root.Child("title"), s.scanner.root.Child("context")
	return s, nil
}

func (s *squad) Close() { s.done() }

func (s *squad) Next(row *decoded.Row) error {
	for s.taken == len(s.queue) {
		row.Place.Format, row.Place.Group, row.Place.N = "article %d", 0, s.articles+1
		article, err := s.element()
		if err != nil {
			return err
		}
		s.articles++
		s.queue, s.taken, s.above, s.titles, s.contexts = s.queue[:0], 0, nil, shared{}, shared{}
		if err := s.article(article); err != nil {
			return err
		}
	}
	q := s.queue[s.taken]
	s.taken++
	row.Place.Format, row.Place.Group, row.Place.N = "article %d, question %d", s.articles, int64(s.taken)
	clearValues(row.Values)
	return s.question(q, row.Values)
}

// article fills the queue with an article's questions. What is wrong above the questions ends the file: the number of lost rows is unknown.
func (s *squad) article(text []byte) error {
	if text[0] != '{' {
		return errors.New("an article must be a JSON object; correct it at the source")
	}
	if !s.names.checker.Object(text, jsonvalue.NewWanted("")) {
		if s.names.checker.Many {
			return errManyNames
		}
		if _, err := s.names.check(text); err != nil {
			return jsonError(err)
		}
	}
	err := missingList("paragraphs")
	c := jsonvalue.NewCursor(text)
	for name := range c.Members {
		switch string(jsonvalue.Unquoted(name)) {
		case "title":
			s.above = c.Raw()
		case "paragraphs":
			if err = s.each(&c, "paragraphs", s.paragraph); err != nil {
				return err
			}
		default:
			c.Skip()
		}
	}
	return err
}

func (s *squad) paragraph(c *jsonvalue.Cursor) error {
	if c.Kind() != '{' {
		return errors.New("a paragraph must be an object with context and qas; correct it at the source")
	}
	var context []byte
	err, first := missingList("qas"), len(s.queue)
	for name := range c.Members {
		switch string(jsonvalue.Unquoted(name)) {
		case "context":
			context = c.Raw()
		case "qas":
			err = s.each(c, "qas", func(c *jsonvalue.Cursor) error {
				s.queue = append(s.queue, question{text: c.Raw()})
				return nil
			})
			if err != nil {
				return err
			}
		default:
			c.Skip()
		}
	}
	for i := range s.queue[first:] {
		s.queue[first+i].context = context
	}
	return err
}

// each reads the elements of a list of the SQuAD form.
func (s *squad) each(c *jsonvalue.Cursor, name string, take func(*jsonvalue.Cursor) error) error {
	if c.Kind() != '[' {
		return missingList(name)
	}
	for range c.Entries {
		if err := take(c); err != nil {
			return err
		}
	}
	return nil
}

func missingList(name string) error {
	return fmt.Errorf("%q must be there and be a list, as the SQuAD form has it; correct it at the source", name)
}

// question reads the wanted columns of one question.
func (s *squad) question(q question, values []any) error {
	if q.text[0] != '{' {
		return decoded.Badf(decoded.WrongShape, "a question must be an object; correct it at the source")
	}
	c := jsonvalue.NewCursor(q.text)
	for name := range c.Members {
		w := s.scanner.root.Find(name)
		if w == nil || w.Name != "answers" {
			s.scanner.member(&c, w, values)
			continue
		}
		answers, err := flatAnswers(c.Raw())
		if err != nil {
			return err
		}
		s.scanner.keep(w, answersText(answers), values)
		s.scanner.put(w, answers, values)
	}
	if s.title != nil && s.above != nil {
		s.scanner.keep(s.title, s.above, values)
		s.scanner.put(s.title, s.titles.of(s.above), values)
	}
	if s.context != nil && q.context != nil {
		s.scanner.keep(s.context, q.context, values)
		s.scanner.put(s.context, s.contexts.of(q.context), values)
	}
	if s.scanner.whole >= 0 {
		whole, err := s.whole(q)
		if err != nil {
			return err
		}
		values[s.scanner.whole] = whole
	}
	return s.scanner.fillOptional(values, q.text, nil)
}

// whole returns the row of a question as an object: its columns, in their order, as the article has them.
func (s *squad) whole(q question) (decoded.JSON, error) {
	columns := map[string][]byte{"title": s.above, "context": q.context}
	c := jsonvalue.NewCursor(q.text)
	for quoted := range c.Members {
		name := string(jsonvalue.Unquoted(quoted))
		if columns[name] = c.Raw(); name == "answers" {
			answers, err := flatAnswers(columns[name])
			if err != nil {
				return "", err
			}
			columns[name] = answersText(answers)
		}
	}
	dst := []byte{'{'}
	for _, name := range squadColumns {
		if value := columns[name]; value != nil {
			dst = append(decoded.AppendName(dst, len(dst)-1, name), asJSON(value)...)
		}
	}
	return decoded.JSON(append(dst, '}')), nil
}

// answersText returns the text of what flatAnswers returns, its members in the Hub's order.
func answersText(answers map[string]any) []byte {
	dst := decoded.AppendValue([]byte(`{"text":`), answers["text"])
	dst = decoded.AppendValue(append(dst, `,"answer_start":`...), answers["answer_start"])
	return append(dst, '}')
}

// flatAnswers turns the list of answers into the Hub's struct of lists.
func flatAnswers(text []byte) (map[string]any, error) {
	if text[0] != '[' {
		return nil, decoded.Bad(decoded.WrongShape, missingList("answers"))
	}
	texts, starts := make([]any, 0, 4), make([]any, 0, 4)
	c := jsonvalue.NewCursor(text)
	for n := range c.Entries {
		if c.Kind() != '{' {
			return nil, decoded.Badf(decoded.WrongShape, "an answer must be an object with text and answer_start; correct it at the source")
		}
		texts, starts = append(texts, nil), append(starts, nil)
		for name := range c.Members {
			switch string(jsonvalue.Unquoted(name)) {
			case "text":
				texts[n] = c.Value()
			case "answer_start":
				starts[n] = c.Value()
			default:
				c.Skip()
			}
		}
	}
	return map[string]any{"text": texts, "answer_start": starts}, nil
}
