// Package volume opens volumes for tests.
package volume

import (
	"testing"

	"github.com/datasetmix/datasetmix/internal/store"
)

// Folder returns an empty folder on a new volume, which is closed at the end of the test.
func Folder(tb testing.TB) store.Path {
	tb.Helper()
	opened, err := store.Open(tb.TempDir())
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { opened.Close() })
	return opened.Path(".")
}
