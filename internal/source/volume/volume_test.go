package volume_test

import (
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/datasetmix/datasetmix/internal/contract"
	"github.com/datasetmix/datasetmix/internal/recipe"
	"github.com/datasetmix/datasetmix/internal/source"
	"github.com/datasetmix/datasetmix/internal/source/volume"
	"github.com/datasetmix/datasetmix/internal/testing/sources"
)

// claim makes a claim's folder: each entry is a file that holds its own name, or "link -> target".
func claim(t *testing.T, entries ...string) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "claim")
	for _, entry := range append(entries, "./") {
		name, target, isLink := strings.Cut(entry, " -> ")
		path := filepath.Join(dir, name)
		err := os.MkdirAll(filepath.Dir(path), 0o700)
		switch {
		case isLink:
			err = errors.Join(err, os.Symlink(target, path))
		case strings.HasSuffix(name, "/"):
			err = errors.Join(err, os.MkdirAll(path, 0o700))
		default:
			err = errors.Join(err, os.WriteFile(path, []byte(name), 0o600))
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// opened returns the source of a claim that is mounted at a folder.
func opened(t *testing.T, dir string, spec recipe.Volume) (source.Source, *sources.Clock) {
	t.Helper()
	spec.ClaimName = "corpora"
	kind, err := volume.New(spec, volume.Options{Claims: map[string]string{"corpora": dir}})
	if err != nil {
		t.Fatal(err)
	}
	c := sources.NewClock()
	return source.Wrap(kind, sources.Options(c)), c
}

// TestNewRefuses: a specification that cannot work is an error before anything is read.
func TestNewRefuses(t *testing.T) {
	for name, tc := range map[string]struct {
		spec recipe.Volume
		says string
	}{
		"an unknown claim":      {recipe.Volume{ClaimName: "other"}, `"other" is not mounted`},
		"a path out of a claim": {recipe.Volume{ClaimName: "x", Path: "a/../../b"}, "leads out of the claim x"},
		"a bad pattern":         {recipe.Volume{ClaimName: "x", Files: []string{"{a"}}, `"{a" in files`},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := volume.New(tc.spec, volume.Options{Claims: map[string]string{"x": "/x"}})
			sources.WantReason(t, err, contract.InvalidTask)
			if !strings.Contains(err.Error(), tc.says) {
				t.Errorf("message %q, want %q", err, tc.says)
			}
		})
	}
}

func TestListing(t *testing.T) {
	for _, tc := range []struct {
		name   string
		claim  []string
		spec   recipe.Volume
		want   string
		reason contract.Reason
		says   string
	}{
		{name: "everything, sorted", claim: []string{"b/2.csv", "b/10.csv", "a.csv", "b.csv"}, want: "a.csv b.csv b/10.csv b/2.csv"},
		{name: "a folder", claim: []string{"b/2.csv", "a.csv"}, spec: recipe.Volume{Path: "b"}, want: "b/2.csv"},
		{name: "a folder with slashes", claim: []string{"b/2.csv", "a.csv"}, spec: recipe.Volume{Path: "/b/"}, want: "b/2.csv"},
		{name: "a file", claim: []string{"b/2.csv"}, spec: recipe.Volume{Path: "b/2.csv"}, want: "b/2.csv"},
		{name: "globs below the path", claim: []string{"b/c/2.csv", "b/1.csv", "1.csv"}, spec: recipe.Volume{Path: "b", Files: []string{"**/*.csv"}}, want: "b/1.csv b/c/2.csv"},
		{name: "a glob that chooses nothing", claim: []string{"a.csv"}, spec: recipe.Volume{Files: []string{"*.csv", "*.json"}},
			reason: contract.FileNotFound, says: `No file of claim corpora matches "*.json". It has a.csv.`},
		{name: "nothing hidden", claim: []string{".stages/a.csv", ".x.csv", "a/.y.csv", "lost+found/z.csv", "b.csv"}, want: "b.csv"},
		{name: "hidden files by a glob", claim: []string{".stages/a.csv", "lost+found/a.csv"}, spec: recipe.Volume{Files: []string{"**/a.csv"}}, want: ".stages/a.csv"},
		{name: "links to files inside", claim: []string{"real/a.csv", "set/b.csv -> ../real/a.csv"}, spec: recipe.Volume{Path: "set"}, want: "set/b.csv"},
		{name: "the path is a link", claim: []string{"revisions/1/a.csv", "current -> revisions/1"}, spec: recipe.Volume{Path: "current"}, want: "current/a.csv"},
		{name: "mounted configuration", claim: []string{"..2026/a.csv", "..data -> ..2026", "a.csv -> ..data/a.csv"}, want: "a.csv"},
		{name: "links to folders are not followed", claim: []string{"a/b.csv", "a/loop -> ."}, want: "a/b.csv"},
		{name: "a link out", claim: []string{"a.csv -> ../../etc/passwd"}, reason: contract.SourceNotFound, says: "a.csv on claim corpora is a link that leads out of the claim"},
		{name: "an absolute link out", claim: []string{"a.csv -> /etc/passwd"}, reason: contract.SourceNotFound, says: "leads out"},
		{name: "a folder link out", claim: []string{"a -> .."}, spec: recipe.Volume{Path: "a"}, reason: contract.SourceNotFound, says: "leads out"},
		{name: "a broken link", claim: []string{"a.csv -> nothing"}, reason: contract.SourceNotFound, says: "does not exist"},
		{name: "a missing path", claim: []string{"a.csv"}, spec: recipe.Volume{Path: "b"}, reason: contract.SourceNotFound, says: "b on claim corpora does not exist. Check claimName, path and files."},
		{name: "no files", claim: []string{"a/"}, reason: contract.SourceNotFound, says: "The claim corpora holds no files"},
		{name: "no files in a folder", claim: []string{"a/"}, spec: recipe.Volume{Path: "a"}, reason: contract.SourceNotFound, says: "The folder a of claim corpora holds no files"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			s, c := opened(t, claim(t, tc.claim...), tc.spec)
			l, err := s.Resolve(context.Background())
			if tc.reason != "" {
				sources.WantReason(t, err, tc.reason)
				if !strings.Contains(err.Error(), tc.says) {
					t.Errorf("message %q does not say %q", err, tc.says)
				}
				if len(c.Waits()) > 0 {
					t.Errorf("waited %v for what does not change", c.Waits())
				}
				return
			}
			if diff := cmp.Diff(tc.want, strings.Join(sources.Paths(l), " ")); diff != "" || err != nil {
				t.Errorf("%v (-want +got):\n%s", err, diff)
			}
			if err := sources.ReadAll(s); err != nil {
				t.Error(err)
			}
		})
	}
}

