package language

import (
	"fmt"
	"strings"

	"github.com/google/cel-go/common/types"
	"github.com/google/cel-go/common/types/ref"

	"github.com/datasetmix/datasetmix/internal/record"
)

// Each kind of data set has its own names for the same things. The first name of a turn's part that is there counts.
var (
	roleNames    = []string{"role", "from"}
	contentNames = []string{"content", "value"}
	roles        = map[string]string{"human": "user", "gpt": "assistant", "chatgpt": "assistant", "model": "assistant", "bot": "assistant"}
)

// turns returns the texts of a chat's turns, of one role or of all. A turn without a text, such as one that only calls a tool, does not count. Of a
// content with parts, those that are texts are joined, each on its own line.
func turns(args ...ref.Val) ref.Val {
	role := ""
	if len(args) > 1 {
		var bad ref.Val
		if role, bad = textOf(args[1]); bad != nil {
			return bad
		}
	}
	chat := args[0]
	if text, ok := chat.(types.String); ok {
		if chat = openJSON(string(text)); types.IsError(chat) {
			return chat
		}
	}
	v, err := Native(chat)
	list, ok := v.([]any)
	if err != nil || !ok {
		return wrong(func(it Subject) string {
			return it.The() + " is " + Describe(v) + " and must be a list of turns, or a text of JSON that holds one"
		})
	}
	var found []string
	for i, turn := range list {
		who, text, problem := readTurn(turn)
		if problem != "" {
			return wrong(func(it Subject) string { return fmt.Sprintf("turn %d of %s %s", i+1, it.The(), problem) })
		}
		if text != "" && (role == "" || who == canonicalRole(role)) {
			found = append(found, text)
		}
	}
	return types.NewStringList(Adapter{}, found)
}

func readTurn(turn any) (role, text, problem string) {
	object, ok := turn.(map[string]any)
	if !ok {
		return "", "", "is " + Describe(turn) + " and must be an object with role and content, or from and value"
	}
	role, ok = firstOf(object, roleNames).(string)
	if !ok {
		return "", "", "has no role, and no from, that is a string"
	}
	text, problem = contentText(firstOf(object, contentNames))
	return canonicalRole(role), text, problem
}

func canonicalRole(role string) string {
	role = strings.ToLower(role)
	if known, ok := roles[role]; ok {
		return known
	}
	return role
}

func firstOf(object map[string]any, names []string) any {
	for _, name := range names {
		if v := object[name]; v != nil {
			return v
		}
	}
	return nil
}

// contentText returns the text of a turn's content: a string, parts, or nothing.
func contentText(content any) (text, problem string) {
	switch content := content.(type) {
	case nil:
		return "", ""
	case string:
		return content, ""
	case []any:
		var texts []string
		for _, part := range content {
			if object, ok := part.(map[string]any); ok {
				part = object["text"]
			}
			if text, ok := part.(string); ok && text != "" {
				texts = append(texts, text)
			}
		}
		return strings.Join(texts, "\n"), ""
	}
	return "", "has a content that is " + Describe(content) + " and must be a string or a list of parts"
}

// jsonText writes a value as JSON, the members of objects by name.
func jsonText(args ...ref.Val) ref.Val {
	v, err := Native(args[0])
	if err != nil {
		return wrong(func(Subject) string { return err.Error() })
	}
	return types.String(record.ValueOf(v))
}
