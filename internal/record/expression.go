package record

import (
	"errors"
	"fmt"
	"strings"

	"github.com/datasetmix/datasetmix/internal/decode"
)

// Unanswerable is the reference answer of a question that its context does not answer.
const Unanswerable = "unanswerable"

var (
	errEmpty         = errors.New("the question is empty; correct the row at the source")
	errContradiction = errors.New("is_impossible and answers contradict each other; correct the row at the source")
)

// field is a string field, byte for byte.
func field(name string) expression {
	return func(row fields) (string, error) { return row.str(name) }
}

// oneOf is the first of several string fields that is there.
func oneOf(names ...string) expression {
	return func(row fields) (string, error) {
		for _, name := range names {
			if row.get(name) != nil {
				return row.str(name)
			}
		}
		return "", fmt.Errorf("none of the fields %q is there; choose the preset or mapping that fits the data set", names)
	}
}

func joined(by string, parts ...expression) expression {
	return func(row fields) (string, error) {
		texts := make([]string, len(parts))
		for i, part := range parts {
			var err error
			if texts[i], err = part(row); err != nil {
				return "", err
			}
		}
		return strings.Join(texts, by), nil
	}
}

// id is the first of several fields that is there, a string or a number; "" when none is.
func id(names ...string) expression {
	return func(row fields) (string, error) {
		for _, name := range names {
			switch v := row.get(name).(type) {
			case nil:
				continue
			case string:
				return v, nil
			case decode.Number:
				return string(v), nil
			default:
				return "", fmt.Errorf("the id in field %q is %s and must be a string or a number; correct it at the source", name, describe(v))
			}
		}
		return "", nil
	}
}

// as keeps a field under its own name, nil where it is absent.
func as(name string) kept {
	return kept{name, func(row fields) (any, error) { return row.get(name), nil }}
}

// numberAfter is the number that follows the last mark, without the commas between its digits: GSM8K's answers end in
// "#### 1,234".
func numberAfter(name, mark string) expression {
	return func(row fields) (string, error) {
		s, err := row.str(name)
		if err != nil {
			return "", err
		}
		at := strings.LastIndex(s, mark)
		if at < 0 {
			return "", fmt.Errorf("there is no %q in field %q, so the answer cannot be found; correct the row or choose another preset", mark, name)
		}
		number := strings.ReplaceAll(strings.TrimSpace(s[at+len(mark):]), ",", "")
		if !isNumber(number) {
			return "", fmt.Errorf("what follows %q in field %q is %.40q and not a number; correct the row or choose another preset", mark, name, number)
		}
		return number, nil
	}
}

// isNumber takes an optional minus, digits, and optionally a point with digits after it.
func isNumber(s string) bool {
	whole, fraction, point := strings.Cut(strings.TrimPrefix(s, "-"), ".")
	return isDigits(whole) && (!point || isDigits(fraction))
}

func isDigits(s string) bool {
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			return false
		}
	}
	return s != ""
}

// boxed is what the last \boxed of a LaTeX text holds, else the last \fbox.
func boxed(name string) expression {
	return func(row fields) (string, error) {
		s, err := row.str(name)
		if err != nil {
			return "", err
		}
		for _, command := range []string{`\boxed`, `\fbox`} {
			if at := lastCommand(s, command); at >= 0 {
				return argument(s[at+len(command):], command)
			}
		}
		return "", fmt.Errorf(`there is no \boxed in field %q, so the answer cannot be found; correct the row or choose another preset`, name)
	}
}

// lastCommand finds the last use of a LaTeX command, -1 when there is none. A letter right after it makes another command.
func lastCommand(s, command string) int {
	for end := len(s); ; {
		at := strings.LastIndex(s[:end], command)
		if at < 0 {
			return -1
		}
		after := s[at+len(command):]
		if after == "" || !isLetter(after[0]) {
			return at
		}
		end = at
	}
}

