package ui

import (
	"bytes"
	"encoding/json"
	"strings"

	"github.com/datasetmix/datasetmix/internal/contract"
	"github.com/datasetmix/datasetmix/internal/record"
)

// rowView is a row as it is shown: as a chat where it holds one, and with code as code.
type rowView struct {
	Number                    int64 // from 1
	ID, Dataset, Domain, Type string
	Question, Answer          []piece
	// Chats are the members that hold turns, by their names.
	Chats []chat
	// Rest are the other members, as JSON.
	Rest string
	// Repeats is how often a row of the data set is in the mixed split at most.
	Repeats int64
	// Broken is a line that is no row.
	Broken string
	Cut    bool
}

// piece is a part of a text: code or not.
type piece struct {
	Code bool
	Text string
}

// chat is a list of turns.
type chat struct {
	Name  string
	Turns []turn
}

type turn struct {
	Role   string
	Pieces []piece
	Tools  string
}

// shown is how many bytes are shown of one text.
const shown = 64 << 10

// cleaned returns a text that is fit to be shown.
func cleaned(text string) string {
	if len(text) > shown {
		text = strings.ToValidUTF8(text[:shown], "") + "…"
	}
	return contract.CleanLines(text)
}

func viewOf(of found) rowView {
	view := rowView{Number: of.Row + 1, Cut: of.Cut}
	row, err := record.Parse(of.Line)
	if err != nil {
		view.Broken = cleaned(string(of.Line))
		return view
	}
	view.ID, view.Dataset, view.Domain, view.Type = cleaned(row.ID), row.Dataset, row.Domain, row.AnswerType
	view.Question, view.Answer = pieces(row.Question), pieces(row.ReferenceAnswer)
	if row.AnswerType == record.Code {
		view.Answer = []piece{{true, cleaned(row.ReferenceAnswer)}}
	}
	var members map[string]json.RawMessage
	if err := json.Unmarshal(of.Line, &members); err != nil {
		return view
	}
	for _, name := range []string{"id", "dataset", "domain", "question", "reference_answer", "answer_type"} {
		delete(members, name)
	}
	for _, name := range []string{"messages", "conversations", "prompt", "completion", "chosen", "rejected"} {
		if turns := turnsOf(members[name]); len(turns) > 0 {
			view.Chats = append(view.Chats, chat{name, turns})
			delete(members, name)
		}
	}
	view.Rest = indented(members)
	return view
}

func indented(members map[string]json.RawMessage) string {
	encoded, err := json.Marshal(members)
	if err != nil {
		return ""
	}
	var out bytes.Buffer
	if err := json.Indent(&out, encoded, "", "  "); err != nil {
		return ""
	}
	return cleaned(out.String())
}

// turnsOf reads the turns of a chat, in either of the shapes that data sets have; nil where it is none. A chat that is kept as text is
// read as well.
func turnsOf(raw json.RawMessage) []turn {
	var text string
	if json.Unmarshal(raw, &text) == nil {
		raw = json.RawMessage(text)
	}
	var list []struct {
		Role, Content, From, Value any
		ToolCalls                  json.RawMessage `json:"tool_calls"`
	}
	if json.Unmarshal(raw, &list) != nil {
		return nil
	}
	var turns []turn
	for _, one := range list {
		role, content := one.Role, one.Content
		if role == nil {
			role, content = one.From, one.Value
		}
		name, ok := role.(string)
		if !ok {
			return nil
		}
		said, ok := content.(string)
		if !ok && content != nil {
			encoded, err := json.Marshal(content)
			if err != nil {
				return nil
			}
			said = string(encoded)
		}
		turns = append(turns, turn{contract.Clean(name, 60), pieces(said), cleaned(string(one.ToolCalls))})
	}
	return turns
}

// pieces cuts a text at its fences: what is between ``` and ``` is code. A text that looks like a program is code as a whole.
func pieces(text string) []piece {
	text = cleaned(text)
	if !strings.Contains(text, "```") {
		return []piece{{looksLikeCode(text), text}}
	}
	var out []piece
	for i, part := range strings.Split(text, "```") {
		code := i%2 == 1
		if code {
			if language, rest, ok := strings.Cut(part, "\n"); ok && !strings.Contains(language, " ") {
				part = rest
			}
		}
		if part = strings.Trim(part, "\n"); part != "" {
			out = append(out, piece{code, part})
		}
	}
	return out
}

// looksLikeCode reports whether a text begins a line as programs do, and has indented ones.
func looksLikeCode(text string) bool {
	if !strings.Contains(text, "\n    ") && !strings.Contains(text, "\n\t") {
		return false
	}
	for line := range strings.Lines(text) {
		for _, begin := range []string{"def ", "class ", "import ", "from ", "func ", "function ", "#include", "package ", "public ", "static "} {
			if strings.HasPrefix(line, begin) {
				return true
			}
		}
	}
	return false
}
