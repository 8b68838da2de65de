package repos

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/datasetmix/datasetmix/internal/testing/hub"
)

// FromData turns the public files of the six data sets, as their authors published them, into the six repositories.
// The folder holds gsm8k/train.jsonl, math/train.jsonl, squad2/dev-v2.0.json, hotpotqa/hotpot_dev_v1_simplified.json,
// humaneval/HumanEval.jsonl.gz and mbpp/sanitized-mbpp.json.
//
// Rows keep their text to the byte, but not always their place: MATH is laid out by subject and MBPP by split, as on the
// Hub. The files of the train splits hold these rows; the other splits hold a few generated ones. The simplified HotpotQA
// has no id, level, supporting facts or context: they are empty.
func FromData(dir string) ([]hub.Repo, error) {
	c := generate(0)
	err := errors.Join(
		readLines(filepath.Join(dir, "gsm8k/train.jsonl"), &c.gsm8k),
		readMath(filepath.Join(dir, "math/train.jsonl"), &c),
		readSquad(filepath.Join(dir, "squad2/dev-v2.0.json"), &c),
		readJSON(filepath.Join(dir, "hotpotqa/hotpot_dev_v1_simplified.json"), &c.hotpot),
		readLines(filepath.Join(dir, "humaneval/HumanEval.jsonl.gz"), &c.humanEval),
		readMBPP(filepath.Join(dir, "mbpp/sanitized-mbpp.json"), &c),
	)
	if err != nil {
		return nil, fmt.Errorf("reading the six data sets: %w", err)
	}
	return c.repos(), nil
}

func readJSON(path string, v any) error {
	content, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	if err := json.Unmarshal(content, v); err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	return nil
}

// readLines reads JSON Lines, unpacked first where the name ends in .gz, in place of what rows holds.
func readLines[T any](path string, rows *[]T) error {
	content, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	in := io.Reader(bytes.NewReader(content))
	if filepath.Ext(path) == ".gz" {
		if in, err = gzip.NewReader(in); err != nil {
			return fmt.Errorf("%s: %w", path, err)
		}
	}
	*rows = nil
	for dec := json.NewDecoder(in); ; {
		var row T
		if err := dec.Decode(&row); err == io.EOF {
			return nil
		} else if err != nil {
			return fmt.Errorf("%s, row %d: %w", path, len(*rows), err)
		}
		*rows = append(*rows, row)
	}
}

func readMath(path string, c *corpus) error {
	var rows []mathRow
	if err := readLines(path, &rows); err != nil {
		return err
	}
	bySubject := map[string][]mathRow{}
	for _, row := range rows {
		bySubject[row.Type] = append(bySubject[row.Type], row)
	}
	c.math = map[string][]mathRow{}
	for _, m := range mathConfigs {
		c.math[m.name] = bySubject[m.subject]
		delete(bySubject, m.subject)
	}
	if len(bySubject) > 0 {
		return fmt.Errorf("%s: %d subjects have no configuration", path, len(bySubject))
	}
	return nil
}

// readSquad flattens the published nesting: articles, their paragraphs, the questions on each.
func readSquad(path string, c *corpus) error {
	var file struct {
		Data []struct {
			Title      string
			Paragraphs []struct {
				Context string
				QAs     []struct {
					ID, Question string
					Answers      []struct {
						Text  string
						Start int32 `json:"answer_start"`
					}
				}
			}
		}
	}
	if err := readJSON(path, &file); err != nil {
		return err
	}
	c.squad = nil
	for _, article := range file.Data {
		for _, p := range article.Paragraphs {
			for _, qa := range p.QAs {
				row := squadRow{ID: qa.ID, Title: article.Title, Context: p.Context, Question: qa.Question}
				row.Answers = squadAnswers{Text: []string{}, AnswerStart: []int32{}}
				for _, a := range qa.Answers {
					row.Answers.Text = append(row.Answers.Text, a.Text)
					row.Answers.AnswerStart = append(row.Answers.AnswerStart, a.Start)
				}
				c.squad = append(c.squad, row)
			}
		}
	}
	return nil
}

func readMBPP(path string, c *corpus) error {
	var rows []mbppRow
	if err := readJSON(path, &rows); err != nil {
		return err
	}
	c.mbpp = map[string][]mbppRow{}
	for _, row := range rows {
		split := mbppSplit(row.TaskID)
		c.mbpp[split] = append(c.mbpp[split], row)
	}
	return nil
}

func mbppSplit(id int32) string {
	for _, s := range mbppSplits {
		if s.last == 0 || id <= s.last {
			return s.name
		}
	}
	panic("unreachable: the last split has no limit")
}
