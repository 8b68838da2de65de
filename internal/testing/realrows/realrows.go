// Package realrows finds the published files of the six public data sets of the samples for tests. They are no part of the
// repository: a test that wants them passes over where they are not, and says so.
//
// The folder holds gsm8k/train.jsonl, math/train.jsonl, squad2/dev-v2.0.json, hotpotqa/hotpot_dev_v1_simplified.json,
// humaneval/HumanEval.jsonl.gz, mbpp/sanitized-mbpp.json, and other formats of the same in parquet.
package realrows

import (
	"os"
	"path/filepath"
	"testing"
)

const (
	// Variable is the environment variable that names the folder.
	Variable = "DATASETMIX_REAL_ROWS"
	// beside is where the folder is looked for without it: in any folder beside the checkout.
	beside = "*/data"
	// one is a file in it.
	one = "gsm8k/train.jsonl"
)

// Folder returns the folder, and skips the test where there is none.
func Folder(tb testing.TB) string {
	tb.Helper()
	if folder := os.Getenv(Variable); folder != "" {
		if _, err := os.Stat(filepath.Join(folder, one)); err != nil {
			tb.Fatalf("%s names no folder with the real rows: %v", Variable, err)
		}
		return folder
	}
	at, err := os.Getwd()
	if err != nil {
		tb.Fatal(err)
	}
	for ; at != filepath.Dir(at); at = filepath.Dir(at) {
		if _, err := os.Stat(filepath.Join(at, "PROJECT")); err != nil {
			continue // below the root of the checkout
		}
		if found, err := filepath.Glob(filepath.Join(filepath.Dir(at), beside, one)); err == nil && len(found) > 0 {
			return filepath.Dir(filepath.Dir(found[0]))
		}
		break
	}
	tb.Skipf("the published files of the six data sets are not here: %s names no folder, and none beside the checkout has data/%s", Variable, one)
	return ""
}

// Read returns a file of it.
func Read(tb testing.TB, name string) []byte {
	tb.Helper()
	content, err := os.ReadFile(filepath.Join(Folder(tb), filepath.FromSlash(name)))
	if err != nil {
		tb.Fatal(err)
	}
	return content
}
