package hub_test

import (
	"context"
	"crypto/sha1"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/datasetmix/datasetmix/internal/testing/hub"
)

const (
	oldCommit = "1111111111111111111111111111111111111111"
	newCommit = "2222222222222222222222222222222222222222"
)

// largeFile and smallFile are how the Hub keeps its two sorts of files.
func largeFile(s string) hub.File { return hub.File{Content: []byte(s), LFS: true} }

func smallFile(s string) hub.File { return hub.File{Content: []byte(s)} }

// letters returns an open repository with both sorts of files.
func letters() hub.Repo {
	return hub.Repo{
		ID: "acme/letters", SHA: oldCommit, License: "mit",
		Files: map[string]hub.File{
			"README.md":             smallFile("read me"),
			"data/a b.jsonl":        smallFile(strings.Repeat("small ", 100)),
			"data/train-0.parquet":  largeFile(strings.Repeat("large ", 1000)),
			"data/deep/one.parquet": largeFile("one"),
		},
	}
}

// ask sends one request without following redirects, and closes the body after reading it.
func ask(t *testing.T, method, url string, header ...string) (*http.Response, string) {
	t.Helper()
	req, err := http.NewRequestWithContext(context.Background(), method, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Accept-Encoding", "identity")
	for i := 0; i+1 < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	client := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	res, err := client.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatalf("reading the body of %s %s: %v", method, url, err)
	}
	return res, string(body)
}

// serve starts a Hub for the test.
func serve(t *testing.T, opts hub.Options, repos ...hub.Repo) (*hub.Hub, string) {
	t.Helper()
	h := hub.New(opts, repos...)
	return h, hub.Start(t, h)
}

func decode[T any](t *testing.T, body string) T {
	t.Helper()
	var v T
	if err := json.Unmarshal([]byte(body), &v); err != nil {
		t.Fatalf("%v in %s", err, body)
	}
	return v
}

func TestInfo(t *testing.T) {
	repo := letters()
	repo.Gated = "auto"
	repo.Configs = []hub.Config{
		{Name: "one", Default: true, DataDir: "data", Data: []hub.SplitFiles{{Split: "train", Paths: []string{"train-*"}}}},
		{Name: "two", Data: []hub.SplitFiles{{Split: "test", Paths: []string{"a", "b"}}}},
	}
	repo.Card = map[string]any{"pretty_name": "Letters"}
	_, endpoint := serve(t, hub.Options{}, repo)
	_, body := ask(t, "GET", endpoint+"/api/datasets/acme/letters")
	want := map[string]any{
		"id": "acme/letters", "sha": oldCommit, "private": false, "gated": "auto", "disabled": false,
		"cardData": map[string]any{
			"license": "mit", "pretty_name": "Letters",
			"configs": []any{
				map[string]any{"config_name": "one", "default": true, "data_dir": "data",
					"data_files": []any{map[string]any{"split": "train", "path": "train-*"}}},
				map[string]any{"config_name": "two",
					"data_files": []any{map[string]any{"split": "test", "path": []any{"a", "b"}}}},
			},
		},
		"siblings": []any{
			map[string]any{"rfilename": "README.md"}, map[string]any{"rfilename": "data/a b.jsonl"},
			map[string]any{"rfilename": "data/deep/one.parquet"}, map[string]any{"rfilename": "data/train-0.parquet"},
		},
	}
	if diff := cmp.Diff(want, decode[map[string]any](t, body)); diff != "" {
		t.Errorf("information (-want +got):\n%s", diff)
	}
	_, body = ask(t, "GET", endpoint+"/api/datasets/acme/letters?blobs=true")
	if !strings.Contains(body, `"size":6000`) {
		t.Errorf("blobs=true gives no sizes: %s", body)
	}
}

