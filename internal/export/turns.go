package export

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/datasetmix/datasetmix/internal/encode"
	"github.com/datasetmix/datasetmix/internal/recipe"
)

// The roles of turns.
const (
	systemRole    = "system"
	userRole      = "user"
	assistantRole = "assistant"
)

// turn is a turn of a chat.
type turn struct{ role, content string }

// shareGPT are the roles that ShareGPT has other names for.
var shareGPT = map[string]string{"human": userRole, "gpt": assistantRole, "chatgpt": assistantRole, "bing": assistantRole, "bard": assistantRole}

// toolRoles are those of turns that call tools, or answer for them, in OpenAI's and ShareGPT's chats.
var toolRoles = []string{"tool", "function", "function_call", "observation"}

// turnsOf reads turns as OpenAI's, TRL's and ShareGPT's chats have them: a list, or a text of JSON that holds one.
func turnsOf(raw []byte) ([]turn, error) {
	var list []map[string]json.RawMessage
	if err := json.Unmarshal(unpacked(raw), &list); err != nil || len(list) == 0 {
		return nil, errors.New("its turns are no list of objects")
	}
	turns := make([]turn, len(list))
	for i, of := range list {
		var err error
		if turns[i], err = turnOf(of); err != nil {
			return nil, fmt.Errorf("turn %d %w", i+1, err)
		}
	}
	return turns, nil
}

// unpacked returns the JSON in a text; a value that is not a text is returned unchanged.
func unpacked(raw []byte) []byte {
	var inner string
	if raw[0] == '"' && json.Unmarshal(raw, &inner) == nil {
		return []byte(inner)
	}
	return raw
}

// turnOf reads a turn. One that calls tools, or answers for them, says more than a role and a text, and is refused.
func turnOf(of map[string]json.RawMessage) (t turn, err error) {
	for _, name := range []string{"tool_calls", "tool_call_id", "function_call"} {
		if raw := string(of[name]); raw != "" && raw != "null" && raw != "[]" && raw != `""` {
			return t, fmt.Errorf("has the member %s, and a turn here is a role and a text", name)
		}
	}
	role, content := of["role"], of["content"]
	if role == nil {
		role, content = of["from"], of["value"]
	}
	if json.Unmarshal(role, &t.role) != nil || t.role == "" {
		return t, errors.New("has no role")
	}
	if other, ok := shareGPT[t.role]; ok {
		t.role = other
	}
	if slices.Contains(toolRoles, t.role) {
		return t, fmt.Errorf("has the role %s, and what tools are asked and answer cannot be held", t.role)
	}
	t.content, err = contentOf(content)
	return t, err
}

// contentOf reads what a turn says: a text, or parts that all are texts, which are joined.
func contentOf(raw json.RawMessage) (string, error) {
	var text string
	if len(raw) > 0 && raw[0] == '"' && json.Unmarshal(raw, &text) == nil {
		return text, nil
	}
	var parts []struct {
		Type string  `json:"type"`
		Text *string `json:"text"`
	}
	if len(raw) == 0 || json.Unmarshal(raw, &parts) != nil || len(parts) == 0 {
		return "", errors.New("says no text")
	}
	var all strings.Builder
	for _, part := range parts {
		if part.Type != "text" || part.Text == nil {
			return "", fmt.Errorf("has a part of the type %.40q, and only texts can be held", part.Type)
		}
		all.WriteString(*part.Text)
	}
	return all.String(), nil
}

// said returns turns, or one text as the turn of a role.
func said(raw []byte, role string) ([]turn, error) {
	if raw[0] != '"' {
		return turnsOf(raw)
	}
	var text string
	if err := json.Unmarshal(raw, &text); err != nil {
		return nil, err
	}
	return []turn{{role, text}}, nil
}

// chat returns the turns that the row keeps as messages; nil if it keeps none.
func (x *Rows) chat() ([]turn, error) {
	for _, name := range []string{recipe.KeptMessages, recipe.KeptConversations} {
		if raw := x.row.keeps(name); raw != nil {
			return turnsOf(raw)
		}
	}
	return nil, nil
}

// keptPrompt returns the turns of a prompt that the row keeps, or those of its chat before the last answer; nil if it has neither.
func (x *Rows) keptPrompt() ([]turn, error) {
	if raw := x.row.keeps(recipe.KeptPrompt); raw != nil {
		return said(raw, userRole)
	}
	turns, err := x.chat()
	if err != nil || turns == nil {
		return nil, err
	}
	for len(turns) > 0 && turns[len(turns)-1].role == assistantRole {
		turns = turns[:len(turns)-1]
	}
	if len(turns) == 0 {
		return nil, errWithout("turn before the answer")
	}
	return turns, nil
}

// asks returns the turns of the question: what was said before it, as Alpaca keeps it, and the question with its instruction.
func (x *Rows) asks(scorer recipe.Scorer) ([]turn, error) {
	asked := turn{userRole, string(x.question(scorer))}
	raw := x.row.keeps(recipe.KeptHistory)
	if raw == nil || !x.export.Context {
		return []turn{asked}, nil
	}
	var pairs [][]string
	if err := json.Unmarshal(unpacked(raw), &pairs); err != nil || slices.ContainsFunc(pairs, func(pair []string) bool { return len(pair) != 2 }) {
		return nil, errors.New("its history is no list of pairs of texts")
	}
	var turns []turn
	for _, pair := range pairs {
		turns = append(turns, turn{userRole, pair[0]}, turn{assistantRole, pair[1]})
	}
	return append(turns, asked), nil
}

// system returns the system prompt that a row keeps, else that of the export. It may be empty.
func (x *Rows) system() string {
	var own string
	if raw := x.row.keeps(recipe.KeptSystem); raw != nil && x.export.Context && json.Unmarshal(raw, &own) == nil && own != "" {
		return own
	}
	return x.export.SystemPrompt
}

// turns adds turns to a list whose first leaf is given, behind the system prompt where they have none of their own.
func (x *Rows) turns(turns []turn, leaf int, to *encode.Table) {
	if system := x.system(); system != "" && !slices.ContainsFunc(turns, func(t turn) bool { return t.role == systemRole }) {
		turns = slices.Insert(slices.Clone(turns), 0, turn{systemRole, system})
	}
	add(turns, leaf, to)
}

func add(turns []turn, leaf int, to *encode.Table) {
	for _, t := range turns {
		to.Text(leaf, []byte(t.role))
		to.Text(leaf+1, []byte(t.content))
	}
}
