// Package example has a mix that can be built in a minute: a commented manifest and three small files of generated rows. It needs no network, no account and
// no cluster.
package example

import (
	"bytes"
	_ "embed"
	"encoding/json"
	"fmt"
	"strings"
)

// Claim is the name of the PersistentVolumeClaim from which the manifest reads the files. On a laptop, a folder takes its place.
const Claim = "examples"

// Manifest is the name of the manifest among the files.
const Manifest = "mix.yaml"

//go:embed mix.yaml
var manifest []byte

//go:embed capitals.txt
var capitals string

// File is one file of the example.
type File struct {
	Name    string
	Content []byte
}

// Files returns the files of the example, the manifest first. They have the same bytes each time.
func Files() []File {
	return []File{
		{Manifest, manifest},
		{"arithmetic.jsonl", lines(arithmetic())},
		{"capitals.jsonl", lines(cities())},
		{"functions.jsonl", lines(functions())},
	}
}

// lines returns rows as JSON Lines.
func lines[T any](rows []T) []byte {
	var out bytes.Buffer
	encoder := json.NewEncoder(&out)
	encoder.SetEscapeHTML(false)
	for _, row := range rows {
		if err := encoder.Encode(row); err != nil {
			panic(err) // strings and integers can always be written
		}
	}
	return out.Bytes()
}

// problem is a row of arithmetic.jsonl. Its answer is the last number of its solution, as GSM8K has it.
type problem struct {
	Question string `json:"question"`
	Answer   string `json:"answer"`
	Level    int    `json:"level"`
}

// arithmetic returns 240 word problems, no two of them alike.
func arithmetic() []problem {
	names := []string{"Ada", "Ben", "Chen", "Dua", "Eli", "Fatima", "Goran", "Hana"}
	things := []string{"apples", "books", "stamps", "marbles", "tickets", "shells"}
	var rows []problem
	for i, name := range names {
		for j, thing := range things {
			for level := 1; level <= 5; level++ {
				has, boxes, each := 3+7*i+level, 2+j, 4*level+i
				rows = append(rows, problem{
					Question: fmt.Sprintf("%s has %d %s and buys %d boxes with %d %s each. How many %s does %s have now?",
						name, has, thing, boxes, each, thing, thing, name),
					Answer: fmt.Sprintf("The boxes hold %d * %d = %d %s. With the %d from before there are %d.\n#### %d",
						boxes, each, boxes*each, thing, has, has+boxes*each, has+boxes*each),
					Level: level,
				})
			}
		}
	}
	return rows
}

// fact is a row of capitals.jsonl.
type fact struct {
	Country string `json:"country"`
	Capital string `json:"capital"`
}

// cities returns the countries of capitals.txt, one a line, with a tab before the capital.
func cities() []fact {
	var rows []fact
	for line := range strings.Lines(capitals) {
		country, capital, _ := strings.Cut(strings.TrimSpace(line), "\t")
		rows = append(rows, fact{country, capital})
	}
	return rows
}

// program is a row of functions.jsonl. The tests are lines of Python that raise an error when the program is wrong.
type program struct {
	Task     string   `json:"task"`
	Solution string   `json:"solution"`
	Tests    []string `json:"tests"`
}

// functions returns 60 small programs.
func functions() []program {
	var rows []program
	for n := 2; n <= 21; n++ {
		rows = append(rows,
			program{
				fmt.Sprintf("Write a Python function add_%d that adds %d to a number.", n, n),
				fmt.Sprintf("def add_%d(x):\n    return x + %d\n", n, n),
				[]string{fmt.Sprintf("assert add_%d(0) == %d", n, n), fmt.Sprintf("assert add_%d(-1) == %d", n, n-1)},
			},
			program{
				fmt.Sprintf("Write a Python function every_%d that keeps the first of every %d elements of a list.", n, n),
				fmt.Sprintf("def every_%d(items):\n    return items[::%d]\n", n, n),
				[]string{fmt.Sprintf("assert every_%d(list(range(50))) == list(range(0, 50, %d))", n, n), fmt.Sprintf("assert every_%d([]) == []", n)},
			},
			program{
				fmt.Sprintf("Write a Python function divisible_by_%d that reports whether an integer is divisible by %d.", n, n),
				fmt.Sprintf("def divisible_by_%d(x):\n    return x %% %d == 0\n", n, n),
				[]string{fmt.Sprintf("assert divisible_by_%d(%d)", n, 3*n), fmt.Sprintf("assert not divisible_by_%d(%d)", n, 3*n+1)},
			})
	}
	return rows
}
