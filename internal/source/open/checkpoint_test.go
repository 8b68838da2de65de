package open_test

import (
	"bytes"
	"context"
	"encoding/json"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/datasetmix/datasetmix/internal/contract"
	"github.com/datasetmix/datasetmix/internal/source"
	"github.com/datasetmix/datasetmix/internal/testing/hub"
	"github.com/datasetmix/datasetmix/internal/testing/sources"
)

// long returns more bytes than there are between two checkpoints, no two pieces of which are alike.
func long() []byte {
	b := make([]byte, 70<<20)
	for i := range len(b) / 8 {
		b[8*i], b[8*i+1], b[8*i+2], b[8*i+3] = byte(i), byte(i>>8), byte(i>>16), byte(i>>24)
	}
	return b
}

// TestCheckpoints: a file of which no digest is known goes on from the last checkpoint, if it still is the same file.
func TestCheckpoints(t *testing.T) {
	content := long()
	for _, tc := range []struct {
		name    string
		between func(t *testing.T, part string, etag *string)
		reused  int64
	}{
		{"as it was left", func(*testing.T, string, *string) {}, 32 << 20},
		{"bytes after the checkpoint are others", func(t *testing.T, part string, _ *string) { damage(t, part, 33<<20) }, 32 << 20},
		{"another file meanwhile", func(_ *testing.T, _ string, etag *string) { *etag = `"two"` }, 0},
		{"a part without its checkpoint", func(t *testing.T, part string, _ *string) {
			if err := os.Remove(part + ".checkpoint"); err != nil {
				t.Error(err)
			}
		}, 0},
		{"a checkpoint without its part", func(t *testing.T, part string, _ *string) {
			if err := os.Remove(part); err != nil {
				t.Error(err)
			}
		}, 0},
		{"a checkpoint that is cut off", func(t *testing.T, part string, _ *string) {
			if err := os.Truncate(part+".checkpoint", 20); err != nil {
				t.Error(err)
			}
		}, 0},
	} {
		t.Run(tc.name, func(t *testing.T) {
			etag, faults := `"one"`, hub.Faults{}
			faults.Add(hub.Fault{After: 1, Do: hub.CutAfter(40 << 20)}, hub.Fault{After: 1, Times: -1, Do: hub.Answer(503)})
			s := onWeb(t, faults.Handler(nil, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				w.Header().Set("ETag", etag)
				http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(content))
			})), "/x")
			part := filepath.Join(t.TempDir(), "part")
			_, err := sources.FetchTo(context.Background(), s, listed(t, s), part)
			sources.WantReason(t, err, contract.FetchFailed)
			faults.Clear()
			tc.between(t, part, &etag)
			got, err := sources.FetchTo(context.Background(), s, listed(t, s), part)
			if err != nil || got.Reused < tc.reused || got.Reused > tc.reused+tc.reused/64 || got.SHA256 != sources.Digest(content) {
				t.Errorf("fetched %+v, %v; want %d bytes reused", got, err, tc.reused)
			}
			if left, _ := filepath.Glob(part + ".*"); len(left) > 0 {
				t.Errorf("%v were left behind", left)
			}
		})
	}
}

func listed(t *testing.T, s source.Source) source.File {
	t.Helper()
	l, err := s.Resolve(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	return l.Files[0]
}

// damage changes a byte, as a crash of the node may where nothing was synced.
func damage(t *testing.T, path string, at int64) {
	t.Helper()
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if _, err := f.WriteAt([]byte("damage"), at); err != nil {
		t.Error(err)
	}
}

// TestCheckpointOfAnotherFile: nothing that stands beside a part makes it one of a file that it is not of.
func TestCheckpointOfAnotherFile(t *testing.T) {
	s := onWeb(t, sources.Body("0123456789", "ETag", `"one"`), "/x")
	f := listed(t, s)
	right := map[string]any{"path": f.Path, "size": f.Size, "validator": f.Validator, "synced": 4}
	for _, tc := range []struct {
		key   string
		value any
		held  int64
	}{
		{"synced", 4, 4}, {"synced", 99, 4}, {"synced", -1, 0}, {"path", "y", 0}, {"size", 11, 0}, {"validator", `"two"`, 0}, {"validator", "", 0},
	} {
		part := filepath.Join(t.TempDir(), "part")
		said := map[string]any{}
		for key, value := range right {
			said[key] = value
		}
		said[tc.key] = tc.value
		encoded, err := json.Marshal(said)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(part+".checkpoint", encoded, 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(part, []byte("0123"), 0o600); err != nil {
			t.Fatal(err)
		}
		got, err := sources.FetchTo(context.Background(), s, f, part)
		if err != nil || got.Reused != tc.held || got.SHA256 != sources.Digest([]byte("0123456789")) {
			t.Errorf("%s is %v: %+v, %v; want %d bytes reused", tc.key, tc.value, got, err, tc.held)
		}
	}
	if !strings.HasSuffix(f.Path, "/x") {
		t.Errorf("path %q", f.Path)
	}
}
