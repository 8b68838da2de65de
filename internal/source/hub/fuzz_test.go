package hub

import (
	"encoding/json"
	"net/http"
	"net/url"
	"path/filepath"
	"slices"
	"testing"

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

// FuzzNextPage: no header ends the process, or leads a listing to another place than its own.
//
//fuzz:brief headers are short
func FuzzNextPage(f *testing.F) {
	f.Add(`</x?c=1>; rel="next"`)
	f.Add(`<`)
	f.Add(`>; rel="next"`)
	f.Fuzz(func(t *testing.T, link string) {
		query := nextPage(http.Header{"Link": {link}})
		u := url.URL{Scheme: "https", Host: "hub", Path: "/api", RawQuery: query}
		if again, err := url.Parse(u.String()); err == nil && (again.Host != "hub" || again.Path != "/api") {
			t.Errorf("%q leads to %s", link, again)
		}
	})
}
