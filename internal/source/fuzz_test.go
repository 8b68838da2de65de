package source

import (
	"encoding/json"
	"net/http"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/datasetmix/datasetmix/internal/contract"
)

// FuzzCard: whatever a card holds, choosing gives files of the repository, sorted and each once, or a permanent failure.
//
//fuzz:brief encoding/json reads the card, and little is left to go wrong
func FuzzCard(f *testing.F) {
	f.Add(`{"license":"mit","configs":[{"config_name":"a","data_files":"a/*"}]}`, "a", "train")
	f.Add(`{"license":["mit"],"configs":[{"config_name":"a","default":true,"data_files":[{"split":"train","path":["a/t*","**"]}]}]}`, "", "train")
	f.Add(`{"license":7,"configs":{"a":1}}`, "", "")
	f.Add(`{"configs":[{"config_name":"a","data_dir":"../a"},{"config_name":7}]}`, "a", "")
	f.Add(`[]`, "main", "validation")
	f.Add(`null`, "[", "]")
	paths := []string{"README.md", "a/train-0.parquet", "a/train-1.parquet", "b/c/dev.csv", "data/train.jsonl"}
	f.Fuzz(func(t *testing.T, card, config, split string) {
		var data cardData
		_ = json.Unmarshal([]byte(card), &data) // text that is not JSON leaves it empty
		chosen, err := selection{config: config, split: split, where: "repository a/b"}.choose(t.Context(), data, paths)
		if err != nil {
			if !contract.ReasonOf(err).Permanent() {
				t.Errorf("reason %s: %v", contract.ReasonOf(err), err)
			}
			return
		}
		if len(chosen) == 0 || !slices.IsSorted(chosen) || len(slices.Compact(slices.Clone(chosen))) != len(chosen) {
			t.Errorf("chose %q", chosen)
		}
		for _, p := range chosen {
			if !slices.Contains(paths, p) {
				t.Errorf("chose %q, which is not there", p)
			}
		}
	})
}

// FuzzTreeEntry: no entry of a listing names a file outside the repository.
//
//fuzz:brief encoding/json reads the entry, and little is left to go wrong
func FuzzTreeEntry(f *testing.F) {
	f.Add(`{"type":"file","path":"a/b.parquet","oid":"1","size":3,"lfs":{"oid":"sha256:2","size":4}}`)
	f.Add(`{"type":"file","path":"../b","size":-3}`)
	f.Add(`{"type":"directory","path":"/"}`)
	f.Fuzz(func(t *testing.T, text string) {
		var e treeEntry
		if json.Unmarshal([]byte(text), &e) != nil {
			return
		}
		file, ok, err := e.file("commit")
		if ok && (err != nil || !filepath.IsLocal(file.Path) || file.Revision != "commit") {
			t.Errorf("%+v, %v", file, err)
		}
	})
}

// FuzzHeaders: no header makes a wait negative, or a range begin elsewhere than it was asked to.
//
//fuzz:brief headers are short
func FuzzHeaders(f *testing.F) {
	f.Add(`"api";r=0;t=30`, "7", "bytes 5-9/10", `</x?c=1>; rel="next"`)
	f.Add(`;;r=;t`, "Sat, 01 Aug 2026 12:00:00 GMT", "bytes 5-9/*", `<`)
	f.Add(`r=99999999999;t=99999999999`, "-0", "bytes */10", `>; rel="next"`)
	f.Fuzz(func(t *testing.T, limit, after, contentRange, link string) {
		header := http.Header{}
		header.Set("RateLimit", limit)
		header.Set("Retry-After", after)
		if wait, asked := retryAfter(header, time.Unix(0, 0)); wait < 0 || !asked && wait != 0 {
			t.Errorf("asked %v to wait %v", asked, wait)
		}
		if checkRange(contentRange, File{Size: 10}, 5) == nil && !strings.HasPrefix(contentRange, "bytes 5-") {
			t.Errorf("took the range %q", contentRange)
		}
		nextPage(http.Header{"Link": {link}})
	})
}

// FuzzCheckpoint: whatever stands beside a part, of the part is taken no more than it says of this very file, and nothing of a file
// that no server tells apart.
func FuzzCheckpoint(f *testing.F) {
	f.Add([]byte(`{"path":"a","size":9,"validator":"\"one\"","synced":4}`), `"one"`)
	f.Add([]byte(`{"path":"a","size":9,"validator":"\"one\"","synced":-4}`), `"one"`)
	f.Add([]byte(`{"path":"a","size":9,"validator":"","synced":4}`), "")
	f.Add([]byte(`{"path":"b","size":9,"validator":"\"one\"","synced":4}`), `"one"`)
	f.Add([]byte(`{"synced":1e30`), "x")
	f.Fuzz(func(t *testing.T, encoded []byte, validator string) {
		file := File{Path: "a", Size: 9, Validator: validator}
		synced := syncedOf(encoded, file)
		if synced == 0 {
			return
		}
		var said checkpoint
		if err := json.Unmarshal(encoded, &said); err != nil || validator == "" || said != (checkpoint{"a", 9, validator, synced}) || synced < 0 {
			t.Errorf("%q proves %d bytes of %+v: %v", encoded, synced, file, err)
		}
	})
}
