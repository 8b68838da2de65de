package language

import (
	"errors"
	"fmt"
	"strings"

	"github.com/google/cel-go/common/types"
	"github.com/google/cel-go/common/types/ref"
	"github.com/google/cel-go/common/types/traits"

	"github.com/datasetmix/datasetmix/internal/decode/jsonvalue"
)

// textOf returns the string that a function works on, or the error to return instead.
func textOf(v ref.Val) (string, ref.Val) {
	if s, ok := v.(types.String); ok {
		return string(s), nil
	}
	return "", wrong(func(it Subject) string { return it.The() + " is " + describeValue(v) + " and must be a string" })
}

// onText returns a function of one text.
func onText(call func(s string) ref.Val) func(...ref.Val) ref.Val {
	return func(args ...ref.Val) ref.Val {
		s, bad := textOf(args[0])
		if bad != nil {
			return bad
		}
		return call(s)
	}
}

// afterLast returns the text after the last mark, without the white space around it.
func afterLast(args ...ref.Val) ref.Val {
	s, bad := textOf(args[0])
	if bad != nil {
		return bad
	}
	mark, bad := textOf(args[1])
	if bad != nil {
		return bad
	}
	at := strings.LastIndex(s, mark)
	if at < 0 {
		return wrong(func(it Subject) string {
			return fmt.Sprintf("there is no %q in %s, so the answer cannot be found", mark, it)
		})
	}
	return types.String(strings.TrimSpace(s[at+len(mark):]))
}

// number returns the text of a number without white space around it and without the commas between its digits: GSM8K's answers
// end in "#### 1,234".
func number(s string) ref.Val {
	s = strings.ReplaceAll(strings.TrimSpace(s), ",", "")
	if !isNumber(s) {
		return wrong(func(it Subject) string { return fmt.Sprintf("%s is %.40q and not a number", it.The(), s) })
	}
	return types.String(s)
}

// isNumber reports whether a text is an optional minus, digits, and optionally a point with digits after it.
func isNumber(s string) bool {
	whole, fraction, point := strings.Cut(strings.TrimPrefix(s, "-"), ".")
	return IsDigits(whole) && (!point || IsDigits(fraction))
}

// IsDigits reports whether a text is ASCII digits, at least one.
func IsDigits(s string) bool {
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			return false
		}
	}
	return s != ""
}

// boxed returns what the last \boxed of a LaTeX text holds, else the last \fbox.
func boxed(s string) ref.Val {
	for _, command := range []string{`\boxed`, `\fbox`} {
		if at := lastCommand(s, command); at >= 0 {
			held, err := argument(s[at+len(command):], command)
			if err != nil {
				return wrong(func(Subject) string { return err.Error() })
			}
			return types.String(held)
		}
	}
	return wrong(func(it Subject) string {
		return fmt.Sprintf(`there is no \boxed in %s, so the answer cannot be found`, it)
	})
}

// lastCommand returns the place of the last use of a LaTeX command, -1 if it is not used. A letter right after it makes another command.
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

