package tokens

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"encoding/json"
	"io"
	"strings"
	"testing"

	"github.com/datasetmix/datasetmix/internal/testing/realrows"
)

// corpora returns the real rows by data set: each text a question or an answer.
func corpora(tb testing.TB) map[string][]string {
	tb.Helper()
	return map[string][]string{
		"gsm8k":             rows(tb, "gsm8k/train.jsonl", "question", "answer"),
		"math":              rows(tb, "math/train.jsonl", "problem", "solution"),
		"squad2":            squad(tb),
		"hotpotqa":          rows(tb, "hotpotqa/hotpot_dev_v1_simplified.json", "question", "answer"),
		"hotpotqa, context": contexts(tb),
		"humaneval":         rows(tb, "humaneval/HumanEval.jsonl.gz", "prompt", "canonical_solution"),
		"mbpp":              rows(tb, "mbpp/sanitized-mbpp.json", "prompt", "code"),
	}
}

func read(tb testing.TB, file string) []byte {
	tb.Helper()
	raw := realrows.Read(tb, file)
	if strings.HasSuffix(file, ".gz") {
		unpacked, err := gzip.NewReader(bytes.NewReader(raw))
		if err != nil {
			tb.Fatal(err)
		}
		if raw, err = io.ReadAll(unpacked); err != nil {
			tb.Fatal(err)
		}
	}
	return raw
}

func unmarshal(tb testing.TB, raw []byte, into any) {
	tb.Helper()
	if err := json.Unmarshal(raw, into); err != nil {
		tb.Fatal(err)
	}
}

// rows returns two members of each row of a JSON Lines or JSON file.
func rows(tb testing.TB, file string, members ...string) []string {
	tb.Helper()
	raw := read(tb, file)
	var all []map[string]any
	if strings.HasSuffix(file, ".json") {
		unmarshal(tb, raw, &all)
	} else {
		lines := bufio.NewScanner(bytes.NewReader(raw))
		lines.Buffer(nil, 1<<20)
		for lines.Scan() {
			var row map[string]any
			unmarshal(tb, lines.Bytes(), &row)
			all = append(all, row)
		}
	}
	var texts []string
	for _, row := range all {
		for _, member := range members {
			texts = append(texts, row[member].(string))
		}
	}
	return texts
}

// squad returns each paragraph with each of its questions, as the preset joins them, and the first answer.
func squad(tb testing.TB) []string {
	tb.Helper()
	var document struct {
		Data []struct {
			Paragraphs []struct {
				Context string
				Qas     []struct {
					Question string
					Answers  []struct{ Text string }
				}
			}
		}
	}
	unmarshal(tb, read(tb, "squad2/dev-v2.0.json"), &document)
	var texts []string
	for _, article := range document.Data {
		for _, paragraph := range article.Paragraphs {
			for _, question := range paragraph.Qas {
				texts = append(texts, paragraph.Context+"\n\n"+question.Question)
				if len(question.Answers) > 0 {
					texts = append(texts, question.Answers[0].Text)
				}
			}
		}
	}
	return texts
}

// contexts returns the paragraphs of the HotpotQA rows that have them.
func contexts(tb testing.TB) []string {
	tb.Helper()
	var all []struct {
		Question string
		Context  [][2]any
	}
	unmarshal(tb, read(tb, "hotpotqa/hotpotqa_train.json"), &all)
	var texts []string
	for _, row := range all {
		for _, paragraph := range row.Context {
			var text strings.Builder
			for _, sentence := range paragraph[1].([]any) {
				text.WriteString(sentence.(string))
			}
			texts = append(texts, text.String())
		}
		texts = append(texts, row.Question)
	}
	return texts
}
