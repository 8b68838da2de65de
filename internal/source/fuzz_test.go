package source

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"

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

// FuzzManifest: no manifest of a registry names a file that is not inside a folder, or a digest that is none.
//
//fuzz:brief encoding/json reads the manifest, and little is left to go wrong
func FuzzManifest(f *testing.F) {
	f.Add(`{"schemaVersion":2,"layers":[{"digest":"sha256:00","size":3,"annotations":{"org.opencontainers.image.title":"a/b"}}]}`)
	f.Add(`{"layers":[{"digest":"sha256:0000000000000000000000000000000000000000000000000000000000000000","size":-3,"annotations":{"org.opencontainers.image.title":"../b"}}]}`)
	f.Fuzz(func(t *testing.T, text string) {
		manifest, err := v1.ParseManifest(strings.NewReader(text))
		if err != nil {
			return
		}
		files, err := (&artifact{}).files(manifest)
		for title, of := range files {
			if err == nil && (!filepath.IsLocal(title) || !contract.IsSHA256(of.SHA256)) {
				t.Errorf("%q: %+v", title, of)
			}
		}
	})
}

// FuzzHosts: what is read of a Secret's key lets no other host through than it names.
//
//fuzz:brief entries are short, and a regular expression reads them
func FuzzHosts(f *testing.F) {
	f.Add("hub.example.org, *.b.org:8443 [::1]", "evil.example.org")
	f.Fuzz(func(t *testing.T, text, host string) {
		hosts, err := ParseHosts(text)
		if err != nil {
			return
		}
		u := &url.URL{Scheme: https, Host: host}
		if hosts.may(u) && !slices.ContainsFunc(hosts, func(rule hostRule) bool { return strings.HasSuffix(hostName(u.Hostname()), rule.name) }) {
			t.Errorf("%q lets %q through", text, host)
		}
	})
}

// FuzzListing: whatever a listing says, what is kept of it can be shown, and has digests that are some.
//
//fuzz:brief each string is judged alone
func FuzzListing(f *testing.F) {
	f.Add("a\x1b", "../../x", "md5:0", "mit", int64(-2))
	f.Fuzz(func(t *testing.T, path, digest, sum, license string, size int64) {
		l, err := judged{listedSource{Listing{License: license, Files: []File{{Path: path, Size: size, SHA256: digest, Checksum: sum}}}}}.Resolve(t.Context())
		if err != nil {
			if contract.ReasonOf(err) != contract.InvalidData {
				t.Error(err)
			}
			return
		}
		kept := l.Files[0]
		if contract.Clean(kept.Path, 0) != path || kept.Size < -1 || digest != "" && !contract.IsSHA256(digest) || len([]rune(l.License)) > maxLicence {
			t.Errorf("kept %+v", l)
		}
	})
}

// listedSource lists what it is.
type listedSource struct{ Listing }

func (l listedSource) Resolve(context.Context) (Listing, error) { return l.Listing, nil }

func (listedSource) Open(context.Context, File, int64) (io.ReadCloser, error) { return nil, io.EOF }
