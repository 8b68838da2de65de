package repos

import (
	"bytes"
	"fmt"

	"github.com/parquet-go/parquet-go"
)

// The rows of the six repositories with the columns, their order and their types as the Hub's own Parquet files have
// them: every column optional, strings, int32, and lists of three levels with optional elements.

type gsm8kRow struct {
	Question string `parquet:"question,optional" json:"question"`
	Answer   string `parquet:"answer,optional" json:"answer"`
}

type mathRow struct {
	Problem  string `parquet:"problem,optional" json:"problem"`
	Level    string `parquet:"level,optional,dict" json:"level"`
	Type     string `parquet:"type,optional,dict" json:"type"`
	Solution string `parquet:"solution,optional" json:"solution"`
}

type squadRow struct {
	ID       string       `parquet:"id,optional"`
	Title    string       `parquet:"title,optional,dict"`
	Context  string       `parquet:"context,optional,dict"`
	Question string       `parquet:"question,optional"`
	Answers  squadAnswers `parquet:"answers,optional"`
}

type squadAnswers struct {
	Text        []string `parquet:"text,list,optional" parquet-element:",optional"`
	AnswerStart []int32  `parquet:"answer_start,list,optional" parquet-element:",optional"`
}

type hotpotRow struct {
	ID              string        `parquet:"id,optional" json:"_id"`
	Question        string        `parquet:"question,optional" json:"question"`
	Answer          string        `parquet:"answer,optional" json:"answer"`
	Type            string        `parquet:"type,optional,dict" json:"type"`
	Level           string        `parquet:"level,optional,dict" json:"level"`
	SupportingFacts hotpotFacts   `parquet:"supporting_facts,optional" json:"-"`
	Context         hotpotContext `parquet:"context,optional" json:"-"`
}

type hotpotFacts struct {
	Title  []string `parquet:"title,list,optional" parquet-element:",optional"`
	SentID []int32  `parquet:"sent_id,list,optional" parquet-element:",optional"`
}

// hotpotContext has required inner lists: of optional ones the library writes levels that other readers do not understand.
type hotpotContext struct {
	Title     []string   `parquet:"title,list,optional" parquet-element:",optional"`
	Sentences [][]string `parquet:"sentences,list,optional" parquet-element:",list"`
}

type humanEvalRow struct {
	TaskID            string `parquet:"task_id,optional" json:"task_id"`
	Prompt            string `parquet:"prompt,optional" json:"prompt"`
	CanonicalSolution string `parquet:"canonical_solution,optional" json:"canonical_solution"`
	Test              string `parquet:"test,optional" json:"test"`
	EntryPoint        string `parquet:"entry_point,optional" json:"entry_point"`
}

type mbppRow struct {
	SourceFile  string   `parquet:"source_file,optional,dict" json:"source_file"`
	TaskID      int32    `parquet:"task_id" json:"task_id"`
	Prompt      string   `parquet:"prompt,optional" json:"prompt"`
	Code        string   `parquet:"code,optional" json:"code"`
	TestImports []string `parquet:"test_imports,list,optional" parquet-element:",optional" json:"test_imports"`
	TestList    []string `parquet:"test_list,list,optional" parquet-element:",optional" json:"test_list"`
}

// Sizes of what encode writes: several row groups in every file, several pages in a group.
const (
	maxGroupRows = 10_000
	pageBytes    = 64 << 10
)

// encode writes rows as a Parquet file the way the Hub's files are written: Snappy, data pages of version 1, about
// four row groups or more. It panics on an error, since writing to memory has none but mistakes.
func encode[T any](rows []T) []byte {
	var out bytes.Buffer
	w := parquet.NewGenericWriter[T](&out,
		parquet.Compression(&parquet.Snappy),
		parquet.MaxRowsPerRowGroup(int64(min((len(rows)+3)/4+1, maxGroupRows))),
		parquet.PageBufferSize(pageBytes),
		parquet.DataPageVersion(1),
		parquet.CreatedBy("parquet-cpp-arrow", "stand-in", ""),
	)
	if _, err := w.Write(rows); err != nil {
		panic(fmt.Sprintf("repos: writing Parquet: %v", err))
	}
	if err := w.Close(); err != nil {
		panic(fmt.Sprintf("repos: closing Parquet: %v", err))
	}
	return out.Bytes()
}
