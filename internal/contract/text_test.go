package contract

import (
	"errors"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
)

// TestClean: text from outside, and what is shown of it.
func TestClean(t *testing.T) {
	for _, tc := range []struct {
		name, text string
		most       int
		want       string
	}{
		{"as it is", "héllo, 世界 🙂", 0, "héllo, 世界 🙂"},
		{"lines and tabs", "a\r\nb\tc\u2028d\u0085e", 0, "a  b c d e"},
		{"an escape sequence", "a\x1b[31mred\x1b[0m", 0, "a\ufffd[31mred\ufffd[0m"},
		{"a sequence of one character", "a\u009b31m", 0, "a\ufffd31m"},
		{"a bell and a delete", "a\a\x7f", 0, "a\ufffd\ufffd"},
		{"the other direction", "exe.\u202etxt\u2066.csv", 0, "exe.\ufffdtxt\ufffd.csv"},
		{"what is not seen", "a\u200bb\ufeff\U000e0041", 0, "a\ufffdb\ufffd\ufffd"},
		{"what joins letters", "नी\u200dन", 0, "नी\u200dन"},
		{"no text", "a\xff\xc3", 0, "a\ufffd\ufffd"},
		{"short enough", "abc", 3, "abc"},
		{"characters, not bytes", "äöü", 3, "äöü"},
		{"too long", "äöüß", 3, "äö…"},
		{"too long and no text", strings.Repeat("\xff", 9), 4, "\ufffd\ufffd\ufffd…"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			if diff := cmp.Diff(tc.want, Clean(tc.text, tc.most)); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
	if diff := cmp.Diff("a\n\tb\ufffd c", CleanLines("a\n\tb\x1b\rc")); diff != "" {
		t.Errorf("lines (-want +got):\n%s", diff)
	}
}

// FuzzClean: whatever a text holds, what is shown is one short line of UTF-8, and is shown as it is.
//
//fuzz:brief each character is judged alone
func FuzzClean(f *testing.F) {
	f.Add("a\x1b[0m\u202e\xff", 3)
	f.Fuzz(func(t *testing.T, text string, most int) {
		most = max(1, most%1000)
		got := Clean(text, most)
		if !utf8.ValidString(got) || utf8.RuneCountInString(got) > most || strings.ContainsAny(got, "\x1b\n\r\u202e\u009b") || Clean(got, most) != got {
			t.Errorf("%q, at most %d: %q", text, most, got)
		}
	})
}

// TestComposedMessages: a cause may be a fragment or whole sentences; what is said around it reads as one text either way.
func TestComposedMessages(t *testing.T) {
	fragment := errors.New("connection refused")
	sentences := Failf(SourceNotFound, "x does not exist (404). Check the address.")
	for _, tc := range []struct {
		format string
		cause  error
		want   string
	}{
		{"x: %w", fragment, "x: connection refused"},
		{"x: %w; try again", fragment, "x: connection refused; try again"},
		{"X is gone: %w.", fragment, "X is gone: connection refused."},
		{"x: %w", sentences, "x: x does not exist (404). Check the address."},
		{"x: %w; try again", sentences, "x: x does not exist (404). Check the address. Try again."},
		{"x: %w: use another", sentences, "x: x does not exist (404). Check the address. Use another."},
		{"X is gone: %w.", sentences, "X is gone: x does not exist (404). Check the address."},
		{"X is gone: %w. Try again.", sentences, "X is gone: x does not exist (404). Check the address. Try again."},
		{"X is gone. (%w)", sentences, "X is gone. (x does not exist (404). Check the address.)"},
	} {
		err := Failf(FetchFailed, tc.format, tc.cause)
		if diff := cmp.Diff(tc.want, err.Error()); diff != "" || !errors.Is(err, tc.cause) {
			t.Errorf("%s: %v (-want +got):\n%s", tc.format, errors.Unwrap(err), diff)
		}
	}
	if diff := cmp.Diff("A. B. C (d.) E.", Sentences("A", "B. ", "", "C (d.)", "E.")); diff != "" {
		t.Errorf("sentences (-want +got):\n%s", diff)
	}
}

var (
	verb     = regexp.MustCompile(`%[-+# 0-9.]*[a-zA-Z]`)
	twoRules = regexp.MustCompile(`\w\.[;:,]|\w\.\.(\s|$)|[;:]\s*$| ;`)
)

// TestEveryMessageComposes: no message of this module puts what follows behind the end of a sentence, whether its cause is a fragment
// or has sentences of its own.
func TestEveryMessageComposes(t *testing.T) {
	seen := 0
	for _, format := range failureFormats(t) {
		for _, cause := range []error{errors.New("connection refused"), Failf(SourceNotFound, "X does not exist. Check the address.")} {
			var args []any
			for _, v := range verb.FindAllString(strings.ReplaceAll(format, "%%", ""), -1) {
				switch v[len(v)-1] {
				case 'w', 'v':
					args = append(args, cause)
				case 'd':
					args = append(args, 7)
				case 'f':
					args = append(args, 0.5)
				case 't':
					args = append(args, true)
				default:
					args = append(args, "thing")
				}
			}
			if message := Failf(WorkerFailed, format, args...).Error(); twoRules.MatchString(message) {
				t.Errorf("%q becomes %q", format, message)
			}
		}
		seen++
	}
	if seen < 200 {
		t.Errorf("saw %d messages; are they still made by Failf?", seen)
	}
}

// failureFormats returns the formats of all failures of this module.
func failureFormats(t *testing.T) []string {
	t.Helper()
	var formats []string
	for _, root := range []string{"..", "../../cmd", "../../controllers"} {
		err := filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
			if err != nil || entry.IsDir() || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
				return err
			}
			file, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.SkipObjectResolution)
			if err != nil {
				return fmt.Errorf("%s: %w", path, err)
			}
			ast.Inspect(file, func(n ast.Node) bool {
				if call, ok := n.(*ast.CallExpr); ok && len(call.Args) > 1 && calls(call.Fun, "Failf") {
					if format, ok := literal(call.Args[1]); ok {
						formats = append(formats, format)
					}
				}
				return true
			})
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	return formats
}

func calls(fun ast.Expr, name string) bool {
	switch fun := fun.(type) {
	case *ast.Ident:
		return fun.Name == name
	case *ast.SelectorExpr:
		return fun.Sel.Name == name
	default:
		return false
	}
}

// literal returns the text of an expression of string literals.
func literal(e ast.Expr) (string, bool) {
	switch e := e.(type) {
	case *ast.BasicLit:
		text, err := strconv.Unquote(e.Value)
		return text, err == nil
	case *ast.BinaryExpr:
		left, ok := literal(e.X)
		right, too := literal(e.Y)
		return left + right, ok && too
	default:
		return "", false
	}
}