// argument returns what a LaTeX command is applied to: a group in braces, else what follows up to the end of the formula ("\boxed 2$"), as the data
// set means it, though LaTeX itself would use one token. An empty group is an empty answer: MATH has two such rows, and they must not stop a build
// of a data set that its user cannot correct.
func argument(s, command string) (string, error) {
	s = strings.TrimLeft(s, " \t\r\n")
	if !strings.HasPrefix(s, "{") {
		formula, _, _ := strings.Cut(s, "$")
		if formula = strings.TrimSpace(formula); formula == "" {
			return "", fmt.Errorf("nothing follows the last %s", command)
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
	return "", fmt.Errorf("the braces of the last %s do not close", command)
}

// openJSON returns the value of a text of JSON.
func openJSON(s string) ref.Val {
	v, err := jsonvalue.Parse(s)
	if err != nil {
		return wrong(func(it Subject) string { return it.The() + " is not a text of JSON: " + err.Error() })
	}
	return Adapter{}.NativeToValue(v)
}

func trim(s string) ref.Val {
	return types.String(strings.TrimSpace(s))
}

// split cuts a text at every separator, which must not be empty.
func split(args ...ref.Val) ref.Val {
	s, bad := textOf(args[0])
	if bad != nil {
		return bad
	}
	separator, bad := textOf(args[1])
	if bad != nil {
		return bad
	}
	if separator == "" || strings.Count(s, separator) >= maxParts {
		return wrong(func(it Subject) string {
			return fmt.Sprintf("%s cannot be split at %q: that is no separator, or gives more than %d parts", it.The(), separator, maxParts)
		})
	}
	return types.NewStringList(Adapter{}, strings.Split(s, separator))
}

func join(args ...ref.Val) ref.Val {
	list, ok := args[0].(traits.Lister)
	separator, bad := textOf(args[1])
	if !ok || bad != nil {
		return wrong(func(it Subject) string {
			return it.The() + " is " + describeValue(args[0]) + " and must be a list of strings, joined by a string"
		})
	}
	var b strings.Builder
	first := true
	for it := list.Iterator(); it.HasNext() == types.True; first = false {
		element := it.Next()
		s, ok := element.(types.String)
		if !ok {
			return wrong(func(it Subject) string {
				return it.The() + " has an element that is " + describeValue(element) + " and must be a string"
			})
		}
		if b.Len()+len(separator)+len(s) > MaxText {
			return tooLong()
		}
		if !first {
			b.WriteString(separator)
		}
		b.WriteString(string(s))
	}
	return types.String(b.String())
}

// replace replaces every occurrence of a text, which must not be empty, by another one.
func replace(args ...ref.Val) ref.Val {
	var s [3]string
	for i, arg := range args {
		var bad ref.Val
		if s[i], bad = textOf(arg); bad != nil {
			return bad
		}
	}
	if s[1] == "" {
		return wrong(func(Subject) string { return "an empty text cannot be replaced" })
	}
	if len(s[0])+strings.Count(s[0], s[1])*(len(s[2])-len(s[1])) > MaxText {
		return tooLong()
	}
	return types.String(strings.ReplaceAll(s[0], s[1], s[2]))
}

func tooLong() ref.Val {
	return wrong(func(Subject) string { return fmt.Sprintf("the text would be longer than %d MiB", MaxText>>20) })
}

// fail refuses the row with a message from the expression.
func fail(s string) ref.Val {
	return wrong(func(Subject) string { return s })
}

// Unanswerable is the reference answer of a question that its context does not answer.
const Unanswerable = "unanswerable"

// squadAnswer returns the first of SQuAD's answers, or Unanswerable if the list is empty. All of them must be texts, and where the source has
// is_impossible, its list of answers must agree.
func squadAnswer(args ...ref.Val) ref.Val {
	v, impossible := args[0], args[1]
	answers, _ := v.Value().(map[string]any)
	texts, ok := answers["text"].([]any)
	if !ok {
		return wrong(func(it Subject) string {
			return it.The() + " is " + describeValue(v) + " and must be an object with a list of texts"
		})
	}
	for _, text := range texts {
		if _, ok := text.(string); !ok {
			return wrong(func(Subject) string { return "an answer is " + Describe(text) + " and must be a string" })
		}
	}
	if o, ok := impossible.(*types.Optional); ok && o.HasValue() {
		if said, ok := o.GetValue().(types.Bool); ok && bool(said) != (len(texts) == 0) {
			return wrong(func(Subject) string { return "is_impossible and answers contradict each other" })
		}
	}
	if len(texts) == 0 {
		return types.String(Unanswerable)
	}
	return types.String(texts[0].(string))
}

// hotpotParagraphs joins HotpotQA's context: "Title\nsentence sentence …" with empty lines between. The sentences include the spaces between them.
// Both forms are read: the original list of [title, [sentences]] and the Hub's struct of two lists.
func hotpotParagraphs(args ...ref.Val) ref.Val {
	titles, sentences, err := contextLists(args[0].Value())
	if err != nil {
		return wrong(func(it Subject) string { return it.The() + " " + err.Error() })
	}
	var b strings.Builder
	for i, title := range titles {
		t, ok := title.(string)
		list, isList := sentences[i].([]any)
		if !ok || !isList {
			return wrong(func(it Subject) string {
				return fmt.Sprintf("paragraph %d of %s has not a title and a list of sentences", i+1, it.The())
			})
		}
		if i > 0 {
			b.WriteString("\n\n")
		}
		b.WriteString(t)
		b.WriteString("\n")
		for _, sentence := range list {
			s, ok := sentence.(string)
			if !ok {
				return wrong(func(it Subject) string {
					return fmt.Sprintf("paragraph %d of %s has a sentence that is %s", i+1, it.The(), Describe(sentence))
				})
			}
			b.WriteString(s)
		}
	}
	return types.String(b.String())
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
		return nil, nil, fmt.Errorf("is %s and must have paragraphs", Describe(context))
	}
	return titles, sentences, nil
}
