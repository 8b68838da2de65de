package command

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// completed asks the program, as the scripts of shells do, and returns the words that it offers.
func completed(t *testing.T, arguments ...string) []string {
	t.Helper()
	got := command(t, append([]string{"__complete"}, arguments...)...)
	if got.code != 0 {
		t.Fatal(got)
	}
	var words []string
	for line := range strings.Lines(got.out) {
		if word, _, _ := strings.Cut(strings.TrimSpace(line), "\t"); word != "" && !strings.HasPrefix(word, ":") {
			words = append(words, word)
		}
	}
	return words
}

// TestCompletionScripts: each shell that is installed accepts its script.
func TestCompletionScripts(t *testing.T) {
	for shell, check := range map[string][]string{"bash": {"bash", "-n"}, "zsh": {"zsh", "-n"}, "fish": {"fish", "--no-execute"}, "powershell": nil} {
		t.Run(shell, func(t *testing.T) {
			got := command(t, "completion", shell)
			if got.code != 0 || !strings.Contains(got.out, "__complete") {
				t.Fatal(got)
			}
			file := filepath.Join(t.TempDir(), shell)
			if err := os.WriteFile(file, []byte(got.out), 0o600); err != nil {
				t.Fatal(err)
			}
			if len(check) == 0 {
				return
			}
			if _, err := exec.LookPath(check[0]); err != nil {
				t.Skipf("%s is not installed, so its script is only made", shell)
			}
			if out, err := exec.CommandContext(t.Context(), check[0], check[1], file).CombinedOutput(); err != nil {
				t.Errorf("%v: %s", err, out)
			}
		})
	}
}

// TestCompletionOfWords: what a verb takes is completed: names of mixes of the cluster and of claims, stages, formats, questions; splits and data sets of a mix of the cluster or
// of a folder, and data sets of a manifest.
func TestCompletionOfWords(t *testing.T) {
	space := namespace(t)
	k := newKubelet(t, space)
	of, folder := withRevision(t, k)
	_, manifest := examples(t, k)
	at := []string{"-n", space}
	for _, test := range []struct {
		line []string
		want []string
	}{
		{append([]string{"status"}, append(at, "gr")...), []string{of.Name}},
		{append([]string{"plan"}, append(at, "")...), []string{of.Name}},
		{append([]string{"plan"}, append(at, "--rows-of", "g")...), []string{of.Name}},
		{append([]string{"get"}, append(at, of.Name, "")...), []string{"head", "sample", "count", "export"}},
		{append([]string{"get"}, append(at, of.Name, "head", "--split", "")...), []string{"train", "test"}},
		{append([]string{"get"}, append(at, of.Name, "head", "--dataset", "h")...), []string{"hotpotqa", "humaneval"}},
		{[]string{"get", folder, "head", "--split", ""}, []string{"train", "test"}},
		{[]string{"get", folder, "head", "--dataset", "c"}, []string{"capitals"}},
		{append([]string{"logs"}, append(at, of.Name, "--stage", "")...), []string{"download", "split", "balance", "mix", "publish"}},
		{[]string{"report", folder, "-o", ""}, []string{"html", "text", "json"}},
		{[]string{"plan", "-f", manifest, "--rows", "a"}, []string{"arithmetic="}},
		{[]string{"plan", "-f", manifest, "--rows", "arithmetic=3,c"}, []string{"arithmetic=3,capitals="}},
	} {
		if got := completed(t, test.line...); !slices.Equal(got, test.want) {
			t.Errorf("%q: %q, want %q", test.line, got, test.want)
		}
	}
}
