package verify_test

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/datasetmix/datasetmix/internal/contract"
	"github.com/datasetmix/datasetmix/internal/revision"
	"github.com/datasetmix/datasetmix/internal/testing/forgery"
	"github.com/datasetmix/datasetmix/internal/verify"
)

// What repeats the manifest is made again from it: a file beside the rows that says something else is found, whatever digest the
// manifest has of it.
func TestVerifyMakesAgainWhatRepeatsTheManifest(t *testing.T) {
	folder := published(t)
	rev := func(t *testing.T) string { return copied(t, folder) }
	forgery.WantFound(t, rev, map[string]forgery.Case{
		"a test index that leads to train rows":  {forgery.Replaced(revision.TestIndexFile, "test/facts_test.jsonl", "processed/facts/train.jsonl"), revision.TestIndexFile},
		"a card by which loaders take test rows": {forgery.Replaced(revision.CardFile, `"mixed/train_mixed.jsonl"`, `"mixed/test_mixed.jsonl"`), revision.CardFile},
		"a catalog that takes test rows":         {forgery.Replaced(revision.CroissantFile, `"mixed/train_mixed.jsonl"`, `"mixed/test_mixed.jsonl"`), revision.CroissantFile},
		"a report with other words":              {forgery.Replaced(revision.ReportFile, "</html>", "<p>By the Ministry</p></html>"), revision.ReportFile},
		"a data set's numbers":                   {forgery.Replaced(revision.MetaFile("facts"), `"total": 300`, `"total": 301`), revision.MetaFile("facts")},
		"a mix's ratio":                          {forgery.Replaced(revision.InfoFile, "3:2 (math:qa)", "2:3 (math:qa)"), revision.InfoFile},
		"a lock of another file":                 {forgery.Replaced(revision.LockFile, "facts.jsonl", "other.jsonl"), revision.LockFile},
		"a page less":                            {forgery.Without(revision.ReportFile), "does not list " + revision.ReportFile},
		"a file that no revision of a mix has":   {forgery.With("extra/rows.jsonl"), `lists "extra/rows.jsonl"`},
		"a folder of rows that no revision has":  {forgery.With("mixed/train_mixed-00000-of-00001.jsonl"), "has no such file"},
		"a file in a place outside the revision": {forgery.With("../outside.jsonl"), "has no such file"},
		"a file that is listed twice":            {forgery.Twice(revision.CardFile), "twice"},
		"rows of a file that has none":           {forgery.ListedRows(revision.CardFile, 3), "another number of rows of " + revision.CardFile},
		"another number of rows":                 {forgery.ListedRows("raw/qa/facts.jsonl", 301), "another number of rows of raw/qa/facts.jsonl"},
		"a result under another stage":           {func(_ *testing.T, _ string, m *revision.Manifest) { m.Stages[3].Stage = "download" }, "stages are not those"},
		"two results in one": {func(_ *testing.T, _ string, m *revision.Manifest) {
			m.Stages[3].Result.Download = m.Stages[0].Result.Download
		}, "stages are not those"},
		"a mix's name with an escape sequence":    {func(_ *testing.T, _ string, m *revision.Manifest) { m.Name = "\x1b[31mmix" }, "is of mix"},
		"a plan of the same rows in other places": {func(_ *testing.T, _ string, m *revision.Manifest) { m.Plan.Splits[0].Domains[0].Name = "qa" }, "plan is not"},
		"a folder in the recipe":                  {func(_ *testing.T, _ string, m *revision.Manifest) { m.Recipe.Output.Path = "elsewhere" }, "no published byte"},
	})
}

