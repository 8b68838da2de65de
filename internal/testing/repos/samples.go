package repos

import (
	"bytes"
	"compress/gzip"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"

	"github.com/klauspost/compress/zstd"

	"github.com/datasetmix/datasetmix/internal/testing/hub"
)

// Rows of the files beside the Hub. Those of GSM8K are the real number.
const (
	sampleRows    = 2000
	exerciseRows  = 1000
	ticketRows    = 400
	exerciseBase  = 2 * otherBase
	collectedBase = 3 * otherBase
	collectedRows = 300
)

// SampleFiles returns the files that the project's samples read from elsewhere than a Hub, by path: in a bucket, a registry, on a
// server or on a claim. The rows are generated, the same ones each time:
//
//	gsm8k/…                the 7,473 rows of the Hub, as Parquet, JSON Lines in gzip, and in two files in zstd
//	squad2/, hotpotqa/     2,000 rows each
//	exercises.json         1,000 exercises below data.items, and 2 without an answer
//	exams.jsonl            10 prompts, 5 of which are questions of gsm8k
//	tickets.csv            400 tickets: 300 in English, of which 30 without a resolution
//	chats.jsonl            200 chats with a topic, every fourth with a tool
//	pairs.jsonl            100 pairs of a chosen and a rejected answer
//	tokenizers/…           a tokenizer that makes a token of each byte
func SampleFiles() map[string][]byte {
	gsm8k := make1(0, 7473, gsm8kAt)
	return map[string][]byte{
		"gsm8k/main/train-00000-of-00001.parquet": encode(gsm8k),
		"gsm8k/train.jsonl.gz":                    gzipped(jsonLines(gsm8k)),
		"gsm8k/train-0.jsonl.zst":                 zstandard(jsonLines(gsm8k[:4000])),
		"gsm8k/train-1.jsonl.zst":                 zstandard(jsonLines(gsm8k[4000:])),
		"squad2/train-00000-of-00001.parquet":     encode(make1(0, sampleRows, squadAt)),
		"hotpotqa/train.jsonl":                    jsonLines(make1(0, sampleRows, hotpotWithContext)),
		"exercises.json":                          exercises(),
		"exams.jsonl":                             exams(gsm8k),
		"tickets.csv":                             tickets(),
		"chats.jsonl":                             jsonLines(make1(0, 200, chatAt)),
		"pairs.jsonl":                             jsonLines(make1(0, 100, pairAt)),
		"tokenizers/model/tokenizer.json":         byteTokenizer(),
	}
}

// Collected returns a repository of 300 rows on a branch, acme/collected.
func Collected() hub.Repo {
	type row struct {
		Question string `json:"question"`
		Answer   string `json:"answer"`
	}
	rows := make1(collectedBase, collectedRows, func(i int) row {
		made := mathAt(i, "Algebra")
		return row{made.Problem, made.Solution}
	})
	return hub.Repo{ID: "acme/collected", SHA: strings.Repeat("c", 40), License: "cc0-1.0", Files: map[string]hub.File{
		"data/train.jsonl": {Content: jsonLines(rows), LFS: true},
	}}
}

func hotpotWithContext(i int) map[string]any {
	row := hotpotAt(i)
	return map[string]any{
		"_id": row.ID, "question": row.Question, "answer": row.Answer, "type": row.Type, "level": row.Level,
		"context": map[string]any{"title": row.Context.Title, "sentences": row.Context.Sentences},
	}
}

func chatAt(i int) map[string]any {
	chat := map[string]any{"topic": fmt.Sprintf("topic %d", i%7), "messages": []any{
		map[string]any{"role": "user", "content": fmt.Sprintf("What is %d and %d?", i, i+1)}, map[string]any{"role": "assistant", "content": fmt.Sprintf("It is %d.", 2*i+1)},
	}}
	if i%4 == 0 {
		chat["tools"] = []any{map[string]any{"type": "function", "function": map[string]any{"name": "add"}}}
	}
	return chat
}

func pairAt(i int) map[string]any {
	return map[string]any{"prompt": fmt.Sprintf("Say hello to %d.", i), "chosen": fmt.Sprintf("Hello, %d!", i), "rejected": "No."}
}

func exercises() []byte {
	items := make1(exerciseBase, exerciseRows, func(i int) map[string]string {
		row := gsm8kAt(i)
		_, answer, _ := strings.Cut(row.Answer, "#### ")
		return map[string]string{"problem": row.Question, "answer": answer}
	})
	items = append(items, map[string]string{"problem": "1 + 1?"}, map[string]string{"problem": "2 + 2?"})
	return marshal(map[string]any{"data": map[string]any{"items": items}})
}

func exams(gsm8k []gsm8kRow) []byte {
	return jsonLines(make1(0, 10, func(i int) map[string]string {
		if i < 5 {
			return map[string]string{"prompt": gsm8k[1000*i].Question}
		}
		return map[string]string{"prompt": fmt.Sprintf("Which exam asks for number %d?", i)}
	}))
}

func tickets() []byte {
	rows := [][]string{{"title", "body", "resolution", "language", "customer", "product"}}
	for i := range ticketRows {
		p := newProse(0, i)
		language, resolution := "en", p.sentences(1)
		if i%4 == 3 {
			language = "de"
		} else if i%40 < 4 {
			resolution = ""
		}
		rows = append(rows, []string{"Ticket " + strconv.Itoa(i), p.sentences(2), resolution, language, "customer " + strconv.Itoa(i%50), p.pick(things)})
	}
	var out bytes.Buffer
	w := csv.NewWriter(&out)
	must(w.WriteAll(rows))
	return out.Bytes()
}

// byteTokenizer returns a tokenizer.json whose vocabulary is the 256 bytes, under the names that GPT-2 gave them: printable
// characters stand for themselves, all others for those from 256 on.
func byteTokenizer() []byte {
	vocabulary, next := map[string]int{}, rune(256)
	for b := range 256 {
		name := rune(b)
		if b < '!' || b > '~' && b < 0xa1 || b == 0xad {
			name = next
			next++
		}
		vocabulary[string(name)] = b
	}
	return marshal(map[string]any{
		"model":         map[string]any{"type": "BPE", "vocab": vocabulary, "merges": []string{}},
		"pre_tokenizer": map[string]any{"type": "ByteLevel", "add_prefix_space": false},
	})
}

func jsonLines[T any](rows []T) []byte {
	var out bytes.Buffer
	for _, row := range rows {
		out.Write(marshal(row))
		out.WriteByte('\n')
	}
	return out.Bytes()
}

func marshal(v any) []byte {
	out, err := json.Marshal(v)
	must(err)
	return out
}

func gzipped(content []byte) []byte {
	var out bytes.Buffer
	w := gzip.NewWriter(&out)
	_, err := w.Write(content)
	must(err)
	must(w.Close())
	return out.Bytes()
}

func zstandard(content []byte) []byte {
	w, err := zstd.NewWriter(nil, zstd.WithEncoderConcurrency(1))
	must(err)
	return w.EncodeAll(content, nil)
}

// must panics, since making files in memory has no errors but mistakes.
func must(err error) {
	if err != nil {
		panic(fmt.Sprintf("repos: %v", err))
	}
}