func TestClaimWithoutAFolder(t *testing.T) {
	s, _ := opened(t, filepath.Join(t.TempDir(), "nothing"), recipe.Volume{})
	_, err := s.Resolve(context.Background())
	sources.WantReason(t, err, contract.SourceNotFound)
}

func TestOpenStaysInside(t *testing.T) {
	s, _ := opened(t, claim(t, "a.csv", "out.csv -> ../../etc/passwd", "sub/"), recipe.Volume{})
	for path, want := range map[string]contract.Reason{
		"../claim/a.csv": contract.SourceNotFound,
		"/etc/passwd":    contract.SourceNotFound,
		"out.csv":        contract.SourceNotFound,
		"nothing.csv":    contract.SourceNotFound,
		"sub":            contract.FetchFailed,
	} {
		_, err := s.Open(context.Background(), source.File{Path: path, Size: -1}, 0)
		sources.WantReason(t, err, want)
	}
}

func TestPipeIsNotWaitedFor(t *testing.T) {
	dir := claim(t, "a.csv")
	if err := syscall.Mkfifo(filepath.Join(dir, "pipe"), 0o600); err != nil {
		t.Skipf("no named pipes here: %v", err)
	}
	s, _ := opened(t, dir, recipe.Volume{})
	l, err := s.Resolve(context.Background())
	if err != nil || strings.Join(sources.Paths(l), " ") != "a.csv" {
		t.Errorf("listed %v, %v", sources.Paths(l), err)
	}
	_, err = s.Open(context.Background(), source.File{Path: "pipe", Size: -1}, 0)
	sources.WantReason(t, err, contract.FetchFailed)
}

func TestFileThatMayNotBeRead(t *testing.T) {
	if os.Geteuid() == 0 {
		t.Skip("root may read every file")
	}
	dir := claim(t, "a.csv")
	if err := os.Chmod(filepath.Join(dir, "a.csv"), 0); err != nil {
		t.Fatal(err)
	}
	s, _ := opened(t, dir, recipe.Volume{})
	sources.WantReason(t, sources.ReadAll(s), contract.AuthenticationFailed)
}

func TestFileWrittenToWhileItIsRead(t *testing.T) {
	dir := claim(t, "a.csv")
	path := filepath.Join(dir, "a.csv")
	s, c := opened(t, dir, recipe.Volume{})
	l, err := s.Resolve(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	body, err := s.Open(context.Background(), l.Files[0], 0)
	if err != nil {
		t.Fatal(err)
	}
	defer body.Close()
	if _, err := io.ReadFull(body, make([]byte, 2)); err != nil {
		t.Fatal(err)
	}
	later := time.Now().Add(time.Hour)
	if err := errors.Join(os.WriteFile(path, []byte("A.CSV"), 0o600), os.Chtimes(path, later, later)); err != nil {
		t.Fatal(err)
	}
	_, err = io.ReadAll(body)
	sources.WantReason(t, err, contract.FetchFailed)
	if !strings.Contains(err.Error(), "changed since it was listed") || len(c.Waits()) > 0 {
		t.Errorf("%v after waits %v", err, c.Waits())
	}
}