func TestRevisions(t *testing.T) {
	first, second := letters(), letters()
	first.Aliases = []string{"main", "v1"}
	second.SHA, second.Aliases = newCommit, []string{"main", "refs/convert/parquet"}
	h, endpoint := serve(t, hub.Options{}, first)
	sha := func(rev string) string {
		res, body := ask(t, "GET", endpoint+"/api/datasets/acme/letters"+rev)
		if res.StatusCode != http.StatusOK {
			return res.Header.Get("X-Error-Code")
		}
		return decode[struct{ SHA string }](t, body).SHA
	}
	if got := sha("/revision/main"); got != oldCommit {
		t.Errorf("main before the second commit is %s", got)
	}
	h.Put(second)
	for rev, want := range map[string]string{
		"":                                     newCommit,
		"/revision/main":                       newCommit,
		"/revision/v1":                         oldCommit,
		"/revision/" + oldCommit:               oldCommit,
		"/revision/refs%2Fconvert%2Fparquet":   newCommit,
		"/revision/nothing":                    "RevisionNotFound",
		"/revision/" + strings.Repeat("3", 40): "RevisionNotFound",
	} {
		if got := sha(rev); got != want {
			t.Errorf("revision %q is %s, want %s", rev, got, want)
		}
	}
}

func TestTreeIsPaged(t *testing.T) {
	_, endpoint := serve(t, hub.Options{PageSize: 2}, letters())
	type entry struct {
		Type, Path, OID string
		Size            int
		LFS             *struct {
			OID  string
			Size int
		}
	}
	var paths, digests []string
	pages := 0
	link := regexp.MustCompile(`^<(http://[^>]+)>; rel="next"$`)
	for next := endpoint + "/api/datasets/acme/letters/tree/main?recursive=true"; next != ""; {
		res, body := ask(t, "GET", next)
		for _, e := range decode[[]entry](t, body) {
			paths = append(paths, e.Type+" "+e.Path)
			if e.LFS != nil {
				digests = append(digests, e.LFS.OID)
			}
		}
		pages++
		next = ""
		if m := link.FindStringSubmatch(res.Header.Get("Link")); m != nil {
			next = m[1]
		}
	}
	want := []string{
		"file README.md", "directory data", "file data/a b.jsonl",
		"directory data/deep", "file data/deep/one.parquet", "file data/train-0.parquet",
	}
	if diff := cmp.Diff(want, paths); diff != "" {
		t.Errorf("tree (-want +got):\n%s", diff)
	}
	if pages != 3 {
		t.Errorf("%d pages, want 3", pages)
	}
	wantDigests := []string{hexSHA256("one"), hexSHA256(strings.Repeat("large ", 1000))}
	if diff := cmp.Diff(wantDigests, digests); diff != "" {
		t.Errorf("digests of large files (-want +got):\n%s", diff)
	}
}

func hexSHA256(s string) string {
	sum := sha256.Sum256([]byte(s))
	return hex.EncodeToString(sum[:])
}

func hexBlob(s string) string {
	sum := sha1.Sum(fmt.Appendf(nil, "blob %d\x00%s", len(s), s))
	return hex.EncodeToString(sum[:])
}

func TestTreeOfAFolder(t *testing.T) {
	_, endpoint := serve(t, hub.Options{PageSize: 100}, letters(), hub.Repo{ID: "acme/empty", SHA: newCommit})
	for path, want := range map[string]string{
		"/api/datasets/acme/letters/tree/main":                     "README.md data",
		"/api/datasets/acme/letters/tree/main/data":                "data/a b.jsonl data/deep data/train-0.parquet",
		"/api/datasets/acme/letters/tree/main/data?recursive=true": "data/a b.jsonl data/deep data/deep/one.parquet data/train-0.parquet",
		"/api/datasets/acme/letters/tree/main/nothing":             "EntryNotFound",
		"/api/datasets/acme/empty/tree/main":                       "",
	} {
		res, body := ask(t, "GET", endpoint+path)
		got := res.Header.Get("X-Error-Code")
		if res.StatusCode == http.StatusOK {
			var paths []string
			for _, e := range decode[[]struct{ Path string }](t, body) {
				paths = append(paths, e.Path)
			}
			got = strings.Join(paths, " ")
		}
		if got != want {
			t.Errorf("%s is %q, want %q", path, got, want)
		}
	}
}

