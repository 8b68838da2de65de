package export

import (
	"bytes"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/parquet-go/parquet-go"

	"github.com/datasetmix/datasetmix/internal/contract"
	"github.com/datasetmix/datasetmix/internal/encode"
	"github.com/datasetmix/datasetmix/internal/recipe"
	"github.com/datasetmix/datasetmix/internal/record"
)

// chatRow has the columns of all formats; those that a file lacks stay empty.
type chatRow struct {
	Messages []readTurn `parquet:"messages,list"`
	Prompt   []readTurn `parquet:"prompt,list"`
	Chosen   []readTurn `parquet:"chosen,list"`
	Rejected []readTurn `parquet:"rejected,list"`
	Text     string     `parquet:"text"`
	ID       string     `parquet:"id"`
}

// keeping returns a line of a row that keeps members of its source.
func keeping(question, answer string, kept ...string) []byte {
	r := record.Record{ID: "chats_1", Dataset: "chats", Domain: "d", Question: question, ReferenceAnswer: answer, AnswerType: "text"}
	for i := 0; i < len(kept); i += 2 {
		r.Kept = append(r.Kept, record.Entry{Key: kept[i], Value: record.JSON(kept[i+1])})
	}
	return append(r.AppendJSON(nil), '\n')
}

func shaped(t *testing.T, export recipe.Export, line []byte) (chatRow, error) {
	t.Helper()
	x, err := Of(six(export), export.Name, "train", 0)
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	table := encode.NewTable(&out, x.Fields())
	if err := x.Add(line, table); err != nil {
		return chatRow{}, err
	}
	if err := table.Close(); err != nil {
		t.Fatal(err)
	}
	rows, err := parquet.Read[chatRow](bytes.NewReader(out.Bytes()), int64(out.Len()))
	if err != nil {
		t.Fatal(err)
	}
	return rows[0], nil
}

func of(format recipe.ExportFormat, system string) recipe.Export {
	return recipe.Export{Name: "x", Format: format, SystemPrompt: system}
}

const someChat = `[{"role":"user","content":"Hi"}, {"role":"assistant","content":[{"type":"text","text":"Hel"},{"type":"text","text":"lo"}],"tool_calls":null}]`

func TestShapes(t *testing.T) {
	hi, hello, bye := readTurn{"user", "Hi"}, readTurn{"assistant", "Hello"}, readTurn{"assistant", "Bye"}
	brief, kind := readTurn{"system", "Be brief."}, readTurn{"system", "Be kind."}
	with := func(format recipe.ExportFormat) recipe.Export {
		return recipe.Export{Name: "x", Format: format, SystemPrompt: "Be brief.", Context: true}
	}
	for what, c := range map[string]struct {
		export recipe.Export
		line   []byte
		want   chatRow
	}{
		"made of question and answer":   {of(recipe.ExportSFT, ""), keeping("Hi", "Hello"), chatRow{Messages: []readTurn{hi, hello}}},
		"with a system prompt":          {of(recipe.ExportSFT, "Be brief."), keeping("Hi", "Hello"), chatRow{Messages: []readTurn{brief, hi, hello}}},
		"a chat":                        {of(recipe.ExportSFT, "Be brief."), keeping("?", "?", "messages", someChat), chatRow{Messages: []readTurn{brief, hi, hello}}},
		"a chat with a system turn":     {of(recipe.ExportSFT, "No."), keeping("?", "?", "messages", `[{"role":"system","content":"Be brief."},{"role":"user","content":"Hi"}]`), chatRow{Messages: []readTurn{brief, hi}}},
		"a chat of ShareGPT":            {of(recipe.ExportSFT, ""), keeping("?", "?", "conversations", `[{"from":"human","value":"Hi"},{"from":"gpt","value":"Hello"}]`), chatRow{Messages: []readTurn{hi, hello}}},
		"a chat in a text":              {of(recipe.ExportSFT, ""), keeping("?", "?", "messages", `"[{\"role\":\"user\",\"content\":\"Hi\"}]"`), chatRow{Messages: []readTurn{hi}}},
		"a null chat":                   {of(recipe.ExportSFT, ""), keeping("Hi", "Hello", "messages", `null`), chatRow{Messages: []readTurn{hi, hello}}},
		"a system prompt that is kept":  {with(recipe.ExportSFT), keeping("?", "?", "conversations", `[{"from":"human","value":"Hi"},{"from":"gpt","value":"Hello"}]`, "system", `"Be kind."`), chatRow{Messages: []readTurn{kind, hi, hello}}},
		"none that is kept":             {with(recipe.ExportSFT), keeping("Hi", "Hello", "history", `[]`, "system", `""`), chatRow{Messages: []readTurn{brief, hi, hello}}},
		"a history":                     {with(recipe.ExportSFT), keeping("Hi", "Hello", "history", `[["One","Two"],["Hi","Bye"]]`, "system", `"Be kind."`), chatRow{Messages: []readTurn{kind, {"user", "One"}, {"assistant", "Two"}, hi, bye, hi, hello}}},
		"a history before a prompt":     {with(recipe.ExportRL), keeping("Hi", "Hello", "history", `"[[\"Hi\",\"Bye\"]]"`), chatRow{Prompt: []readTurn{brief, hi, bye, hi}}},
		"a system prompt of a prompt":   {with(recipe.ExportRL), keeping("Hi", "Hello", "system", `"Be kind."`), chatRow{Prompt: []readTurn{kind, hi}}},
		"as older releases had it":      {of(recipe.ExportSFT, ""), keeping("Hi", "Hello", "history", `[["Hi","Bye"]]`, "system", `"Be kind."`), chatRow{Messages: []readTurn{hi, hello}}},
		"pairs of texts":                {of(recipe.ExportPreference, ""), keeping("?", "?", "chosen", `"Hello"`, "prompt", `"Hi"`, "rejected", `"Bye"`), chatRow{Prompt: []readTurn{hi}, Chosen: []readTurn{hello}, Rejected: []readTurn{bye}}},
		"pairs of turns with a prompt":  {of(recipe.ExportPreference, "Be brief."), keeping("?", "?", "chosen", `[{"role":"assistant","content":"Hello"}]`, "prompt", `[{"role":"user","content":"Hi"}]`, "rejected", `[{"role":"assistant","content":"Bye"}]`), chatRow{Prompt: []readTurn{brief, hi}, Chosen: []readTurn{hello}, Rejected: []readTurn{bye}}},
		"pairs with the prompt in both": {of(recipe.ExportPreference, ""), keeping("?", "?", "chosen", someChat, "rejected", `[{"role":"user","content":"Hi"},{"role":"assistant","content":"Bye"}]`), chatRow{Prompt: []readTurn{hi}, Chosen: []readTurn{hello}, Rejected: []readTurn{bye}}},
		"pairs without a prompt":        {of(recipe.ExportPreference, ""), keeping("Hi", "?", "chosen", `"Hello"`, "rejected", `"Bye"`), chatRow{Prompt: []readTurn{hi}, Chosen: []readTurn{hello}, Rejected: []readTurn{bye}}},
		"a text":                        {of(recipe.ExportText, ""), keeping("Once.", ""), chatRow{Text: "Once."}},
		"a question and its answer":     {of(recipe.ExportText, ""), keeping("Hi", "Hello"), chatRow{Text: "Hi\n\nHello"}},
		"a text that is kept":           {of(recipe.ExportText, ""), keeping("?", "?", "text", `"Once.\n"`), chatRow{Text: "Once.\n"}},
		"a prompt that is kept":         {of(recipe.ExportRL, ""), keeping("?", "?", "prompt", `[{"role":"user","content":"Hi"}]`), chatRow{Prompt: []readTurn{hi}}},
		"a chat before its answer":      {of(recipe.ExportRL, "Be brief."), keeping("?", "?", "messages", someChat), chatRow{Prompt: []readTurn{brief, hi}}},
	} {
		got, err := shaped(t, c.export, c.line)
		if err != nil {
			t.Errorf("%s: %v", what, err)
			continue
		}
		c.want.ID = "chats_1"
		if diff := cmp.Diff(c.want, got, cmpopts.EquateEmpty()); diff != "" {
			t.Errorf("%s (-want +got):\n%s", what, diff)
		}
	}
}

