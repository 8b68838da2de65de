package style

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// going are the words that docs/contributing/style.md names, with how often each may still be used in code and pages. A number may only
// fall: write the field's word, and lower the number where a test says that it is too high.
var going = []struct {
	word    string
	allowed int
	matches *regexp.Regexp
}{
	{"heed", 3, word(`heed(s|ed|ing)?`)},
	{"settle", 16, word(`settle[sd]?|settling`)},
	{"beside", 179, word(`beside`)},
	{"stands", 120, word(`stands`)},
	{"nobody, somebody", 162, word(`nobody|somebody`)},
	{"is none", 193, word(`is none`)},
	{"of which", 86, word(`of which`)},
	{"of one's own", 21, word(`of one's own`)},
	{"tells of, says so", 47, word(`tells? of|says? so`)},
	{"so gets, so has, so is", 25, word(`so (gets|has|is|are|leads|makes)`)},
	{"by the clock alone", 0, word(`by the clock alone`)},
	{"leave away", 0, word(`(leave|leaves|left|leaving) (it |them )?away`)},
	{"licence, behaviour, honour", 24, word(`licen[c]es?|behaviours?|honours?|honoured|colours?|favours?`)},
}

func word(pattern string) *regexp.Regexp { return regexp.MustCompile(`\b(` + pattern + `)\b`) }

// about are the files that name the words without using them, and those that repeat the API's comments.
var about = []string{"docs/api.md", "docs/contributing/style.md", "test/style/words_test.go", "test/style/" + goldenMessages}

// copied matches the manifests that are made of the API's comments, and the table of what its rules say.
var copied = regexp.MustCompile(`/data\.datasetmix\.io_[a-z]+\.yaml$|/crds?/|/testing/refusals/`)

// TestWordsThatAreGoing: what was private is not used anew.
func TestWordsThatAreGoing(t *testing.T) {
	used := make([]int, len(going))
	for _, file := range treeFiles(t) {
		if !slices.Contains([]string{".go", ".md", ".sh", ".yaml", ".tmpl", ".py"}, filepath.Ext(file)) && file != "Makefile" || slices.Contains(about, file) || copied.MatchString(file) {
			continue
		}
		content, err := os.ReadFile(filepath.Join(root, file))
		if err != nil {
			continue // removed, and not committed yet
		}
		for i, g := range going {
			used[i] += uses(g.matches, string(content))
		}
	}
	for i, g := range going {
		switch {
		case used[i] > g.allowed:
			t.Errorf("%q is used %d times, and %d are allowed: look at yours with `git diff main`, and take the word that docs/contributing/style.md has for it",
				g.word, used[i], g.allowed)
		case used[i] < g.allowed:
			t.Logf("%q is used %d times: lower the %d in test/style/words_test.go", g.word, used[i], g.allowed)
		}
	}
}

// treeFiles returns the files of the tree, from its root on; the test is skipped where that is no checkout.
func treeFiles(t *testing.T) []string {
	t.Helper()
	command := exec.CommandContext(t.Context(), "git", "ls-files", "--cached", "--others", "--exclude-standard")
	command.Dir = root
	out, err := command.Output()
	if err != nil {
		t.Skipf("the tree is no checkout, so its files are not known: %v", err)
	}
	return strings.Fields(string(out))
}

// uses counts the uses of a word, over the ends of lines too.
func uses(matches *regexp.Regexp, text string) int {
	text = strings.Join(strings.Fields(strings.ReplaceAll(strings.ToLower(text), "//", " ")), " ")
	return len(matches.FindAllStringIndex(text, -1))
}

// TestTheStyleNamesTheWords: the page and the test are about the same words, in the same order.
func TestTheStyleNamesTheWords(t *testing.T) {
	page, err := os.ReadFile(filepath.Join(root, "docs/contributing/style.md"))
	if err != nil {
		t.Fatal(err)
	}
	_, table, _ := strings.Cut(string(page), "| word | instead |\n| --- | --- |\n")
	var want, got []string
	for line := range strings.Lines(table) {
		want = append(want, strings.TrimSpace(strings.Split(line, "|")[1]))
	}
	for _, g := range going {
		got = append(got, g.word)
	}
	if !slices.Equal(want, got) {
		t.Errorf("the page names %q, the test %q", want, got)
	}
}

func TestUses(t *testing.T) {
	for text, want := range map[string]int{"Stands.": 1, "it stands\n\t// beside": 1, "understands": 0, "stands stands": 2} {
		if got := uses(word("stands"), text); got != want {
			t.Errorf("%q: got %d, want %d", text, got, want)
		}
	}
	if got := uses(word(`is none`), "// there is\n\t// none"); got != 1 {
		t.Errorf("over the end of a line: %d", got)
	}
}