func TestLargeFile(t *testing.T) {
	h, endpoint := serve(t, hub.Options{}, letters())
	content := strings.Repeat("large ", 1000)
	for _, method := range []string{"HEAD", "GET"} {
		res, _ := ask(t, method, endpoint+"/datasets/acme/letters/resolve/main/data/train-0.parquet")
		got := map[string]string{"status": res.Status}
		for _, name := range []string{"X-Repo-Commit", "X-Linked-Etag", "X-Linked-Size", "Etag", "Accept-Ranges"} {
			got[name] = res.Header.Get(name)
		}
		want := map[string]string{
			"status": "302 Found", "X-Repo-Commit": oldCommit, "X-Linked-Size": "6000", "Accept-Ranges": "bytes",
			"X-Linked-Etag": `"` + hexSHA256(content) + `"`, "Etag": `"` + hexSHA256(content) + `"`,
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", method, diff)
		}
		location := res.Header.Get("Location")
		if strings.HasPrefix(location, endpoint) || !strings.Contains(location, "X-Amz-Expires=3600") {
			t.Errorf("location %s is not a signed address on another host", location)
		}
		res, body := ask(t, "GET", location)
		if body != content || res.Header.Get("X-Repo-Commit") != "" || strings.Contains(res.Header.Get("ETag"), hexSHA256(content)) {
			t.Errorf("the other host sent %d bytes with headers %v", len(body), res.Header)
		}
		res, _ = ask(t, "GET", location, "Authorization", "Bearer x")
		if res.StatusCode != http.StatusBadRequest {
			t.Errorf("the other host took a token: %s", res.Status)
		}
		res, _ = ask(t, "GET", location+"0")
		if res.StatusCode != http.StatusForbidden {
			t.Errorf("a wrong signature is answered %s", res.Status)
		}
		h.ExpireSignedURLs()
		if res, _ = ask(t, "GET", location); res.StatusCode != http.StatusForbidden {
			t.Errorf("an expired address is answered %s", res.Status)
		}
	}
}

func TestSmallFile(t *testing.T) {
	_, endpoint := serve(t, hub.Options{}, letters())
	content := strings.Repeat("small ", 100)
	res, _ := ask(t, "GET", endpoint+"/datasets/acme/letters/resolve/main/data/a%20b.jsonl")
	location := res.Header.Get("Location")
	want := "/api/resolve-cache/datasets/acme/letters/" + oldCommit + "/data/a%20b.jsonl?etag=%22" + hexBlob(content) + "%22"
	if res.StatusCode != http.StatusTemporaryRedirect || location != want {
		t.Fatalf("%s to %s, want 307 to %s", res.Status, location, want)
	}
	res, body := ask(t, "GET", endpoint+location)
	if body != content || res.Header.Get("ETag") != `"`+hexBlob(content)+`"` {
		t.Errorf("got %d bytes with ETag %s", len(body), res.Header.Get("ETag"))
	}
	res, _ = ask(t, "GET", endpoint+location, "Accept-Encoding", "gzip")
	if res.Header.Get("Content-Encoding") != "gzip" || res.ContentLength >= 0 {
		t.Errorf("a client that takes gzip got encoding %q and length %d", res.Header.Get("Content-Encoding"), res.ContentLength)
	}
	bare, _, _ := strings.Cut(location, "?")
	if res, _ = ask(t, "GET", endpoint+bare); res.StatusCode != http.StatusBadRequest {
		t.Errorf("without its query the address is answered %s", res.Status)
	}
	res, _ = ask(t, "GET", endpoint+"/datasets/acme/letters/resolve/main/nothing")
	if res.StatusCode != http.StatusNotFound || res.Header.Get("X-Error-Code") != "EntryNotFound" {
		t.Errorf("a missing file is answered %s %v", res.Status, res.Header)
	}
}