func isLetter(c byte) bool { return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' }

// argument is what a LaTeX command is applied to: a group in braces, else what goes on to the end of the formula ("\boxed
// 2$"), which is how the data set means it, though LaTeX itself would take one token. An empty group is an empty answer:
// MATH has two such rows, and a data set that a user cannot mend must not stop a build for it.
func argument(s, command string) (string, error) {
	s = strings.TrimLeft(s, " \t\r\n")
	if !strings.HasPrefix(s, "{") {
		formula, _, _ := strings.Cut(s, "$")
		if formula = strings.TrimSpace(formula); formula == "" {
			return "", fmt.Errorf("nothing follows the last %s; correct the row at the source", command)
		}
		return formula, nil
	}
	depth := 0
	for i := 0; i < len(s); i++ {
		switch s[i] {
		case '\\':
			i++ // An escaped brace opens and closes nothing.
		case '{':
			depth++
		case '}':
			depth--
		}
		if depth == 0 {
			return s[1:i], nil
		}
	}
	return "", fmt.Errorf("the braces of the last %s do not close; correct the row at the source", command)
}

// answerTexts is the list of the texts of SQuAD's answers, all of them, in their order.
func answerTexts(row fields) (any, error) {
	answers, _ := row.get("answers").(map[string]any)
	texts, ok := answers["text"].([]any)
	if !ok {
		return nil, fmt.Errorf("the field \"answers\" is %s and must be an object with a list of texts; correct it at the source", describe(row.get("answers")))
	}
	for _, text := range texts {
		if _, ok := text.(string); !ok {
			return nil, fmt.Errorf("an answer is %s and must be a string; correct it at the source", describe(text))
		}
	}
	return texts, nil
}

// impossible says whether a SQuAD question has no answer. Where the source says so itself, its list of answers must agree.
func impossible(row fields) (bool, []any, error) {
	v, err := answerTexts(row)
	if err != nil {
		return false, nil, err
	}
	texts := v.([]any)
	if said, ok := row.get("is_impossible").(bool); ok && said != (len(texts) == 0) {
		return false, nil, errContradiction
	}
	return len(texts) == 0, texts, nil
}

func isImpossible(row fields) (any, error) {
	none, _, err := impossible(row)
	if none {
		return "true", err
	}
	return "false", err
}

func firstAnswer(row fields) (string, error) {
	none, texts, err := impossible(row)
	if err != nil || none {
		return Unanswerable, err
	}
	return texts[0].(string), nil
}

// paragraphs joins HotpotQA's context: "Title\nsentence sentence …" with empty lines between. The sentences bring the
// spaces between them. Both forms are read: the original list of [title, [sentences]] and the Hub's struct of two lists.
func paragraphs(name string) expression {
	return func(row fields) (string, error) {
		titles, sentences, err := contextLists(row.get(name))
		if err != nil {
			return "", fmt.Errorf("the field %q %w; correct it at the source", name, err)
		}
		var b strings.Builder
		for i, title := range titles {
			t, ok := title.(string)
			list, isList := sentences[i].([]any)
			if !ok || !isList {
				return "", fmt.Errorf("paragraph %d of the field %q has not a title and a list of sentences; correct it at the source", i+1, name)
			}
			if i > 0 {
				b.WriteString("\n\n")
			}
			b.WriteString(t)
			b.WriteString("\n")
			for _, sentence := range list {
				s, ok := sentence.(string)
				if !ok {
					return "", fmt.Errorf("paragraph %d of the field %q has a sentence that is %s; correct it at the source", i+1, name, describe(sentence))
				}
				b.WriteString(s)
			}
		}
		return b.String(), nil
	}
}

func contextLists(context any) (titles, sentences []any, err error) {
	switch c := context.(type) {
	case map[string]any:
		titles, _ = c["title"].([]any)
		sentences, _ = c["sentences"].([]any)
		if len(titles) != len(sentences) {
			return nil, nil, fmt.Errorf("has %d titles and %d lists of sentences", len(titles), len(sentences))
		}
	case []any:
		for _, paragraph := range c {
			pair, ok := paragraph.([]any)
			if !ok || len(pair) != 2 {
				return nil, nil, errors.New("must be a list of pairs of a title and sentences")
			}
			titles, sentences = append(titles, pair[0]), append(sentences, pair[1])
		}
	}
	if len(titles) == 0 {
		return nil, nil, fmt.Errorf("is %s and must have paragraphs", describe(context))
	}
	return titles, sentences, nil
}
