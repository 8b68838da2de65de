package export

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/parquet-go/parquet-go"

	"github.com/datasetmix/datasetmix/internal/contract"
	"github.com/datasetmix/datasetmix/internal/encode"
	"github.com/datasetmix/datasetmix/internal/recipe"
	"github.com/datasetmix/datasetmix/internal/record"
)

// six returns a recipe with a data set of each preset that has a scorer of its own, and an export.
func six(export recipe.Export) recipe.Recipe {
	r := recipe.Recipe{Output: recipe.Output{Exports: []recipe.Export{export}}}
	for _, name := range []string{"gsm8k", "math", "squad2", "hotpotqa", "humaneval", "mbpp"} {
		r.Domains = append(r.Domains, recipe.Domain{Name: "d", Datasets: []recipe.Dataset{{Name: name, Record: recipe.Record{Preset: name}}}})
	}
	return r
}

func member(key string, value any) record.Entry {
	encoded, err := json.Marshal(value)
	if err != nil {
		panic(err)
	}
	return record.Entry{Key: key, Value: record.JSON(encoded)}
}

func line(dataset, question, answer, answerType string, metadata ...record.Entry) []byte {
	r := record.Record{ID: dataset + "_1", Dataset: dataset, Domain: "d", Question: question, ReferenceAnswer: answer, AnswerType: answerType,
		Metadata: append([]record.Entry{member("source", dataset)}, metadata...)}
	return append(r.AppendJSON(nil), '\n')
}

type readTurn struct {
	Role    string `parquet:"role"`
	Content string `parquet:"content"`
}

type rlRow struct {
	Prompt      []readTurn `parquet:"prompt,list"`
	Solution    string     `parquet:"solution"`
	DataSource  string     `parquet:"data_source"`
	Datasource  string     `parquet:"datasource"`
	Ability     string     `parquet:"ability"`
	Task        string     `parquet:"task"`
	RewardModel struct {
		Style       string `parquet:"style"`
		GroundTruth string `parquet:"ground_truth"`
	} `parquet:"reward_model"`
	Label string `parquet:"label"`
	Extra struct {
		ID         string `parquet:"id"`
		Index      int64  `parquet:"index"`
		Split      string `parquet:"split"`
		Dataset    string `parquet:"dataset"`
		Domain     string `parquet:"domain"`
		AnswerType string `parquet:"answer_type"`
		Question   string `parquet:"question"`
		Metadata   string `parquet:"metadata"`
	} `parquet:"extra_info"`
	ID              string `parquet:"id"`
	Dataset         string `parquet:"dataset"`
	Domain          string `parquet:"domain"`
	AnswerType      string `parquet:"answer_type"`
	ReferenceAnswer string `parquet:"reference_answer"`
}

func rlRows(t *testing.T, export recipe.Export, lines ...[]byte) []rlRow {
	t.Helper()
	x, err := Of(six(export), export.Name, "train", 7)
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	table := encode.NewTable(&out, x.Fields())
	for _, line := range lines {
		if err := x.Add(line, table); err != nil {
			t.Fatal(err)
		}
	}
	if err := table.Close(); err != nil {
		t.Fatal(err)
	}
	rows, err := parquet.Read[rlRow](bytes.NewReader(out.Bytes()), int64(out.Len()))
	if err != nil {
		t.Fatal(err)
	}
	return rows
}

var plain = recipe.Export{Name: "rl", Format: recipe.ExportRL, Instructions: recipe.Instructions{
	Numeric: "numeric!", Formula: "formula!", Text: "text!", NoAnswer: "noAnswer!", Code: "code!",
}}

