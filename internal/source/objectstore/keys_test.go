package objectstore_test

import (
	"encoding/xml"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/datasetmix/datasetmix/internal/contract"
	"github.com/datasetmix/datasetmix/internal/recipe"
	"github.com/datasetmix/datasetmix/internal/source"
	"github.com/datasetmix/datasetmix/internal/testing/sources"
)

// plainS3 serves the keys of a bucket as S3 does, each holding its own name: the servers of files behind other stand-ins take a key for a
// path.
func plainS3(t *testing.T, keys ...string) string {
	type object struct {
		Key, ETag, LastModified string
		Size                    int
	}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("ETag", `"1"`)
		if r.URL.Query().Get("list-type") == "2" {
			var page struct {
				XMLName  xml.Name `xml:"ListBucketResult"`
				Contents []object
			}
			for _, key := range keys {
				if strings.HasPrefix(key, r.URL.Query().Get("prefix")) {
					page.Contents = append(page.Contents, object{key, `"1"`, "2026-01-01T00:00:00Z", len(key)})
				}
			}
			_ = xml.NewEncoder(w).Encode(page)
			return
		}
		if key := strings.TrimPrefix(r.URL.Path, "/bucket/"); slices.Contains(keys, key) {
			w.Header().Set("Content-Length", strconv.Itoa(len(key)))
			_, _ = w.Write([]byte(key))
			return
		}
		w.WriteHeader(http.StatusNotFound)
	}))
	t.Cleanup(server.Close)
	return server.URL
}

func keysOf(t *testing.T, endpoint, below string, files ...string) source.Source {
	return opened(t, recipe.ObjectStore{URL: "s3://bucket" + below, Files: files, Endpoint: endpoint}, options{})
}

// TestKeysAreNoPaths: a key is asked for as it was listed, whatever slashes and characters it has.
func TestKeysAreNoPaths(t *testing.T) {
	keys := []string{"/k/lead.jsonl", "k///b//c.jsonl", "k//a.jsonl", "k/100 %.jsonl", "k/a%2Fb.jsonl", "k/a..b...jsonl", "k/u\u0308.jsonl", "k/ü 世界 +&=.jsonl"}
	at := plainS3(t, append(keys, "k/", "k//")...)
	for _, tc := range []struct {
		below string
		files []string
		want  []string
	}{
		{"", nil, keys},
		{"/k", nil, keys[1:]},
		{"/k", []string{"/a.jsonl"}, []string{"k//a.jsonl"}},
		{"/k", []string{"//b/**"}, []string{"k///b//c.jsonl"}},
		{"/k", []string{"**/*.jsonl"}, keys[1:]},
	} {
		s := keysOf(t, at, tc.below, tc.files...)
		l, err := s.Resolve(t.Context())
		if diff := cmp.Diff(tc.want, sources.Paths(l)); diff != "" || err != nil {
			t.Errorf("%s %q: %v (-want +got):\n%s", tc.below, tc.files, err, diff)
		}
		for _, f := range l.Files {
			if content, err := sources.Read(s, f, 0); err != nil || string(content) != f.Path || f.Size != int64(len(f.Path)) {
				t.Errorf("%q of %d bytes holds %q, %v", f.Path, f.Size, content, err)
			}
		}
	}
}

// TestKeysThatCannotBeAskedFor: a key that the library of stores would write in another way is refused by its name.
func TestKeysThatCannotBeAskedFor(t *testing.T) {
	for _, key := range []string{"k/./a.jsonl", "k/../a.jsonl", "k/a__0x2f__b.jsonl", "k/../../etc/passwd", "k/a\u202etxt.jsonl"} {
		_, err := keysOf(t, plainS3(t, key), "/k").Resolve(t.Context())
		sources.WantReason(t, err, contract.InvalidData)
		if said := fmt.Sprint(err); !strings.Contains(said, "has a key that cannot be asked for as it is") || strings.Contains(said, "\u202e") {
			t.Errorf("%q: %v", key, err)
		}
	}
}

// TestListingsOfObjectsEnd: tokens that lead round in a circle.
func TestListingsOfObjectsEnd(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		next := map[string]string{"": "a", "a": "b", "b": "a"}[r.URL.Query().Get("continuation-token")]
		_, _ = fmt.Fprintf(w, `<ListBucketResult><IsTruncated>true</IsTruncated><NextContinuationToken>%s</NextContinuationToken></ListBucketResult>`, next)
	}))
	t.Cleanup(server.Close)
	_, err := keysOf(t, server.URL, "/k").Resolve(t.Context())
	if sources.WantReason(t, err, contract.InvalidData); !strings.Contains(fmt.Sprint(err), "does not come to an end") {
		t.Error(err)
	}
	endless := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = w.Write([]byte(`<ListBucketResult><Name>`))
		for range 17 << 4 {
			if _, err := w.Write([]byte(strings.Repeat(" ", 64<<10))); err != nil {
				return
			}
		}
	}))
	t.Cleanup(endless.Close)
	_, err = keysOf(t, endless.URL, "/k").Resolve(t.Context())
	if sources.WantReason(t, err, contract.InvalidData); !strings.Contains(fmt.Sprint(err), "which no answer but a file has") {
		t.Error(err)
	}
}