func TestRanges(t *testing.T) {
	_, endpoint := serve(t, hub.Options{}, letters())
	res, _ := ask(t, "GET", endpoint+"/datasets/acme/letters/resolve/main/data/train-0.parquet")
	location := res.Header.Get("Location")
	res, _ = ask(t, "HEAD", location)
	etag := res.Header.Get("ETag")
	for _, tc := range []struct {
		name   string
		header []string
		status int
		length int
	}{
		{"whole", nil, http.StatusOK, 6000},
		{"from the middle", []string{"Range", "bytes=5000-"}, http.StatusPartialContent, 1000},
		{"unchanged", []string{"Range", "bytes=5000-", "If-Range", etag}, http.StatusPartialContent, 1000},
		{"changed", []string{"Range", "bytes=5000-", "If-Range", `"other"`}, http.StatusOK, 6000},
		{"beyond the end", []string{"Range", "bytes=6000-"}, http.StatusRequestedRangeNotSatisfiable, -1},
	} {
		t.Run(tc.name, func(t *testing.T) {
			res, body := ask(t, "GET", location, tc.header...)
			if res.StatusCode != tc.status || tc.length >= 0 && len(body) != tc.length {
				t.Errorf("got %s and %d bytes, want %d and %d", res.Status, len(body), tc.status, tc.length)
			}
		})
	}
}

// TestOwnClient: what the Hub's own client asks for beyond what a downloader needs.
func TestOwnClient(t *testing.T) {
	large := hub.File{Content: []byte("large"), LFS: true}
	h := hub.New(hub.Options{}, hub.Repo{ID: "acme/letters", SHA: strings.Repeat("a", 40), Aliases: []string{"main", "v1"}, Files: map[string]hub.File{
		"README.md": {Content: []byte("read me")}, "data/a.parquet": large,
	}})
	ask := func(method, target, body string) *httptest.ResponseRecorder {
		t.Helper()
		r := httptest.NewRequest(method, target, strings.NewReader(body))
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		return w
	}
	const api = "/api/datasets/acme/letters"
	for _, c := range []struct{ method, path, body, want string }{
		{"POST", api + "/paths-info/main", "paths=data%2Fa.parquet&paths=data&paths=none&expand=False", `"path":"data/a.parquet","size":5`},
		{"POST", api + "/paths-info/main", "paths=data", `[{"oid":`},
		{"GET", api + "/refs", "", `{"branches":[{"name":"main","ref":"refs/heads/main","targetCommit":"` + strings.Repeat("a", 40) + `"}`},
		{"GET", api + "/commits/v1", "", `"id":"` + strings.Repeat("a", 40) + `"`},
		{"GET", api + "?blobs=True", "", `"lfs":{"pointerSize":`},
		{"GET", api + "/tree/main?recursive=True", "", `"path":"data/a.parquet"`},
	} {
		if got := ask(c.method, c.path, c.body); got.Code != http.StatusOK || !strings.Contains(got.Body.String(), c.want) {
			t.Errorf("%s %s: %d %s, want %s", c.method, c.path, got.Code, got.Body, c.want)
		}
	}
	small := ask("HEAD", "/api/resolve-cache/datasets/acme/letters/"+strings.Repeat("a", 40)+"/README.md", "")
	if small.Code != http.StatusOK || small.Header().Get("ETag") == "" || small.Header().Get("X-Repo-Commit") == "" || small.Header().Get("Content-Length") != "7" {
		t.Errorf("the head of a small file: %d %v", small.Code, small.Header())
	}
	to := ask("HEAD", "/datasets/acme/letters/resolve/main/data/a.parquet", "").Header().Get("Location")
	if got := ask("HEAD", to, ""); got.Header().Get("X-Repo-Commit") == "" || got.Header().Get("X-Linked-Size") != "5" {
		t.Errorf("a large file on the Hub's own host: %v", got.Header())
	}
}
