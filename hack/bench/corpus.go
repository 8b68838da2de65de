package main

import (
	"bufio"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strings"
)

// dataset is one file of the corpus, in the format in which its source publishes it.
type dataset struct {
	name, domain string
	rows         int // at scale 1: those of the real data set
	row          func(w *writer, i int) string
}

var datasets = []dataset{
	{"gsm8k", "math", 7473, func(w *writer, i int) string {
		return fmt.Sprintf("{\"question\": %q, \"answer\": %q}", fmt.Sprint("Q", i, " ", w.text(230)), fmt.Sprint(w.text(250), "\n#### ", w.below(100000)))
	}},
	{"math", "math", 7500, func(w *writer, i int) string {
		return fmt.Sprintf("{\"problem\": %q, \"level\": \"Level 5\", \"type\": \"Algebra\", \"solution\": %q}",
			fmt.Sprint("P", i, " ", w.text(200)), fmt.Sprintf(`%s $\boxed{\frac{%d}{%d}}$`, w.text(400), i, 2+w.below(98)))
	}},
	{"squad2", "qa", 87599, func(w *writer, i int) string {
		context, answers := w.text(730), `{"text": [], "answer_start": []}`
		if i%3 != 0 { // a third has no answer
			answers = fmt.Sprintf("{\"text\": [%q], \"answer_start\": [5]}", context[5:20])
		}
		return fmt.Sprintf("{\"id\": \"sq%x\", \"title\": \"T\", \"context\": %q, \"question\": %q, \"answers\": %s}", i, context, fmt.Sprint("Q", i, " ", w.text(55)), answers)
	}},
	{"hotpotqa", "qa", 88966, hotpot},
	{"humaneval", "code", 164, func(w *writer, i int) string {
		return fmt.Sprintf("{\"task_id\": \"HumanEval/%d\", \"prompt\": %q, \"canonical_solution\": %q, \"test\": %q, \"entry_point\": \"f%d\"}",
			i, fmt.Sprintf("def f%d(x):\n    \"\"\"%s\"\"\"\n", i, w.text(300)), "    return x\n"+w.text(80), w.text(400), i)
	}},
	{"mbpp", "code", 427, func(w *writer, i int) string {
		return fmt.Sprintf("{\"source_file\": \"x\", \"task_id\": %d, \"prompt\": %q, \"code\": %q, \"test_imports\": [], \"test_list\": [\"assert f(1) == 1\", \"assert f(2) == 2\", \"assert f(3) == 3\"]}",
			i, fmt.Sprint("Write ", i, " ", w.text(80)), w.text(180))
	}},
}

// hotpot returns a row of 5.5 KB: a mapping uses a fiftieth of it, and skips ten paragraphs.
func hotpot(w *writer, i int) string {
	titles, sentences := make([]string, 10), make([]string, 10)
	for k := range titles {
		titles[k] = fmt.Sprintf("\"t%d\"", k)
		sentences[k] = fmt.Sprintf("[%q, %q, %q, %q]", w.text(130), w.text(130), w.text(130), w.text(110))
	}
	return fmt.Sprintf("{\"id\": \"hp%x\", \"question\": %q, \"answer\": %q, \"type\": \"bridge\", \"level\": \"hard\", "+
		"\"supporting_facts\": {\"title\": [\"a\", \"b\"], \"sent_id\": [0, 1]}, \"context\": {\"title\": [%s], \"sentences\": [%s]}}",
		i, fmt.Sprint("Q", i, " ", w.text(90)), w.text(14), strings.Join(titles, ", "), strings.Join(sentences, ", "))
}

// writer writes text that compresses and hashes like prose, from a vocabulary with few frequent and many rare words.
type writer struct {
	state  uint64
	blocks []string
}

const (
	words         = 20000
	blocks        = 5000
	wordsPerBlock = 60
	letters       = "etaoinshrdlucmfwypvbgkjqxz" // by how frequent they are
)

func newWriter() *writer {
	w := &writer{state: 7}
	vocabulary := make([]string, words)
	for i := range vocabulary {
		word := make([]byte, 2+w.below(8))
		for k := range word {
			word[k] = letters[min(w.below(len(letters)), w.below(len(letters)))]
		}
		vocabulary[i] = string(word)
	}
	for range blocks {
		block := make([]string, wordsPerBlock)
		for k := range block {
			block[k] = vocabulary[int(words*math.Pow(float64(w.next()>>11)/(1<<53), 3))]
		}
		w.blocks = append(w.blocks, strings.Join(block, " "))
	}
	return w
}

// next returns the next number of SplitMix64 (Steele, Lea and Flood, 2014), which is the same in every release of Go.
func (w *writer) next() uint64 {
	w.state += 0x9e3779b97f4a7c15
	z := w.state
	z = (z ^ z>>30) * 0xbf58476d1ce4e5b9
	z = (z ^ z>>27) * 0x94d049bb133111eb
	return z ^ z>>31
}

func (w *writer) below(n int) int { return int(w.next() % uint64(n)) }

func (w *writer) text(chars int) string {
	var text strings.Builder
	for text.Len() < chars {
		if text.Len() > 0 {
			text.WriteByte(' ')
		}
		text.WriteString(w.blocks[w.below(len(w.blocks))])
	}
	return text.String()[:chars]
}

// corpus writes the files of a scale to a folder, unless they exist, and returns their size in bytes.
func corpus(folder string, scale float64) (int64, error) {
	if size := sizeOf(folder); size > 0 {
		return size, nil
	}
	unfinished := folder + ".part"
	if err := errors.Join(os.RemoveAll(unfinished), os.MkdirAll(unfinished, 0o750)); err != nil {
		return 0, err
	}
	w := newWriter()
	for _, d := range datasets {
		f, err := os.Create(filepath.Join(unfinished, d.name+".jsonl"))
		if err != nil {
			return 0, err
		}
		out := bufio.NewWriterSize(f, 1<<20)
		for i := range max(1, int(float64(d.rows)*scale)) {
			fmt.Fprintln(out, d.row(w, i))
		}
		if err := errors.Join(out.Flush(), f.Sync(), f.Close()); err != nil {
			return 0, err
		}
	}
	return sizeOf(unfinished), os.Rename(unfinished, folder)
}

// sizeOf returns the size of the files in a folder in bytes, 0 if it does not exist.
func sizeOf(folder string) int64 {
	var size int64
	entries, _ := os.ReadDir(folder) // which are none
	for _, entry := range entries {
		if info, err := entry.Info(); err == nil {
			size += info.Size()
		}
	}
	return size
}
