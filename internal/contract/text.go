package contract

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// Clean returns a text from outside as one line that is fit to be shown: valid UTF-8 without control characters, so that no
// terminal takes a part of it for a command, and without characters that are not seen but change how the text next to them is
// read (the order of right-to-left text, for example). What is left out leaves a replacement character or a space. The line has
// at most so many characters, the ellipsis of one that was cut included; 0 is no bound.
//
// Text from outside is what a Hub, a server, a card, a file's name, a manifest on a volume or a pod says.
func Clean(text string, most int) string {
	if most > 0 && len(text) > most && utf8.RuneCountInString(text) > most {
		text = string([]rune(text)[:most-1]) + "…"
	}
	return strings.Map(seen, text)
}

// CleanLines returns a text of several lines that is fit for a terminal, as Clean does, but for its ends of lines and tabs.
func CleanLines(text string) string {
	return strings.Map(func(r rune) rune {
		if r == '\n' || r == '\t' {
			return r
		}
		return seen(r)
	}, text)
}

// seen returns the character that is shown in place of another one.
func seen(r rune) rune {
	switch {
	case r == '\t', r == '\n', r == '\v', r == '\f', r == '\r', r == '\u0085', r == '\u2028', r == '\u2029':
		return ' '
	case r == '\u200c', r == '\u200d': // join and part letters, in the scripts of many languages
		return r
	case unicode.IsControl(r), unicode.Is(unicode.Cf, r):
		return utf8.RuneError
	default:
		return r
	}
}

// Sentences joins texts to one of whole sentences: each gets a full stop where it ends in none.
func Sentences(texts ...string) string {
	var b strings.Builder
	for _, text := range texts {
		if text = strings.TrimSpace(text); text == "" {
			continue
		}
		if b.Len() > 0 {
			b.WriteByte(' ')
		}
		b.WriteString(text)
		if !strings.HasSuffix(text, ".") && !strings.HasSuffix(text, ".)") {
			b.WriteByte('.')
		}
	}
	return b.String()
}

// embedMark surrounds an error in a message until both are joined. It is no character of any text.
const embedMark = "\x00\uffff"

// embedded is an error whose text can be found in the message that it becomes a part of.
type embedded struct{ error }

func (e embedded) Error() string { return embedMark + e.error.Error() + embedMark }

// joinEmbedded joins errors with the message around them. Some errors are fragments, and what to do follows behind a semicolon;
// some are whole sentences, and then it follows as a sentence of its own.
func joinEmbedded(message string) string {
	parts := strings.Split(message, embedMark) // around, error, around, error … around
	var b strings.Builder
	for i, part := range parts {
		if i > 0 && i%2 == 0 && strings.HasSuffix(parts[i-1], ".") {
			part = afterSentence(part, i == len(parts)-1)
		}
		b.WriteString(part)
	}
	return b.String()
}

// afterSentence makes what follows a fragment follow a sentence; last says that nothing comes behind it.
func afterSentence(rest string, last bool) string {
	if rest == "." {
		return ""
	}
	next := strings.TrimLeft(rest, ".;:, ")
	if next == "" || strings.HasPrefix(rest, " (") || !strings.ContainsAny(rest[:1], ".;:, ") {
		return rest
	}
	first, width := utf8.DecodeRuneInString(next)
	next = " " + string(unicode.ToUpper(first)) + next[width:]
	if last && !strings.HasSuffix(next, ".") {
		next += "."
	}
	return next
}
