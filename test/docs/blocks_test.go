// Package docs tests the pages: every fenced block of README, docs and the folders' own pages is judged by what reads it. A block
// that nothing judges fails, so that none is passed over.
package docs

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"sigs.k8s.io/kustomize/api/krusty"
	"sigs.k8s.io/kustomize/kyaml/filesys"
)

const root = "../.."

// block is a fenced block of a page.
type block struct {
	page     string
	line     int
	language string
	text     string
}

func (b block) String() string { return fmt.Sprintf("%s:%d", b.page, b.line) }

// fence begins and ends a block; a block in a list is indented.
var fence = regexp.MustCompile("^( *)(```+|~~~+)\\s*(\\S*)")

// blocksOf returns the blocks of a page's text.
func blocksOf(page, text string) []block {
	var all []block
	var open *block
	var indent, mark string
	for i, line := range strings.Split(text, "\n") {
		found := fence.FindStringSubmatch(line)
		switch {
		case open == nil && found != nil:
			open, indent, mark = &block{page: page, line: i + 1, language: found[3]}, found[1], found[2]
		case open != nil && found != nil && found[2] == mark && found[3] == "":
			all, open = append(all, *open), nil
		case open != nil:
			open.text += strings.TrimPrefix(line, indent) + "\n"
		}
	}
	if open != nil {
		all = append(all, *open) // the judge sees the rest of the page and says so
	}
	return all
}

// pages returns all of the tree.
func pages(t *testing.T) map[string]string {
	t.Helper()
	all := map[string]string{}
	err := filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
		name := entry.Name()
		if err == nil && entry.IsDir() && path != root && (strings.HasPrefix(name, ".") || slices.Contains([]string{"bin", "dist", "testdata"}, name)) {
			return fs.SkipDir
		}
		if err != nil || !strings.HasSuffix(name, ".md") {
			return err
		}
		content, err := os.ReadFile(path)
		at, _ := filepath.Rel(root, path)
		all[at] = string(content)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	if all["README.md"] == "" || all["docs/api.md"] == "" {
		t.Fatalf("pages are missing: there are %d", len(all))
	}
	return all
}

// judges say what is wrong with a block of a language.
var judges = map[string]func(*testing.T, block){
	"yaml":   judgeYAML,
	"json":   judgeJSON,
	"sh":     judgeCommands,
	"python": func(*testing.T, block) {}, // python/tests runs those of docs/training.md
	"cel":    func(*testing.T, block) {}, // internal/mapping runs each line of docs/mapping.md
	"text":   judgeText,
}

// TestEveryBlock: examples are what readers copy, so each is judged by what would read it.
func TestEveryBlock(t *testing.T) {
	judged := map[string]int{}
	for page, text := range pages(t) {
		for _, b := range blocksOf(page, text) {
			t.Run(b.String(), func(t *testing.T) {
				judge := judges[b.language]
				if judge == nil {
					t.Fatalf("the language is %q; begin the block with ```yaml, ```json, ```sh, ```cel, ```python or ```text, so that it is judged", b.language)
				}
				judge(t, b)
			})
			judged[b.language]++
		}
	}
	for language := range judges {
		if judged[language] == 0 {
			t.Errorf("no page has a block of %s: the pages are not read right", language)
		}
	}
}

// judgeJSON checks that there is one value, or one in each line.
func judgeJSON(t *testing.T, b block) {
	decoder := json.NewDecoder(strings.NewReader(b.text))
	for {
		var value any
		if err := decoder.Decode(&value); errors.Is(err, io.EOF) {
			return
		} else if err != nil {
			t.Fatal(err)
		}
	}
}

// judgeText checks that a picture or an output holds no command, which would be judged as one.
func judgeText(t *testing.T, b block) {
	for line := range strings.Lines(b.text) {
		if word, _, _ := strings.Cut(strings.TrimSpace(line), " "); slices.Contains([]string{"kubectl", "make", "go", "bin/kubectl-datasetmix"}, word) &&
			!strings.Contains(b.text, "──") {
			t.Errorf("%q is a command; begin the block with ```sh", strings.TrimSpace(line))
		}
	}
}

// target is a target of make, and kustomized what kubectl builds.
var (
	target     = regexp.MustCompile(`(?m)^([a-z-]+):`)
	made       = regexp.MustCompile(`(?:^|[;&|]|\$\()\s*(?:[A-Z_]+=\S+ )*make ((?:[a-z-]+ ?)+)`)
	kustomized = regexp.MustCompile(`-k (\S+)`)
	named      = regexp.MustCompile(`(?:^|[ =])((?:\./)?(?:config|hack|internal|cmd|test|docs)/[\w./-]+)`)
)

// judgeCommands checks that a target of make exists, a folder builds, a file is there. The flags of kubectl datasetmix are judged where its
// commands are, in cmd/kubectl-datasetmix.
func judgeCommands(t *testing.T, b block) {
	makefile, err := os.ReadFile(filepath.Join(root, "Makefile"))
	if err != nil {
		t.Fatal(err)
	}
	var targets []string
	for _, found := range target.FindAllStringSubmatch(string(makefile), -1) {
		targets = append(targets, found[1])
	}
	for line := range strings.Lines(b.text) {
		command, _, _ := strings.Cut(line, " #")
		for _, found := range made.FindAllStringSubmatch(command, -1) {
			for _, name := range strings.Fields(found[1]) {
				if !slices.Contains(targets, name) {
					t.Errorf("make has no target %s", name)
				}
			}
		}
		for _, found := range kustomized.FindAllStringSubmatch(command, -1) {
			if _, err := krusty.MakeKustomizer(krusty.MakeDefaultOptions()).Run(filesys.MakeFsOnDisk(), filepath.Join(root, found[1])); err != nil {
				t.Error(err)
			}
		}
		for _, found := range named.FindAllStringSubmatch(command, -1) {
			if _, err := os.Stat(filepath.Join(root, strings.TrimSuffix(found[1], "/..."))); err != nil {
				t.Error(err)
			}
		}
	}
}

// TestBlocksOf: the test's own reader.
func TestBlocksOf(t *testing.T) {
	got := blocksOf("p.md", "a\n```yaml\nb: 1\n```\n- x\n\n  ```sh\n  make test\n  ```\n````text\n```\n````\n```\nopen")
	want := []block{
		{"p.md", 2, "yaml", "b: 1\n"}, {"p.md", 7, "sh", "make test\n"}, {"p.md", 10, "text", "```\n"}, {"p.md", 13, "", "open\n"},
	}
	if !slices.Equal(want, got) {
		t.Errorf("got %q, want %q", got, want)
	}
}