// Every data set gets the instruction and the label of its scorer, and a solution where rewards of others can parse one.
func TestRLRows(t *testing.T) {
	for _, c := range []struct {
		line                         []byte
		instruction, solution, label string
	}{
		{line("gsm8k", "How many?", "1,234", "numeric"), "numeric!", `\boxed{1,234}`, `{"answer":"1,234","answer_type":"numeric","scorer":"numeric"}`},
		{line("math", "What is \\frac12?\n", `\frac{1}{2}`, "text", member("level", "Level 1")), "formula!", `\boxed{\frac{1}{2}}`,
			`{"answer":"\\frac{1}{2}","answer_type":"text","question":"What is \\frac12?\n","scorer":"formula"}`},
		{line("math", "Empty box?", "", "text"), "formula!", "", `{"answer_type":"text","question":"Empty box?","scorer":"formula"}`},
		{line("squad2", "Text.\n\nWho?", "unanswerable", "text", member("is_impossible", "true"), member("answers", []string{})), "noAnswer!", "",
			`{"answer":"unanswerable","answer_type":"text","is_impossible":true,"scorer":"no-answer text"}`},
		{line("squad2", "Text.\n\nWho?", "Ann", "text", member("is_impossible", "false"), member("answers", []string{"Ann", "Ann \"A\""})), "noAnswer!", "",
			`{"answer":"Ann","answer_type":"text","answers":["Ann","Ann \"A\""],"scorer":"no-answer text"}`},
		{line("hotpotqa", "Is it?", "yes", "text"), "text!", "", `{"answer":"yes","answer_type":"text","scorer":"yes-no text"}`},
		{line("humaneval", "def f():\n", "    return 1\n", "code", member("test", "def check(c): assert c() == 1"), member("entry_point", "f")), "code!", "",
			`{"answer":"    return 1\n","answer_type":"code","entry_point":"f","question":"def f():\n","scorer":"code","tests":["def check(c): assert c() == 1"]}`},
		{line("mbpp", "Write f.", "def f(): pass", "code", member("test_list", []string{"assert 1", "assert 2"}), member("test_imports", []string{"import math"}), member("test_setup_code", "x = 1")), "code!", "",
			`{"answer":"def f(): pass","answer_type":"code","question":"Write f.","scorer":"code","setup":["import math","x = 1"],"tests":["assert 1","assert 2"]}`},
		{line("other", "Who?", "Ann", "text"), "text!", "", `{"answer":"Ann","answer_type":"text","scorer":"text"}`},
	} {
		row := rlRows(t, plain, c.line)[0]
		var of struct {
			Dataset, Question string
			ReferenceAnswer   string `json:"reference_answer"`
			AnswerType        string `json:"answer_type"`
			Metadata          json.RawMessage
		}
		if err := json.Unmarshal(c.line, &of); err != nil {
			t.Fatal(err)
		}
		var want rlRow
		want.Prompt = append(want.Prompt, readTurn{"user", of.Question + "\n\n" + c.instruction})
		want.Solution, want.Label, want.DataSource, want.Datasource = c.solution, c.label, "datasetmix/"+of.Dataset, "datasetmix/"+of.Dataset
		want.RewardModel.Style, want.RewardModel.GroundTruth = "rule", c.label
		want.Ability, want.Task, want.ID, want.Dataset, want.Domain, want.AnswerType, want.ReferenceAnswer = "d", of.AnswerType, of.Dataset+"_1", of.Dataset, "d", of.AnswerType, of.ReferenceAnswer
		want.Extra.ID, want.Extra.Index, want.Extra.Split, want.Extra.Dataset, want.Extra.Domain = want.ID, 7, "train", of.Dataset, "d"
		want.Extra.AnswerType, want.Extra.Question, want.Extra.Metadata = of.AnswerType, of.Question, string(of.Metadata)
		if diff := cmp.Diff(want, row); diff != "" {
			t.Errorf("%s (-want +got):\n%s", c.line, diff)
		}
		if !json.Valid([]byte(row.Label)) {
			t.Errorf("the label %s is no JSON", row.Label)
		}
	}
}

// The system prompt is the first turn, an empty instruction is none, and rows are counted on.
func TestRLPrompts(t *testing.T) {
	export := recipe.Export{Name: "rl", Format: recipe.ExportRL, SystemPrompt: "Be brief."}
	one, two := line("gsm8k", "How many?", "1", "numeric"), line("hotpotqa", "Who?", "Ann", "text")
	rows := rlRows(t, export, one, two, one)
	for i, want := range []string{"How many?", "Who?", "How many?"} {
		prompt := rows[i].Prompt
		if len(prompt) != 2 || prompt[0].Role != "system" || prompt[0].Content != "Be brief." || prompt[1].Content != want || rows[i].Extra.Index != int64(7+i) {
			t.Errorf("row %d is %+v", i, rows[i])
		}
	}
	if diff := cmp.Diff(rows[0].Label, rows[2].Label); diff != "" {
		t.Error(diff)
	}
}

func TestRowsThatAreNone(t *testing.T) {
	x, err := Of(six(plain), "rl", "train", 0)
	if err != nil {
		t.Fatal(err)
	}
	for _, text := range []string{"", "{}", `{"id":"a"`, `{"id":"a_1","dataset":"a","domain":"d","question":"q","reference_answer":"r","answer_type":"text"}`, `{"id":"a_1","dataset":"a","domain":"d","question":"q\`} {
		if err := x.Add([]byte(text), encode.NewTable(&bytes.Buffer{}, x.Fields())); contract.ReasonOf(err) != contract.VolumeInvalid {
			t.Errorf("%q: %v", text, err)
		}
	}
	if _, err := Of(six(plain), "none", "train", 0); contract.ReasonOf(err) != contract.InvalidTask {
		t.Error(err)
	}
}

// A line is taken apart as the strict reader of published rows takes it apart, and what is no line makes no trouble.
func FuzzRow(f *testing.F) {
	f.Add(bytes.TrimSuffix(line("squad2", "Wer?\n\"\\\t\u0001ä", "A", "text", member("answers", []string{"}", "]\""}), member("n", map[string]any{"a": []int{1}})), []byte("\n")))
	f.Add([]byte(`{"id":"`))
	f.Fuzz(func(t *testing.T, text []byte) {
		var r row
		err := r.read(text)
		want, bad := record.Parse(text)
		if bad != nil {
			return
		}
		if err != nil {
			t.Fatalf("%q is refused: %v", text, err)
		}
		got := []string{string(r.id), string(r.dataset), string(r.domain), string(r.question), string(r.answer), string(r.answerType)}
		if diff := cmp.Diff([]string{want.ID, want.Dataset, want.Domain, want.Question, want.ReferenceAnswer, want.AnswerType}, got); diff != "" {
			t.Fatalf("%q (-want +got):\n%s", text, diff)
		}
		for _, entry := range want.Metadata {
			if value := memberOf(r.metadata[1:], entry.Key); string(value) != string(entry.Value) && !strings.ContainsAny(entry.Key, "\\\"\x00\n") && string(record.StringOf(entry.Key)) == `"`+entry.Key+`"` {
				t.Fatalf("%q: %s is %s, want %s", text, entry.Key, value, entry.Value)
			}
		}
	})
}
