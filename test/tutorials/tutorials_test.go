package tutorials

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/datasetmix/datasetmix/internal/testing/hub"
	"github.com/datasetmix/datasetmix/internal/testing/repos"
)

const root = "../.."

// small is the size of the generated data sets, of those that the Hub has.
const small = 0.25

// read returns the steps of a page.
func read(t *testing.T, page string) []Step {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(root, page))
	if err != nil {
		t.Fatal(err)
	}
	steps, err := Steps(page, string(text))
	if err != nil {
		t.Fatal(err)
	}
	return steps
}

// TestOnALaptop runs each page's commands in a folder of its own, in their order.
func TestOnALaptop(t *testing.T) {
	pages, err := filepath.Glob(filepath.Join(root, "docs/tutorials/*.md"))
	if err != nil || len(pages) == 0 {
		t.Fatalf("there are no tutorials: %v", err)
	}
	bin := filepath.Join(t.TempDir(), "bin")
	build := exec.CommandContext(t.Context(), "go", "build", "-tags", "disable_grpc_modules", "-o", bin+"/", "./cmd/kubectl-datasetmix")
	build.Dir = root
	build.Env = append(os.Environ(), "CGO_ENABLED=0") // it is not what is tested
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	for _, page := range append(pages, filepath.Join(root, "README.md")) {
		name, err := filepath.Rel(root, page)
		if err != nil {
			t.Fatal(err)
		}
		t.Run(name, func(t *testing.T) {
			folder := t.TempDir()
			if err := os.Symlink(bin, filepath.Join(folder, "bin")); err != nil {
				t.Fatal(err)
			}
			environment := os.Environ()
			for _, step := range read(t, name) {
				if !step.OnLaptop() {
					continue
				}
				if step.Marker == Hub {
					sample, err := os.ReadFile(filepath.Join(root, "config/samples/data_v1alpha1_datasetmix_grpo_six.yaml"))
					if err == nil {
						err = os.WriteFile(filepath.Join(folder, "mix.yaml"), sample, 0o600)
					}
					if err != nil {
						t.Fatal(err)
					}
					environment = append(environment, "HF_ENDPOINT="+hub.Start(t, hub.New(hub.Options{}, repos.Generated(small)...)))
				}
				if err := step.Run(t.Context(), folder, environment); err != nil {
					t.Fatal(err) // what follows needs it
				}
			}
		})
	}
}

// TestDiffers: what the comparison takes for equal, and what not.
func TestDiffers(t *testing.T) {
	for _, test := range []struct{ want, got, missing string }{
		{"", "anything\n", ""},
		{"a\n", "a\n", ""},
		{"a\n", "a\nb\n", "nothing more than what is shown; there is b"},
		{"a\n…\n", "b\na\n", ""},
		{"a\n…\n", "b\n", "a"},
		{"a\na\n…\n", "a\n", "a"},
		{"    0.0s  split     1/3  x\n…\n", "  12.7s  split     2/3  x\n", ""},
		{"to revisions/…\n", "to revisions/fb7a\n", ""},
		{"3 rows\n", "4 rows\n", "3 rows"},
	} {
		if missing := Differs(test.want, test.got); missing != test.missing {
			t.Errorf("Differs(%q, %q) is %q, want %q", test.want, test.got, missing, test.missing)
		}
	}
}

// TestSteps: a block of commands without a marker is refused.
func TestSteps(t *testing.T) {
	steps, err := Steps("p.md", "# T\n\n<!-- run -->\n```sh\necho a\n```\n\n```text\na\n```\n\n<!-- not run: it takes an hour -->\n```sh\nmake test\n```\n")
	if err != nil || len(steps) != 2 || steps[0].Want != "a\n" || steps[1].Want != "" || steps[0].Line != 5 {
		t.Errorf("%+v, %v", steps, err)
	}
	if _, err := Steps("p.md", "# T\n\n```sh\nmake test\n```\n"); err == nil {
		t.Error("a block that is neither run nor excused was taken")
	}
	if _, err := Steps("p.md", "# T\n\nThis:\n\n```text\na\n```\n"); err == nil {
		t.Error("an output of no commands was taken")
	}
	if _, err := Steps("p.md", "# T\n\n<!-- not run: a picture -->\n```text\na\n```\n"); err != nil {
		t.Error(err)
	}
}