// What a format cannot hold is refused by the row's name, with what is wrong.
func TestRowsThatAFormatCannotHold(t *testing.T) {
	for want, c := range map[string]struct {
		format recipe.ExportFormat
		line   []byte
	}{
		"it has no reference answer":         {recipe.ExportSFT, keeping("Hi", "")},
		"turn 1 has the member tool_calls":   {recipe.ExportSFT, keeping("?", "?", "messages", `[{"role":"assistant","content":null,"tool_calls":[{"id":"1"}]}]`)},
		"turn 1 has a part of the type":      {recipe.ExportSFT, keeping("?", "?", "messages", `[{"role":"user","content":[{"type":"image","url":"x"}]}]`)},
		"turn 2 says no text":                {recipe.ExportSFT, keeping("?", "?", "messages", `[{"role":"user","content":""},{"role":"user"}]`)},
		"turn 1 has the role observation":    {recipe.ExportSFT, keeping("?", "?", "conversations", `[{"from":"observation","value":"{}"}]`)},
		"turn 2 has the role tool":           {recipe.ExportRL, keeping("?", "?", "messages", `[{"role":"user","content":"Hi"},{"role":"tool","content":"{}"}]`)},
		"its history is no list of pairs":    {recipe.ExportSFT, keeping("Hi", "Hello", "history", `[["Hi"]]`)},
		"its history is no list of pairs of": {recipe.ExportRL, keeping("Hi", "Hello", "history", `"Hi"`)},
		"its member text is no text":         {recipe.ExportText, keeping("Hi", "", "text", `["Hi"]`)},
		"turn 1 has no role":                 {recipe.ExportSFT, keeping("?", "?", "messages", `[{"content":"Hi"}]`)},
		"its turns are no list of objects":   {recipe.ExportSFT, keeping("?", "?", "messages", `"Hi"`)},
		"it has no member rejected":          {recipe.ExportPreference, keeping("?", "?", "chosen", `"a"`, "rejected", "null")},
		"it has no turn before the answer":   {recipe.ExportRL, keeping("?", "?", "messages", `[{"role":"assistant","content":"Hi"}]`)},
		"its turns are no list of objects;":  {recipe.ExportRL, keeping("?", "?", "prompt", `[]`)},
	} {
		export := of(c.format, "")
		export.Context = true
		_, err := shaped(t, export, c.line)
		if contract.ReasonOf(err) != contract.InvalidData || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), "row chats_1 of data set chats") {
			t.Errorf("the error is %v, want %q in it", err, want)
		}
	}
}