// A page of another release is as it was published where the manifest's digest came another way, and not proved where it did not.
func TestAPageOfAnotherRelease(t *testing.T) {
	folder := copied(t, published(t))
	forgery.Forge(t, folder, forgery.Replaced(revision.ReportFile, "<title>", "<title>An earlier "))
	encoded, err := os.ReadFile(filepath.Join(folder, revision.ManifestFile))
	if err != nil {
		t.Fatal(err)
	}
	digest := forgery.Digest(encoded)
	proof, err := verify.Revision(context.Background(), folder, verify.Options{Digest: digest})
	if err != nil || len(proof.OtherPages) != 1 || proof.OtherPages[0] != revision.ReportFile || proof.Digest != digest {
		t.Errorf("with its digest: %v, pages %q", err, proof.OtherPages)
	}
	if err := forgery.Check(folder); err == nil || !strings.Contains(err.Error(), "--digest") {
		t.Errorf("without: %v", err)
	}
	if _, err := verify.Revision(context.Background(), folder, verify.Options{Digest: forgery.Digest(nil)}); contract.ReasonOf(err) != contract.VolumeInvalid {
		t.Errorf("with that of another: %v", err)
	}
	forgery.Forge(t, folder, forgery.Replaced(revision.InfoFile, `"seed": 42`, `"seed": 43`))
	if encoded, err = os.ReadFile(filepath.Join(folder, revision.ManifestFile)); err != nil {
		t.Fatal(err)
	}
	if _, err := verify.Revision(context.Background(), folder, verify.Options{Digest: forgery.Digest(encoded)}); err == nil || !strings.Contains(err.Error(), revision.InfoFile) {
		t.Errorf("info.json is worded by no release: %v", err)
	}
}

// Only regular files of the folder itself are read: what a link leads to may change or lie elsewhere, and a pipe never ends.
func TestVerifyReadsRegularFilesOnly(t *testing.T) {
	folder := published(t)
	const file = "processed/facts/train.jsonl"
	outside := filepath.Join(t.TempDir(), "rows.jsonl")
	content, err := os.ReadFile(filepath.Join(folder, file))
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(outside, content, 0o600); err != nil {
		t.Fatal(err)
	}
	for what, c := range map[string]struct {
		path string
		put  func(path string) error
		want string
	}{
		"a link to an equal file outside":   {file, func(path string) error { return os.Symlink(outside, path) }, file + " is a symbolic link"},
		"a link to an equal file inside":    {file, func(path string) error { return os.Symlink("../../extra", path) }, file + " is a symbolic link"},
		"a link to nothing":                 {file, func(path string) error { return os.Symlink("nothing", path) }, file + " is a symbolic link"},
		"a pipe":                            {file, func(path string) error { return syscall.Mkfifo(path, 0o644) }, file + " is no regular file"},
		"a folder":                          {file, func(path string) error { return os.Mkdir(path, 0o755) }, file + " is not there"},
		"a manifest that is a pipe":         {revision.ManifestFile, func(path string) error { return syscall.Mkfifo(path, 0o644) }, "manifest.json is no regular file"},
		"a manifest that is a link":         {revision.ManifestFile, func(path string) error { return os.Symlink(outside, path) }, "manifest.json is a symbolic link"},
		"a folder that is a link":           {"processed/facts", func(path string) error { return os.Symlink(filepath.Dir(outside), path) }, `"processed/facts" is in the revision`},
		"an unlisted pipe":                  {"raw/pipe", func(path string) error { return syscall.Mkfifo(path, 0o644) }, `"raw/pipe" is in the revision`},
		"a file that says more than it has": {file, func(path string) error { return os.WriteFile(path, content[1:], 0o600) }, "the manifest says"},
		"a file with an escape in its name": {"raw/\x1b[31m", func(path string) error { return os.WriteFile(path, nil, 0o600) }, `"raw/\x1b[31m" is in the revision`},
	} {
		t.Run(what, func(t *testing.T) {
			damaged := copied(t, folder)
			path := filepath.Join(damaged, c.path)
			if err := os.RemoveAll(path); err != nil {
				t.Fatal(err)
			}
			if err := c.put(path); err != nil {
				t.Fatal(err)
			}
			ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
			defer cancel()
			if _, err := verify.Revision(ctx, damaged, verify.Options{}); contract.ReasonOf(err) != contract.VolumeInvalid || err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("it ended with %v, want %q in it", err, c.want)
			}
		})
	}
}
