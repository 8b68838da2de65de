package mapping_test

import (
	"bytes"
	"context"
	"fmt"

	"github.com/datasetmix/datasetmix/internal/decode"
	"github.com/datasetmix/datasetmix/internal/mapping"
	"github.com/datasetmix/datasetmix/internal/recipe"
)

func ExampleWriter() {
	const text = `{"question": "How many altogether?", "answer": "48 + 24 = 72\n#### 72"}`
	compiled, err := mapping.Compile(recipe.Record{Preset: "gsm8k"})
	if err != nil {
		fmt.Println(err)
		return
	}
	lines := mapping.NewWriter(compiled, "gsm8k", "math")
	file := decode.File{Name: "train.jsonl", Data: bytes.NewReader([]byte(text)), Size: int64(len(text))}
	for row, err := range decode.Rows(context.Background(), file, compiled.Fields()) {
		if err != nil {
			fmt.Println(err)
			return
		}
		said, line, err := lines.Row(nil, row, row.Number)
		if err != nil {
			fmt.Println(err)
			return
		}
		fmt.Println(string(line))
		fmt.Println(said.Group)
	}
	// Output:
	// {"id":"gsm8k_0","dataset":"gsm8k","domain":"math","question":"How many altogether?","reference_answer":"72","answer_type":"numeric","metadata":{"source":"gsm8k","original_id":"0"}}
	// How many altogether?
}

func ExamplePreset_Map() {
	const text = `{"question": "How many altogether?", "answer": "I do not know"}`
	preset, _ := mapping.Lookup("gsm8k")
	file := decode.File{Name: "train.jsonl", Data: bytes.NewReader([]byte(text)), Size: int64(len(text))}
	for row, err := range decode.Rows(context.Background(), file, preset.Fields()) {
		if err == nil {
			_, err = preset.Map(row)
		}
		fmt.Println(err)
	}
	// Output:
	// train.jsonl, line 1: there is no "####" in field "answer", so the answer cannot be found; correct the row or choose another preset
}

func ExampleCompile() {
	compiled, err := mapping.Compile(recipe.Record{
		Question:        `row.q + "?"`,
		ReferenceAnswer: `row.a`,
		AnswerType:      "text",
		Where:           `row.?level.orValue(0) < 3`,
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	const text = `{"q": "How many", "a": "2"}` + "\n" + `{"q": "How long", "a": "3 m", "level": 5}`
	file := decode.File{Name: "rows.jsonl", Data: bytes.NewReader([]byte(text)), Size: int64(len(text))}
	for row, err := range decode.Rows(context.Background(), file, compiled.Fields()) {
		if err != nil {
			fmt.Println(err)
			return
		}
		content, err := compiled.Map(row)
		if reason, dropped := mapping.IsDropped(err); dropped {
			fmt.Println("left out by", string(reason))
			continue
		}
		fmt.Println(content.Question, err)
	}
	// Output:
	// How many? <nil>
	// left out by where
}
