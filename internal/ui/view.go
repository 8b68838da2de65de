package ui

import (
	"bytes"
	"encoding/json"
	"strings"

	"github.com/datasetmix/datasetmix/internal/contract"
	"github.com/datasetmix/datasetmix/internal/record"
)

// rowView is a row as it is shown: chats as turns, and code as code.
type rowView struct {
	Number                    int64 // from 1
	ID, Dataset, Domain, Type string
	Question, Answer          []piece
	// Chats are the members that hold a chat.
	Chats []chat
	// Rest are the other members, as JSON.
	Rest string
	// Repeats is how often a row of the data set is in a mixed split at most; 0 if it is not known.
	Repeats int64
	// Broken is the text of a line that is no row; empty for a row.
	Broken string
	Cut    bool
}

// piece is a part of a text, which is code or not.
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

// shown is the number of bytes of a text that are shown.
const shown = 64 << 10

// cleaned returns a text cut to shown, without control characters.
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

// turnsOf returns the turns of a chat, with role and content or with from and value, which may be encoded in a JSON string; nil for anything else.
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

// pieces cuts a text into pieces: text between ``` and ``` is code. A text without ``` that looks like a program is code as a whole.
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

// looksLikeCode reports whether a text has indented lines, and a line that begins like a program's.
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
