package decode

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"slices"

	"github.com/go-json-experiment/json/jsontext"
)

// squadColumns are the columns that the Hub gives the same data, with is_impossible, which only the original form has.
var squadColumns = []string{"id", "title", "context", "question", "answers", "is_impossible"}

// squad is the form in which SQuAD is published at its own site: {"version": …, "data": [{"title": …, "paragraphs":
// [{"context": …, "qas": [{"id": …, "question": …, "answers": [{"text": …, "answer_start": …}], "is_impossible": …}]}]}]}.
// It is flattened to one row per question with the columns squadColumns, where answers is the Hub's struct
// {"text": […], "answer_start": […]}. The names of an object may stand in any order: an article is read as a whole.
type squad struct {
	selection
	stream *limited
	dec    *jsontext.Decoder
	done   func()

	started  bool
	articles int64
	queue    []map[string]any // the questions of the current article
	taken    int
}

func openSquad(stream io.Reader, done func(), fields []Field) (rows, error) {
	l := &limited{stream: stream, limit: MaxRow}
	s := &squad{selection: selectFields(fields), stream: l, dec: jsontext.NewDecoder(l), done: done}
	for _, f := range fields {
		if !f.Optional && !slices.ContainsFunc(squadColumns, func(c string) bool { return c == f.Name || len(f.Name) > len(c) && f.Name[:len(c)+1] == c+"." }) {
			return nil, missingField(f.Name, squadColumns)
		}
	}
	return s, nil
}

func (s *squad) close() { s.done() }

func (s *squad) next(row *Row) error {
	for s.taken == len(s.queue) {
		s.stream.since = 0
		row.place.format, row.place.group, row.place.n = "article %d", 0, s.articles+1
		if err := s.article(); err != nil {
			return err
		}
	}
	question := s.queue[s.taken]
	s.taken++
	row.place.format, row.place.group, row.place.n = "article %d, question %d", s.articles, int64(s.taken)
	clearValues(row.Values)
	for _, w := range s.root.children {
		if v, ok := question[w.name]; ok {
			s.put(w, v, row.Values)
		}
	}
	if missing := s.settle(row.Values); missing != "" {
		return missingField(missing, sortedNames(question))
	}
	return nil
}

// article fills the queue with the next article's questions; io.EOF after the last article and a whole end of the file.
func (s *squad) article() error {
	if !s.started {
		s.started = true
		// The format was recognised by exactly these steps, so only trouble below can stop them.
		if !enter(s.dec, '{') || !find(s.dec, "data") || !enter(s.dec, '[') {
			_, err := s.dec.ReadToken()
			return jsonError(errors.Join(err, io.ErrUnexpectedEOF))
		}
	}
	if s.dec.PeekKind() == ']' {
		return s.finish()
	}
	raw, err := s.dec.ReadValue()
	if err != nil {
		return jsonError(err)
	}
	s.articles++
	s.queue, s.taken = s.queue[:0], 0
	article, err := object(raw, "an article")
	if err != nil {
		return err
	}
	paragraphs, err := list(article, "paragraphs")
	if err != nil {
		return err
	}
	for _, paragraph := range paragraphs {
		if err := s.paragraph(article, paragraph); err != nil {
			return err
		}
	}
	return nil
}

func (s *squad) finish() error {
	if _, err := s.dec.ReadToken(); err != nil {
		return jsonError(err)
	}
	for s.dec.PeekKind() == '"' {
		if _, err := s.dec.ReadToken(); err != nil {
			return jsonError(err)
		}
		if err := s.dec.SkipValue(); err != nil {
			return jsonError(err)
		}
	}
	if _, err := s.dec.ReadToken(); err != nil {
		return jsonError(err)
	}
	if err := end(s.dec); err != nil {
		return err
	}
	return io.EOF
}

func (s *squad) paragraph(article map[string]any, paragraph any) error {
	p, ok := paragraph.(map[string]any)
	if !ok {
		return errors.New("a paragraph must be an object with context and qas; correct it at the source")
	}
	questions, err := list(p, "qas")
	if err != nil {
		return err
	}
	for _, question := range questions {
		q, ok := question.(map[string]any)
		if !ok {
			return errors.New("a question must be an object; correct it at the source")
		}
		if err := flattenAnswers(q); err != nil {
			return err
		}
		for _, from := range []struct {
			object map[string]any
			name   string
		}{{article, "title"}, {p, "context"}} {
			if v, ok := from.object[from.name]; ok {
				q[from.name] = v
			}
		}
		s.queue = append(s.queue, q)
	}
	return nil
}

// flattenAnswers turns the list of answers into the Hub's struct of lists.
func flattenAnswers(question map[string]any) error {
	if _, there := question["answers"]; !there {
		return nil
	}
	answers, err := list(question, "answers")
	if err != nil {
		return err
	}
	texts, starts := make([]any, 0, len(answers)), make([]any, 0, len(answers))
	for _, answer := range answers {
		a, ok := answer.(map[string]any)
		if !ok {
			return errors.New("an answer must be an object with text and answer_start; correct it at the source")
		}
		texts, starts = append(texts, a["text"]), append(starts, a["answer_start"])
	}
	question["answers"] = map[string]any{"text": texts, "answer_start": starts}
	return nil
}

// object materialises a JSON text that was checked and must be an object.
func object(raw jsontext.Value, what string) (map[string]any, error) {
	v, err := readValue(jsontext.NewDecoder(bytes.NewBuffer(raw)))
	if err != nil {
		return nil, jsonError(err)
	}
	o, ok := v.(map[string]any)
	if !ok {
		return nil, fmt.Errorf("%s must be a JSON object; correct it at the source", what)
	}
	return o, nil
}

func list(o map[string]any, name string) ([]any, error) {
	l, ok := o[name].([]any)
	if !ok {
		return nil, fmt.Errorf("%q must be there and be a list, as the SQuAD form has it; correct it at the source", name)
	}
	return l, nil
}

func sortedNames(o map[string]any) []string {
	names := make([]string, 0, len(o))
	for name := range o {
		names = append(names, fmt.Sprintf("%q", name))
	}
	slices.Sort(names)
	return names
}
