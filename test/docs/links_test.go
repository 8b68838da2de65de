package docs

import (
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"unicode"
)

var (
	link     = regexp.MustCompile(`\]\(([^()\s]+)(?: "[^"]*")?\)`)
	heading  = regexp.MustCompile("(?m)^#{1,6} (.+)$")
	codeSpan = regexp.MustCompile("`[^`\n]*`")
	// mention matches a page that code, a message or a page names by its path.
	mention = regexp.MustCompile(`(?:^|[\s"'(\x60])((?:\.\./)*docs/[\w/-]+\.md)`)
)

// TestLinks: every link of a page leads to a file of the tree, and to a heading where it names one. What lies outside is not fetched.
func TestLinks(t *testing.T) {
	all := pages(t)
	found := 0
	for page, text := range all {
		for _, target := range linksOf(text) {
			found++
			if problem := dead(all, page, target); problem != "" {
				t.Errorf("%s: %s: %s", page, target, problem)
			}
		}
	}
	if found < 50 {
		t.Errorf("the pages have %d links: they are not read right", found)
	}
}

// TestMentions: every page that is named in the tree by its path exists.
func TestMentions(t *testing.T) {
	found := 0
	for _, file := range tree(t) {
		content, err := os.ReadFile(filepath.Join(root, file))
		if err != nil || file == "test/docs/links_test.go" || strings.Contains(file, "testdata/") {
			continue // removed and not committed yet, or made of names for its own test
		}
		for _, match := range mention.FindAllSubmatch(content, -1) {
			found++
			name := strings.TrimLeft(string(match[1]), "./")
			if _, err := os.Stat(filepath.Join(root, name)); err != nil {
				t.Errorf("%s names %s: %v", file, match[1], err)
			}
		}
	}
	if found < 20 {
		t.Errorf("%d mentions of pages: the tree is not read right", found)
	}
}

// tree returns the files of the checkout, those that are not committed yet included.
func tree(t *testing.T) []string {
	t.Helper()
	command := exec.CommandContext(t.Context(), "git", "ls-files", "--cached", "--others", "--exclude-standard")
	command.Dir = root
	out, err := command.Output()
	if err != nil {
		t.Skipf("the tree is no checkout, so its files are not known: %v", err)
	}
	files := strings.Fields(string(out))
	if len(files) < 100 {
		t.Fatalf("the tree has %d files", len(files))
	}
	return files
}

// linksOf returns the targets of a page's links; those in code are none.
func linksOf(text string) []string {
	for _, b := range blocksOf("", text) {
		text = strings.Replace(text, b.text, "", 1)
	}
	var targets []string
	for _, match := range link.FindAllStringSubmatch(codeSpan.ReplaceAllString(text, ""), -1) {
		targets = append(targets, match[1])
	}
	return targets
}

// dead returns what is wrong with a link, or nothing.
func dead(all map[string]string, page, target string) string {
	parsed, err := url.Parse(target)
	switch {
	case err != nil:
		return err.Error()
	case parsed.Scheme == "mailto":
		return ""
	case parsed.Scheme != "":
		if parsed.Scheme != "https" || parsed.Host == "" {
			return "a link out of the tree begins with https:// and a host"
		}
		return ""
	}
	file := page
	if parsed.Path != "" {
		file = filepath.Join(filepath.Dir(page), parsed.Path)
	}
	if _, err := os.Stat(filepath.Join(root, file)); err != nil && all[file] == "" {
		return "there is no such file"
	}
	if parsed.Fragment != "" && strings.HasSuffix(file, ".md") && !slices.Contains(anchors(all[file]), parsed.Fragment) {
		return file + " has no such heading"
	}
	return ""
}

// anchors returns the names that the headings of a page have in links: lower case, no punctuation, a hyphen for a space, a number
// behind a name that was there before.
func anchors(text string) []string {
	for _, b := range blocksOf("", text) {
		text = strings.Replace(text, b.text, "", 1)
	}
	var names []string
	seen := map[string]int{}
	for _, match := range heading.FindAllStringSubmatch(text, -1) {
		name := strings.Map(func(r rune) rune {
			switch {
			case r == ' ':
				return '-'
			case r == '-' || r == '_' || unicode.IsLetter(r) || unicode.IsDigit(r):
				return unicode.ToLower(r)
			}
			return -1
		}, strings.TrimSpace(match[1]))
		seen[name]++
		if n := seen[name]; n > 1 {
			name = fmt.Sprintf("%s-%d", name, n-1)
		}
		names = append(names, name)
	}
	return names
}

// TestDead: the test's own judgement.
func TestDead(t *testing.T) {
	all := map[string]string{"docs/a.md": "# One thing\n\n## Two: `x`, y\n\n## One thing\n\n```text\n# Not one\n```\n", "docs/b.md": "x"}
	for target, want := range map[string]string{
		"#one-thing": "", "#two-x-y": "", "a.md#one-thing-1": "", "b.md": "", "https://example.org/x#y": "", "../README.md": "", "../docs": "",
		"#not-one": "docs/a.md has no such heading", "b.md#x": "docs/b.md has no such heading", "c.md": "there is no such file",
		"http://example.org": "a link out of the tree begins with https:// and a host", "b": "there is no such file",
	} {
		if got := dead(all, "docs/a.md", target); got != want {
			t.Errorf("%s: got %q, want %q", target, got, want)
		}
	}
	if got := linksOf("[a](b) `[c](d)` [e](f \"g\")\n```text\n[h](i)\n```\n![j](k)"); !slices.Equal(got, []string{"b", "f", "k"}) {
		t.Errorf("links: %q", got)
	}
}

// TestTheMapHasEveryPage: a page of docs is in docs/README.md, once.
func TestTheMapHasEveryPage(t *testing.T) {
	all := pages(t)
	targets := linksOf(all["docs/README.md"])
	for page := range all {
		within, ok := strings.CutPrefix(page, "docs/")
		if !ok || within == "README.md" {
			continue
		}
		listed := 0
		for _, target := range targets {
			if target == within {
				listed++
			}
		}
		if listed != 1 {
			t.Errorf("docs/README.md has %s %d times, want once", within, listed)
		}
	}
}
