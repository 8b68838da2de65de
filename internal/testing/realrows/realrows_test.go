package realrows_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/datasetmix/datasetmix/internal/testing/realrows"
)

// checkout returns a tree with a package in it, in which the test runs, beside a folder with or without rows.
func checkout(t *testing.T, rows string) string {
	t.Helper()
	above := t.TempDir()
	write := func(name string) {
		path := filepath.Join(above, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte("x\n"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("checkout/PROJECT")
	write("checkout/internal/package/file.go")
	if rows != "" {
		write(rows + "/gsm8k/train.jsonl")
	}
	t.Chdir(filepath.Join(above, "checkout/internal/package"))
	return above
}

// TestFolder: by the variable, else beside the checkout whatever the name there; a test without is passed over, not failed.
func TestFolder(t *testing.T) {
	t.Run("beside the checkout", func(t *testing.T) {
		t.Setenv(realrows.Variable, "")
		above := checkout(t, "anything/data")
		if got, want := realrows.Folder(t), filepath.Join(above, "anything/data"); got != want {
			t.Errorf("got %s, want %s", got, want)
		}
		if got := realrows.Read(t, "gsm8k/train.jsonl"); string(got) != "x\n" {
			t.Errorf("read %q", got)
		}
	})
	t.Run("by the variable", func(t *testing.T) {
		above := checkout(t, "elsewhere")
		want := filepath.Join(above, "elsewhere")
		t.Setenv(realrows.Variable, want)
		if got := realrows.Folder(t); got != want {
			t.Errorf("got %s, want %s", got, want)
		}
	})
	skipped := false
	t.Run("nowhere", func(t *testing.T) {
		t.Setenv(realrows.Variable, "")
		checkout(t, "")
		defer func() { skipped = t.Skipped() }()
		realrows.Folder(t)
		t.Error("a folder was found")
	})
	if !skipped {
		t.Error("a test without the rows is not passed over")
	}
}
